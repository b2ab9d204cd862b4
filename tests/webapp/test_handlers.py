"""Handlers beside a real service: modules that the environment names, timers, alerts, and a bounded end."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from tests.webapp.conftest import Api, Outside
from tests.webapp.services import Service, Start, until
from webapp import create_app
from webapp.routes.webhooks import PREFIX
from webapp.server.startup import REFUSED
from workflow_fsm import HandlerInvalid, Settings, Workflow
from workflow_fsm.effects.modules import load_handlers

StartService = Callable[..., Service]

ENGINES = '''
"""An evidence-matching engine and an auto-submit engine, as an application brings them."""

from workflow_fsm import Fire


def register(workflow):
    @workflow.on_enter("detected")
    def match_evidence(transition):
        return Fire("evidence_matching_complete", confidence="0.9")

    @workflow.on_enter("matched")
    def auto_submit(transition):
        if transition.claim["decision"] == "auto_submit":
            return Fire("claim_submitted", amazon_case_id=f"case-{transition.claim_id}")
'''

SLOW = """
import pathlib, time

def register(workflow):
    @workflow.on_enter("synced")
    def slow(transition):
        pathlib.Path({path!r}, transition.user_id).write_text(str(transition.attempt))
        time.sleep({seconds})
"""


class Folder:
    """A folder of modules that a service can import."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, name: str, text: str) -> str:
        (self.path / f"{name}.py").write_text(text)
        return name

    @property
    def environment(self) -> dict[str, str]:
        return {"PYTHONPATH": str(self.path)}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    (tmp_path / "code").mkdir()
    return Folder(tmp_path / "code")


@contextmanager
def api_of(service: Service) -> Iterator[Api]:
    with closing(Api(service.url)) as api:
        yield api


def state_of(api: Api, user: str) -> Any:
    answer = api.get(f"status/{user}")
    return answer.json()["state"] if answer.status_code == 200 else None


def test_engines_that_the_environment_names_carry_a_claim_on(
    start_service: StartService, folder: Folder
) -> None:
    folder.add("engines", ENGINES)
    service = start_service(WORKFLOW_HANDLERS="engines", **folder.environment)
    with api_of(service) as api:
        api.post("sync/complete", {"user_id": "u", "sync_id": "s"})
        api.post("detection/complete", {"user_id": "u", "sync_id": "s", "claims": [{"claim_id": "c"}]})
        until(lambda: state_of(api, "u") == "submitted")

        [claim] = api.get("status/u").json()["claims"]
        assert (claim["decision"], claim["amazon_case_id"]) == ("auto_submit", "case-c")
        assert [row["actor"] for row in api.get("history/u").json()["history"]][-2:] == [
            "effect:match_evidence",
            "effect:auto_submit",
        ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "which can't be imported: ModuleNotFoundError"),
        ("import nothing_of_the_kind", "which can't be imported: ModuleNotFoundError"),
        ("def register(:", "which can't be imported: SyntaxError"),
        ("raise SystemExit(0)", "which can't be imported: SystemExit"),
        ("raise OSError('a\\nb')", "which can't be imported: OSError"),
        ("", "has no function register(workflow)"),
        ("def register(): pass", "failed: TypeError"),
        ("def register(workflow): workflow.on_enter('nowhere')(print)", "'nowhere'"),
    ],
)
def test_a_module_that_can_t_be_used_is_refused_with_a_sentence_that_names_it(
    open_workflow: Callable[[], Workflow],
    folder: Folder,
    monkeypatch: pytest.MonkeyPatch,
    text: str | None,
    told: str,
) -> None:
    if text is not None:
        folder.add("refused_engines", text)
    monkeypatch.syspath_prepend(folder.path)
    monkeypatch.delitem(sys.modules, "refused_engines", raising=False)
    with pytest.raises(HandlerInvalid) as refused:
        load_handlers(["refused_engines"], open_workflow())

    assert "refused_engines" in str(refused.value) or "nowhere" in str(refused.value)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("raise SystemExit(0)", "which can't be imported: SystemExit"),
        ("raise OSError('a\\nb')", "which can't be imported: OSError"),
        ("import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()", "no function"),
    ],
)
def test_a_module_that_can_t_be_used_stops_the_start_with_a_sentence(
    start_process: Start, tmp_path: Path, folder: Folder, text: str, told: str
) -> None:
    folder.add("engines", text)
    process = start_process(tmp_path / "log", WORKFLOW_HANDLERS="engines", **folder.environment)
    said = process.complaint(timeout=20)

    assert process.returncode == REFUSED
    assert said.count("\n") == 1, said
    assert said.startswith("workflow-fsm can't serve: ")
    assert "engines" in said
    assert told in said
    assert (tmp_path / "log").read_text() == ""


def test_an_app_opened_from_the_environment_has_its_handlers_and_begins_no_worker(
    tmp_path: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.add("engines_of_an_app", ENGINES)
    monkeypatch.syspath_prepend(folder.path)
    monkeypatch.setenv("WORKFLOW_DATABASE_URL", f"sqlite:///{tmp_path / 'app.db'}")
    monkeypatch.setenv("WORKFLOW_HANDLERS", "engines_of_an_app")
    app = create_app()
    workflow = app.extensions["workflow_fsm"]
    try:
        body = {"user_id": "u", "claims": [{"claim_id": "c"}]}
        app.test_client().post(f"{PREFIX}/sync/complete", json={"user_id": "u"})
        app.test_client().post(f"{PREFIX}/detection/complete", json=body)
        sleep(0.3)
        assert [(one["handler"], one["here"]) for one in workflow.owed()] == [("match_evidence", True)]
        workflow.run_effects()
        assert workflow.status("u")["state"] == "submitted"
    finally:
        workflow.close()
    monkeypatch.setenv("WORKFLOW_HANDLERS", "engines_of_nobody")
    with pytest.raises(HandlerInvalid, match="engines_of_nobody"):
        create_app()


def test_a_deadline_fires_within_five_seconds(api: Api, user: str) -> None:
    due = datetime.now(UTC) + timedelta(seconds=1.5)  # noqa: TID251  # the service's clock is the real one
    claims = [{"claim_id": "c", "deadline_date": due.isoformat()}]
    api.post("sync/complete", {"user_id": user, "sync_id": "s"})
    api.post("detection/complete", {"user_id": user, "sync_id": "s", "claims": claims})
    assert state_of(api, user) == "detected"
    until(lambda: state_of(api, user) == "expired", seconds=7)

    row = api.get(f"history/{user}").json()["history"][-1]
    assert (row["trigger"], row["to"]) == ("deadline_passed", "expired")
    assert datetime.fromisoformat(row["at"]) - due < timedelta(seconds=5)


def test_a_dead_letter_is_told_to_the_alert_url(start_service: StartService, outside: Outside) -> None:
    service = start_service(WORKFLOW_ALERT_URL=f"{outside.url}/in?sig=pa55")
    with api_of(service) as api:
        api.post("sync/complete", {"user_id": "u", "sync_id": "s"})
        api.post("detection/complete", {"user_id": "u", "sync_id": "s", "claims": [{"claim_id": "c"}]})
        api.post("payout/received", {"user_id": "u", "claim_id": "c", "amount": "1.00"})
        refused = api.post("claim/rejected", {"user_id": "u", "claim_id": "c", "event_id": "e"})
        assert refused.status_code == 409
        [(path, _, told)] = outside.wait_for(1)
        [dead_letter] = api.get("deadletters").json()["deadletters"]

    assert path == "/in?sig=pa55"
    assert {name: told[name] for name in dead_letter} == dead_letter
    assert told["event_id"] == "e"
    assert told["text"].startswith("Dead letter of u: claim_rejected: ")
    assert "pa55" not in service.log.read_text()


def begin_slow(
    start_service: StartService, folder: Folder, tmp_path: Path, *, seconds: float, attempt: int = 1
) -> Service:
    """Start a service, and an effect in it that takes so long."""
    (tmp_path / "begun").mkdir(exist_ok=True)
    folder.add("slow", SLOW.format(path=str(tmp_path / "begun"), seconds=seconds))
    environment = {"WORKFLOW_DATABASE_URL": f"sqlite:///{tmp_path / 'workflow.db'}"}
    service = start_service(WORKFLOW_HANDLERS="slow", **environment, **folder.environment)
    with api_of(service) as api:
        api.post("sync/complete", {"user_id": "u", "sync_id": "s"})
        begun = tmp_path / "begun" / "u"
        until(lambda: begun.exists() and begun.read_text() == str(attempt), seconds=10 if attempt == 1 else 5)
    return service


def attempts_after(tmp_path: Path) -> list[int]:
    """Do what is owed in the store of a service that ended; give which attempts at it those were."""
    with Workflow.open(f"sqlite:///{tmp_path / 'workflow.db'}", settings=Settings()) as workflow:
        attempts: list[int] = []
        workflow.on_enter("synced", name="slow")(lambda transition: attempts.append(transition.attempt))
        workflow.run_effects()
        assert workflow.owed() == []
    return attempts


def test_a_service_that_is_ended_in_an_effect_ends_in_time_and_lets_the_effect_go(
    start_service: StartService, folder: Folder, tmp_path: Path
) -> None:
    for attempt, told in enumerate((signal.SIGTERM, signal.SIGINT), start=1):
        service = begin_slow(start_service, folder, tmp_path, seconds=30, attempt=attempt)
        with api_of(service) as api:
            api.get("health")  # and keeps its connection
            began = monotonic()
            service.process.send_signal(told)
            service.process.wait(timeout=10)

        assert service.process.returncode == 0
        assert monotonic() - began < 5
    assert attempts_after(tmp_path) == [3]


def test_a_service_that_is_ended_waits_for_an_effect_that_ends_in_time(
    start_service: StartService, folder: Folder, tmp_path: Path
) -> None:
    service = begin_slow(start_service, folder, tmp_path, seconds=1)
    service.process.send_signal(signal.SIGTERM)
    service.process.wait(timeout=10)

    assert service.process.returncode == 0
    assert attempts_after(tmp_path) == []
    assert (tmp_path / "begun" / "u").read_text() == "1"
