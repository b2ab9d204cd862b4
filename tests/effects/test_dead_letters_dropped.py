"""Dead letters dropped or sent again, and the chain of acts that says who did what and why."""

from __future__ import annotations

import pytest

from tests.effects.conftest import Open
from tests.effects.dead_letters import only, refuse
from tests.stories.acts import status
from workflow_fsm import (
    DeadLetterUnknown,
    Discard,
    Fire,
    InvalidEvent,
    NotAllowed,
    Transition,
    Workflow,
)
from workflow_fsm.core.model.lifecycle import GENESIS, chain
from workflow_fsm.testing import ManualClock, detected, matched, paid, submitted

# -- dropped


def test_all_that_match_are_dropped_and_a_dry_run_tells_their_money_first(workflow: Workflow) -> None:
    paid(workflow, amount="7.00")
    workflow.fire("payout_received", user_id="u1", claim_id="c8", amount="5.00")
    workflow.fire("payout_reversed", user_id="u2", claim_id="c8", amount="2.00")
    workflow.fire("payout_received", user_id="u2", claim_id="c9", amount="1.00", currency="EUR")
    told = workflow.drop_dead_letters(reason_contains="'C8'", reason="not ours", dry_run=True)
    assert told == {"matched": 2, "money": {"USD": "3.00"}, "dropped": 0, "failed": 0}
    heard: list[tuple[str, str]] = []
    told = workflow.drop_dead_letters(
        reason_contains="'c8'", reason="not ours", heard=lambda one, how: heard.append((one.user_id, how))
    )
    assert told == {"matched": 2, "money": {"USD": "3.00"}, "dropped": 2, "failed": 0}
    assert heard == [("u1", "dropped"), ("u2", "dropped")]
    assert [one.claim_id for one in workflow.dead_letters()] == ["c9"]
    [act] = workflow.acts("u2")
    assert (act.act, act.reason) == ("deadletter_dropped", "not ours")
    with pytest.raises(InvalidEvent):
        workflow.drop_dead_letters(reason=" ")
    with pytest.raises(InvalidEvent, match="required"):
        workflow.drop_dead_letters()


def test_dropped_money_is_counted_as_dropped(workflow: Workflow) -> None:
    """ "payouts less reversals = recovered + unapplied + dropped" """
    paid(workflow, amount="7.00")
    workflow.fire("payout_received", user_id="u1", claim_id="c8", amount="5.00")
    workflow.fire("payout_reversed", user_id="u1", claim_id="c9", amount="2.00")
    for dead_letter in workflow.dead_letters():
        assert workflow.drop_dead_letter(dead_letter.id, reason="not ours") == {"status": "dropped"}
    report = workflow.check()
    assert report.as_dict()["money"] == {
        "USD": {
            "payouts_less_reversals": "10.00",
            "recovered": "7.00",
            "unapplied": "0.00",
            "dropped": "3.00",
        }
    }
    assert (report.events["dropped"], report.faults) == (2, ())
    assert (status(workflow).unapplied, status(workflow).deferred) == ({}, [])
    detected(workflow, claim_id="c8")
    assert status(workflow).claims[-1].state == "detected"


def test_every_kind_is_dropped_and_counts_once(all_kinds: Workflow) -> None:
    """ "received = applied + known + waiting + refused + dead + dropped" """
    for dead_letter in all_kinds.dead_letters():
        all_kinds.drop_dead_letter(dead_letter.id, reason="settled by phone")
        with pytest.raises(DeadLetterUnknown):
            all_kinds.drop_dead_letter(dead_letter.id, reason="again")
        with pytest.raises(DeadLetterUnknown):
            all_kinds.retry_dead_letter(dead_letter.id)
    report = all_kinds.check()
    assert (all_kinds.dead_letters(), all_kinds.owed(), report.faults) == ([], [], ())
    assert {name: number for name, number in report.events.items() if number} == {"applied": 8, "dropped": 3}


def test_a_list_whose_dead_part_is_dropped_still_counts_as_applied(
    workflow: Workflow, clock: ManualClock
) -> None:
    """ "a list counts once: as the first of waiting, applied, dead, refused, known that any part … is" """
    detected(workflow)
    matches = [{"claim_id": "c1"}, {"claim_id": "c2"}]
    workflow.fire("evidence_matching_complete", user_id="u1", matches=matches)
    clock.advance(days=8)
    workflow.tick()
    workflow.drop_dead_letter(only(workflow).id, reason="c2 was withdrawn")
    report = workflow.check()
    assert (report.events["applied"], report.events["dropped"], report.faults) == (3, 0, ())


@pytest.mark.parametrize("reason", ["", "  ", "\ud800", "a\0"])
def test_nothing_is_dropped_without_a_reason(workflow: Workflow, reason: str) -> None:
    """ "`POST deadletters/{id}/drop` `{"reason"}`" """
    workflow.fire("payout_received", user_id="u1", claim_id="c9", amount="5.00")
    with pytest.raises(InvalidEvent) as caught:
        workflow.drop_dead_letter(only(workflow).id, reason=reason)
    assert ([error.field for error in caught.value.errors], len(workflow.dead_letters())) == (["reason"], 1)


# -- the same event again


def test_a_refused_event_that_comes_again_corrected_replaces_its_letter(workflow: Workflow) -> None:
    """ "A refused or dead event does not bind its id: sent again, with this content or a corrected one, it is
    judged anew and replaces it." """
    paid(workflow)
    refuse(workflow)
    first = only(workflow)
    refuse(workflow, reason="corrected")
    second = only(workflow)
    assert (second.event_id, second.id != first.id) == ("no", True)
    with pytest.raises(DeadLetterUnknown):
        workflow.retry_dead_letter(first.id)
    workflow.drop_dead_letter(second.id, reason="x")
    refuse(workflow)
    assert only(workflow).event_id == "no"
    assert workflow.check().faults == ()


def test_an_expired_event_that_comes_again_replaces_its_letter(
    workflow: Workflow, clock: ManualClock
) -> None:
    workflow.fire("claim_submitted", user_id="u1", claim_id="c1", event_id="early")
    clock.advance(days=8)
    workflow.tick()
    detected(workflow)
    outcome = workflow.fire("claim_submitted", user_id="u1", claim_id="c1", event_id="early")
    assert (outcome.status, workflow.dead_letters()) == ("applied", [])
    assert workflow.check().faults == ()


def test_dropped_money_that_is_sent_again_is_judged_anew_and_replaces_it(workflow: Workflow) -> None:
    """ "A refused, dead or dropped event does not bind its ids: sent again, with this content or a corrected
    one, it is judged anew and replaces it." """
    workflow.fire("payout_received", user_id="u1", claim_id="c1", amount="5.00", reimbursement_id="r1")
    workflow.drop_dead_letter(only(workflow).id, reason="paid by cheque")
    detected(workflow)
    answers = [
        workflow.fire(
            "payout_received",
            user_id="u1",
            claim_id="c1",
            amount="4.00",
            reimbursement_id="r1",
            event_id=name,
        )
        for name in ("evt_1", "other")
    ]
    assert [(one.status, one.event_id) for one in answers] == [("applied", "evt_1"), ("duplicate", "evt_1")]
    assert (status(workflow).unapplied, status(workflow).recovered) == ({}, {"USD": "4.00"})
    report = workflow.check()
    assert (report.events["dropped"], report.received, report.faults) == (0, 3, ())


def test_money_under_another_id_leaves_what_was_dropped_dropped(workflow: Workflow) -> None:
    """ "counted as dropped from then on; its ids bind nobody any more": those of the event, and of what it
    paid."""
    workflow.fire("payout_received", user_id="u1", claim_id="c1", amount="5.00", reimbursement_id="r1")
    letter = only(workflow)
    workflow.drop_dead_letter(letter.id, reason="paid by cheque")
    detected(workflow)
    told = {"claim_id": "c1", "reimbursement_id": "r1", "event_id": "other"}
    assert workflow.fire("payout_received", user_id="u1", amount="5.00", **told).status == "applied"
    assert workflow.check().as_dict()["money"]["USD"] == {
        "payouts_less_reversals": "10.00",
        "recovered": "5.00",
        "unapplied": "0.00",
        "dropped": "5.00",
    }
    assert workflow.restore_dead_letter(letter.id) == {"status": "restored"}
    assert (status(workflow).unapplied, status(workflow).recovered) == ({}, {"USD": "5.00"})
    assert workflow.check().sound


def test_a_letter_that_was_settled_meanwhile_is_none_any_more(workflow: Workflow) -> None:
    workflow.fire("payout_received", user_id="u1", claim_id="c1", amount="5.00")
    dead_letter = only(workflow)
    detected(workflow)
    assert workflow.dead_letters() == []
    with pytest.raises(DeadLetterUnknown):
        workflow.drop_dead_letter(dead_letter.id, reason="x")


# -- recorded


def test_each_act_is_a_row_in_a_chain_with_its_actor_and_reason(all_kinds: Workflow) -> None:
    """ "each act recorded with its actor and reason in the history's hash chain" """
    (effect,) = all_kinds.dead_letters(kind="effect")
    (event,) = all_kinds.dead_letters(kind="event", user_id="u1")
    before = all_kinds.history("u1", limit=1000)
    all_kinds.retry_dead_letter(effect.id, actor="ada", reason="the case was opened again")
    with pytest.raises(NotAllowed):
        all_kinds.retry_dead_letter(event.id, claim_id="c1")
    all_kinds.drop_dead_letter(event.id, actor="bob", reason="a mistake of theirs")

    acts = all_kinds.acts("u1")
    assert [(a.version, a.act, a.claim_id, a.event_id, a.actor, a.reason) for a in acts] == [
        (1, "deadletter_retried", None, None, "ada", "the case was opened again"),
        (2, "deadletter_retried", "c1", "no", "library", None),
        (3, "deadletter_dropped", None, "no", "bob", "a mistake of theirs"),
    ]
    assert [act.letter.partition(":")[0] for act in acts] == ["effect", "event", "event"]
    previous = GENESIS
    for act in acts:
        columns: list[str | int | None] = [
            "u1",
            act.cursor,
            0,
            act.claim_id,
            "",
            act.version,
            act.act,
            None,
            act.letter,
            act.event_id,
        ]
        assert act.hash == chain(previous, [*columns, act.at, None, act.actor, act.reason])
        previous = act.hash
    assert all_kinds.history("u1", limit=1000) == before
    assert all_kinds.acts("u1", limit=1, cursor=acts[0].cursor) == acts[1:2]
    assert (all_kinds.acts("u2"), all_kinds.check().faults) == ([], ())


def test_acts_of_two_processes_make_one_chain(open_again: Open) -> None:
    first, second = open_again(), open_again()
    for number in range(4):
        first.fire("payout_received", user_id="u1", claim_id=f"c{number}", amount="1.00")
    for number, dead_letter in enumerate(first.dead_letters()):
        (first, second)[number % 2].drop_dead_letter(dead_letter.id, reason="x")
    assert [act.version for act in second.acts("u1")] == [1, 2, 3, 4]
    assert second.check().faults == ()


def test_a_retry_whose_event_owes_work_owes_it(workflow: Workflow) -> None:
    done: list[str | None] = []
    workflow.on_enter("paid", name="thank")(lambda told: done.append(told.claim_id))
    for name in ("c1", "c2"):
        submitted(workflow, claim_id=name)
    workflow.fire("payout_received", user_id="u1", amount="5.00")
    workflow.retry_dead_letter(only(workflow).id, claim_id="c1")
    workflow.run_effects()
    assert done == ["c1"]


def test_an_effect_that_fires_after_a_retry_by_hand_fires_once(workflow: Workflow) -> None:
    tries: list[int] = []

    @workflow.on_enter("matched")
    def submit(told: Transition) -> Fire:
        tries.append(told.attempt)
        if told.attempt == 1:
            raise Discard("not yet")
        return Fire("claim_submitted", amazon_case_id="k1")

    matched(workflow)
    workflow.run_effects()
    workflow.retry_dead_letter(only(workflow).id)
    workflow.run_effects()
    assert (tries, status(workflow).claims[0].state) == ([1, 2], "submitted")
