"""A variant of the claim lifecycle, with a review between a filing and its outcome, runs as it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stories.acts import states
from workflow_fsm import (
    Definition,
    InvalidEvent,
    NotAllowed,
    Settings,
    StoreRefused,
    Workflow,
    claim_lifecycle,
)
from workflow_fsm.core.definition import KNOWN, WAIT, Addressing, Cell, State, Trigger, go
from workflow_fsm.core.values.fields import Field, Kind
from workflow_fsm.testing import ManualClock, find


def reviewed() -> Definition:
    """Add `in_review`, into which `review_started` leads from `submitted`; a rejection waits for it."""
    claims = claim_lifecycle()
    states = list(claims.states)
    states.insert(4, State(name="in_review"))
    review = Trigger(
        name="review_started",
        addressing=Addressing.ONE,
        fields=(
            Field(name="claim_id", kind=Kind.ID),
            Field(name="amazon_case_id", kind=Kind.ID, aliases=("case_id",)),
            Field(name="reviewer", kind=Kind.TEXT),
        ),
        tells=lambda fields, facts: {
            name: fields[name] for name in ("amazon_case_id", "reviewer") if fields.get(name)
        },
    )
    triggers = list(claims.triggers)
    triggers.insert(4, review)
    after: dict[str | None, dict[str, Cell]] = {
        name: {"review_started": KNOWN} for name in ("rejected", "paid", "expired")
    }
    return claims.variant(
        name="reviewed claim",
        states=states,
        triggers=triggers,
        cells={
            None: {"review_started": WAIT},
            "synced": {"review_started": WAIT},
            "detected": {"review_started": WAIT},
            "matched": {"review_started": WAIT},
            "submitted": {"review_started": go("in_review"), "claim_rejected": WAIT},
            "in_review": {
                "sync_complete": KNOWN,
                "detection_complete": KNOWN,
                "evidence_matching_complete": KNOWN,
                "claim_submitted": KNOWN,
                "review_started": KNOWN,
                "claim_rejected": go("rejected"),
                "payout_received": go("paid"),
                "payout_reversed": WAIT,
                "deadline_passed": KNOWN,
            },
            **after,
        },
    )


@pytest.fixture
def workflow(tmp_path: Path, clock: ManualClock) -> Iterator[Workflow]:
    with Workflow.open(
        f"sqlite:///{tmp_path / 'reviewed.db'}", definition=reviewed(), settings=Settings(), clock=clock
    ) as opened:
        yield opened


def test_a_variant_runs_through_the_store(workflow: Workflow) -> None:
    """ "`Workflow.open(…, definition=)` takes a variant of the claim lifecycle (a state or trigger more,
    other cells)" """
    find(workflow, "c1")
    workflow.fire("claim_submitted", user_id="u1", claim_id="c1", case_id="K")
    assert workflow.allowed("u1", "c1") == ("review_started", "payout_received")
    outcome = workflow.fire("review_started", user_id="u1", case_id="K", reviewer="Ada", event_id="r")
    assert [(one["from"], one.to, one.version) for one in outcome.transitions] == [
        ("submitted", "in_review", 4)
    ]
    assert workflow.fire(
        "review_started", user_id="u1", case_id="K", reviewer="Ada", event_id="r"
    ).status == ("duplicate")
    status = workflow.status("u1")
    assert status is not None
    assert (status.state, status.counts) == ("in_review", {"in_review": 1})
    workflow.fire("claim_rejected", user_id="u1", claim_id="c1")
    workflow.fire("payout_received", user_id="u1", claim_id="c1", amount="5")
    assert states(workflow) == {"c1": "paid"}
    rows = workflow.history("u1", "c1")
    assert rows is not None
    assert [row.to for row in rows] == [
        "synced",
        "detected",
        "submitted",
        "in_review",
        "rejected",
        "paid",
    ]


def test_a_new_trigger_waits_as_any_other(workflow: Workflow) -> None:
    """A state that is new is waited for, and waits for others, by its cells alone."""
    early = workflow.fire("review_started", user_id="u1", claim_id="c1", event_id="r")
    assert early.waiting_for == ("sync_complete", "detection_complete", "claim_submitted")
    rejected = workflow.fire("claim_rejected", user_id="u1", claim_id="c1", event_id="n")
    assert rejected.waiting_for == (
        "sync_complete",
        "detection_complete",
        "claim_submitted",
        "review_started",
    )
    find(workflow, "c1")
    workflow.fire("claim_submitted", user_id="u1", claim_id="c1")
    assert states(workflow) == {"c1": "rejected"}
    rows = workflow.history("u1", "c1")
    assert rows is not None
    assert [row.event_id for row in rows][-2:] == ["r", "n"]


def test_a_rejection_waits_for_the_review(workflow: Workflow) -> None:
    find(workflow, "c1")
    workflow.fire("claim_submitted", user_id="u1", claim_id="c1")
    waiting = workflow.fire("claim_rejected", user_id="u1", claim_id="c1")
    assert (waiting.status, waiting.waiting_for) == ("deferred", ("review_started",))
    assert workflow.explain("u1", "c1", "claim_rejected").leads == ("review_started",)
    workflow.fire("review_started", user_id="u1", claim_id="c1")
    assert states(workflow) == {"c1": "rejected"}


def test_a_review_of_several_is_refused_naming_them(workflow: Workflow) -> None:
    find(workflow, "c1", "c2")
    for name in ("c1", "c2"):
        workflow.fire("claim_submitted", user_id="u1", claim_id=name)
    with pytest.raises(NotAllowed) as caught:
        workflow.fire("review_started", user_id="u1")
    assert [one["claim_id"] for one in caught.value.candidates] == ["c2", "c1"]


def test_the_fields_of_a_new_trigger_are_read_strictly(workflow: Workflow) -> None:
    with pytest.raises(InvalidEvent) as caught:
        workflow.fire("review_started", user_id="u1", reviewer=5, case_id="")
    assert {fault.field for fault in caught.value.errors} == {"reviewer", "case_id"}


def test_a_store_with_a_variants_states_is_refused_without_the_variant(tmp_path: Path) -> None:
    """ "one that holds states the definition doesn't know, is refused with a sentence that says what to
    do" """
    url = f"sqlite:///{tmp_path / 'claims.db'}"
    with Workflow.open(url, definition=reviewed(), settings=Settings()) as workflow:
        find(workflow, "c1")
        workflow.fire("claim_submitted", user_id="u1", claim_id="c1")
    with Workflow.open(url, settings=Settings()):
        pass
    with Workflow.open(url, definition=reviewed(), settings=Settings()) as workflow:
        workflow.fire("review_started", user_id="u1", claim_id="c1")
    with pytest.raises(StoreRefused, match="in_review"):
        Workflow.open(url, settings=Settings())


def test_the_claim_lifecycle_has_no_review() -> None:
    """The variant leaves the lifecycle that it was made from as it was."""
    reviewed()
    assert claim_lifecycle().trigger("review_started") is None
