"""Stories: acts, one webhook each, and what brings a claim somewhere, a step further each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workflow_fsm.core.outcome import Outcome
from workflow_fsm.workflow import Workflow

# -- acts: one webhook each, of user `u1` unless told; `fields` are the trigger's

USER = "u1"
Entry = str | Mapping[str, Any]
"""A claim in a detection's list: its id, or all that the list tells of it."""


def sync(workflow: Workflow, sync_id: str | None = "s1", *, user_id: str = USER, **fields: Any) -> Outcome:
    """Report a sync."""
    return workflow.fire("sync_complete", user_id=user_id, sync_id=sync_id, **fields)


def detect(
    workflow: Workflow, *claims: Entry, sync_id: str | None = "s1", user_id: str = USER, **fields: Any
) -> Outcome:
    """Report a detection with a list of claims."""
    entries = [{"claim_id": one} if isinstance(one, str) else one for one in claims]
    return detect_plainly(workflow, sync_id, user_id=user_id, claims=entries, **fields)


def detect_plainly(
    workflow: Workflow, sync_id: str | None = "s1", *, user_id: str = USER, **fields: Any
) -> Outcome:
    """Report a detection that names no claims."""
    return workflow.fire("detection_complete", user_id=user_id, sync_id=sync_id, **fields)


def match(
    workflow: Workflow,
    claim_id: str | None = "c1",
    confidence: object = "0.9",
    *,
    user_id: str = USER,
    **fields: Any,
) -> Outcome:
    """Report that evidence was matched to a claim; above 0.85 it is decided `auto_submit`."""
    return workflow.fire(
        "evidence_matching_complete", user_id=user_id, claim_id=claim_id, confidence=confidence, **fields
    )


def submit(workflow: Workflow, claim_id: str | None = "c1", *, user_id: str = USER, **fields: Any) -> Outcome:
    """Report that a claim was filed."""
    return workflow.fire("claim_submitted", user_id=user_id, claim_id=claim_id, **fields)


def reject(workflow: Workflow, claim_id: str | None = "c1", *, user_id: str = USER, **fields: Any) -> Outcome:
    """Report that a claim was rejected."""
    return workflow.fire("claim_rejected", user_id=user_id, claim_id=claim_id, **fields)


def pay(
    workflow: Workflow,
    claim_id: str | None = "c1",
    amount: object = "10.00",
    *,
    user_id: str = USER,
    **fields: Any,
) -> Outcome:
    """Report a payout."""
    return workflow.fire("payout_received", user_id=user_id, claim_id=claim_id, amount=amount, **fields)


def take_back(
    workflow: Workflow,
    claim_id: str | None = "c1",
    amount: object = "10.00",
    *,
    user_id: str = USER,
    **fields: Any,
) -> Outcome:
    """Report that a payout, or a part of it, was reversed."""
    return workflow.fire("payout_reversed", user_id=user_id, claim_id=claim_id, amount=amount, **fields)


# -- stories: each brings a claim one step further than the one before it


def synced(workflow: Workflow, user_id: str = USER, sync_id: str = "s1", **fields: Any) -> Outcome:
    """Tell of a user's sync."""
    return sync(workflow, sync_id, user_id=user_id, **fields)


def find(workflow: Workflow, *claims: Entry, sync_id: str = "s1", user_id: str = USER) -> Outcome:
    """Sync, and detect these claims."""
    sync(workflow, sync_id, user_id=user_id)
    return detect(workflow, *claims, sync_id=sync_id, user_id=user_id)


def detected(workflow: Workflow, user_id: str = USER, claim_id: str = "c1", **claim: Any) -> Outcome:
    """Sync, and detect a claim; `claim` is the rest of its entry (`amount`, `deadline_date`, …)."""
    entry = {"claim_id": claim_id, **claim}
    return find(workflow, entry, sync_id=f"sync-of-{claim_id}", user_id=user_id)


def expired(workflow: Workflow, user_id: str = USER, claim_id: str = "c1", **claim: Any) -> Outcome:
    """Detect a claim whose deadline is long past."""
    return detected(workflow, user_id, claim_id, **{"deadline_date": "2000-01-01T00:00:00Z", **claim})


def matched(
    workflow: Workflow,
    user_id: str = USER,
    claim_id: str = "c1",
    *,
    confidence: float | str = 0.9,
    **claim: Any,
) -> Outcome:
    """Detect a claim and match evidence to it; above 0.85 it is decided `auto_submit`."""
    detected(workflow, user_id, claim_id, **claim)
    return match(workflow, claim_id, confidence, user_id=user_id)


def submitted(
    workflow: Workflow, user_id: str = USER, claim_id: str = "c1", *, case_id: str | None = None, **claim: Any
) -> Outcome:
    """Match a claim and file it."""
    matched(workflow, user_id, claim_id, **claim)
    return submit(workflow, claim_id, user_id=user_id, amazon_case_id=case_id or f"case-of-{claim_id}")


def rejected(workflow: Workflow, user_id: str = USER, claim_id: str = "c1", *, reason: str = "no") -> Outcome:
    """File a claim, and have it rejected."""
    submitted(workflow, user_id, claim_id)
    return reject(workflow, claim_id, user_id=user_id, rejection_reason=reason)


def paid(
    workflow: Workflow, user_id: str = USER, claim_id: str = "c1", *, amount: str = "12.50", **payout: Any
) -> Outcome:
    """File a claim, and have it paid."""
    submitted(workflow, user_id, claim_id)
    return pay(workflow, claim_id, amount, user_id=user_id, **payout)
