"""What is owed to handlers whose code a process lacks is said as it starts, and once an hour."""

from __future__ import annotations

import logging
from time import monotonic, sleep

import pytest

from tests.effects.conftest import Open
from workflow_fsm import Settings, Workflow
from workflow_fsm.testing import ManualClock, detected, matched, synced


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Give what was warned of since it was asked last."""
    found = [one.getMessage() for one in caplog.records if "whose code is not here" in one.getMessage()]
    caplog.clear()
    return found


def test_what_is_owed_without_its_code_here_is_said_at_start_and_once_an_hour(
    open_again: Open, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """ "A store without the code of a handler that is owed says so in the log at start, …" """
    having, lacking = open_again(), open_again()
    for workflow in (having, lacking):
        workflow.on_transition(target="detected", name="both")(lambda told: None)
    having.on_transition(target="detected", name="first")(lambda told: None)
    having.on_transition(name="second")(lambda told: None)
    having.on_enter("paid", name="never_owed")(lambda told: None)
    detected(having)
    with caplog.at_level(logging.WARNING, "workflow_fsm"):
        lacking.run_effects()
        assert said(caplog) == [
            "1 effect of handler first waits, whose code is not here: start a worker that has it; where "
            "there will be none: workflow-fsm handlers drop first",
            "2 effects of handler second wait, whose code is not here: start a worker that has it; where "
            "there will be none: workflow-fsm handlers drop second",
        ]
        clock.advance(minutes=59)
        lacking.run_effects()
        assert said(caplog) == []
        having.run_effects()
        matched(having)
        clock.advance(minutes=2)
        lacking.run_effects()
        assert [one.partition(",")[0] for one in said(caplog)] == ["1 effect of handler second waits"]
        having.run_effects()
        clock.advance(minutes=61)
        lacking.run_effects()
        assert said(caplog) == []


def test_a_handler_that_was_replaced_or_only_asked_for_is_missing_too(
    open_again: Open, caplog: pytest.LogCaptureFixture
) -> None:
    before, after = open_again(), open_again()
    before.on_enter("detected", name="work")(lambda told: None)
    after.on_enter("synced", name="work", replace=True)(lambda told: None)
    synced(after)
    before.request("start_sync", user_id="u1")
    with caplog.at_level(logging.WARNING, "workflow_fsm"):
        before.run_effects()
    assert [one.partition(",")[0] for one in said(caplog)] == [
        "1 effect of handler start_sync waits",
        "1 effect of handler work waits",
    ]


def test_a_worker_says_it_as_it_starts(store_url: str, caplog: pytest.LogCaptureFixture) -> None:
    with Workflow.open(store_url, settings=Settings()) as workflow:
        workflow.on_enter("synced", name="gone")(lambda told: None)
        synced(workflow)
    with (
        Workflow.open(store_url, settings=Settings()) as workflow,
        caplog.at_level(logging.WARNING, "workflow_fsm"),
    ):
        worker = workflow.worker(threads=1)
        worker.start()
        until = monotonic() + 10
        while not any("handler gone waits" in one.getMessage() for one in caplog.records):
            assert monotonic() < until
            sleep(0.05)
        worker.stop()
