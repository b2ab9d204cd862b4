"""Dead letters retried: an event is judged anew, money given its claim, an effect owed anew."""

from __future__ import annotations

import pytest

from tests.effects.dead_letters import kill, only, refuse, retry
from tests.stories.acts import status
from workflow_fsm import (
    InvalidEvent,
    NotAllowed,
    Transition,
    Workflow,
    WorkflowError,
)
from workflow_fsm.testing import ManualClock, detected, matched, paid, submitted


def test_money_is_retried_with_the_claim_that_it_is_for(workflow: Workflow) -> None:
    """ "money with the claim that it is for" """
    for name in ("c1", "c2"):
        submitted(workflow, claim_id=name)
    workflow.fire("payout_received", user_id="u1", amount="5.00", event_id="p")
    dead_letter = only(workflow)
    assert (dead_letter.claim_id, status(workflow).unapplied) == (None, {"USD": "5.00"})
    outcome = retry(workflow, dead_letter, claim_id="c2", actor="ada", reason="seen on paper")
    assert (outcome.status, outcome.transitions[0]["claim_id"], outcome.event_id) == ("applied", "c2", "p")
    assert [one.paid for one in status(workflow).claims] == [{}, {"USD": "5.00"}]
    assert (status(workflow).unapplied, status(workflow).recovered) == ({}, {"USD": "5.00"})
    assert (workflow.dead_letters(), workflow.check().faults) == ([], ())


def test_money_that_is_given_a_claim_answers_its_id_as_before(workflow: Workflow) -> None:
    """ "Seen before with the same content: the first answer again" """
    for name in ("c1", "c2"):
        submitted(workflow, claim_id=name)
    workflow.fire("payout_received", user_id="u1", amount="5.00", event_id="p")
    workflow.retry_dead_letter(only(workflow).id, claim_id="c2")
    again = workflow.fire("payout_received", user_id="u1", amount="5.00", event_id="p")
    assert (again.status, again.first_status) == ("duplicate", "deferred")
    with pytest.raises(WorkflowError, match="belongs to an event with other content"):
        workflow.fire("payout_received", user_id="u1", amount="6.00", event_id="p")
    assert status(workflow).recovered == {"USD": "5.00"}


def test_money_that_is_retried_too_early_waits_again_and_is_applied_in_its_time(workflow: Workflow) -> None:
    workflow.fire("payout_received", user_id="u1", claim_id="typo", amount="5.00")
    outcome = retry(workflow, only(workflow), claim_id="c1")
    assert (outcome.status, only(workflow).claim_id) == ("deferred", "c1")
    detected(workflow)
    assert (status(workflow).claims[0].paid, workflow.dead_letters()) == ({"USD": "5.00"}, [])
    assert workflow.check().faults == ()


def test_a_refused_event_is_judged_anew_as_things_stand(workflow: Workflow, clock: ManualClock) -> None:
    """ "event judged anew" """
    paid(workflow, amount="4.00")
    refuse(workflow)
    dead_letter = only(workflow)
    with pytest.raises(NotAllowed):
        workflow.retry_dead_letter(dead_letter.id)
    assert only(workflow) == dead_letter
    workflow.fire("payout_reversed", user_id="u1", claim_id="c1", amount="4.00")
    with pytest.raises(NotAllowed):
        workflow.retry_dead_letter(dead_letter.id)
    workflow.fire("claim_submitted", user_id="u1", claim_id="c1")
    outcome = retry(workflow, dead_letter, actor="ada")
    assert (outcome.status, outcome.transitions[0]["to"]) == ("applied", "rejected")
    assert workflow.dead_letters() == []
    again = workflow.fire(
        "claim_rejected", user_id="u1", claim_id="c1", rejection_reason="late", event_id="no"
    )
    assert (again.status, again.first_status) == ("duplicate", "applied")
    assert [act.act for act in workflow.acts("u1")] == ["deadletter_retried"] * 3
    assert workflow.check().faults == ()


def test_an_ambiguous_event_is_retried_with_its_claim(workflow: Workflow) -> None:
    for name in ("c1", "c2"):
        detected(workflow, claim_id=name)
    with pytest.raises(NotAllowed):
        workflow.fire("claim_submitted", user_id="u1", event_id="which")
    outcome = retry(workflow, only(workflow), claim_id="c1")
    assert [(one["claim_id"], one["to"]) for one in outcome.transitions] == [("c1", "submitted")]
    assert (workflow.dead_letters(), workflow.check().faults) == ([], ())


def test_an_expired_event_is_judged_anew_and_has_its_time_to_live_again(
    workflow: Workflow, clock: ManualClock
) -> None:
    """ "A deferred event ends after its time to live as a dead letter" """
    workflow.fire("claim_submitted", user_id="u1", claim_id="c1", event_id="early")
    clock.advance(days=8)
    workflow.tick()
    outcome = retry(workflow, only(workflow))
    assert (outcome.status, outcome.expires_at) == ("deferred", "2026-01-16T12:00:00.000000Z")
    assert workflow.dead_letters() == []
    clock.advance(days=6)
    assert workflow.tick() == 0
    clock.advance(days=2)
    assert workflow.tick() == 1
    workflow.retry_dead_letter(only(workflow).id)
    detected(workflow)
    assert status(workflow).claims[0].state == "submitted"
    assert workflow.check().faults == ()


def test_of_a_list_only_the_dead_parts_are_judged_anew(workflow: Workflow, clock: ManualClock) -> None:
    """ "each of its claims moves, is known, waits or is refused by itself" """
    detected(workflow)
    matches = [{"claim_id": "c1", "confidence": 0.9}, {"claim_id": "c2", "confidence": 0.9}]
    workflow.fire("evidence_matching_complete", user_id="u1", matches=matches)
    clock.advance(days=8)
    workflow.tick()
    detected(workflow, claim_id="c2")
    outcome = retry(workflow, only(workflow))
    assert [one["claim_id"] for one in outcome.transitions] == ["c2"]
    assert [one.version for one in status(workflow).claims] == [3, 3]
    assert (workflow.dead_letters(), workflow.check().faults) == ([], ())


def test_a_verdict_that_one_of_its_cases_claims_took_is_given_no_other_case(
    workflow: Workflow, clock: ManualClock
) -> None:
    """ "What was settled of a list stays settled": it would be of two cases"""
    detected(workflow)
    for name in ("c1", "c9"):
        workflow.fire("claim_submitted", user_id="u1", claim_id=name, amazon_case_id="A")
    answer = workflow.fire("claim_rejected", user_id="u1", amazon_case_id="A", rejection_reason="no")
    assert [(one.claim_id, one["to"]) for one in answer.transitions] == [("c1", "rejected")]
    clock.advance(days=8)
    workflow.tick()
    letter = next(one for one in workflow.dead_letters() if one.trigger == "claim_rejected")
    with pytest.raises(InvalidEvent, match="was settled in part, with case 'A'") as caught:
        retry(workflow, letter, amazon_case_id="B")
    assert [error.field for error in caught.value.errors] == ["amazon_case_id"]
    assert retry(workflow, letter, amazon_case_id="A").status == "deferred"
    detected(workflow, claim_id="c9")
    assert [(one.claim_id, one.state) for one in status(workflow).claims] == [
        ("c1", "rejected"),
        ("c9", "rejected"),
    ]
    assert workflow.check().faults == ()


def test_a_verdict_dead_in_part_is_retried_for_another_claim_and_then_as_it_was(
    workflow: Workflow, clock: ManualClock
) -> None:
    """The overlay takes the place of what was laid there before: without one it is for its case's claims."""
    detected(workflow)
    for name in ("c1", "c9"):
        workflow.fire("claim_submitted", user_id="u1", claim_id=name, amazon_case_id="A")
    workflow.fire("claim_rejected", user_id="u1", amazon_case_id="A", rejection_reason="no", event_id="no")

    def retry_when_dead(**overlay: str) -> str:
        clock.advance(days=8)
        workflow.tick()
        letter = next(one for one in workflow.dead_letters() if one.event_id == "no")
        return retry(workflow, letter, **overlay).status

    assert retry_when_dead(claim_id="c5") == "deferred"
    assert retry_when_dead() == "deferred"
    submission = next(one for one in workflow.dead_letters() if one.trigger == "claim_submitted")
    assert retry(workflow, submission).status == "deferred"
    detected(workflow, claim_id="c9")
    assert [(one.claim_id, one.state) for one in status(workflow).claims] == [
        ("c1", "rejected"),
        ("c9", "rejected"),
    ]
    assert (workflow.dead_letters(), workflow.check().faults) == ([], ())


def test_an_effect_is_owed_anew_with_all_its_tries(workflow: Workflow, clock: ManualClock) -> None:
    """ "effect owed anew" """
    attempts: list[int] = []

    @workflow.on_enter("matched", tries=2)
    def submit(told: Transition) -> None:
        attempts.append(told.attempt)
        raise OSError(f"no {told.attempt}")

    matched(workflow)
    for _ in range(2):
        workflow.run_effects()
        clock.advance(hours=1)
    assert workflow.retry_dead_letter(only(workflow).id) == {"status": "owed"}
    assert [(one.state, one.attempt) for one in workflow.owed()] == [("owed", 2)]
    for _ in range(2):
        workflow.run_effects()
        clock.advance(seconds=1)
    assert (attempts, only(workflow).attempts, only(workflow).reason) == ([1, 2, 3, 4], 4, "OSError: no 4")


def test_an_effect_keeps_its_key_over_retries_by_hand(workflow: Workflow) -> None:
    keys = kill(workflow)
    matched(workflow)
    workflow.run_effects()
    workflow.retry_dead_letter(only(workflow).id)
    workflow.run_effects()
    assert (len(keys), len(set(keys))) == (2, 1)


def test_an_effect_for_a_state_that_was_left_is_void_when_it_is_retried(workflow: Workflow) -> None:
    """ "work *for being in* that state": a claim that was paid meanwhile is not submitted by a retry"""
    keys = kill(workflow)
    matched(workflow)
    workflow.run_effects()
    workflow.fire("payout_received", user_id="u1", claim_id="c1", amount="1.00")
    assert workflow.retry_dead_letter(only(workflow).id) == {"status": "void"}
    assert (workflow.run_effects(), len(keys), workflow.owed(), workflow.dead_letters()) == (0, 1, [], [])
    assert workflow.check().faults == ()


@pytest.mark.parametrize(
    ("kind", "claim_id"), [("effect", "c1"), ("effect", ""), ("event", ""), ("event", "a\0b")]
)
def test_a_claim_that_cannot_be_given_changes_nothing(workflow: Workflow, kind: str, claim_id: str) -> None:
    kill(workflow)
    matched(workflow)
    workflow.run_effects()
    workflow.fire("payout_received", user_id="u1", claim_id="c9", amount="1.00")
    dead_letter = only(workflow, kind=kind)
    with pytest.raises(InvalidEvent) as caught:
        workflow.retry_dead_letter(dead_letter.id, claim_id=claim_id)
    assert [error.field for error in caught.value.errors] == ["claim_id"]
    assert (only(workflow, kind=kind), workflow.acts("u1")) == (dead_letter, [])


def test_a_detection_can_be_given_no_claim(workflow: Workflow, clock: ManualClock) -> None:
    workflow.fire("detection_complete", user_id="u1", sync_id="s9", claims=[{"claim_id": "c1"}])
    clock.advance(days=8)
    workflow.tick()
    with pytest.raises(InvalidEvent, match="claim_id: a detection_complete has no such field"):
        workflow.retry_dead_letter(only(workflow).id, claim_id="c1")
    assert workflow.retry_dead_letter(only(workflow).id).status == "deferred"
    workflow.fire("sync_complete", user_id="u1", sync_id="s9")
    assert [one.claim_id for one in status(workflow).claims] == ["c1"]


def test_all_that_match_are_retried_and_a_dry_run_counts_first(
    workflow: Workflow, clock: ManualClock
) -> None:
    """ "retrying all that match, with a dry run that counts first": what was settled, not what was tried."""
    kill(workflow)
    for name in ("c1", "c2"):
        matched(workflow, claim_id=name)
    matched(workflow, "u2")
    workflow.run_effects()
    paid(workflow, "u1", "c3")
    with pytest.raises(NotAllowed):
        workflow.fire("claim_rejected", user_id="u1", claim_id="c3")
    retry = workflow.retry_dead_letters

    nothing = {"money": {}, "settled_money": {}, "became": {}, "settled": 0, "waiting": 0, "failed": 0}
    assert retry(dry_run=True) == {**nothing, "matched": 4}
    assert retry(handler="submit", user_id="u1", dry_run=True).matched == 2
    assert retry(trigger="claim_rejected", dry_run=True).matched == 1
    assert retry(kind="effect", dry_run=True).matched == retry(handler="submit", dry_run=True).matched
    assert retry(kind="effect", reason_contains="NO SUCH", dry_run=True).matched > 0
    assert retry(kind="effect", reason_contains="no other", dry_run=True).matched == 0
    assert retry(kind="event", handler="submit", dry_run=True).matched == 0
    assert (len(workflow.dead_letters()), workflow.acts("u1"), workflow.owed()) == (4, [], [])
    assert retry(user_id="u1", actor="ada", reason="up again") == {
        **nothing,
        "matched": 3,
        "settled": 2,
        "failed": 1,
        "became": {"owed": 2},
    }
    assert [one.user_id for one in workflow.owed()] == ["u1", "u1"]
    assert [(act.actor, act.reason) for act in workflow.acts("u1")] == [("ada", "up again")] * 3
    workflow.fire("payout_received", user_id="u1", claim_id="c9", amount="1.00")
    heard: list[tuple[str | None, str]] = []
    told = retry(trigger="payout_received", heard=lambda letter, how: heard.append((letter.claim_id, how)))
    money = {"USD": "1.00"}
    assert told == {**nothing, "matched": 1, "waiting": 1, "money": money, "became": {"deferred": 1}}
    assert heard == [("c9", "deferred")]
    with pytest.raises(InvalidEvent):
        retry(kind="money")
