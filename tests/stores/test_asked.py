"""What claims ask, added up by state and currency; and when the last check was done."""

from __future__ import annotations

from workflow_fsm import Workflow
from workflow_fsm.testing import ManualClock


def test_what_claims_ask_is_added_up_by_state_and_currency(workflow: Workflow) -> None:
    claims = [
        {"claim_id": "c1", "amount": "0.10", "currency": "EUR"},
        {"claim_id": "c2", "amount": "0.20", "currency": "EUR"},
        {"claim_id": "c3", "amount": "1200", "currency": "JPY"},
        {"claim_id": "c4", "amount": "7.50"},
        {"claim_id": "c5"},
    ]
    for user in ("u1", "u2"):
        workflow.fire("sync_complete", user_id=user, sync_id="s1")
        workflow.fire("detection_complete", user_id=user, sync_id="s1", claims=claims)
    workflow.fire("claim_submitted", user_id="u1", claim_id="c2", amazon_case_id="k1")

    asked = workflow.asked()

    assert asked["detected"] == {"EUR": 0.4, "JPY": 2400.0, "USD": 15.0}
    assert asked["submitted"] == {"EUR": 0.2}
    assert asked["paid"] == asked["synced"] == {}


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
