"""A worker process: does what a service without the code owes, says so, and ends when it is told to."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import pytest

from tests.forked import Forked
from tests.webapp.conftest import Outside
from tests.webapp.services import until
from tests.webapp.test_handlers import ENGINES, SLOW
from webapp.server.startup import REFUSED
from workflow_fsm import Settings, Workflow

Work = Callable[..., Forked]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Work]:
    """Start a worker process; its log goes to `log` in `tmp_path`."""
    started: list[Forked] = []

    def start(**environment: str) -> Forked:
        given = {"WORKFLOW_DATABASE_URL": f"sqlite:///{tmp_path / 'claims.db'}"}
        started.append(
            Forked(
                *("workflow_fsm", "worker"),
                cwd=tmp_path,
                stdout=tmp_path / "log",
                stderr=tmp_path / "stderr",
                variables=given | environment,
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def messages(tmp_path: Path) -> list[str]:
    return [json.loads(line)["message"] for line in (tmp_path / "log").read_text().splitlines()]


def opened(tmp_path: Path) -> Workflow:
    return Workflow.open(f"sqlite:///{tmp_path / 'claims.db'}", settings=Settings())


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_does_what_others_owe_until_it_is_told_to_end(
    begin: Work, tmp_path: Path, told: signal.Signals
) -> None:
    (tmp_path / "engines.py").write_text(ENGINES)
    process = begin(WORKFLOW_HANDLERS="engines")
    until(lambda: "working in 4 threads" in messages(tmp_path))
    with opened(tmp_path) as workflow:
        workflow.fire("sync_complete", user_id="u", sync_id="s")
        workflow.fire("detection_complete", user_id="u", sync_id="s", claims=[{"claim_id": "c"}])
        until(lambda: [row["to"] for row in workflow.history("u") or []][-1:] == ["submitted"])
    process.send_signal(told)

    assert process.wait(timeout=10) == 0
    assert messages(tmp_path)[0] == "handlers: engines"
    assert messages(tmp_path)[-1] == "stopped"


def test_a_worker_calls_the_integrations_service_and_tells_of_dead_letters(
    begin: Work, tmp_path: Path, outside: Outside
) -> None:
    outside.answer(400)
    begin(INTEGRATIONS_URL=outside.url, WORKFLOW_RUN_DETECTION="1")
    until(lambda: "working in 4 threads" in messages(tmp_path))
    with opened(tmp_path) as workflow:
        workflow.fire("sync_complete", user_id="u", sync_id="s")
        [(path, _, body)] = outside.wait_for(1)
        assert (path, body["syncId"]) == ("/api/detections/run", "s")
        until(lambda: len(workflow.dead_letters()) == 1)
    until(lambda: any("integrations.run_detection" in told and "dead" in told for told in messages(tmp_path)))
    assert messages(tmp_path)[0] == "handlers: integrations.start_sync, integrations.run_detection"


def test_a_worker_has_as_many_threads_as_it_is_told(begin: Work, tmp_path: Path) -> None:
    begin(WORKFLOW_EFFECT_THREADS="7")

    until(lambda: "working in 7 threads" in messages(tmp_path))


def test_a_module_in_the_current_folder_is_found_without_a_path(begin: Work, tmp_path: Path) -> None:
    (tmp_path / "engines.py").write_text(ENGINES)
    begin(WORKFLOW_HANDLERS="engines", PYTHONSAFEPATH="1")

    until(lambda: "handlers: engines" in messages(tmp_path))


def test_a_worker_that_is_ended_in_an_effect_waits_for_it(begin: Work, tmp_path: Path) -> None:
    (tmp_path / "begun").mkdir()
    (tmp_path / "slow.py").write_text(SLOW.format(path=str(tmp_path / "begun"), seconds=1))
    process = begin(WORKFLOW_HANDLERS="slow")
    with opened(tmp_path) as workflow:
        until(lambda: [one["name"] for one in workflow.handlers()] == ["slow"])
        workflow.fire("sync_complete", user_id="u", sync_id="s")
        until((tmp_path / "begun" / "u").exists)
        began = monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
        assert monotonic() - began < 4
        assert workflow.owed() == []


def test_what_only_a_service_needs_stops_no_worker(begin: Work, tmp_path: Path) -> None:
    begin(PORT="web", WORKFLOW_JWT_SECRET="short", WORKFLOW_MAX_SOCKETS="many")

    until(lambda: "working in 4 threads" in messages(tmp_path))


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"WORKFLOW_HANDLERS": "nobody_s"}, "WORKFLOW_HANDLERS names 'nobody_s', which can't be imported"),
        ({"WORKFLOW_DATABASE_URL": "sqlite:///:memory:"}, "is another store in each process"),
        ({"INTEGRATIONS_URL": "http://n", "PORT": "0"}, "PYTHON_API_URL must be set where PORT is 0"),
    ],
)
def test_a_worker_that_can_t_begin_says_why(begin: Work, environment: dict[str, str], told: str) -> None:
    process = begin(**environment)
    said = process.complaint(timeout=20)

    assert process.returncode == REFUSED
    assert said.startswith("workflow-fsm can't work: ")
    assert said.count("\n") == 1
    assert told in said
