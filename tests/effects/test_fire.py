"""Fire: an event that a handler answers with is committed in the commit that marks its effect done."""

from __future__ import annotations

from typing import Any

import pytest

from tests.effects.conftest import Open, die_in_what_is_due
from workflow_fsm import Fire, Transition, Workflow
from workflow_fsm.results import Claim, HistoryRow
from workflow_fsm.testing import ManualClock, detected, matched, paid, submitted, synced


def answering(workflow: Workflow, state: str, *fires: Fire) -> None:
    """Register a handler for a state that answers with these events."""
    workflow.on_enter(state, name="answer")(lambda told: list(fires))


def claim(workflow: Workflow, claim_id: str | None = "c1") -> Claim:
    status = workflow.status("u1")
    assert status is not None
    return next(one for one in status.claims if one.claim_id == claim_id)


def last(workflow: Workflow, claim_id: str = "c1") -> HistoryRow:
    rows = workflow.history("u1", claim_id)
    assert rows is not None
    return rows[-1]


def test_a_fired_event_moves_its_own_claim_under_the_effects_key(workflow: Workflow) -> None:
    """ "`Fire` without ids is for the transition's own lifecycle, and its event id is the effect's key" """
    answering(workflow, "matched", Fire("claim_submitted", amazon_case_id="k1"))
    detected(workflow, claim_id="c2")
    matched(workflow)
    (one,) = workflow.owed()
    workflow.run_effects()
    assert (claim(workflow).state, claim(workflow).amazon_case_id) == ("submitted", "k1")
    assert claim(workflow, "c2").state == "detected"
    row = last(workflow)
    assert (row.trigger, row.event_id, row.actor) == ("claim_submitted", one.key, "effect:answer")
    assert workflow.owed() == []


def test_a_plain_lifecycle_is_fired_at_by_its_sync(workflow: Workflow) -> None:
    """ "a caller who never speaks of claims has one plain lifecycle a sync" """
    answering(workflow, "detected", Fire("evidence_matching_complete", confidence=0.9))
    for sync_id in ("s1", "s2"):
        synced(workflow, sync_id=sync_id)
    workflow.fire("detection_complete", user_id="u1", sync_id="s1", claims_found=1)
    workflow.run_effects()
    status = workflow.status("u1")
    assert status is not None
    assert [(one.sync_id, one.state) for one in status.syncs] == [("s1", "matched"), ("s2", "synced")]


@pytest.mark.parametrize("fields", [{"claims": [{"claim_id": "c1"}]}, {"claims_found": [{"claim_id": "c1"}]}])
def test_a_detection_that_a_sync_fires_is_for_that_sync(workflow: Workflow, fields: dict[str, Any]) -> None:
    """ "for the transition's own lifecycle", although the user has a newer sync"""
    workflow.on_enter("synced", name="detect")(
        lambda told: Fire("detection_complete", **fields) if told.sync_id == "s1" else None
    )
    synced(workflow, sync_id="s1")
    synced(workflow, sync_id="s2")
    workflow.run_effects()
    status = workflow.status("u1")
    assert status is not None
    assert [(one.claim_id, one.sync_id) for one in status.claims if one.claim_id] == [("c1", "s1")]


def test_a_claim_that_fires_for_a_sync_fires_for_its_own(workflow: Workflow) -> None:
    """Found more on looking closer: a claim's handler tells its own sync of another claim."""
    workflow.on_enter("matched", name="look")(
        lambda told: Fire("detection_complete", claims=[{"claim_id": "c9"}])
    )
    matched(workflow)
    synced(workflow, sync_id="newer")
    workflow.run_effects()
    assert claim(workflow, "c9").sync_id == "sync-of-c1"


def test_an_event_that_names_somebody_is_for_whom_it_names(workflow: Workflow) -> None:
    answering(workflow, "matched", Fire("claim_submitted", claim_id="c2", event_id="mine"))
    detected(workflow, claim_id="c2")
    matched(workflow)
    workflow.run_effects()
    assert (claim(workflow).state, claim(workflow, "c2").state) == ("matched", "submitted")
    assert last(workflow, "c2").event_id == "mine"


def test_an_empty_list_names_nobody(workflow: Workflow) -> None:
    """ "A list that is there but empty names nobody." """
    answering(workflow, "detected", Fire("evidence_matching_complete", matches=[]))
    detected(workflow)
    workflow.run_effects()
    assert (claim(workflow).state, workflow.dead_letters()) == ("detected", [])


def test_values_from_python_are_read_as_fires_are(workflow: Workflow, clock: ManualClock) -> None:
    """ "A Python float is read as a JSON number is" """
    answering(
        workflow,
        "submitted",
        Fire("payout_received", amount=12.1, occurred_at=clock.now, reimbursement_id="r1"),
    )
    submitted(workflow)
    workflow.run_effects()
    assert claim(workflow).paid == {"USD": "12.10"}
    assert last(workflow).occurred_at == "2026-01-01T12:00:00.000000Z"


def test_several_events_are_committed_in_order_and_all_or_none(workflow: Workflow) -> None:
    """ "fired in the same commit that marks the effect done" """
    first = Fire("claim_submitted", amazon_case_id="k1")
    answering(workflow, "matched", first, Fire("payout_received", amount="2.00"))
    matched(workflow)
    (one,) = workflow.owed()
    workflow.run_effects()
    rows = workflow.history("u1", "c1")
    assert rows is not None
    assert [(row.to, row.event_id) for row in rows][3:] == [("submitted", one.key), ("paid", f"{one.key}:2")]


def test_of_several_events_none_is_committed_where_one_cannot_be(workflow: Workflow) -> None:
    fires = Fire("claim_submitted"), Fire("payout_received", amount="-1")
    answering(workflow, "matched", *fires)
    matched(workflow)
    workflow.run_effects()
    assert claim(workflow).state == "matched"
    (dead_letter,) = workflow.dead_letters()
    assert (dead_letter.kind, dead_letter.handler) == ("effect", "answer")
    assert dead_letter.reason.startswith("it fired an event that can't be taken: amount: must be above 0")


def test_an_event_that_waits_leaves_its_effect_done_and_lives_its_own_life(workflow: Workflow) -> None:
    """ "If it waits, the effect is done and the event lives its own life." """
    answering(workflow, "matched", Fire("claim_rejected", rejection_reason="no"))
    matched(workflow)
    workflow.run_effects()
    status = workflow.status("u1")
    assert status is not None
    assert [(one.trigger, one.claim_id) for one in status.deferred] == [("claim_rejected", "c1")]
    assert (workflow.owed(), workflow.dead_letters()) == ([], [])
    workflow.fire("claim_submitted", user_id="u1", claim_id="c1")
    assert claim(workflow).state == "rejected"


def test_an_event_that_is_known_is_no_error(workflow: Workflow) -> None:
    """ "known, no error" """
    answering(workflow, "submitted", Fire("claim_submitted", amazon_case_id="k9"))
    submitted(workflow, case_id="k1")
    workflow.run_effects()
    assert (claim(workflow).state, claim(workflow).amazon_case_id) == ("submitted", "k9")
    assert [(one.amazon_case_id, one.state) for one in claim(workflow).cases] == [
        ("k1", "filed"),
        ("k9", "filed"),
    ]
    assert (workflow.owed(), workflow.dead_letters()) == ([], [])


def test_an_event_that_is_refused_is_the_dead_letter_and_its_effect_is_done(workflow: Workflow) -> None:
    """ "be refused (a dead letter that says why)" """
    answering(workflow, "paid", Fire("claim_rejected", rejection_reason="too late"))
    paid(workflow)
    (one,) = workflow.owed()
    workflow.run_effects()
    (dead_letter,) = workflow.dead_letters()
    assert (dead_letter.kind, dead_letter.trigger, dead_letter.event_id) == (
        "event",
        "claim_rejected",
        one.key,
    )
    assert dead_letter.reason.startswith("claim_rejected contradicts what is recorded: the claim is paid")
    assert workflow.owed() == []


@pytest.mark.parametrize(
    ("fire", "fault"),
    [
        (Fire("claim_submitted", user_id="u2"), "its handler fired an event for another user, 'u2'"),
        (Fire("claim_paid"), "trigger: must be one of sync_complete"),
        (Fire(None), "trigger: is required"),  # type: ignore[arg-type]
        (Fire("deadline_passed"), "deadline_passed is fired by time alone"),
        (Fire("payout_received"), "amount: is required"),
        (Fire("payout_received", amount=float("nan")), "NaN and Infinity are none"),
        (Fire("payout_received", amount=object()), "amount"),
        (Fire("claim_submitted", event_id=" "), "event_id"),
    ],
    ids=lambda value: str(value).split(" object at")[0],
)
def test_an_event_that_cannot_be_taken_is_the_effects_dead_letter_at_once(
    workflow: Workflow, fire: Fire, fault: str
) -> None:
    """ "another user is an error" """
    answering(workflow, "matched", fire)
    matched(workflow)
    workflow.run_effects()
    (dead_letter,) = workflow.dead_letters()
    assert (dead_letter.kind, dead_letter.attempts) == ("effect", 1)
    assert fault in dead_letter.reason
    assert workflow.status("u2") is None


def test_an_id_that_belongs_to_another_event_is_the_effects_dead_letter(workflow: Workflow) -> None:
    """ "with other content, for another trigger …: 422, and it is kept once under an id made for it, as a
    refused event" """
    answering(workflow, "matched", Fire("claim_submitted", event_id="evt_1"))
    matched(workflow)
    workflow.run_effects()
    (dead_letter,) = workflow.dead_letters(kind="effect")
    assert "event id 'evt_1' belongs to a sync_complete" in dead_letter.reason
    (kept,) = workflow.dead_letters(kind="event")
    assert kept.trigger == "claim_submitted"
    assert "event id 'evt_1' belongs to a sync_complete" in kept.reason
    assert claim(workflow).state == "matched"
    assert workflow.check().sound


def test_naming_the_own_user_is_no_error(workflow: Workflow) -> None:
    answering(workflow, "matched", Fire("claim_submitted", user_id="u1", claim_id=None))
    matched(workflow)
    workflow.run_effects()
    assert claim(workflow).state == "submitted"


def test_a_death_between_the_handler_and_its_mark_repeats_it_under_the_same_key_and_doubles_nothing(
    open_again: Open, clock: ManualClock
) -> None:
    """ "handler done before its mark": what it did outside is asked for again with the same key"""
    filed: list[str] = []
    workflow = open_again()

    @workflow.on_enter("matched")
    def submit(told: Transition) -> Fire:
        filed.append(told.key)
        return Fire("claim_submitted", amazon_case_id="k1")

    matched(workflow)
    die_in_what_is_due(workflow)
    clock.advance(seconds=30)
    workflow.run_effects()
    assert len(filed) == 2
    assert len(set(filed)) == 1
    rows = workflow.history("u1", "c1")
    assert rows is not None
    assert [row.event_id for row in rows if row.trigger == "claim_submitted"] == [filed[0]]


def test_what_a_fired_event_frees_and_owes_follows_in_its_commit(workflow: Workflow) -> None:
    """ "What those owe in turn is done as well" """
    done: list[str] = []
    answering(workflow, "matched", Fire("claim_submitted"))
    workflow.on_enter("rejected", name="tell")(lambda told: done.append(told.to_state))
    matched(workflow)
    workflow.fire("claim_rejected", user_id="u1", claim_id="c1", rejection_reason="no")
    assert workflow.run_effects() == 2
    assert (claim(workflow).state, done) == ("rejected", ["rejected"])
