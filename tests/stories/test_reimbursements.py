"""Reimbursements: lines, repeats, conflicts, units in kind, and what takes back which payout."""

from __future__ import annotations

from tests.stories.acts import claim, detect_plainly, find, pay, status, submit, sync, take_back, waits
from workflow_fsm import Workflow


def letter_of(workflow: Workflow, event_id: str) -> str:
    """Give the id of the dead letter that an event is."""
    (found,) = [one.id for one in workflow.dead_letters() if one.event_id == event_id]
    return str(found)


def conflicts(workflow: Workflow) -> dict[str, str | None]:
    """Give what waits, with what each conflicts with."""
    return {one.event_id: one.conflicts_with for one in status(workflow).deferred}


def test_the_lines_of_a_reimbursement_all_count(workflow: Workflow) -> None:
    """ "One reimbursement may have several lines (`line_id`, alias `sku`). … Two that tell different lines
    are two." """
    find(workflow, "c1")
    for line, amount in (("1", "10"), ("2", "10"), ("3", "7")):
        assert (
            pay(workflow, amount=amount, reimbursement_id="R", sku=line, event_id=f"e{line}").status
            == "applied"
        )
    assert claim(workflow).paid == {"USD": "27.00"}


def test_the_same_line_with_the_same_amount_is_a_duplicate_whatever_id_comes_with_it(
    workflow: Workflow,
) -> None:
    """ "the same `reimbursement_id` and `line_id` with the same amount and currency is a duplicate, whatever
    other id comes with it" """
    find(workflow, "c1")
    pay(workflow, amount="10", reimbursement_id="R", line_id="1", event_id="e1")
    again = pay(workflow, amount="10.00", currency="USD", reimbursement_id="R", line_id="1", event_id="e2")
    assert (again.status, again.event_id) == ("duplicate", "e1")
    assert claim(workflow).paid == {"USD": "10.00"}


def test_of_two_equal_ones_of_which_one_tells_its_line_the_line_is_known_for_both(
    workflow: Workflow,
) -> None:
    """ "so is the second of two equal ones of which one tells its line, which is then known for both, and
    what conflicted is judged again" """
    find(workflow, "c1")
    pay(workflow, amount="10", reimbursement_id="R", event_id="e1")
    conflict = pay(workflow, amount="9", reimbursement_id="R", line_id="2", event_id="e2")
    assert (conflict.status, conflict.conflicts_with) == ("deferred", "e1")
    assert pay(workflow, amount="10", reimbursement_id="R", line_id="1", event_id="e3").status == "duplicate"
    assert claim(workflow).paid == {"USD": "19.00"}
    assert waits(workflow) == []


def test_another_amount_of_the_same_reimbursement_waits_for_a_person(workflow: Workflow) -> None:
    """ "Whatever else meets an earlier one of the same reimbursement is neither counted nor refused: another
    amount … It waits, with `conflicts_with` (the earlier event's id) and a reason, until a person settles it"
    """
    find(workflow, "c1")
    pay(workflow, amount="10", reimbursement_id="R", event_id="e1")
    conflict = pay(workflow, amount="12", reimbursement_id="R", event_id="e2")
    assert (conflict.status, conflict.conflicts_with, conflict.waiting_for) == ("deferred", "e1", ())
    assert conflict.reason is not None
    assert "'R'" in conflict.reason
    (waiting,) = status(workflow).deferred
    assert (waiting.conflicts_with, waiting.amount, waiting.currency) == ("e1", "12.00", "USD")
    assert status(workflow).unapplied == {"USD": "12.00"}
    told = workflow.retry_dead_letter(letter_of(workflow, "e2"), line_id="2")
    assert told.status == "applied"
    assert claim(workflow).paid == {"USD": "22.00"}


def test_force_lets_a_conflict_count_as_it_stands(workflow: Workflow) -> None:
    """ "with `force` it counts as it stands" """
    find(workflow, "c1")
    pay(workflow, amount="10", reimbursement_id="R", event_id="e1")
    pay(workflow, amount="12", reimbursement_id="R", event_id="e2")
    assert workflow.retry_dead_letter(letter_of(workflow, "e2"), force=True).status == "applied"
    assert claim(workflow).paid == {"USD": "22.00"}
    assert workflow.check().sound


def test_a_payout_paid_anew_after_its_reversal_waits_for_a_person(workflow: Workflow) -> None:
    """ "an equal payout under a new event id after that one was reversed (by a reversal of that claim which
    names no other original)" """
    find(workflow, "c1")
    pay(workflow, amount="10", reimbursement_id="R", event_id="e1")
    take_back(workflow, amount="10", original_reimbursement_id="R", event_id="v1")
    anew = pay(workflow, amount="10", reimbursement_id="R", event_id="e2")
    assert (anew.status, anew.conflicts_with) == ("deferred", "e1")
    assert workflow.retry_dead_letter(letter_of(workflow, "e2"), force=True).status == "applied"
    assert claim(workflow).paid == {"USD": "10.00"}


def test_a_payout_that_another_payouts_reversal_left_alone_stays_a_duplicate(workflow: Workflow) -> None:
    """ "(by a reversal of that claim which names no other original)" """
    find(workflow, "c1")
    pay(workflow, amount="10", reimbursement_id="R", event_id="e1")
    pay(workflow, amount="4", reimbursement_id="S", event_id="e2")
    take_back(workflow, amount="4", original_reimbursement_id="S", event_id="v1")
    assert pay(workflow, amount="10", reimbursement_id="R", event_id="e3").status == "duplicate"


def test_an_equal_second_reversal_by_the_payouts_own_id_waits_and_another_amount_is_another(
    workflow: Workflow,
) -> None:
    """ "an equal second reversal that gives as its `reimbursement_id` the payout's (it has none of its own;
    one of another amount, under an event id of its own, is another reversal)" """
    find(workflow, "c1")
    pay(workflow, amount="10", reimbursement_id="R", event_id="e1")
    assert take_back(workflow, amount="3", reimbursement_id="R", event_id="v1").status == "applied"
    assert take_back(workflow, amount="2", reimbursement_id="R", event_id="v2").status == "applied"
    second = take_back(workflow, amount="3", reimbursement_id="R", event_id="v3")
    assert (second.status, second.conflicts_with) == ("deferred", "v1")
    assert claim(workflow).paid == {"USD": "5.00"}


def test_a_named_event_is_no_repeat_of_one_that_waits_and_names_nobody(workflow: Workflow) -> None:
    """ "A waiting event is never the earlier one of one that names a claim which it doesn't name" """
    find(workflow, "c1", "c2")
    nobody = pay(workflow, None, amount="5", reimbursement_id="R", event_id="a")
    assert nobody.status == "deferred"
    assert pay(workflow, "c2", amount="5", reimbursement_id="R", event_id="b").status == "applied"
    assert (claim(workflow, "c2").paid, status(workflow).unapplied) == ({"USD": "5.00"}, {"USD": "5.00"})
    settled = workflow.retry_dead_letter(letter_of(workflow, "a"), claim_id="c2")
    assert settled.status == "unchanged"
    assert (claim(workflow, "c2").paid, status(workflow).unapplied) == ({"USD": "5.00"}, {})


def test_one_reimbursement_by_case_and_then_by_claim_and_case_goes_to_that_claim(workflow: Workflow) -> None:
    """ "an applied one only where it was applied to that claim" """
    find(workflow, "c1", "c2")
    assert (
        pay(workflow, None, amazon_case_id="A", amount="5", reimbursement_id="R", event_id="a").status
        == "deferred"
    )
    assert (
        pay(workflow, "c2", amazon_case_id="A", amount="5", reimbursement_id="R", event_id="b").status
        == "applied"
    )
    assert (claim(workflow, "c2").paid, status(workflow).unapplied) == ({"USD": "5.00"}, {})
    assert workflow.check().sound


def test_the_same_reimbursement_for_two_claims_is_two(workflow: Workflow) -> None:
    """ "for one claim (or case)" """
    find(workflow, "c1", "c2")
    assert pay(workflow, "c1", amount="5", reimbursement_id="R", event_id="a").status == "applied"
    assert pay(workflow, "c2", amount="5", reimbursement_id="R", event_id="b").status == "applied"


def test_the_same_reimbursement_for_the_cases_of_two_claims_is_two(workflow: Workflow) -> None:
    find(workflow, "c1", "c2")
    for claim_id, case in (("c1", "k1"), ("c2", "k2")):
        submit(workflow, claim_id, amazon_case_id=case)
    for case in ("k1", "k2"):
        told = pay(workflow, None, amazon_case_id=case, reimbursement_id="R", event_id=f"for {case}")
        assert told.status == "applied"
    assert status(workflow).recovered == {"USD": "20.00"}


def test_the_same_reimbursement_for_nobody_is_one_though_another_could_take_it_by_now(
    workflow: Workflow,
) -> None:
    for number in (1, 2):
        sync(workflow, f"s{number}")
        detect_plainly(workflow, f"s{number}")
        told = pay(workflow, None, reimbursement_id="R", event_id=f"e{number}")
        assert told.status == ("applied" if number == 1 else "duplicate")
    assert status(workflow).recovered == {"USD": "10.00"}


def test_units_in_kind_count_beside_the_money(workflow: Workflow) -> None:
    """ "`quantity_reimbursed_inventory` (a whole number) may come with an amount, or with `amount` 0; it
    counts as a payout (or as its reversal) of that many `units`, shown beside `paid`. Nothing is left where
    neither money nor units are." """
    find(workflow, "c1")
    assert pay(workflow, amount=0, quantity_reimbursed_inventory=3, event_id="e1").status == "applied"
    assert (claim(workflow).units, claim(workflow).paid, claim(workflow).state) == (3, {}, "paid")
    pay(workflow, amount="2.50", quantity_reimbursed_inventory=1, event_id="e2")
    assert (claim(workflow).units, claim(workflow).paid) == (4, {"USD": "2.50"})
    take_back(workflow, amount="2.50", quantity_reimbursed_inventory=1, event_id="v1")
    assert claim(workflow).state == "paid"
    take_back(workflow, amount=0, quantity_reimbursed_inventory=3, event_id="v2")
    assert (claim(workflow).state, claim(workflow).units) == ("rejected", 0)
    waiting = take_back(workflow, amount=0, quantity_reimbursed_inventory=1, event_id="v3")
    assert waiting.status == "deferred"
    assert workflow.check().sound


def test_a_reversal_without_a_currency_takes_that_of_what_it_takes_back(workflow: Workflow) -> None:
    """ "A reversal without a currency takes that of what it takes back, where that is known" """
    find(workflow, "c1")
    pay(workflow, amount="10", currency="EUR", reimbursement_id="R", event_id="e1")
    pay(workflow, amount="8", currency="GBP", reimbursement_id="S", event_id="e2")
    take_back(workflow, None, amount="10", original_reimbursement_id="R", event_id="v1")
    assert claim(workflow).paid == {"GBP": "8.00"}
    take_back(workflow, "c1", amount="8", event_id="v2")
    assert claim(workflow).state == "rejected"


def test_one_that_takes_back_more_than_is_left_waits_and_says_so_until_it_is_forced(
    workflow: Workflow,
) -> None:
    """ "One that takes back more than is left waits and says so; a person may let it through (`retry` with
    `force`): `paid` and `recovered` may then be below nothing, and the claim is `rejected` where nothing or
    less is left." """
    find(workflow, "c1")
    pay(workflow, amount="10", event_id="e1")
    waiting = take_back(workflow, amount="12", event_id="v1")
    assert waiting.status == "deferred"
    assert "more than is left" in str(waiting.reason)
    told = workflow.retry_dead_letter(letter_of(workflow, "v1"), force=True)
    assert told.status == "applied"
    assert (claim(workflow).state, claim(workflow).paid) == ("rejected", {"USD": "-2.00"})
    assert status(workflow).recovered == {"USD": "-2.00"}
    assert workflow.check().sound


def test_a_reversal_of_a_payout_that_nobody_had_waits_for_it(workflow: Workflow) -> None:
    """ "Where nobody has … or no payout the original, a rejection or money is for nobody else" """
    find(workflow, "c1", "c2")
    pay(workflow, "c1", amount="10", reimbursement_id="S")
    waiting = take_back(workflow, None, amount="4", original_reimbursement_id="R")
    assert waiting.status == "deferred"
    assert claim(workflow, "c1").paid == {"USD": "10.00"}
    pay(workflow, "c2", amount="9", reimbursement_id="R")
    assert (claim(workflow, "c1").paid, claim(workflow, "c2").paid) == ({"USD": "10.00"}, {"USD": "5.00"})


def test_a_reversal_that_names_a_claim_with_another_claims_payout_waits(workflow: Workflow) -> None:
    """ "so does a reversal that names a claim together with an original that is not that claim's" """
    find(workflow, "c1", "c2")
    pay(workflow, "c1", amount="10", reimbursement_id="R")
    pay(workflow, "c2", amount="10", reimbursement_id="S")
    waiting = take_back(workflow, "c2", amount="4", original_reimbursement_id="R", event_id="v")
    assert waiting.status == "deferred"
    told = workflow.retry_dead_letter(letter_of(workflow, "v"), original_reimbursement_id="S")
    assert told.status == "applied"
    assert claim(workflow, "c2").paid == {"USD": "6.00"}


def test_a_reversal_whose_own_id_is_a_payouts_names_that_payout(workflow: Workflow) -> None:
    """ "a reversal without one whose `reimbursement_id` is that of a payout names that payout" """
    find(workflow, "c1", "c2")
    pay(workflow, "c1", amount="10", reimbursement_id="R")
    pay(workflow, "c2", amount="10", reimbursement_id="S")
    outcome = take_back(workflow, None, amount="4", reimbursement_id="R")
    assert outcome.transitions[0].claim_id == "c1"


def test_a_reversal_takes_back_the_line_that_it_tells(workflow: Workflow) -> None:
    """ "lines have names": of a reimbursement that paid two claims it is for the one that its line paid"""
    find(workflow, "c1", "c2")
    pay(workflow, "c1", amount="10", currency="EUR", reimbursement_id="R", line_id="L1")
    pay(workflow, "c2", amount="5", currency="JPY", reimbursement_id="R", line_id="L2")
    outcome = take_back(workflow, None, amount="5", original_reimbursement_id="R", line_id="L2")
    assert (outcome.status, [one.claim_id for one in outcome.transitions]) == ("applied", ["c2"])
    assert status(workflow).recovered == {"EUR": "10.00"}
    assert workflow.check().faults == ()


def test_money_that_names_nobody_waits_as_soon_as_there_is_a_claim(workflow: Workflow) -> None:
    """ "**Money that names nobody at all** waits likewise, except for a user who has no claims: there the
    newest plain lifecycle takes it." """
    find(workflow, "c1")
    submit(workflow)
    waiting = pay(workflow, None, amount="5", event_id="a")
    assert (waiting.status, waiting.waiting_for) == ("deferred", ())
    assert [one.claim_id for one in waiting.candidates] == ["c1"]
    assert workflow.retry_dead_letter(letter_of(workflow, "a"), claim_id="c1").status == "applied"
    workflow.fire("sync_complete", user_id="u2", sync_id="p1")
    workflow.fire("detection_complete", user_id="u2", sync_id="p1")
    assert workflow.fire("payout_received", user_id="u2", amount="5").status == "applied"


def test_a_restored_payout_is_not_counted_beside_its_second_try(workflow: Workflow) -> None:
    """ "the same `reimbursement_id` and `line_id` with the same amount and currency is a duplicate, whatever
    other id comes with it": whichever of the two was dropped and brought back."""
    pay(workflow, "c1", "10", currency="USD", reimbursement_id="R")
    (letter,) = workflow.dead_letters()
    workflow.drop_dead_letter(letter.id, reason="sent twice")
    pay(workflow, "c1", "10", currency="USD", reimbursement_id="R", event_id="again")
    workflow.restore_dead_letter(letter.id)
    assert status(workflow).unapplied == {"USD": "10.00"}
    find(workflow, "c1")
    assert status(workflow).recovered == {"USD": "10.00"}


def test_what_conflicts_with_a_dropped_event_is_judged_again_at_once(workflow: Workflow) -> None:
    """ "drop … lets go of the ids": nothing that conflicts with the dropped event goes on to say so"""
    find(workflow, "c1")
    pay(workflow, "c2", "10", reimbursement_id="R", event_id="e1")
    pay(workflow, "c2", "12", reimbursement_id="R", event_id="e2")
    assert conflicts(workflow) == {"e1": None, "e2": "e1"}
    workflow.drop_dead_letter(letter_of(workflow, "e1"), reason="twice")
    assert conflicts(workflow) == {"e2": None}


def test_reversals_of_a_reimbursement_conflict_only_while_no_payout_has_its_id(workflow: Workflow) -> None:
    """A reversal's own id is the payout's where a payout has it, whichever comes first: what is taken back
    in two parts then conflicts no more, and does again once that payout is dropped."""
    find(workflow, "c1")
    take_back(workflow, "c2", "4", reimbursement_id="R", event_id="a")
    take_back(workflow, "c2", "6", reimbursement_id="R", event_id="b")
    seen = [conflicts(workflow)]
    pay(workflow, None, "10", amazon_case_id="K", reimbursement_id="R", event_id="p")
    seen.append(conflicts(workflow))
    letter = letter_of(workflow, "p")
    workflow.drop_dead_letter(letter, reason="not ours")
    seen.append(conflicts(workflow))
    workflow.restore_dead_letter(letter)
    seen.append(conflicts(workflow))
    assert seen == [{"a": None, "b": "a"}, {"a": None, "b": None, "p": None}] * 2


def test_an_equal_payout_waits_after_a_reversal_that_was_sent_before_the_first(workflow: Workflow) -> None:
    """ "an equal payout under a new event id after that one was reversed": what counts is when it was taken
    back, not when the reversal arrived"""
    find(workflow, "c1")
    take_back(workflow, "c1", "5", event_id="back")
    pay(workflow, "c1", "5", reimbursement_id="R", event_id="e1")
    assert claim(workflow).paid == {}
    again = pay(workflow, "c1", "5", reimbursement_id="R", event_id="e2")
    assert (again.status, again.conflicts_with) == ("deferred", "e1")


def test_a_payout_that_is_known_once_its_claim_is_told_adds_its_case(
    workflow: Workflow,
) -> None:
    """ "whatever event names a claim together with a case adds that case to the claim" """
    find(workflow, "c1")
    pay(workflow, "c1", "5", reimbursement_id="R", event_id="e1")
    pay(workflow, None, "5", amazon_case_id="K", reimbursement_id="R", event_id="e2")
    told = workflow.retry_dead_letter(letter_of(workflow, "e2"), claim_id="c1")
    assert told.status == "unchanged"
    assert [case.amazon_case_id for case in claim(workflow).cases] == ["K"]
    assert claim(workflow).paid == {"USD": "5.00"}
