"""Flow: the ways that claims went within the last day, and what became of the last minute's events."""

from __future__ import annotations

import pytest

from workflow_fsm import Workflow
from workflow_fsm.testing import ManualClock


def detect(workflow: Workflow, user: str, *, many: int = 1) -> None:
    claims = [{"claim_id": f"c{number}"} for number in range(many)]
    workflow.fire("sync_complete", user_id=user, sync_id="s1")
    workflow.fire("detection_complete", user_id=user, sync_id="s1", claims=claims)


def test_the_ways_of_a_day_are_counted(workflow: Workflow, clock: ManualClock) -> None:
    detect(workflow, "u1", many=3)
    workflow.fire("claim_submitted", user_id="u1", claim_id="c0", amazon_case_id="k1")
    clock.advance(hours=23)
    workflow.fire("claim_submitted", user_id="u1", claim_id="c1", amazon_case_id="k2")

    moved = dict(workflow.flow().moved)

    assert moved[None, "synced"] == 1
    assert moved["detected", "submitted"] == 2
    clock.advance(hours=2)
    assert workflow.flow().moved == {("detected", "submitted"): 1}
    clock.advance(days=1)
    assert workflow.flow().moved == {}


def test_asking_again_counts_what_came_since_once(workflow: Workflow) -> None:
    detect(workflow, "u1")
    once = workflow.flow().moved
    detect(workflow, "u2")
    twice = workflow.flow().moved

    assert twice == {way: 2 * many for way, many in once.items()}
    assert workflow.flow().moved == twice


def test_who_has_been_told_much_of_before_the_day_is_counted_from_the_day_on(
    workflow: Workflow, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflow_fsm.read.flow.SOUGHT", 20)
    monkeypatch.setattr("workflow_fsm.read.flow.NEAR", 3)
    detect(workflow, "u1", many=100)
    clock.advance(days=2)
    for number in range(5):
        workflow.fire("claim_submitted", user_id="u1", claim_id=f"c{number}", amazon_case_id=f"k{number}")

    assert workflow.flow().moved == {("detected", "submitted"): 5}


def test_acts_of_persons_go_no_way(workflow: Workflow) -> None:
    detect(workflow, "u1")
    workflow.fire("payout_received", user_id="u1", amount="5.00", amazon_case_id="nobodys")
    [letter] = workflow.dead_letters()
    before = workflow.flow().moved
    workflow.drop_dead_letter(letter.id, reason="a test's")

    assert workflow.flow().moved == before


def test_what_came_in_within_a_minute_is_told_by_what_became_of_it(
    workflow: Workflow, clock: ManualClock
) -> None:
    detect(workflow, "u1")
    workflow.fire("sync_complete", user_id="u1", sync_id="s1", orders_count=1)
    workflow.fire("payout_received", user_id="u1", amount="5.00", amazon_case_id="nobodys")

    assert workflow.flow().intake == {"applied": 2, "known": 1, "waiting": 1}
    clock.advance(seconds=50)
    workflow.fire("sync_complete", user_id="u2", sync_id="s1")
    assert workflow.flow().intake == {"applied": 3, "known": 1, "waiting": 1}
    clock.advance(seconds=30)
    assert workflow.flow().intake == {"applied": 1}
