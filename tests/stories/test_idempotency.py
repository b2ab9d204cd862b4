"""The same event again: by its id, by its reimbursement, by its content; and ids that are not bound."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.stories.acts import (
    chain,
    claim,
    detect,
    find,
    moves,
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
from workflow_fsm import EventIdReused, Workflow
from workflow_fsm.testing import ManualClock


def test_an_id_seen_before_gets_the_first_answer_again(workflow: Workflow) -> None:
    """ "Seen before with the same content: the first answer again, marked `duplicate`" """
    sync(workflow)
    first = detect(workflow, "c1", "c2", event_id="e")
    submit(workflow, "c1")
    again = detect(workflow, "c1", "c2", event_id="e")
    assert (again.status, again.first_status) == ("duplicate", "applied")
    assert (again.transitions, again.event_id) == (first.transitions, "e")
    assert chain(workflow, None).count("detection_complete") == 3


@pytest.mark.parametrize("status_first", ["deferred", "unchanged"])
def test_the_first_answer_is_repeated_whatever_it_was_and_whatever_became_of_it(
    workflow: Workflow, status_first: str
) -> None:
    """ "200 | the first answer with `"status": "duplicate"` and `first_status`" """
    if status_first == "unchanged":
        find(workflow, "c1")
        pay(workflow, "c1")
    first = submit(workflow, "c1", event_id="e")
    assert first.status == status_first
    if status_first == "deferred":
        find(workflow, "c1")
    again = submit(workflow, "c1", event_id="e")
    assert (again.status, again.first_status) == ("duplicate", status_first)
    assert again.waiting_for == first.waiting_for
    assert again.unchanged == first.unchanged
    answer = again.as_dict()
    assert answer | {"status": status_first} == first.as_dict() | {"first_status": status_first}


@pytest.mark.parametrize(
    "other",
    [
        {"amount": "10.01"},
        {"amount": "10.00", "currency": "USD"},
        {"amount": "10.00", "amazon_case_id": "K"},
        {"amount": "10.00", "claim_id": "c2"},
        {"amount": "10.00", "reimbursement_id": "r"},
        {"amount": "10.00", "line_id": "1"},
        {"amount": "10.00", "quantity_reimbursed_inventory": 1},
        {"amount": "10.00", "sync_id": "s1"},
        {"amount": "10.00", "reason": "listed"},
        {"amount": "10.00", "occurred_at": "2026-01-01T00:00:00Z"},
    ],
    ids=str,
)
def test_an_id_seen_before_with_other_content_is_an_error(workflow: Workflow, other: dict[str, Any]) -> None:
    """ "with other content, for another trigger, or two ids of two events: 422" """
    find(workflow, "c1")
    pay(workflow, "c1", event_id="e")
    before = status(workflow)
    with pytest.raises(EventIdReused) as caught:
        workflow.fire("payout_received", user_id="u1", event_id="e", **{"claim_id": "c1", **other})
    assert (caught.value.code, caught.value.event_id) == ("event-id-reused", "e")
    assert status(workflow) == before


def test_an_id_of_another_trigger_is_an_error(workflow: Workflow) -> None:
    """ "with other content, for another trigger, …: 422" """
    find(workflow, "c1")
    submit(workflow, "c1", event_id="e")
    with pytest.raises(EventIdReused):
        reject(workflow, "c1", event_id="e")
    assert states(workflow) == {"c1": "submitted"}


def test_an_event_id_belongs_to_its_user(workflow: Workflow) -> None:
    """ "An event id belongs to its user." """
    assert sync(workflow, "s1", user_id="u1", event_id="e").status == "applied"
    assert sync(workflow, "s2", user_id="u2", event_id="e").status == "applied"


def test_ids_are_kept_for_ever(workflow: Workflow, clock: ManualClock) -> None:
    """ "Ids are kept for ever." """
    find(workflow, "c1")
    pay(workflow, "c1", event_id="e")
    clock.advance(days=10_000)
    workflow.tick()
    assert pay(workflow, "c1", event_id="e").status == "duplicate"
    assert status(workflow).recovered == {"USD": "10.00"}


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ({"amount": "10.00"}, {"amount": "1e1"}),
        ({"amount": "10.00"}, {"amount": 10}),
        ({"amount": 10.1}, {"amount": Decimal("10.10")}),
        ({"amount": 0.3}, {"amount": 0.1 + 0.2}),
        ({"amount": 100, "currency": "JPY"}, {"amount": 100.0005, "currency": "jpy"}),
        ({"amount": "1", "amazon_case_id": "K"}, {"amount": "1", "case_id": "K"}),
        ({"amount": "1", "amazon_case_id": "K"}, {"case_id": "K", "amazon_case_id": "K", "amount": "1"}),
        ({"amount": "1", "currency": "EUR"}, {"currency": "eur", "amount": "1.0"}),
        ({"amount": "1", "currency": None, "sync_id": None}, {"amount": "1"}),
        (
            {"amount": "1", "occurred_at": "2026-01-01T12:00:00Z"},
            {"amount": "1", "occurred_at": "2026-01-01T13:00:00.000+01:00"},
        ),
        ({"amount": "1", "line_id": "L"}, {"amount": "1", "sku": "L"}),
        ({"amount": "1", "note": {"a": 1, "b": 2.50}}, {"note": {"b": 2.5, "a": 1.0}, "amount": "1"}),
        ({"amount": "1", "attempt": 1}, {"amount": "1", "attempt": 2, "sent_at": "12:00"}),
    ],
    ids=str,
)
def test_content_is_compared_after_reading(
    workflow: Workflow, first: dict[str, Any], again: dict[str, Any]
) -> None:
    """ "Content is the listed fields, read: names made canonical, key order, the spelling of numbers and what
    isn't listed left out (a sender's `attempt` or `sent_at` changes nothing)." """
    workflow.fire("payout_received", user_id="u1", event_id="e", **first)
    assert workflow.fire("payout_received", user_id="u1", event_id="e", **again).status == "duplicate"


def test_the_content_of_lists_is_compared_after_reading(workflow: Workflow) -> None:
    """ "names made canonical, key order, the spelling of numbers and what isn't listed left out" """
    sync(workflow)
    entry = {"claim_id": "c1", "confidence": 0.5, "amount": 12.5, "deadline_date": "2027-01-01T00:00:00Z"}
    same = {"deadline_date": "2027-01-01T01:00:00+01:00", "amount": "12.50", "confidence": "0.50"}
    first = workflow.fire("detection_complete", user_id="u1", event_id="e", sync_id="s1", claims=[entry])
    again = workflow.fire(
        "detection_complete",
        user_id="u1",
        event_id="e",
        detection_job_id="s1",
        claims_found=[same | {"claim_id": "c1", "evidence": None, "attempt": 2}],
    )
    assert (first.status, again.status) == ("applied", "duplicate")


def test_a_refused_event_does_not_bind_its_id(workflow: Workflow) -> None:
    """ "A refused, dead or dropped event does not bind its ids: sent again, with this content or a corrected
    one, it is judged anew and replaces it." """
    find(workflow, "c1", "c2")
    refusal(workflow, "claim_submitted", event_id="e")
    refusal(workflow, "claim_submitted", event_id="e")
    outcome = submit(workflow, "c2", event_id="e")
    assert moves(outcome) == [("c2", "detected", "submitted")]
    assert submit(workflow, "c2", event_id="e").status == "duplicate"
    with pytest.raises(EventIdReused):
        submit(workflow, "c1", event_id="e")


def test_a_refused_event_sent_again_with_this_content_is_judged_anew(workflow: Workflow) -> None:
    """ "sent again, with this content …, it is judged anew" """
    find(workflow, "c1", "c2")
    refusal(workflow, "claim_submitted", event_id="e")
    submit(workflow, "c1", event_id="other")
    assert moves(submit(workflow, None, event_id="e")) == [("c2", "detected", "submitted")]


def test_a_refused_id_may_come_back_under_another_trigger(workflow: Workflow) -> None:
    """ "A refused, dead or dropped event does not bind its ids" """
    find(workflow, "c1")
    pay(workflow, "c1")
    refusal(workflow, "claim_rejected", claim_id="c1", event_id="e")
    assert take_back(workflow, "c1", event_id="e").status == "applied"


def test_a_dead_event_does_not_bind_its_id(workflow: Workflow, clock: ManualClock) -> None:
    """ "A refused, dead or dropped event does not bind its ids" """
    submit(workflow, "c1", event_id="e", amazon_case_id="wrong")
    with pytest.raises(EventIdReused):
        submit(workflow, "c1", event_id="e", amazon_case_id="K")
    clock.advance(days=7)
    workflow.tick()
    again = submit(workflow, "c1", event_id="e", amazon_case_id="K")
    assert (again.status, again.expires_at) == ("deferred", "2026-03-15T12:00:00.000000Z")
    find(workflow, "c1")
    assert claim(workflow).amazon_case_id == "K"


@pytest.mark.parametrize("act", [pay, take_back])
def test_a_reimbursement_seen_before_is_a_duplicate_whatever_id_comes_with_it(
    workflow: Workflow, act: Any
) -> None:
    """ "For each of the two payout triggers by itself, and for one claim (or case): the same
    `reimbursement_id` and `line_id` with the same amount and currency is a duplicate, whatever other id comes
    with it" """
    find(workflow, "c1")
    pay(workflow, "c1", "90.00", event_id="p0")
    first = act(workflow, "c1", "10.00", event_id="a", reimbursement_id="r")
    again = act(workflow, "c1", "10.00", event_id="b", reimbursement_id="r", occurred_at="2026-01-01T00:00Z")
    assert (first.status, again.status) == ("applied", "duplicate")
    assert again.event_id == "a"
    assert act(workflow, "c1", "10.00", reimbursement_id="r").status == "duplicate"
    total = {"USD": "100.00" if act is pay else "80.00"}
    assert status(workflow).recovered == total


@pytest.mark.parametrize(
    ("other", "unapplied"),
    [
        ({"amount": "10.01"}, {"USD": "10.01"}),
        ({"currency": "EUR"}, {"EUR": "10.00"}),
        ({"amount": "10.01", "amazon_case_id": "K"}, {"USD": "10.01"}),
    ],
    ids=str,
)
def test_a_reimbursement_seen_before_with_other_money_waits_for_a_person(
    workflow: Workflow, other: dict[str, Any], unapplied: dict[str, str]
) -> None:
    """ "Whatever else meets an earlier one of the same reimbursement is neither counted nor refused: another
    amount … It waits, with `conflicts_with` (the earlier event's id) and a reason, until a person settles it"
    """
    find(workflow, "c1")
    pay(workflow, "c1", event_id="a", reimbursement_id="r")
    outcome = workflow.fire(
        "payout_received",
        **{"user_id": "u1", "claim_id": "c1", "amount": "10.00", "event_id": "b", "reimbursement_id": "r"}
        | other,
    )
    assert (outcome.status, outcome.conflicts_with) == ("deferred", "a")
    assert (outcome.waiting_for, outcome.expires_at) == ((), None)
    assert "'r'" in str(outcome.reason)
    shown = status(workflow)
    assert (shown.recovered, shown.unapplied) == ({"USD": "10.00"}, unapplied)
    assert [(one.event_id, one.conflicts_with) for one in shown.deferred] == [("b", "a")]
    submit(workflow, "c1")
    find(workflow, "c2", sync_id="s2")
    assert waits(workflow) == [("payout_received", "c1")]


def test_an_id_seen_before_with_another_amount_is_an_error_whatever_reimbursement_it_is(
    workflow: Workflow,
) -> None:
    """ "with other content, …: 422" goes before "another amount … waits, with `conflicts_with`" """
    find(workflow, "c1")
    pay(workflow, "c1", event_id="a", reimbursement_id="r")
    with pytest.raises(EventIdReused):
        pay(workflow, "c1", "10.01", event_id="a", reimbursement_id="r")
    assert (status(workflow).recovered, status(workflow).unapplied) == ({"USD": "10.00"}, {})


def test_a_reimbursement_is_known_by_its_trigger_and_claim(workflow: Workflow) -> None:
    """ "For each of the two payout triggers by itself, and for one claim (or case)" """
    find(workflow, "c1", {"claim_id": "c2", "aliases": ["x"]})
    assert pay(workflow, "c1", reimbursement_id="r").status == "applied"
    assert pay(workflow, "c2", "3.00", reimbursement_id="r").status == "applied"
    assert pay(workflow, "x", "3.00", reimbursement_id="r", event_id="other").status == "duplicate"
    assert take_back(workflow, "c1", "4.00", reimbursement_id="r").status == "applied"
    assert status(workflow).recovered == {"USD": "9.00"}


def test_a_reimbursement_is_known_by_its_case_too(workflow: Workflow) -> None:
    """ "and for one claim (or case)" """
    find(workflow, "c1", "c2")
    submit(workflow, "c1", amazon_case_id="K1")
    submit(workflow, "c2", amazon_case_id="K2")
    assert pay(workflow, "c1", reimbursement_id="r").status == "applied"
    assert pay(workflow, None, amazon_case_id="K1", reimbursement_id="r").status == "duplicate"
    assert pay(workflow, None, amazon_case_id="K2", reimbursement_id="r").status == "applied"
    assert pay(workflow, "c2", reimbursement_id="r").status == "duplicate"
    assert status(workflow).recovered == {"USD": "20.00"}


def test_a_reimbursement_that_waits_is_seen_before_as_well(workflow: Workflow) -> None:
    """ "A waiting event is never the earlier one of one that names a claim which it doesn't name": of one
    that names the same claim it is."""
    pay(workflow, "c1", event_id="a", reimbursement_id="r")
    again = pay(workflow, "c1", event_id="b", reimbursement_id="r")
    assert (again.status, again.first_status) == ("duplicate", "deferred")
    other = pay(workflow, "c1", "10.01", event_id="c", reimbursement_id="r")
    assert (other.status, other.conflicts_with, other.waiting_for) == ("deferred", "a", ())
    assert status(workflow).unapplied == {"USD": "20.01"}
    find(workflow, "c1")
    assert (claim(workflow).paid, status(workflow).unapplied) == ({"USD": "10.00"}, {"USD": "10.01"})
    assert [(one.event_id, one.conflicts_with) for one in status(workflow).deferred] == [("c", "a")]


def test_a_reimbursement_that_waited_under_two_names_is_paid_once(workflow: Workflow) -> None:
    """ "the same `reimbursement_id` and `line_id` with the same amount and currency is a duplicate" """
    pay(workflow, "c1", event_id="a", reimbursement_id="r")
    pay(workflow, "x", event_id="b", reimbursement_id="r")
    assert status(workflow).unapplied == {"USD": "20.00"}
    find(workflow, {"claim_id": "c1", "aliases": ["x"]})
    assert claim(workflow).paid == {"USD": "10.00"}
    assert (status(workflow).unapplied, waits(workflow)) == ({}, [])


def test_an_event_id_that_is_an_earlier_made_one_is_the_same_event(workflow: Workflow) -> None:
    """ "An event id belongs to its user." """
    find(workflow, "c1")
    first = submit(workflow, "c1")
    assert submit(workflow, "c1", event_id=first.event_id).status == "duplicate"


ODD = [-0.0, 1e300, 10**50, 1e-300, Decimal("1E+500"), [], {"": [1.0, None]}, "\x00", 2.0**53 + 1]


@pytest.mark.parametrize("value", ODD, ids=str)
def test_odd_values_in_unlisted_fields_are_equal_to_themselves_when_read_back(
    in_memory: Workflow, value: object
) -> None:
    """ "Content is compared after reading" """
    assert submit(in_memory, "c1", event_id="e", note=value).status == "deferred"
    assert submit(in_memory, "c1", event_id="e", note=value).status == "duplicate"
    find(in_memory, "c1")
    assert submit(in_memory, "c1", event_id="e", note=value).status == "duplicate"


def test_a_list_with_bad_entries_is_equal_to_itself_when_read_back(workflow: Workflow) -> None:
    """ "Seen before with the same content: the first answer again" """
    bad: list[Any] = [
        {"claim_id": "c1"},
        {"claim_id": "c2", "amount": -0.5, "note": 1.50},
        None,
        {"claim_id": "c3", "confidence": "x", "deadline_date": "q"},
        [1.0],
        {"claim_id": "c4", "claimType": "q"},
    ]
    fields: dict[str, Any] = {"user_id": "u1", "event_id": "e", "sync_id": "s1", "claims": bad}
    first = workflow.fire("detection_complete", **fields, claims_found=3)
    assert (first.status, [one["index"] for one in first.refused]) == ("deferred", [1, 2, 3, 4])
    sync(workflow)
    assert states(workflow) == {"c1": "detected", "c4": "detected"}
    again = workflow.fire("detection_complete", **fields, claims_found=3)
    assert (again.status, again.refused) == ("duplicate", first.refused)
