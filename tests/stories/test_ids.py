"""Ids of events: every one that is given counts, and content is what the listed fields say."""

from __future__ import annotations

import pytest

from tests.stories.acts import claim, find, pay, status, submit
from workflow_fsm import EventIdReused, Outcome, Workflow, WorkflowError


def fire(workflow: Workflow, *ids: str, **fields: object) -> Outcome | WorkflowError:
    """Fire a payout of claim c1 with several ids, as a webhook's headers and body bring them."""
    told = {"user_id": "u1", "claim_id": "c1", "amount": "10.00", **fields}
    event = workflow.read("payout_received", told, ids=[("webhook-id", one) for one in ids])
    (outcome,) = workflow.submit([event], actor="webhook")
    return outcome


def test_any_of_an_events_ids_makes_it_a_repeat(workflow: Workflow) -> None:
    """ "An event has every id that it is given …; the first of these is the one that answers and history
    name, and any of them makes it a repeat (a proxy may mint a header at each try; what a repeat brings
    besides belongs to that event from then on)." """
    find(workflow, "c1")
    first = fire(workflow, "minted-1", event_id="e1")
    assert isinstance(first, Outcome)
    assert first.event_id == "minted-1"
    again = fire(workflow, "minted-2", event_id="e1")
    assert isinstance(again, Outcome)
    assert (again.status, again.event_id) == ("duplicate", "minted-1")
    third = fire(workflow, "minted-2")
    assert isinstance(third, Outcome)
    assert third.status == "duplicate"
    assert claim(workflow).paid == {"USD": "10.00"}
    assert workflow.check().sound


def test_two_ids_of_two_events_are_refused_and_kept_once(workflow: Workflow) -> None:
    """ "with other content, for another trigger, or two ids of two events: 422, and it is kept once under an
    id made for it, as a refused event" """
    find(workflow, "c1")
    fire(workflow, "a")
    fire(workflow, "b", amount="11")
    for _ in range(2):
        assert isinstance(fire(workflow, "a", event_id="b"), EventIdReused)
    (letter,) = workflow.dead_letters()
    assert (letter.trigger, letter.amount, letter.currency) == ("payout_received", "10.00", "USD")
    assert letter.event_id not in ("a", "b")
    assert "'a'" in letter.reason
    assert status(workflow).recovered == {"USD": "21.00"}
    report = workflow.check()
    assert report.sound
    assert report.events["refused"] == 1


def test_an_id_with_other_content_is_kept_too_and_can_be_retried(workflow: Workflow) -> None:
    """ "Every well-formed event is kept, whatever became of it (422 too)" """
    find(workflow, "c1")
    fire(workflow, "a")
    assert isinstance(fire(workflow, "a", amount="3.00"), EventIdReused)
    (letter,) = workflow.dead_letters()
    assert workflow.retry_dead_letter(letter.id).status == "applied"
    assert claim(workflow).paid == {"USD": "13.00"}


def test_what_is_not_listed_makes_no_content_differ(workflow: Workflow) -> None:
    """ "what isn't listed left out (a sender's `attempt` or `sent_at` changes nothing)" """
    find(workflow, "c1")
    pay(workflow, event_id="e1", attempt=1, sent_at="now")
    again = pay(workflow, event_id="e1", attempt=2, sent_at="later")
    assert (again.status, claim(workflow).paid) == ("duplicate", {"USD": "10.00"})


@pytest.mark.parametrize("act", ["refused", "dropped"])
def test_a_refused_or_dropped_event_does_not_bind_its_ids(workflow: Workflow, act: str) -> None:
    """ "A refused, dead or dropped event does not bind its ids: sent again, with this content or a corrected
    one, it is judged anew and replaces it." """
    find(workflow, "c1", "c2")
    if act == "dropped":
        pay(workflow, None, event_id="e1")
        (letter,) = workflow.dead_letters()
        workflow.drop_dead_letter(letter.id, reason="it was none of ours")
        assert pay(workflow, "c1", event_id="e1").status == "applied"
        assert list(workflow.dead_letters(dropped=True)) == []
    else:
        (refused,) = workflow.fire_many([{"trigger": "claim_submitted", "user_id": "u1", "event_id": "e1"}])
        assert isinstance(refused, WorkflowError)
        assert submit(workflow, "c1", event_id="e1").status == "applied"
        assert list(workflow.dead_letters()) == []
    assert workflow.check().sound


@pytest.mark.parametrize(
    ("field", "meant"),
    [
        ("userId", "user_id"),
        ("curency", "currency"),
        ("claim", "claim_id"),
        ("reimbursment_id", "reimbursement_id"),
    ],
)
def test_a_field_that_is_a_slip_away_from_a_listed_one_gets_a_hint(
    workflow: Workflow, field: str, meant: str
) -> None:
    """ "one that is a slip away from a listed name (`userId`, `curency`, `claim`) gets a `hint`" """
    find(workflow, "c1")
    told = {"user_id": "u1", "amount": "10.00", field: "x"}
    if meant == "user_id":
        del told["user_id"]
        (error,) = workflow.fire_many([{"trigger": "payout_received", **told}])
        assert f"`{meant}`" in str(error)
    else:
        hint = workflow.fire("payout_received", **told).hint
        assert hint is not None
        assert f"did you mean `{meant}`" in hint


def test_the_reason_of_an_event_is_kept_in_history(workflow: Workflow) -> None:
    """ "All take `event_id`, `occurred_at` and, `claim/rejected` aside (whose alias it is), `reason`, kept in
    history" """
    find(workflow, "c1")
    submit(workflow, reason="filed by hand")
    rows = workflow.history("u1", "c1")
    assert rows is not None
    assert rows[-1].reason == "filed by hand"
    pay(workflow, amount="2.5")
    rows = workflow.history("u1", "c1")
    assert rows is not None
    assert (rows[-1].amount, rows[-1].currency, rows[-2].amount) == ("2.50", "USD", None)
