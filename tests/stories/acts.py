"""What stories are told in: the webhooks as short acts, and where a user then stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from workflow_fsm import InvalidEvent, NotAllowed, Outcome, Workflow
from workflow_fsm.results import Claim, Status

USER = "u1"
Entry = str | Mapping[str, Any]


def sync(workflow: Workflow, sync_id: str | None = "s1", *, user_id: str = USER, **fields: Any) -> Outcome:
    return workflow.fire("sync_complete", user_id=user_id, sync_id=sync_id, **fields)


def detect(
    workflow: Workflow, *claims: Entry, sync_id: str | None = "s1", user_id: str = USER, **fields: Any
) -> Outcome:
    """Report a detection with a list of claims, each an id or an entry."""
    entries = [{"claim_id": one} if isinstance(one, str) else one for one in claims]
    return workflow.fire("detection_complete", user_id=user_id, sync_id=sync_id, claims=entries, **fields)


def detect_plainly(
    workflow: Workflow, sync_id: str | None = "s1", *, user_id: str = USER, **fields: Any
) -> Outcome:
    """Report a detection that names no claims."""
    return workflow.fire("detection_complete", user_id=user_id, sync_id=sync_id, **fields)


def find(workflow: Workflow, *claims: Entry, sync_id: str = "s1", user_id: str = USER) -> None:
    """Sync, and detect these claims."""
    sync(workflow, sync_id, user_id=user_id)
    detect(workflow, *claims, sync_id=sync_id, user_id=user_id)


def match(
    workflow: Workflow, claim_id: str | None = "c1", confidence: object = "0.9", **fields: Any
) -> Outcome:
    return workflow.fire(
        "evidence_matching_complete", user_id=USER, claim_id=claim_id, confidence=confidence, **fields
    )


def submit(workflow: Workflow, claim_id: str | None = "c1", **fields: Any) -> Outcome:
    return workflow.fire("claim_submitted", user_id=USER, claim_id=claim_id, **fields)


def reject(workflow: Workflow, claim_id: str | None = "c1", **fields: Any) -> Outcome:
    return workflow.fire("claim_rejected", user_id=USER, claim_id=claim_id, **fields)


def pay(workflow: Workflow, claim_id: str | None = "c1", amount: object = "10.00", **fields: Any) -> Outcome:
    return workflow.fire("payout_received", user_id=USER, claim_id=claim_id, amount=amount, **fields)


def take_back(
    workflow: Workflow, claim_id: str | None = "c1", amount: object = "10.00", **fields: Any
) -> Outcome:
    return workflow.fire("payout_reversed", user_id=USER, claim_id=claim_id, amount=amount, **fields)


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
