"""What a person lays over an event: each retry's in the place of the one before, and none for a sweep."""

from __future__ import annotations

import pytest

from tests.effects.dead_letters import only, retry
from tests.stories.acts import claim, find, pay, status, submit
from workflow_fsm import EventIdReused, Workflow
from workflow_fsm.testing import USER, ManualClock

SWEPT = {
    "matched": 1,
    "settled": 0,
    "waiting": 0,
    "failed": 0,
    "money": {},
    "settled_money": {},
    "became": {},
}
"""What a sweep of one dead letter tells, but for what became of it."""


def names(workflow: Workflow, claim_id: str = "c1") -> list[str | None]:
    """Give the names of a claim's cases."""
    return [one.amazon_case_id for one in claim(workflow, claim_id).cases]


def test_a_mistyped_case_is_taken_back_by_the_next_retry(workflow: Workflow) -> None:
    """ "`POST deadletters/{id}/retry`, for an event with any of `{…}` laid over what it said" """
    find(workflow, "c1", "c2")
    pay(workflow, None, event_id="p")
    letter = only(workflow)
    assert retry(workflow, letter, amazon_case_id="TYPO").status == "deferred"
    assert retry(workflow, letter, claim_id="c1").status == "applied"
    assert (names(workflow), claim(workflow).paid) == ([], {"USD": "10.00"})
    assert workflow.check().faults == ()


def test_a_case_that_an_earlier_retry_named_for_a_claim_stays_until_it_is_unlinked(
    workflow: Workflow,
) -> None:
    """ "whatever event names a claim together with a case adds that case to the claim … (an event that waits,
    too)" """
    find(workflow, {"claim_id": "c1", "currency": "JPY"}, "c2")
    pay(workflow, None, amount="5.50", event_id="p")
    letter = only(workflow)
    assert retry(workflow, letter, claim_id="c1", amazon_case_id="TYPO").status == "deferred"
    assert retry(workflow, letter, claim_id="c1", currency="USD").status == "applied"
    assert names(workflow) == ["TYPO"]
    workflow.unlink(user_id=USER, claim_id="c1", amazon_case_id="TYPO")
    assert (names(workflow), workflow.check().faults) == ([], ())


def test_a_retry_that_lays_nothing_judges_what_the_event_said(workflow: Workflow) -> None:
    """ "laid over what it said (the event keeps what it said)" """
    find(workflow, "c1")
    pay(workflow, None, event_id="p")
    letter = only(workflow)
    assert retry(workflow, letter, claim_id="slip").status == "deferred"
    assert only(workflow).claim_id == "slip"
    assert retry(workflow, letter).status == "deferred"
    assert only(workflow).claim_id is None
    find(workflow, "slip", sync_id="s2")
    assert (claim(workflow, "slip").paid, workflow.check().faults) == ({}, ())


def test_a_sweep_leaves_what_was_laid_over_each(workflow: Workflow) -> None:
    """A person told for whom it is; whoever retries all that match says nothing of this one."""
    find(workflow, "c1")
    pay(workflow, None, event_id="p")
    retry(workflow, only(workflow), claim_id="late", force=True)
    assert workflow.retry_dead_letters() == {
        **SWEPT,
        "waiting": 1,
        "money": {"USD": "10.00"},
        "became": {"deferred": 1},
    }
    assert (only(workflow).claim_id, workflow.check().faults) == ("late", ())
    find(workflow, "late", sync_id="s2")
    assert (claim(workflow, "late").paid, workflow.check().faults) == ({"USD": "10.00"}, ())


def test_force_is_taken_back_by_the_next_retry(workflow: Workflow) -> None:
    find(workflow, "c1")
    pay(workflow, amount="10", reimbursement_id="R", event_id="e1")
    pay(workflow, None, amount="12", reimbursement_id="R", event_id="e2")
    letter = only(workflow)
    assert retry(workflow, letter, force=True).status == "deferred"
    again = retry(workflow, letter, claim_id="c1")
    assert (again.status, again.conflicts_with) == ("deferred", "e1")
    assert workflow.check().faults == ()


def test_a_line_that_a_repeat_told_stays_over_every_retry(workflow: Workflow) -> None:
    """ "the second of two equal ones of which one tells its line, which is then known for both" """
    find(workflow, "c1")
    told = {"amount": "10", "reimbursement_id": "R"}
    pay(workflow, "late", event_id="e1", **told)
    assert pay(workflow, "late", line_id="1", event_id="e2", **told).status == "duplicate"
    assert retry(workflow, only(workflow), claim_id="c1").status == "applied"
    assert pay(workflow, "c1", line_id="2", event_id="e3", **told).status == "applied"
    assert pay(workflow, "c1", line_id="1", event_id="e4", **told).status == "duplicate"
    assert (status(workflow).recovered, workflow.check().faults) == ({"USD": "20.00"}, ())


def test_what_was_settled_of_an_event_stays_so_when_the_rest_is_told_its_claim(
    workflow: Workflow, clock: ManualClock
) -> None:
    """ "a submission or a rejection that names a case they share is for each of them": for the one that is
    not detected yet it waits."""
    find(workflow, "c1", "c2")
    submit(workflow, "c1", case_id="K")
    submit(workflow, "c9", case_id="K")
    workflow.fire("claim_rejected", user_id=USER, amazon_case_id="K", event_id="no")
    clock.advance(days=8)
    workflow.tick()
    (letter,) = [one for one in workflow.dead_letters() if one.event_id == "no"]
    moved = retry(workflow, letter, claim_id="c2").transitions
    assert [one["claim_id"] for one in moved] == ["c2"]
    assert [one.state for one in status(workflow).claims] == ["rejected", "rejected"]
    assert workflow.check().faults == ()


# -- an event whose ids are another's


def test_a_sweep_never_books_the_money_of_an_id_that_was_used(workflow: Workflow) -> None:
    """ "with other content … 422, and it is kept once under an id made for it, as a refused event": one of
    the two must be wrong, and nobody has looked which."""
    find(workflow, "c1")
    pay(workflow, amount="5", event_id="p")
    with pytest.raises(EventIdReused):
        pay(workflow, amount="6", event_id="p")
    letter = only(workflow)
    assert workflow.retry_dead_letters() == {**SWEPT, "failed": 1, "money": {"USD": "6.00"}}
    assert workflow.retry_dead_letters(trigger="payout_received").failed == 1
    assert (only(workflow), workflow.acts(USER)) == (letter, [])
    assert status(workflow).recovered == {"USD": "5.00"}
    assert workflow.check().faults == ()


def test_a_retry_by_its_id_counts_it_beside_the_other(workflow: Workflow) -> None:
    """A person has looked at this one."""
    find(workflow, "c1")
    pay(workflow, amount="5", event_id="p")
    with pytest.raises(EventIdReused):
        pay(workflow, amount="6", event_id="p")
    letter = only(workflow)
    assert retry(workflow, letter, reason="two payouts, by the statement").status == "applied"
    assert status(workflow).recovered == {"USD": "11.00"}
    assert (workflow.dead_letters(), workflow.check().faults) == ([], ())


def test_a_sweep_takes_along_what_a_person_has_counted_beside_and_waits(workflow: Workflow) -> None:
    find(workflow, "c1")
    pay(workflow, amount="5", event_id="p")
    submit(workflow, "c1")
    with pytest.raises(EventIdReused):
        pay(workflow, None, amount="6", event_id="p")
    assert retry(workflow, only(workflow)).status == "deferred"
    assert workflow.retry_dead_letters() == {
        **SWEPT,
        "waiting": 1,
        "money": {"USD": "6.00"},
        "became": {"deferred": 1},
    }
