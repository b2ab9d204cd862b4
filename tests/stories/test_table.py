"""The table: every arrow, known, wait and refused cell, on plain lifecycles and on claims."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from workflow_fsm import NotAllowed, Outcome, Settings, Workflow, WorkflowError
from workflow_fsm.testing import ManualClock

TRIGGERS = (
    "sync_complete",
    "detection_complete",
    "evidence_matching_complete",
    "claim_submitted",
    "claim_rejected",
    "payout_received",
    "payout_reversed",
)
CELLS = {
    "(none yet)": "synced   wait     wait    wait      wait     wait wait",
    "synced":     "=        detected wait    wait      wait     wait wait",
    "detected":   "=        =        matched submitted wait     paid wait",
    "matched":    "=        =        =       submitted wait     paid wait",
    "submitted":  "=        =        =       =         rejected paid wait",
    "rejected":   "=        =        =       submitted no       paid wait",
    "paid":       "=        =        =       =         no       paid wait",
    "expired":    "=        =        =       submitted wait     paid wait",
}  # fmt: skip
"""Where a cell asks, the answer that moves nothing: an equal confidence, more taken back than is left."""

WAY = {
    "(none yet)": 0,
    "synced": 1,
    "detected": 2,
    "matched": 3,
    "submitted": 4,
    "rejected": 5,
    "paid": 5,
    "expired": 2,
}
BODIES: dict[str, dict[str, Any]] = {
    "sync_complete": {"sync_id": "s1"},
    "detection_complete": {"sync_id": "s1"},
    "evidence_matching_complete": {"confidence": 0.5},
    "claim_submitted": {},
    "claim_rejected": {"rejection_reason": "late"},
    "payout_received": {"amount": "10.00"},
    "payout_reversed": {"amount": "10.01"},
}


@pytest.fixture(scope="module")
def shared() -> Iterator[Workflow]:
    with Workflow.open("sqlite:///:memory:", settings=Settings(), clock=ManualClock()) as workflow:
        yield workflow


def body(trigger: str, kind: str, state: str = "") -> dict[str, Any]:
    fields = dict(BODIES[trigger])
    if kind == "claim" and trigger == "detection_complete":
        fields["claims"] = [{"claim_id": "c1"}]
        if state == "expired":
            fields["claims"] = [{"claim_id": "c1", "deadline_date": "2020-01-01T00:00:00Z"}]
    elif kind == "claim" and trigger != "sync_complete":
        fields["claim_id"] = "c1"
    return fields


def lead(workflow: Workflow, user: str, kind: str, state: str) -> None:
    """Lead a new user's lifecycle into a state."""
    way = list(TRIGGERS[: WAY[state]])
    if state == "paid":
        way[-1] = "payout_received"
    for trigger in way:
        outcome = workflow.fire(trigger, user_id=user, **body(trigger, kind, state))
        assert outcome.status == "applied"


def stand(workflow: Workflow, user: str) -> dict[str, Any] | None:
    """Give where the user's one lifecycle stands, its facts left out."""
    status = workflow.status(user)
    if status is None or not status.claims:
        return None
    (one,) = status.claims
    return {name: one[name] for name in ("claim_id", "sync_id", "state", "version", "entered_at", "paid")}


CASES = [
    pytest.param(kind, state, trigger, said, id=f"{kind}-{state}-{trigger}")
    for kind in ("plain", "claim")
    for state, row in CELLS.items()
    for trigger, said in zip(TRIGGERS, row.split(), strict=True)
    if not (kind == "plain" and state == "expired")
    if not (kind == "claim" and (state == "synced" or trigger == "sync_complete"))
]


@pytest.mark.parametrize(("kind", "state", "trigger", "said"), CASES)
def test_a_cell_does_what_the_table_says(
    shared: Workflow, kind: str, state: str, trigger: str, said: str
) -> None:
    """ "The whole machine is one table. An arrow moves; `=` (*known*) means that this lifecycle has been
    past that point: nothing moves …, and it is no error; `wait` …: too early; `no` (*refused*)." """
    user = f"{kind}/{state}/{trigger}"
    lead(shared, user, kind, state)
    before = stand(shared, user)
    outcome: Outcome | WorkflowError
    try:
        outcome = shared.fire(trigger, user_id=user, event_id="asked", **body(trigger, kind))
    except NotAllowed as refused:
        outcome = refused
    after = stand(shared, user)
    rows = shared.history(user, limit=1000)
    assert rows is not None
    if said == "no":
        assert isinstance(outcome, NotAllowed)
        assert (outcome.state, outcome.trigger) == (state, trigger)
        assert set(outcome.allowed) == set(shared.allowed(user, "c1" if kind == "claim" else None) or ())
        assert after == before
    elif said == "=":
        assert isinstance(outcome, Outcome)
        assert (outcome.status, outcome.transitions) == ("unchanged", ())
        assert [one.state for one in outcome.unchanged] == [state]
        assert after == before
    elif said == "wait":
        assert isinstance(outcome, Outcome)
        assert (outcome.status, outcome.transitions) == ("deferred", ())
        assert outcome.waiting_for
        assert after == before
    else:
        assert isinstance(outcome, Outcome)
        assert outcome.status == "applied"
        assert [(one["from"], one.to) for one in outcome.transitions] == [
            (None if state == "(none yet)" else state, said)
        ]
        assert after is not None
        assert (after["state"], after["version"]) == (said, (before["version"] if before else 0) + 1)
        assert rows[-1]["to"] == said


@pytest.mark.parametrize("kind", ["plain", "claim"])
@pytest.mark.parametrize(
    ("confidence", "moved"), [(0.51, True), (0.5, False), (0.49, False), (None, False)], ids=str
)
def test_a_match_of_a_matched_claim_moves_it_only_by_a_higher_confidence(
    shared: Workflow, kind: str, confidence: float | None, moved: bool
) -> None:
    """ "→ matched if the confidence is higher, else =" """
    user = f"better/{kind}/{confidence}"
    lead(shared, user, kind, "matched")
    fields = body("evidence_matching_complete", kind) | {"confidence": confidence, "event_id": "again"}
    outcome = shared.fire("evidence_matching_complete", user_id=user, **fields)
    assert [(one["from"], one.to, one.version) for one in outcome.transitions] == [
        ("matched", "matched", 4)
    ] * moved
    assert outcome.status == ("applied" if moved else "unchanged")


@pytest.mark.parametrize("kind", ["plain", "claim"])
@pytest.mark.parametrize(
    ("amount", "state", "paid"),
    [("4.00", "paid", {"USD": "6.00"}), ("10.00", "rejected", {}), ("10.01", None, {"USD": "10.00"})],
)
def test_a_reversal_of_a_paid_claim_leaves_it_paid_rejects_it_or_waits(
    shared: Workflow, kind: str, amount: str, state: str | None, paid: dict[str, str]
) -> None:
    """ "→ paid; → rejected where nothing is left in any currency; wait where it is more than is left" """
    user = f"back/{kind}/{amount}"
    lead(shared, user, kind, "paid")
    outcome = shared.fire(
        "payout_reversed", user_id=user, **body("payout_reversed", kind) | {"amount": amount}
    )
    assert [(one["from"], one.to) for one in outcome.transitions] == [("paid", state)] * (state is not None)
    assert outcome.waiting_for == (() if state else ("payout_received",))
    after = stand(shared, user)
    assert after is not None
    assert (after["state"], after["paid"]) == (state or "paid", paid)


@pytest.mark.parametrize("state", [state for state in CELLS if state not in ("(none yet)", "synced")])
def test_a_deadline_that_passes_expires_what_was_not_filed(state: str) -> None:
    """ "deadline_passed (a timer)": "→ expired" in detected and matched, "=" further on."""
    clock = ManualClock()
    with Workflow.open("sqlite:///:memory:", settings=Settings(), clock=clock) as workflow:
        lead(workflow, "u", "claim", "detected" if state == "expired" else state)
        workflow.fire(
            "detection_complete",
            user_id="u",
            sync_id="s1",
            claims=[{"claim_id": "c1", "deadline_date": clock.text(days=1)}],
        )
        before = stand(workflow, "u")
        clock.advance(days=1)
        ticked = workflow.tick()
        after = stand(workflow, "u")
    if state in ("detected", "matched", "expired"):
        assert ticked == 1
        assert after is not None
        assert after["state"] == "expired"
    else:
        assert ticked == 0
        assert after == before


@pytest.mark.parametrize(("state", "trigger"), [("detected", "payout_received"), ("paid", "payout_received")])
def test_every_claim_takes_payments_whatever_was_told_before(
    shared: Workflow, state: str, trigger: str
) -> None:
    """ "A payout on `paid` is a further instalment and adds up" """
    user = f"instalment/{state}"
    lead(shared, user, "claim", state)
    shared.fire(trigger, user_id=user, claim_id="c1", amount="2.50", event_id="a")
    shared.fire(trigger, user_id=user, claim_id="c1", amount="2.50", event_id="b")
    after = stand(shared, user)
    assert after is not None
    assert after["paid"] == {"USD": "15.00" if state == "paid" else "5.00"}
    status = shared.status(user)
    assert status is not None
    assert status.recovered == after["paid"]


def test_a_state_that_is_closed_still_takes_a_fact_that_comes_later(shared: Workflow) -> None:
    """ "`paid` and `expired` are *closed*: nothing is awaited there, though a fact that comes later is
    still taken." """
    lead(shared, "closed", "claim", "expired")
    assert shared.fire("claim_submitted", user_id="closed", claim_id="c1").status == "applied"
    assert shared.fire("payout_received", user_id="closed", claim_id="c1", amount="1").status == "applied"
    again = shared.fire("claim_submitted", user_id="closed", claim_id="c1", amazon_case_id="K", event_id="k")
    assert again.status == "unchanged"
    status = shared.status("closed")
    assert status is not None
    assert [(one.state, one.amazon_case_id) for one in status.claims] == [("paid", "K")]
