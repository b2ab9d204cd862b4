"""Several processes on one port: one service, whichever of them answers, and whichever of them dies."""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest
import requests

from tests.webapp.conftest import Api
from tests.webapp.http.keys import ALL, API_TOKEN
from tests.webapp.routes.test_metrics import counted, samples
from tests.webapp.server.several import alone, both, processes_of
from tests.webapp.services import Service, Start, StartService, until
from tests.webapp.ws.following import Listener
from webapp.access.sessions import COOKIE, CSRF_HEADER
from webapp.routes.webhooks import PREFIX
from webapp.server.startup import REFUSED
from workflow_fsm import Settings, Workflow
from workflow_fsm.effects.threads.crew import MOST_REPLACED

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked at on Linux only")

WHO = """
import os, pathlib

def register(workflow):
    @workflow.on_enter("synced")
    def tell(transition):
        with pathlib.Path({path!r}).open("a") as told:
            told.write(f"{{os.getpid()}} {{transition.user_id}}\\n")
"""

HANGS = """
import os, pathlib, time

def register(workflow):
    first = pathlib.Path({path!r})

    @workflow.on_enter("synced", timeout_seconds=0.2)
    def hang(transition):
        if not first.exists():
            first.write_text(str(os.getpid()))
        if first.read_text() == str(os.getpid()):
            time.sleep(60)
"""


@pytest.fixture(params=["sqlite", "postgres"])
def start_two(request: pytest.FixtureRequest, start_service: StartService) -> Callable[..., Service]:
    """Start a service of two processes, on each kind of store in turn."""
    url = request.getfixturevalue(f"{request.param}_url")
    return lambda **given: start_service(WORKFLOW_PROCESSES="2", WORKFLOW_DATABASE_URL=url, **given)


def post(service: Service, user: str) -> int:
    """Post an event over a connection of its own."""
    sent = requests.post(f"{service.url}{PREFIX}/sync/complete", json={"user_id": user}, timeout=20)
    return sent.status_code


def test_each_answers_for_all_and_counts_what_all_did(start_two: Callable[..., Service]) -> None:
    service = start_two()
    first, second = both(service)
    with alone(service, first):
        assert [post(service, user) for user in ("a", "b", "c")] == [200] * 3
    with alone(service, second):
        assert [post(service, user) for user in ("d", "e")] == [200] * 2

    for process in (first, second):
        with alone(service, process):
            told = samples(requests.get(f"{service.url}/metrics", timeout=10).text)
            assert counted(told["workflow_answers_total"]) == {("applied", "sync_complete"): 5}
            assert told["workflow_commit_jobs_count"] == told["workflow_commit_seconds_count"]
            assert requests.get(f"{service.url}{PREFIX}/status/a", timeout=10).json()["state"] == "synced"
            assert requests.get(f"{service.url}/readyz", timeout=10).status_code == 200


def test_one_that_is_killed_is_replaced_and_what_it_counted_stays(start_two: Callable[..., Service]) -> None:
    service = start_two()
    first, second = both(service)
    with alone(service, first):
        assert post(service, "a") == 200
    os.kill(first, signal.SIGKILL)
    until(lambda: first not in processes_of(service) and len(processes_of(service)) == 2)

    assert second in processes_of(service)
    assert post(service, "b") == 200
    told = samples(requests.get(f"{service.url}/metrics", timeout=10).text)
    assert counted(told["workflow_answers_total"]) == {("applied", "sync_complete"): 2}
    cores = {tuple(os.sched_getaffinity(one)) for one in both(service)}
    assert len(cores) == min(2, len(os.sched_getaffinity(0)))


def test_a_socket_of_one_is_told_what_another_commits(start_two: Callable[..., Service]) -> None:
    service = start_two()
    first, second = both(service)
    with alone(service, first):
        listener = Listener(service.port, "u")
    with listener:
        with alone(service, second):
            assert post(service, "u") == 200
            told = samples(requests.get(f"{service.url}/metrics", timeout=10).text)
            assert told["workflow_sockets"] == {(): 1}
        assert listener.read()["data"]["trigger"] == "sync_complete"


def test_a_session_that_one_began_is_another_s_too(start_two: Callable[..., Service]) -> None:
    service = start_two(**ALL)
    first, second = both(service)
    page = {"Accept": "text/html"}
    with alone(service, first):
        signed = requests.post(
            f"{service.url}/login", data={"token": API_TOKEN}, headers=page, timeout=10, allow_redirects=False
        )
    cookies = {COOKIE: signed.cookies[COOKIE]}

    with alone(service, second):
        shown = requests.get(f"{service.url}/", headers=page, cookies=cookies, timeout=10)
        assert shown.status_code == 200
        token = shown.text.partition('name="csrf_token" value="')[2].partition('"')[0]
        assert token
    with alone(service, first):
        ended = requests.post(
            f"{service.url}/logout",
            headers={**page, CSRF_HEADER: token},
            cookies=cookies,
            timeout=10,
            allow_redirects=False,
        )
        assert ended.status_code == 303


def test_a_stop_ends_all_of_them_and_leaves_nothing_behind(start_two: Callable[..., Service]) -> None:
    service = start_two()
    first, second = both(service)
    assert post(service, "u") == 200
    [folder] = {
        Path(line.split(maxsplit=5)[5]).parent
        for line in Path(f"/proc/{first}/maps").read_text().splitlines()
        if "/workflow-fsm-" in line
    }
    assert folder.is_dir()

    began = monotonic()
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(timeout=10) == 0
    assert monotonic() - began < 6
    assert not any(Path(f"/proc/{one}").exists() for one in (first, second))
    assert not folder.exists()


def test_effects_are_done_by_one_and_by_another_when_that_has_died(
    start_service: StartService, sqlite_url: str, tmp_path: Path
) -> None:
    told = tmp_path / "told"
    (tmp_path / "who.py").write_text(WHO.format(path=str(told)))
    service = start_service(
        WORKFLOW_PROCESSES="2",
        WORKFLOW_DATABASE_URL=sqlite_url,
        WORKFLOW_HANDLERS="who",
        PYTHONPATH=str(tmp_path),
    )
    both(service)

    def done() -> list[list[str]]:
        return [line.split() for line in told.read_text().splitlines()] if told.exists() else []

    for number in range(10):
        assert post(service, f"a{number}") == 200
    until(lambda: len(done()) == 10)
    [(at_it, _)] = Counter(process for process, _ in done()).items()
    assert int(at_it) in processes_of(service)

    def working() -> float:
        scraped = samples(requests.get(f"{service.url}/metrics", timeout=10).text)
        return scraped.get("workflow_worker_threads", {}).get(("working",), 0)

    until(lambda: working() == 4)

    os.kill(int(at_it), signal.SIGKILL)
    for number in range(10):
        assert post(service, f"b{number}") == 200
    until(lambda: len(done()) >= 20)
    assert {user for _, user in done()} == {f"{when}{number}" for when in "ab" for number in range(10)}
    [successor] = {process for process, user in done() if user.startswith("b")}
    assert successor != at_it
    until(lambda: len(processes_of(service)) == 2 and working() == 4)


def test_one_whose_effects_hang_ends_and_another_does_them(
    start_service: StartService, sqlite_url: str, tmp_path: Path
) -> None:
    (tmp_path / "hangs.py").write_text(HANGS.format(path=str(tmp_path / "first")))
    service = start_service(
        WORKFLOW_PROCESSES="2",
        WORKFLOW_DATABASE_URL=sqlite_url,
        WORKFLOW_HANDLERS="hangs",
        WORKFLOW_EFFECT_THREADS="1",
        WORKFLOW_EFFECT_PAUSE="50ms",
        PYTHONPATH=str(tmp_path),
    )
    before = both(service)
    for number in range(MOST_REPLACED + 1):
        assert post(service, f"u{number}") == 200
    until((tmp_path / "first").exists)
    hanging = int((tmp_path / "first").read_text())
    assert hanging in before

    until(lambda: hanging not in processes_of(service), seconds=30)
    with Workflow.open(sqlite_url, settings=Settings()) as workflow:
        until(lambda: workflow.owed() == [], seconds=30)
    assert requests.get(f"{service.url}/readyz", timeout=10).status_code == 200
    assert any("this process ends" in line.get("message", "") for line in service.lines())


def test_none_but_a_number_that_a_machine_can_have_is_taken(start_process: Start, tmp_path: Path) -> None:
    for given in ("0", "two", "65"):
        process = start_process(tmp_path / f"log-{given}", WORKFLOW_PROCESSES=given)
        assert process.wait(timeout=20) != 0
        told = f"WORKFLOW_PROCESSES is '{given}'; it must be a whole number from 1 to 64"
        assert told in process.complaint()


def test_a_store_in_memory_is_refused_for_several(start_process: Start, tmp_path: Path) -> None:
    process = start_process(
        tmp_path / "log", WORKFLOW_PROCESSES="2", WORKFLOW_DATABASE_URL="sqlite:///:memory:"
    )

    assert process.wait(timeout=20) == REFUSED
    assert "WORKFLOW_PROCESSES is 2; name a file" in process.complaint()


def test_the_log_of_several_is_whole_lines(start_two: Callable[..., Service]) -> None:
    service = start_two()
    both(service)
    api = Api(service.url)
    codes = [api.post("sync/complete", {"user_id": f"u{number}"}).status_code for number in range(50)]
    api.close()

    assert codes == [200] * 50
    until(lambda: sum(line.get("code") == 200 for line in service.lines()) == 50)
