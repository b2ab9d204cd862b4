"""What would become of an event: `fire(dry_run=True)`, and `explain` with the fields of one."""

from __future__ import annotations

import pytest

from tests.conftest import Stored
from tests.stories.acts import find, match, pay, reject, submit
from workflow_fsm import EventIdReused, InvalidEvent, NotAllowed, Workflow

TABLES = ("users", "lifecycles", "history", "events", "event_ids", "waits", "cases", "effects")


def held(stored: Stored) -> list[list[dict[str, object]]]:
    return [stored(f"SELECT * FROM {table} ORDER BY 1, 2") for table in TABLES]  # noqa: S608  # of ours


def test_a_dry_run_gives_the_outcome_and_commits_nothing(workflow: Workflow, stored: Stored) -> None:
    """ "`fire(…, dry_run=True)` gives the outcome and commits nothing" """
    workflow.on_enter("paid", name="tell")(lambda transition: None)
    find(workflow, "c1")
    before = held(stored)
    told = workflow.fire(
        "payout_received", user_id="u1", claim_id="c1", amount="5.00", event_id="e1", dry_run=True
    )
    assert held(stored) == before
    assert (told.status, told.transitions[0].to) == ("applied", "paid")
    assert workflow.owed() == []
    done = workflow.fire("payout_received", user_id="u1", claim_id="c1", amount="5.00", event_id="e1")
    assert done.as_dict() == told.as_dict()


def test_a_dry_run_of_a_user_of_whom_nothing_is_known_leaves_nothing_known(
    workflow: Workflow, stored: Stored
) -> None:
    told = workflow.fire("sync_complete", user_id="new", sync_id="s1", dry_run=True)
    assert told.status == "applied"
    assert workflow.status("new") is None
    assert stored("SELECT * FROM users") == []


def test_a_dry_run_raises_what_firing_would_and_keeps_no_refusal(workflow: Workflow, stored: Stored) -> None:
    find(workflow, "c1")
    pay(workflow, "c1", event_id="e1")
    before = held(stored)
    with pytest.raises(NotAllowed) as caught:
        workflow.fire("claim_rejected", user_id="u1", claim_id="c1", dry_run=True)
    assert caught.value.state == "paid"
    with pytest.raises(EventIdReused):
        workflow.fire("payout_received", user_id="u1", claim_id="c1", amount=9, event_id="e1", dry_run=True)
    with pytest.raises(InvalidEvent):
        workflow.fire("payout_received", user_id="u1", claim_id="c1", amount="much", dry_run=True)
    assert held(stored) == before


def test_explain_with_fields_says_what_becomes_of_this_payout(workflow: Workflow, stored: Stored) -> None:
    """ "`explain` takes fields, so that it can say what becomes of *this* payout" """
    find(workflow, "c1")
    match(workflow, "c1")
    submit(workflow, "c1", amazon_case_id="k1")
    pay(workflow, "c1", reimbursement_id="r1", amount="5.00", event_id="e1")
    before = held(stored)
    again = workflow.explain(
        "u1", "c1", "payout_received", amount="5.00", reimbursement_id="r1", event_id="e2"
    )
    assert again.verdict == "allowed"
    assert again.outcome is not None
    assert (again.outcome.status, again.outcome.event_id) == ("duplicate", "e1")
    assert again.reason.startswith("it is the event 'e1' again, of which was said: payout_received moves c1")
    other = workflow.explain("u1", "c1", "payout_received", amount="7.00", reimbursement_id="r1")
    assert (other.verdict, other.state) == ("waits", "paid")
    assert other.outcome is not None
    assert other.outcome.conflicts_with == "e1"
    assert str(other.outcome.reason) in other.reason
    more = workflow.explain("u1", "c1", "payout_received", amount="7.00", reimbursement_id="r2")
    assert more.verdict == "allowed"
    assert "moves c1 from paid to paid" in more.reason
    assert held(stored) == before


def test_explain_with_fields_says_refused_and_known(workflow: Workflow) -> None:
    find(workflow, "c1")
    submit(workflow, "c1", amazon_case_id="k1")
    reject(workflow, "c1", amazon_case_id="k1")
    refused = workflow.explain("u1", "c1", "claim_rejected", rejection_reason="late")
    assert (refused.verdict, refused.outcome) == ("refused", None)
    known = workflow.explain("u1", "c1", "evidence_matching_complete", confidence=0.9)
    assert known.verdict == "known"
    assert "c1 is rejected" in known.reason
    with pytest.raises(InvalidEvent):
        workflow.explain("u1", "c1", "payout_received", amount="-1")
