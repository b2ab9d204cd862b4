"""What stands in each state: how many, since when, what they ask, what ends soon; and the last check."""

from __future__ import annotations

import pytest

from workflow_fsm import Workflow
from workflow_fsm.testing import ManualClock


@pytest.fixture
def told(workflow: Workflow) -> Workflow:
    """Two sellers with the same claims; one was filed, and one ends within a week."""
    claims = [
        {"claim_id": "c1", "amount": "0.10", "currency": "EUR", "deadline_date": "2026-03-05T00:00:00Z"},
        {"claim_id": "c2", "amount": "0.20", "currency": "EUR", "deadline_date": "2031-01-01T00:00:00Z"},
        {"claim_id": "c3", "amount": "1200", "currency": "JPY"},
        {"claim_id": "c4", "amount": "7.50"},
        {"claim_id": "c5"},
    ]
    for user in ("u1", "u2"):
        workflow.fire("sync_complete", user_id=user, sync_id="s1")
        workflow.fire("detection_complete", user_id=user, sync_id="s1", claims=claims)
    return workflow


def test_what_claims_ask_is_added_up_by_state_and_currency(told: Workflow) -> None:
    told.fire("claim_submitted", user_id="u1", claim_id="c2", amazon_case_id="k1")

    states = told.by_state()

    assert list(states) == [one.name for one in told.definition.states]
    assert states["detected"].asked == pytest.approx({"EUR": 0.4, "JPY": 2400.0, "USD": 15.0})
    assert states["submitted"].asked == {"EUR": 0.2}
    assert states["paid"].asked == states["synced"].asked == {}
    assert {name: one.many for name, one in states.items() if one.many} == {"detected": 9, "submitted": 1}


def test_what_ends_within_a_week_is_counted_apart(told: Workflow) -> None:
    detected = told.by_state()["detected"]

    assert detected.due == 2
    assert detected.due_asked == pytest.approx({"EUR": 0.2})


def test_a_state_tells_since_when_a_claim_has_been_in_it_longest(told: Workflow, clock: ManualClock) -> None:
    first = told.claim("u1", "c1")
    clock.advance(hours=1)
    told.fire("evidence_matching_complete", user_id="u1", claim_id="c1", confidence=0.9)
    states, moved = told.by_state(), told.claim("u1", "c1")

    assert first is not None
    assert moved is not None
    assert states["detected"].since == first.entered_at
    assert states["matched"].since == moved.entered_at > first.entered_at
    assert states["paid"].since is None


def test_a_plain_lifecycle_stands_in_its_state(workflow: Workflow) -> None:
    workflow.fire("sync_complete", user_id="u1", sync_id="s1")
    synced = workflow.by_state()["synced"]

    assert (synced.many, synced.asked, synced.due) == (1, {}, 0)
    assert synced.since is not None


def test_the_last_check_is_one_of_all_that_found_nothing(workflow: Workflow, clock: ManualClock) -> None:
    assert workflow.last_check() is None
    workflow.fire("sync_complete", user_id="u1", sync_id="s1")
    workflow.check(users=["u1"])
    assert workflow.last_check() is None
    first = workflow.check()
    at = workflow.last_check()
    clock.advance(hours=1)
    workflow.fire("sync_complete", user_id="u2", sync_id="s1")
    workflow.check()

    assert first.recorded
    assert at is not None
    assert (workflow.last_check() or "") > at
