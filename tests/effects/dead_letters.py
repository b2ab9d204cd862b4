"""What stories about dead letters are told in: letters made, and the only one found."""

from __future__ import annotations

from typing import Any

import pytest

from workflow_fsm import Discard, NotAllowed, Transition, Workflow
from workflow_fsm.results import DeadLetterRecord, EventAnswer


def only(workflow: Workflow, **which: Any) -> DeadLetterRecord:
    (dead_letter,) = workflow.dead_letters(**which)
    return dead_letter


def retry(workflow: Workflow, letter: DeadLetterRecord, **how: Any) -> EventAnswer:
    """Retry an event; give its new answer."""
    answer = workflow.retry_dead_letter(letter.id, **how)
    assert isinstance(answer, EventAnswer)
    return answer


def refuse(workflow: Workflow, user_id: str = "u1", event_id: str = "no", reason: str = "late") -> None:
    with pytest.raises(NotAllowed):
        workflow.fire(
            "claim_rejected", user_id=user_id, claim_id="c1", rejection_reason=reason, event_id=event_id
        )


def kill(workflow: Workflow, *, state: str = "matched") -> list[str]:
    """Register a handler that is always discarded; give the keys that it was called with."""
    keys: list[str] = []

    @workflow.on_enter(state)
    def submit(told: Transition) -> None:
        keys.append(told.key)
        raise Discard("no such case")

    return keys
