"""Why each dead letter is one, what would settle it, and who could be meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.effects.dead_letters import kill, only, refuse
from tests.stories.acts import USER, claim, detect, find, match, pay, refusal, status, submit, sync
from workflow_fsm import DeadLetterUnknown, EventIdReused, NotAllowed, Workflow
from workflow_fsm.testing import ManualClock, matched, paid

ONCE_COME = "retry it once what it waited for has come, or drop it"
WITH_CLAIM = "retry it with the claim_id that it is for, or drop it"
TO_JUDGE = "restore it to have it judged again"
TO_RETRY = "restore it, and retry it, to have it judged again"
LIST = [{"claim_id": "c1"}, {"claim_id": "zz"}]


def let_it_die(workflow: Workflow, clock: ManualClock) -> None:
    clock.advance(days=8)
    workflow.tick()


def match_a_list(workflow: Workflow) -> None:
    workflow.fire("evidence_matching_complete", user_id=USER, matches=LIST, event_id="list")


def test_a_used_id_is_dropped_or_counted_beside_the_other(workflow: Workflow) -> None:
    """ "422, and it is kept once under an id made for it, as a refused event" """
    find(workflow, "c1")
    pay(workflow, amount="5", event_id="p")
    with pytest.raises(EventIdReused):
        pay(workflow, amount="6", event_id="p")
    letter = only(workflow)
    assert letter.reason == (
        "event id 'p' belongs to an event with other content; send a new or corrected event under an id of "
        "its own; drop it, or retry it to count it beside the other"
    )
    assert letter.candidates == []


@pytest.mark.parametrize(
    ("told", "what"),
    [
        ({}, "claim_submitted names no claim, and 2 could be meant"),
        ({"amazon_case_id": "K"}, "claim_submitted names case 'K', which no claim has, and no claim"),
    ],
    ids=str,
)
def test_a_refused_filing_that_tells_no_claim_has_its_candidates(
    workflow: Workflow, told: Mapping[str, Any], what: str
) -> None:
    """ "else it is refused, with its `candidates`", which its dead letter shows as well"""
    find(workflow, "c1", "c2")
    refused = refusal(workflow, "claim_submitted", **told)
    assert "claim_id" in str(refused)
    letter = only(workflow)
    assert letter.reason == f"{what}; {WITH_CLAIM}"
    assert letter.candidates == list(refused.candidates)
    assert {one.claim_id for one in letter.candidates} == {"c1", "c2"}
    submit(workflow, "c2")
    assert [one.claim_id for one in only(workflow).candidates] == ["c1"]


def test_a_refused_event_is_told_anew_why_by_each_retry(workflow: Workflow) -> None:
    find(workflow, "c1", "c2")
    refusal(workflow, "claim_submitted")
    pay(workflow, "c1")
    with pytest.raises(NotAllowed):
        workflow.fire("claim_rejected", user_id=USER, claim_id="c1", event_id="no")
    letter = next(one for one in workflow.dead_letters() if one.event_id == "no")
    assert letter.reason == (
        "claim_rejected contradicts what is recorded: the claim is paid; it takes payout_received, "
        "payout_reversed; retry it once the claim has moved, or drop it"
    )


@pytest.mark.parametrize(
    ("trigger", "told", "what"),
    [
        ("claim_submitted", {"claim_id": "zz"}, "claim 'zz' is not known yet"),
        ("claim_rejected", {"amazon_case_id": "K"}, "no claim has case 'K'"),
        (
            "detection_complete",
            {"sync_id": "s9", "claims": [{"claim_id": "c9"}]},
            "sync 's9' is not known yet",
        ),
    ],
    ids=str,
)
def test_what_died_is_retried_once_what_it_waited_for_has_come(
    workflow: Workflow, clock: ManualClock, trigger: str, told: Mapping[str, Any], what: str
) -> None:
    """ "A deferred event ends after its time to live as a dead letter" """
    find(workflow, "c1", "c2")
    assert workflow.fire(trigger, user_id=USER, **told).status == "deferred"
    let_it_die(workflow, clock)
    assert only(workflow).reason == f"it waited for its time to live: {what}; {ONCE_COME}"


def test_no_reason_of_a_list_asks_for_a_claim_id(workflow: Workflow, clock: ManualClock) -> None:
    """It names its claims: `claim_id` and a list can't come together."""
    find(workflow, "c1")
    match_a_list(workflow)
    let_it_die(workflow, clock)
    assert (
        only(workflow).reason == f"it waited for its time to live: claim 'zz' is not known yet; {ONCE_COME}"
    )
    taken = [{"claim_id": "c5", "aliases": ["c1"]}]
    with pytest.raises(NotAllowed):
        workflow.fire("detection_complete", user_id=USER, sync_id="s1", claims=taken)
    assert "claim_id" not in workflow.dead_letters()[-1].reason


# -- dropped


def test_a_list_of_which_a_part_was_dropped_is_found_and_restored(
    workflow: Workflow, clock: ManualClock
) -> None:
    """ "`POST deadletters/{id}/restore` brings a dropped one back" """
    find(workflow, "c1")
    match_a_list(workflow)
    let_it_die(workflow, clock)
    letter = only(workflow)
    workflow.drop_dead_letter(letter.id, reason="zz was withdrawn")
    assert workflow.dead_letters() == []
    for which in ({}, {"user_id": USER}):
        dropped = only(workflow, dropped=True, **which)
        assert (dropped.id, dropped.event_id) == (letter.id, "list")
        assert dropped.reason == f"it was dropped: zz was withdrawn; {TO_RETRY}"
    assert workflow.restore_dead_letter(dropped.id) == {"status": "restored"}
    assert (only(workflow), workflow.dead_letters(dropped=True)) == (letter, [])
    detect(workflow, "zz", sync_id="s1")
    assert workflow.retry_dead_letter(letter.id).status == "applied"
    assert (claim(workflow, "zz").state, workflow.check().faults) == ("matched", ())


def test_a_dropped_one_says_why_it_was_and_what_it_conflicted_with(workflow: Workflow) -> None:
    find(workflow, "c1")
    pay(workflow, amount="10", reimbursement_id="R", event_id="e1")
    pay(workflow, amount="12", reimbursement_id="R", event_id="e2")
    workflow.drop_dead_letter(only(workflow).id, reason="told twice")
    dropped = only(workflow, dropped=True)
    assert (dropped.reason, dropped.conflicts_with) == (f"it was dropped: told twice; {TO_JUDGE}", "e1")
    workflow.restore_dead_letter(dropped.id)
    workflow.drop_dead_letter(dropped.id, reason="again")
    assert only(workflow, dropped=True).reason == f"it was dropped: again; {TO_JUDGE}"


def test_a_dropped_refusal_and_a_dropped_effect_say_why(workflow: Workflow) -> None:
    kill(workflow)
    matched(workflow, "u1", "c0")
    workflow.run_effects()
    paid(workflow)
    refuse(workflow)
    for letter in workflow.dead_letters():
        workflow.drop_dead_letter(letter.id, reason="by phone")
    assert {one.kind: one.reason for one in workflow.dead_letters(dropped=True)} == {
        "event": f"it was dropped: by phone; {TO_RETRY}",
        "effect": "it was dropped: by phone; restore it, and retry it, to have it tried again",
    }


def test_what_a_new_try_has_replaced_is_not_said_to_be_restored(workflow: Workflow) -> None:
    """ "A refused, dead or dropped event does not bind its ids: sent again … it is judged anew and replaces
    it." """
    find(workflow, "c1")
    pay(workflow, None, event_id="p")
    letter = only(workflow)
    with pytest.raises(DeadLetterUnknown, match="it wasn't dropped"):
        workflow.restore_dead_letter(letter.id)
    workflow.drop_dead_letter(letter.id, reason="not ours")
    pay(workflow, "c1", event_id="p")
    with pytest.raises(DeadLetterUnknown, match="was sent again since, and the new try has taken its place"):
        workflow.restore_dead_letter(letter.id)
    assert status(workflow).recovered == {"USD": "10.00"}


def test_what_was_restored_meanwhile_is_said_to_be(workflow: Workflow) -> None:
    sync(workflow, "s1")
    pay(workflow, "c1", event_id="p")
    letter = only(workflow)
    workflow.drop_dead_letter(letter.id, reason="not ours")
    workflow.restore_dead_letter(letter.id)
    with pytest.raises(DeadLetterUnknown, match="restored meanwhile"):
        workflow.restore_dead_letter(letter.id)
    match(workflow, "c1")
