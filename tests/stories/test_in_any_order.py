"""What came early, again or under several names: the same end as had it come in its turn."""

from __future__ import annotations

import pytest

from tests.stories.acts import USER, claim, find, pay, reject, status, submit, sync, take_back
from workflow_fsm import EventIdReused, Workflow


def cases(workflow: Workflow, claim_id: str) -> dict[str | None, str | None]:
    """Give a claim's cases with their states."""
    found = [one for one in status(workflow).claims if one.claim_id == claim_id]
    return {case.amazon_case_id: case.state for case in found[0].cases}


def test_money_by_a_case_waits_while_a_claim_that_has_it_too_is_not_detected(workflow: Workflow) -> None:
    """ "Several: a submission or a rejection that names a case they share is for each of them; money
    waits" """
    find(workflow, "c1")
    submit(workflow, "c1", amazon_case_id="K")
    submit(workflow, "c2", amazon_case_id="K")
    assert pay(workflow, None, "5", amazon_case_id="K").status == "deferred"
    assert status(workflow).unapplied == {"USD": "5.00"}


def test_a_verdict_by_a_shared_case_is_for_the_one_that_is_detected_later_too(workflow: Workflow) -> None:
    """ "a submission or a rejection that names a case they share is for each of them" """
    find(workflow, "c1")
    submit(workflow, "c1", amazon_case_id="K")
    submit(workflow, "c2", amazon_case_id="K")
    assert reject(workflow, None, amazon_case_id="K").status == "applied"
    find(workflow, "c2", sync_id="s2")
    assert [one.state for one in status(workflow).claims] == ["rejected", "rejected"]
    assert workflow.check().sound


def test_a_verdict_by_a_case_is_for_nobody_who_has_it_only_since(workflow: Workflow) -> None:
    """ "Where … a verdict told, by the case alone becomes another claim's as well, a dead letter says so and
    names both; nothing is moved." """
    find(workflow, "c1", "c3")
    submit(workflow, "c1", amazon_case_id="K")
    submit(workflow, "c2", amazon_case_id="K")
    reject(workflow, None, amazon_case_id="K", event_id="no")
    submit(workflow, "c3", amazon_case_id="K")
    assert [one.state for one in status(workflow).claims] == ["rejected", "submitted"]
    assert "no" in [one.event_id for one in workflow.dead_letters()]


@pytest.mark.parametrize("early", [True, False])
def test_an_event_that_waits_names_the_filing_without_a_name(workflow: Workflow, early: bool) -> None:
    """ "A `claim_submitted` that names no case files one without a name; the next event that names claim and
    case names it": one that waits, too."""
    find(workflow, "c1")
    if early:
        take_back(workflow, "c1", "5", amazon_case_id="K")
    submit(workflow, "c1")
    if not early:
        take_back(workflow, "c1", "5", amazon_case_id="K")
    assert cases(workflow, "c1") == {"K": "filed"}


@pytest.mark.parametrize("early", [True, False])
def test_an_equal_payout_without_an_id_is_a_repeat_also_after_a_reversal(
    workflow: Workflow, early: bool
) -> None:
    """ "an equal payout under a new event id after that one was reversed": without one it is that one."""
    find(workflow, "c1")
    submit(workflow, "c1", amazon_case_id="K1")
    pay(workflow, None, "5", amazon_case_id="K1", reimbursement_id="R")
    take_back(workflow, None, "5", original_reimbursement_id="R")
    if early:
        pay(workflow, None, "5", amazon_case_id="K2", reimbursement_id="R")
    submit(workflow, "c1", amazon_case_id="K2")
    if not early:
        pay(workflow, None, "5", amazon_case_id="K2", reimbursement_id="R")
    assert status(workflow).unapplied == {}
    assert status(workflow).recovered == {}


def test_a_reversal_by_its_original_is_booked_under_the_payouts_case(workflow: Workflow) -> None:
    """ "whatever event names a claim together with a case adds that case to the claim": one that names no
    claim doesn't."""
    find(workflow, "c1")
    submit(workflow, "c1", amazon_case_id="K1")
    pay(workflow, "c1", "5", amazon_case_id="K1", reimbursement_id="R")
    take_back(workflow, None, "5", original_reimbursement_id="R", amazon_case_id="K9")
    assert cases(workflow, "c1") == {"K1": "rejected"}
    assert workflow.check().sound


def test_a_submission_that_names_no_claim_adds_no_case_to_one_that_is_filed(workflow: Workflow) -> None:
    """ "None: … known or refused as the cells say." """
    sync(workflow)
    find(workflow, "c1")
    submit(workflow, "c1", amazon_case_id="K1")
    submit(workflow, None, amazon_case_id="K2", sync_id="s1")
    assert cases(workflow, "c1") == {"K1": "filed"}


def test_a_conflict_of_ids_is_kept_once_also_when_it_was_retried(workflow: Workflow) -> None:
    """ "422, and it is kept once under an id made for it, as a refused event" """
    find(workflow, "c1")
    pay(workflow, "c1", "5", event_id="p")
    with pytest.raises(EventIdReused):
        pay(workflow, "c1", "6", event_id="p")
    (letter,) = workflow.dead_letters()
    workflow.retry_dead_letter(letter.id)
    with pytest.raises(EventIdReused):
        pay(workflow, "c1", "6", event_id="p")
    assert list(workflow.dead_letters()) == []
    assert claim(workflow).paid == {"USD": "11.00"}


def test_an_event_that_replaces_a_dropped_one_has_its_ids(workflow: Workflow) -> None:
    """ "Ids are kept for ever": a payout that was dropped, and is sent again by one of its ids, counts once
    by the other, too."""
    ids = [("webhook-id", "w"), ("Idempotency-Key", "k")]
    body = {"user_id": USER, "claim_id": "c9", "amount": "5", "currency": "USD"}
    first = workflow.read("payout_received", body, ids=ids)
    workflow.submit([first], actor="test")
    (letter,) = workflow.dead_letters()
    workflow.drop_dead_letter(letter.id, reason="tried")
    for one in ids:
        workflow.submit([workflow.read("payout_received", body, ids=[one])], actor="test")
    assert status(workflow).unapplied == {"USD": "5.00"}


def test_a_reversal_that_takes_back_no_units_does_not_ask_how_many_are_left(workflow: Workflow) -> None:
    """ "One that takes back more than is left waits" """
    find(workflow, "c1")
    pay(workflow, "c1", "5", reimbursement_id="R")
    take_back(workflow, "c1", "1", currency="USD", quantity_reimbursed_inventory=2, event_id="more")
    (letter,) = workflow.dead_letters()
    workflow.retry_dead_letter(letter.id, force=True)
    assert take_back(workflow, "c1", "1", currency="USD", event_id="less").status == "applied"
    assert claim(workflow).paid == {"USD": "3.00"}


def test_a_refused_payout_makes_no_reversal_one_of_its_own(workflow: Workflow) -> None:
    """ "an equal second reversal that gives as its `reimbursement_id` the payout's": a 422 is no payout."""
    find(workflow, "c1")
    take_back(workflow, "c2", "5", currency="USD", reimbursement_id="R", event_id="first")
    with pytest.raises(EventIdReused):
        pay(workflow, "c1", "5", reimbursement_id="R", event_id="first")
    again = take_back(workflow, "c2", "5", currency="USD", reimbursement_id="R", event_id="again")
    assert again.status == "duplicate"
