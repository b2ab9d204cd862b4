"""What stories are told in: the acts of `workflow_fsm.testing`, refusals, and where a user then stands."""

from __future__ import annotations

from typing import Any

import pytest

from workflow_fsm import InvalidEvent, NotAllowed, Outcome, Workflow
from workflow_fsm.results import Claim, Status
from workflow_fsm.testing import (
    USER,
    detect,
    detect_plainly,
    find,
    match,
    pay,
    reject,
    submit,
    sync,
    take_back,
)

__all__ = [
    "USER",
    "cases",
    "chain",
    "claim",
    "detect",
    "detect_plainly",
    "faults",
    "find",
    "match",
    "moves",
    "pay",
    "plain",
    "refusal",
    "reject",
    "states",
    "status",
    "submit",
    "sync",
    "take_back",
    "waits",
]


def refusal(workflow: Workflow, trigger: str, **fields: Any) -> NotAllowed:
    """Fire what has to be refused, and give the refusal."""
    with pytest.raises(NotAllowed) as caught:
        workflow.fire(trigger, user_id=fields.pop("user_id", USER), **fields)
    return caught.value


def faults(workflow: Workflow, trigger: str, **fields: Any) -> list[str]:
    """Fire what isn't well formed, and give the fields that are wrong."""
    fields = {"user_id": USER, **fields}
    (error,) = workflow.fire_many([{"trigger": trigger, **fields}])
    assert isinstance(error, InvalidEvent), error
    return [fault.field for fault in error.errors]


def status(workflow: Workflow, user_id: str = USER) -> Status:
    found = workflow.status(user_id)
    assert found is not None
    return found


def claim(workflow: Workflow, claim_id: str = "c1", user_id: str = USER) -> Claim:
    """Give one claim as the status shows it."""
    (found,) = status(workflow, user_id).claims if claim_id == "" else _named(workflow, claim_id, user_id)
    return found


def _named(workflow: Workflow, claim_id: str, user_id: str) -> list[Claim]:
    found = workflow.status(user_id, claim_id=claim_id)
    assert found is not None
    return list(found.claims)


def plain(workflow: Workflow, user_id: str = USER) -> Claim:
    """Give the user's one lifecycle."""
    return claim(workflow, "", user_id)


def states(workflow: Workflow, user_id: str = USER) -> dict[str, str]:
    """Give the state of each claim, and of each plain lifecycle under its sync's id."""
    return {one.claim_id or one.sync_id: one.state for one in status(workflow, user_id).claims}


def moves(outcome: Outcome) -> list[tuple[str, str | None, str]]:
    """Give the transitions as (claim or sync, from, to)."""
    return [(one.claim_id or one.sync_id, one["from"], one.to) for one in outcome.transitions]


def waits(workflow: Workflow, user_id: str = USER) -> list[tuple[str, str | None]]:
    """Give the trigger and claim of all that waits."""
    return [(one.trigger, one.claim_id) for one in status(workflow, user_id).deferred]


def chain(workflow: Workflow, claim_id: str | None = "c1", user_id: str = USER) -> list[str]:
    """Give the triggers of a history (a claim's, or with None the user's), oldest first."""
    rows = workflow.history(user_id, claim_id, limit=1000)
    assert rows is not None
    return [row.trigger for row in rows]


def cases(workflow: Workflow, claim_id: str = "c1") -> dict[str | None, str | None]:
    """Give a claim's cases with their states."""
    return {one["amazon_case_id"]: one["state"] for one in claim(workflow, claim_id).cases}
