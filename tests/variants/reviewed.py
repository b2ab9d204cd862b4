"""A variant with a review between a filing and its outcome, built of what is public, and of nothing else."""

from __future__ import annotations

from workflow_fsm.definition import (
    CASE,
    CLAIM,
    KNOWN,
    SYNC,
    WAIT,
    Addressing,
    Cell,
    Definition,
    Field,
    Kind,
    State,
    Trigger,
    claim_lifecycle,
    go,
    tells_fields,
)

REVIEW = Trigger(
    name="review_started",
    addressing=Addressing.ONE,
    fields=(
        CLAIM,
        CASE,
        SYNC,
        Field(name="reviewer", kind=Kind.TEXT),
        Field(name="review_due", kind=Kind.INSTANT),
    ),
    tells=tells_fields("reviewer", "review_due"),
)
IN_REVIEW = {
    "sync_complete": KNOWN,
    "detection_complete": KNOWN,
    "evidence_matching_complete": KNOWN,
    "claim_submitted": KNOWN,
    "review_started": KNOWN,
    "claim_rejected": go("rejected"),
    "payout_received": go("paid"),
    "payout_reversed": WAIT,
    "deadline_passed": KNOWN,
}


def reviewed(*, name: str = "reviewed claim", review: Trigger = REVIEW, retired: bool = False) -> Definition:
    """Give the variant; `retired` takes the arrow into the review away, and leaves those in it a way out."""
    claim = claim_lifecycle()
    states = list(claim.states)
    states.insert(4, State(name="in_review", retired=retired))
    in_review = dict(IN_REVIEW)
    cells: dict[str | None, dict[str, Cell]] = {
        None: {"review_started": WAIT},
        **{one: {"review_started": WAIT} for one in ("synced", "detected", "matched")},
        **{one: {"review_started": KNOWN} for one in ("rejected", "paid", "expired")},
        "submitted": {"review_started": go("in_review")},
    }
    if retired:
        del in_review["review_started"]
        return claim.variant(name=name, states=states, cells={"in_review": in_review})
    return claim.variant(
        name=name, states=states, triggers=(*claim.triggers, review), cells={**cells, "in_review": in_review}
    )
