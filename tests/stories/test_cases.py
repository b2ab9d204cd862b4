"""Cases: a claim's filings with the marketplace, many to many, each with a state of its own."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.acts import (
    cases,
    claim,
    detect,
    find,
    match,
    pay,
    refusal,
    reject,
    states,
    status,
    submit,
    sync,
    take_back,
    waits,
)
from workflow_fsm import NotAllowed, Workflow


def test_a_claim_may_have_several_cases_and_none_is_forgotten(workflow: Workflow) -> None:
    """ "A claim may have several (refiled, a second stage, a corrected typo), … and none is ever forgotten or
    overwritten" """
    find(workflow, "c1")
    submit(workflow, amazon_case_id="A")
    again = submit(workflow, amazon_case_id="B")
    assert (again.status, cases(workflow)) == ("unchanged", {"A": "filed", "B": "filed"})
    assert claim(workflow).amazon_case_id == "B"
    pay(workflow, None, amazon_case_id="A", amount="5")
    pay(workflow, None, amazon_case_id="B", amount="6")
    assert claim(workflow).paid == {"USD": "11.00"}
    assert cases(workflow) == {"A": "paid", "B": "paid"}


def test_whatever_event_names_a_claim_with_a_case_adds_it_one_that_waits_too(workflow: Workflow) -> None:
    """ "whatever event names a claim together with a case adds that case to the claim, without a state until
    one is told (an event that waits, too)" """
    find(workflow, "c1")
    waiting = take_back(workflow, "c1", amazon_case_id="A", amount="5")
    assert waiting.status == "deferred"
    assert cases(workflow) == {"A": None}
    assert claim(workflow).amazon_case_id is None
    paid = pay(workflow, None, amazon_case_id="A", amount="9")
    assert paid.transitions[0].claim_id == "c1"
    assert claim(workflow).paid == {"USD": "4.00"}


def test_a_filing_without_a_case_is_one_without_a_name_until_an_event_names_it(workflow: Workflow) -> None:
    """ "A `claim_submitted` that names no case files one without a name; the next event that names claim and
    case names it." """
    find(workflow, "c1")
    submit(workflow)
    assert cases(workflow) == {None: "filed"}
    assert claim(workflow).amazon_case_id is None
    rejected = reject(workflow, amazon_case_id="A")
    assert rejected.transitions[0]["to"] == "rejected"
    assert cases(workflow) == {"A": "rejected"}


def test_a_claim_filed_without_its_case_is_not_found_by_that_case_alone(workflow: Workflow) -> None:
    """ "So a claim filed without its case id is not found by that id alone: … send the case with the
    filing" """
    find(workflow, "c1")
    submit(workflow, "c1", amazon_case_id=None)
    early = pay(workflow, None, amazon_case_id="K1", event_id="p1")
    assert (early.status, [one.claim_id for one in early.candidates]) == ("deferred", ["c1"])
    assert states(workflow) == {"c1": "submitted"}
    submit(workflow, "c1", amazon_case_id="K1", event_id="told-with-its-case")
    assert (states(workflow), status(workflow).recovered) == ({"c1": "paid"}, {"USD": "10.00"})


def test_a_claim_moves_by_a_rejection_only_where_none_of_its_cases_is_filed_any_more(
    workflow: Workflow,
) -> None:
    """ "A rejection that names a case marks that one, and the claim moves only where none of its cases is
    `filed` any more" """
    find(workflow, "c1")
    submit(workflow, amazon_case_id="A")
    submit(workflow, amazon_case_id="B")
    first = reject(workflow, None, amazon_case_id="A")
    assert (first.status, states(workflow)) == ("unchanged", {"c1": "submitted"})
    assert cases(workflow) == {"A": "rejected", "B": "filed"}
    second = reject(workflow, None, amazon_case_id="B")
    assert (second.status, states(workflow)) == ("applied", {"c1": "rejected"})


def test_a_rejection_that_names_no_case_marks_all_that_are_filed(workflow: Workflow) -> None:
    """ "one that names none marks all that are filed" """
    find(workflow, "c1")
    submit(workflow, amazon_case_id="A")
    submit(workflow, amazon_case_id="B")
    assert reject(workflow).transitions[0]["to"] == "rejected"
    assert cases(workflow) == {"A": "rejected", "B": "rejected"}


@pytest.mark.parametrize("before", ["detected", "matched", "expired"])
def test_a_verdict_on_a_case_says_that_there_was_a_filing(
    workflow: Workflow, clock: Any, before: str
) -> None:
    """ "On a claim that was never filed it says that it was: `detected`, `matched` and `expired` move by one
    that names a case, which then was told by its verdict alone." """
    find(workflow, {"claim_id": "c1", "deadline_date": clock.text(days=1)})
    if before == "matched":
        match(workflow)
    if before == "expired":
        clock.advance(days=2)
        workflow.tick()
    assert states(workflow) == {"c1": before}
    assert reject(workflow).status == "deferred"
    rejected = reject(workflow, amazon_case_id="A")
    assert (rejected.transitions[0]["from"], rejected.transitions[0]["to"]) == (before, "rejected")
    assert cases(workflow) == {"A": "rejected"}


def test_a_filing_told_after_its_verdict_is_known_and_told_again_a_refiling(workflow: Workflow) -> None:
    """ "A *filing told late*: a `claim_submitted` that names a case which only a verdict or a payout has told
    so far … It is known, and the case counts as told; told again after that, with its verdict, it is a
    refiling." """
    find(workflow, "c1")
    reject(workflow, amazon_case_id="A")
    late = submit(workflow, amazon_case_id="A", event_id="late")
    assert (late.status, states(workflow)) == ("unchanged", {"c1": "rejected"})
    again = submit(workflow, amazon_case_id="A", event_id="again")
    assert (again.status, states(workflow)) == ("applied", {"c1": "submitted"})
    assert cases(workflow) == {"A": "filed"}


def test_a_late_filing_that_names_no_case_is_that_of_the_newest(workflow: Workflow) -> None:
    """ "or none where that is so of the newest case" """
    find(workflow, "c1")
    reject(workflow, amazon_case_id="A")
    assert submit(workflow, event_id="late").status == "unchanged"
    assert cases(workflow) == {"A": "rejected"}
    assert submit(workflow, event_id="again").status == "applied"
    assert cases(workflow) == {"A": "rejected", None: "filed"}


def test_the_first_filing_without_a_case_of_a_claim_whose_money_came_under_none_is_late(
    workflow: Workflow,
) -> None:
    """ "so is the first that names none on a claim whose money came under no case" """
    find(workflow, "c1")
    pay(workflow, amount="5")
    take_back(workflow, amount="5")
    assert states(workflow) == {"c1": "rejected"}
    assert submit(workflow, event_id="late").status == "unchanged"
    assert submit(workflow, event_id="again").status == "applied"
    assert states(workflow) == {"c1": "submitted"}


def test_another_filing_of_a_rejected_claim_is_a_refiling(workflow: Workflow) -> None:
    """ "| rejected | … → submitted; = if it is a filing told late" """
    find(workflow, "c1")
    submit(workflow, amazon_case_id="A")
    reject(workflow, amazon_case_id="A")
    assert submit(workflow, amazon_case_id="B").status == "applied"
    assert cases(workflow) == {"A": "rejected", "B": "filed"}


def test_a_no_to_a_case_that_nobody_said_it_of_is_known_and_a_second_is_refused(workflow: Workflow) -> None:
    """ "| rejected | … no; = if it names a case that nobody said this of" """
    find(workflow, "c1")
    submit(workflow, amazon_case_id="A")
    reject(workflow, amazon_case_id="A")
    assert reject(workflow, amazon_case_id="B", event_id="r2").status == "unchanged"
    assert cases(workflow) == {"A": "rejected", "B": "rejected"}
    assert (
        refusal(workflow, "claim_rejected", claim_id="c1", amazon_case_id="B", event_id="r3").state
        == "rejected"
    )
    assert isinstance(refusal(workflow, "claim_rejected", claim_id="c1", event_id="r4"), NotAllowed)


def test_a_no_to_a_case_that_was_not_paid_is_known_on_a_paid_claim(workflow: Workflow) -> None:
    """ "| paid | … no; = if it names a case that was not paid" """
    find(workflow, "c1")
    submit(workflow, amazon_case_id="A")
    submit(workflow, amazon_case_id="B")
    pay(workflow, None, amazon_case_id="A")
    assert reject(workflow, None, amazon_case_id="B").status == "unchanged"
    assert cases(workflow) == {"A": "paid", "B": "rejected"}
    assert refusal(workflow, "claim_rejected", amazon_case_id="A").state == "paid"


def test_a_whole_reversal_of_what_was_paid_under_a_case_rejects_it(workflow: Workflow) -> None:
    """ "A payout marks the case that it names `paid`, a whole reversal of what was paid under it
    `rejected`." """
    find(workflow, "c1")
    submit(workflow, amazon_case_id="A")
    submit(workflow, amazon_case_id="B")
    pay(workflow, None, amazon_case_id="A", amount="5", reimbursement_id="R1")
    pay(workflow, None, amazon_case_id="B", amount="7")
    take_back(workflow, None, amazon_case_id="A", amount="2")
    assert cases(workflow) == {"A": "paid", "B": "paid"}
    take_back(workflow, None, original_reimbursement_id="R1", amount="3")
    assert cases(workflow) == {"A": "rejected", "B": "paid"}
    assert (claim(workflow).state, claim(workflow).paid) == ("paid", {"USD": "7.00"})


def test_a_reversal_without_a_line_is_under_the_case_of_the_first_payout_of_its_reimbursement(
    workflow: Workflow,
) -> None:
    """It takes from the case that its payout was booked under; of several payouts the first tells, one under
    no case too."""
    find(workflow, "c1")
    submit(workflow, amazon_case_id="A")
    pay(workflow, amount="5", reimbursement_id="R1", line_id="1")
    pay(workflow, amount="7", reimbursement_id="R1", line_id="2", amazon_case_id="A")
    take_back(workflow, None, original_reimbursement_id="R1", amount="7")
    assert (cases(workflow)["A"], claim(workflow).paid) == ("paid", {"USD": "5.00"})


def test_a_nameless_filing_after_one_that_was_told_is_a_refiling_of_a_claim_paid_under_no_case(
    workflow: Workflow,
) -> None:
    """The filing that was paid had been told: this one is another."""
    find(workflow, "c1")
    submit(workflow, "c1", amazon_case_id="A")
    pay(workflow, amount="5")
    take_back(workflow, amount="5")
    assert submit(workflow).status == "applied"
    assert states(workflow) == {"c1": "submitted"}


def test_a_case_that_was_never_the_claims_is_taken_away(workflow: Workflow) -> None:
    """ "`POST claims/unlink` takes away a case, too, that was never the claim's; where none is `filed` any
    more then and one was rejected, a `submitted` claim moves to `rejected` (a row by `claim_rejected`, the
    act its reason)" """
    find(workflow, "c1")
    submit(workflow, amazon_case_id="A")
    submit(workflow, amazon_case_id="typo")
    reject(workflow, None, amazon_case_id="A")
    assert states(workflow) == {"c1": "submitted"}
    assert workflow.unlink(user_id="u1", claim_id="c1", amazon_case_id="typo") == {"status": "unlinked"}
    assert (states(workflow), cases(workflow)) == ({"c1": "rejected"}, {"A": "rejected"})
    rows = workflow.history("u1", "c1")
    assert rows is not None
    assert (rows[-1].trigger, rows[-1].event_id) == ("claim_rejected", None)
    assert "typo" in str(rows[-1].reason)
    assert workflow.check().sound


def test_a_verdict_or_money_for_a_case_that_nobody_has_waits_until_somebody_has(workflow: Workflow) -> None:
    """ "Where nobody has the case … a rejection or money is for nobody else: it waits with its `candidates`
    until somebody has that name" """
    find(workflow, "c1", "c2")
    submit(workflow, "c1")
    money = pay(workflow, None, amazon_case_id="A", amount="5")
    verdict = reject(workflow, None, amazon_case_id="A")
    assert (money.status, verdict.status) == ("deferred", "deferred")
    assert [one.claim_id for one in money.candidates] == ["c1", "c2"]
    assert states(workflow) == {"c1": "submitted", "c2": "detected"}
    assert submit(workflow, "c2", amazon_case_id="A").status == "applied"
    assert states(workflow) == {"c1": "submitted", "c2": "paid"}
    assert claim(workflow, "c2").paid == {"USD": "5.00"}
    assert waits(workflow) == []


def test_a_submission_may_bring_a_case_only_where_nobody_else_can_be_meant(workflow: Workflow) -> None:
    """ "A submission may bring a case that is new: without a claim's name it goes on to the next rule for a
    user who has no claims, or with a `sync_id` of theirs; else it is refused, with its `candidates`." """
    find(workflow, "c1")
    refused = refusal(workflow, "claim_submitted", amazon_case_id="A")
    assert [one["claim_id"] for one in refused.candidates] == ["c1"]
    taken = workflow.fire("claim_submitted", user_id="u1", sync_id="s1", amazon_case_id="A")
    assert taken.transitions[0].claim_id == "c1"
    sync(workflow, "p1", user_id="u2")
    workflow.fire("detection_complete", user_id="u2", sync_id="p1")
    plain = workflow.fire("claim_submitted", user_id="u2", amazon_case_id="B")
    assert plain.transitions[0].claim_id is None
    assert workflow.fire("payout_received", user_id="u2", amazon_case_id="B", amount="3").status == "applied"


def test_a_filing_that_waits_for_its_sync_is_judged_once_that_is_known(workflow: Workflow) -> None:
    """ "a name that is given is meant": in its sync it is the only one that may bring its case"""
    submit(workflow, None, amazon_case_id="A", sync_id="s2", event_id="early")
    find(workflow, "c1")
    sync(workflow, sync_id="s2")
    detect(workflow, "c2", sync_id="s2")
    assert states(workflow) == {"c1": "detected", "c2": "submitted"}
    assert (cases(workflow, "c2"), waits(workflow)) == ({"A": "filed"}, [])


def test_a_plain_detection_of_two_claims_leaves_a_case_of_one_alone(workflow: Workflow) -> None:
    """ "its money went to a claim that was never filed" is what no order may bring about"""
    find(workflow, "c1", "c2")
    reject(workflow, None, amazon_case_id="A")
    pay(workflow, None, amazon_case_id="A", amount="7")
    detect(workflow, "c3")
    assert states(workflow) == {"c1": "detected", "c2": "detected", "c3": "detected"}
    submit(workflow, "c1", amazon_case_id="A")
    assert states(workflow) == {"c1": "paid", "c2": "detected", "c3": "detected"}
