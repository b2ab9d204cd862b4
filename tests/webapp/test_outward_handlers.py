"""Alerts of dead letters, and which of the calls outwards a process has handlers for."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from responses import RequestsMock

from tests.webapp.test_integrations import BASE, SETTINGS, node, reasons
from webapp.integrations import ALERT, RUN_DETECTION, START_SYNC, register
from webapp.settings import ServiceSettings
from workflow_fsm import SettingsInvalid, Workflow
from workflow_fsm.testing import ManualClock

__all__ = ["node"]

ALERTS = SETTINGS.alert_url or ""


def test_a_dead_letter_is_told_to_the_alert_url_with_all_that_the_list_shows(
    in_memory: Workflow, node: RequestsMock, clock: ManualClock
) -> None:
    node.post(ALERTS)
    register(in_memory, ServiceSettings(alert_url=ALERTS), clock=clock)
    refuse(in_memory)
    [dead_letter] = in_memory.dead_letters()
    in_memory.run_effects()

    [call] = node.calls
    told = json.loads(call.request.body or b"")
    assert told.pop("text") == f"Dead letter of u1: claim_rejected: {dead_letter['reason']}"
    assert told == dead_letter
    assert call.request.headers["Idempotency-Key"].startswith("eff_")
    assert "Authorization" not in call.request.headers
    assert in_memory.owed() == []


def test_an_alert_that_can_t_be_told_is_tried_again_and_then_a_dead_letter_without_alert(
    in_memory: Workflow, node: RequestsMock, clock: ManualClock
) -> None:
    node.post(ALERTS, status=500)
    register(in_memory, ServiceSettings(alert_url=ALERTS), clock=clock)
    refuse(in_memory)
    for _ in range(10):
        in_memory.run_effects()
        clock.advance(hours=1)

    assert len(node.calls) == 8
    assert reasons(in_memory) == ["Unanswered: the alerts' receiver answered 500"]
    assert in_memory.owed() == []


def refuse(workflow: Workflow) -> None:
    workflow.fire_many(
        [
            {"trigger": "sync_complete", "user_id": "u1", "sync_id": "s1"},
            {
                "trigger": "detection_complete",
                "user_id": "u1",
                "sync_id": "s1",
                "claims": [{"claim_id": "c1"}],
            },
            {"trigger": "payout_received", "user_id": "u1", "claim_id": "c1", "amount": "1.00"},
            {"trigger": "claim_rejected", "user_id": "u1", "claim_id": "c1"},
        ]
    )


# -- which handlers a process has


def test_what_is_registered_is_what_the_settings_ask_for(in_memory: Workflow) -> None:
    assert register(in_memory, ServiceSettings()) == ()
    assert register(in_memory, SETTINGS) == (START_SYNC, RUN_DETECTION, ALERT)
    assert [one["name"] for one in in_memory.handlers()] == [ALERT, RUN_DETECTION, START_SYNC]


def test_a_callback_without_a_port_is_refused(in_memory: Workflow) -> None:
    with pytest.raises(SettingsInvalid, match="PYTHON_API_URL must be set where PORT is 0"):
        register(in_memory, ServiceSettings(integrations_url=BASE, port=0))


def open_with(path: Path, settings: ServiceSettings, clock: Callable[[], Any]) -> Workflow:
    workflow = Workflow.open(f"sqlite:///{path}", settings=settings.workflow, clock=clock)
    register(workflow, settings, clock=clock)
    return workflow


def test_a_detection_that_is_off_again_is_owed_until_somebody_drops_its_handler(
    tmp_path: Path, clock: ManualClock
) -> None:
    """ "only `workflow-fsm handlers drop NAME` forgets one." """
    with open_with(tmp_path / "s.db", SETTINGS, clock) as workflow:
        workflow.fire("sync_complete", user_id="u1", sync_id="s1")
    with open_with(tmp_path / "s.db", replace(SETTINGS, run_detection=False), clock) as workflow:
        workflow.fire("sync_complete", user_id="u2", sync_id="s2")
        assert [(one["handler"], one["here"]) for one in workflow.owed()] == [(RUN_DETECTION, False)] * 2
        assert workflow.drop_handler(RUN_DETECTION) == {"dropped": True, "void": 2}
        assert workflow.owed() == []


def test_what_a_process_of_other_tasks_has_not_is_left_for_one_that_has_and_warned_of(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    with open_with(tmp_path / "s.db", SETTINGS, clock):
        pass
    with open_with(tmp_path / "s.db", ServiceSettings(), clock) as workflow:
        workflow.fire("sync_complete", user_id="u1", sync_id="s1")
        assert [(one["handler"], one["here"]) for one in workflow.owed()] == [(RUN_DETECTION, False)]
        assert [one["name"] for one in workflow.handlers()] == [ALERT, RUN_DETECTION, START_SYNC]
    for name, variable in (
        (ALERT, "WORKFLOW_ALERT_URL"),
        (RUN_DETECTION, "WORKFLOW_RUN_DETECTION"),
        (START_SYNC, "INTEGRATIONS_URL"),
    ):
        assert f"{name} is owed, but {variable} is not set here" in caplog.text
        assert f"workflow-fsm handlers drop {name}" in caplog.text
