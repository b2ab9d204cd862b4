"""Observers hear of what this process did once it is on disk; one that fails harms nobody."""

from __future__ import annotations

import logging

import pytest

from workflow_fsm import InvalidEvent, Observer, Workflow


class Ear(Observer):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.heard: list[tuple[object, ...]] = []

    def committed(self, jobs: int, seconds: float) -> None:
        self.heard.append(("committed", jobs, seconds > 0))

    def answered(self, trigger: str, outcome: str) -> None:
        self.heard.append(("answered", trigger, outcome))

    def tried(self, handler: str, outcome: str) -> None:
        self.heard.append(("tried", handler, outcome))


class SilentListener(Observer):
    """Fails at everything."""

    def committed(self, jobs: int, seconds: float) -> None:
        raise RuntimeError

    def answered(self, trigger: str, outcome: str) -> None:
        raise RuntimeError


def test_an_observer_hears_of_commits_answers_and_tries(workflow: Workflow) -> None:
    workflow.on_enter("synced", name="work")(lambda transition: None)
    ear = Ear()
    workflow.observe(ear)

    workflow.fire("sync_complete", user_id="u1", event_id="e1")
    workflow.fire_many([{"trigger": "sync_complete", "user_id": "u1", "event_id": "e1"}, {"trigger": "x"}])
    with pytest.raises(InvalidEvent):
        workflow.fire("payout_received", user_id="u1")
    workflow.run_effects()

    assert [one for one in ear.heard if one[0] != "committed"] == [
        ("answered", "sync_complete", "applied"),
        ("answered", "sync_complete", "duplicate"),
        ("answered", "payout_received", "invalid-event"),
        ("tried", "work", "done"),
    ]
    assert ear.heard[0] == ("committed", 1, True)


def test_an_observer_that_fails_is_logged_and_changes_nothing(
    workflow: Workflow, caplog: pytest.LogCaptureFixture
) -> None:
    workflow.observe(SilentListener())
    ear = Ear()
    workflow.observe(ear)

    with caplog.at_level(logging.ERROR):
        assert workflow.fire("sync_complete", user_id="u1").status == "applied"

    assert ear.heard == [("committed", 1, True), ("answered", "sync_complete", "applied")]
    assert "an observer failed" in caplog.text
