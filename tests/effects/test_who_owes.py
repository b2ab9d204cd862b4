"""Who owes what: work for being in a state, work owed regardless, and what forks owe."""

from __future__ import annotations

import pytest

from workflow_fsm import Fire, Transition, Workflow
from workflow_fsm.testing import ManualClock, detected, match, matched, pay, submitted, synced


def handlers_owed(workflow: Workflow) -> list[tuple[str, str | None]]:
    return [(one.handler, one.trigger) for one in workflow.owed()]


# -- being in a state


def test_a_handler_is_given_the_transition_and_the_claim_as_it_stands(
    workflow: Workflow, clock: ManualClock
) -> None:
    """ ".user_id .claim_id .sync_id .from_state .to_state .trigger .version .event .claim .key .attempt" """
    seen: list[Transition] = []
    workflow.on_enter("matched", name="see")(seen.append)
    matched(workflow, amount="12.50", confidence=0.9)
    workflow.fire("detection_complete", user_id="u1", claims=[{"claim_id": "c1", "claim_type": "lost"}])

    assert workflow.run_effects() == 1
    (told,) = seen
    assert (told.user_id, told.claim_id, told.sync_id) == ("u1", "c1", "sync-of-c1")
    assert (told.from_state, told.to_state, told.trigger) == (
        "detected",
        "matched",
        "evidence_matching_complete",
    )
    assert (told.version, told.attempt, told.at) == (3, 1, clock.now)
    assert (told.event["claim_id"], told.event["event_id"]) == ("c1", "evt_3")
    status = workflow.status("u1")
    assert status is not None
    assert told.claim == status.claims[0]
    assert (told.claim.claim_type, told.claim.amount, told.claim.decision) == ("lost", "12.50", "auto_submit")


def test_a_payout_ends_a_pending_submission(workflow: Workflow) -> None:
    """ "what isn't running when the lifecycle leaves or re-enters it is void in that commit (a payout ends a
    pending submission" """
    done: list[Transition] = []
    workflow.on_enter("matched", name="submit")(done.append)
    matched(workflow)
    assert handlers_owed(workflow) == [("submit", "evidence_matching_complete")]
    pay(workflow)
    assert handlers_owed(workflow) == []
    assert (workflow.run_effects(), done, workflow.dead_letters()) == (0, [], [])


def test_a_better_match_replaces_a_pending_one(workflow: Workflow) -> None:
    """ "a better match replaces a pending one)" """
    done: list[object] = []
    workflow.on_enter("matched", name="submit")(lambda told: done.append(told.claim.confidence))
    matched(workflow, confidence="0.6")
    (first,) = workflow.owed()
    match(workflow, confidence="0.9")
    (second,) = workflow.owed()
    assert first.key != second.key
    match(workflow, confidence="0.7")
    assert [one.key for one in workflow.owed()] == [second.key]
    assert (workflow.run_effects(), done) == (1, [0.9])


def test_what_a_state_owed_is_void_in_the_very_commit_that_leaves_it(workflow: Workflow) -> None:
    """A waiting payout is freed by the detection that makes the claim: one commit enters and leaves."""
    done: list[str] = []
    workflow.on_enter("detected", name="match")(lambda told: done.append(told.to_state))
    workflow.on_enter("paid", name="thank")(lambda told: done.append(told.to_state))
    pay(workflow)
    detected(workflow)
    workflow.run_effects()
    assert done == ["paid"]


def test_what_pauses_between_tries_is_not_running_and_becomes_void(
    workflow: Workflow, clock: ManualClock
) -> None:
    """ "what isn't running when the lifecycle leaves or re-enters it is void" """
    tries: list[int] = []

    @workflow.on_enter("matched")
    def submit(told: Transition) -> None:
        tries.append(told.attempt)
        raise OSError("refused")

    matched(workflow)
    workflow.run_effects()
    pay(workflow)
    clock.advance(hours=1)
    assert (workflow.run_effects(), tries, workflow.owed()) == (0, [1], [])


def test_a_running_handler_finishes_and_its_fire_meets_the_table(workflow: Workflow) -> None:
    """ "A handler already running … finishes, and its `Fire` meets the table like any event." """

    @workflow.on_enter("matched")
    def submit(told: Transition) -> Fire:
        pay(workflow)
        return Fire("claim_submitted", amazon_case_id="k1")

    matched(workflow)
    assert workflow.run_effects() == 1
    status = workflow.status("u1")
    assert status is not None
    assert (status.claims[0].state, status.claims[0].amazon_case_id) == ("paid", "k1")
    assert workflow.owed() == []


def test_a_running_handler_that_fails_is_not_tried_again_for_a_state_that_was_left(
    workflow: Workflow, clock: ManualClock
) -> None:
    """ "`on_enter` is work for being in a state" """
    tries: list[int] = []

    @workflow.on_enter("matched")
    def submit(told: Transition) -> None:
        tries.append(told.attempt)
        pay(workflow)
        raise OSError("the line went dead")

    matched(workflow)
    assert workflow.run_effects() == 1
    clock.advance(hours=1)
    assert (workflow.run_effects(), tries, workflow.owed(), workflow.dead_letters()) == (0, [1], [], [])


def test_a_better_match_while_one_is_running_waits_for_it(workflow: Workflow) -> None:
    """ "Effects of one lifecycle run one at a time and in order" """
    order: list[object] = []

    @workflow.on_enter("matched")
    def submit(told: Transition) -> None:
        order.append((told.version, "begins"))
        if told.version == 3:
            match(workflow, confidence="0.95")
            assert workflow.run_effects() == 0
        order.append((told.version, "ends"))

    matched(workflow)
    assert workflow.run_effects() == 2
    assert order == [(3, "begins"), (3, "ends"), (4, "begins"), (4, "ends")]


# -- owed regardless


def test_what_a_transition_owes_is_owed_whatever_comes_after_it(workflow: Workflow) -> None:
    """ "`on_transition(trigger=, source=, target=)` is work owed regardless." """
    done: list[tuple[str, str, float]] = []
    workflow.on_transition(trigger="evidence_matching_complete", name="tell")(
        lambda told: done.append((told.to_state, told.claim.state, told.claim.confidence))
    )
    matched(workflow, confidence="0.6")
    match(workflow, confidence="0.9")
    pay(workflow)
    assert workflow.run_effects() == 2
    assert done == [("matched", "paid", 0.9), ("matched", "paid", 0.9)]


@pytest.mark.parametrize(
    ("pattern", "versions"),
    [
        ({}, [1, 2, 3, 4]),
        ({"trigger": "claim_submitted"}, [4]),
        ({"source": "detected"}, [3]),
        ({"target": "matched"}, [3]),
        ({"source": "synced", "target": "detected"}, [2]),
        ({"source": "submitted", "target": "paid"}, []),
        ({"trigger": "detection_complete", "source": "synced", "target": "detected"}, [2]),
    ],
    ids=str,
)
def test_a_pattern_fits_by_all_that_it_names(
    workflow: Workflow, pattern: dict[str, str], versions: list[int]
) -> None:
    """ "`on_transition(trigger=, source=, target=)`" """
    seen: list[int] = []
    workflow.on_transition(name="see", **pattern)(lambda told: seen.append(told.version))  # type: ignore[arg-type]
    submitted(workflow)
    workflow.run_effects()
    assert seen == versions


def test_time_owes_as_events_do_and_says_nothing(workflow: Workflow, clock: ManualClock) -> None:
    """ "`deadline_date` fires `deadline_passed`" """
    seen: list[Transition] = []
    workflow.on_transition(trigger="deadline_passed", name="see")(seen.append)
    detected(workflow, deadline_date="2026-01-02T00:00:00Z")
    clock.advance(days=1)
    assert (workflow.tick(), workflow.run_effects()) == (1, 1)
    assert (seen[0].to_state, seen[0].event) == ("expired", {})


# -- forks


def test_a_sync_that_forks_owes_nothing_and_each_claim_owes_its_own_first_row(workflow: Workflow) -> None:
    """ "the sync itself goes to `detected` with its `claims_found` and takes no further part: it owes no
    handlers" """
    entered: list[str | None] = []
    moved: list[str | None] = []
    workflow.on_enter("detected", name="match")(lambda told: entered.append(told.claim_id))
    workflow.on_transition(trigger="detection_complete", name="count")(
        lambda told: moved.append(told.claim_id)
    )
    synced(workflow)
    claims = [{"claim_id": "c1"}, {"claim_id": "c2"}]
    workflow.fire("detection_complete", user_id="u1", claims=claims)
    workflow.run_effects()
    assert (entered, moved) == (["c1", "c2"], ["c1", "c2"])


def test_the_row_that_claims_share_with_their_sync_is_owed_once(workflow: Workflow) -> None:
    """ "The sync's first row stands once in the user's history" """
    seen: list[tuple[str, str | None]] = []
    workflow.on_transition(target="synced", name="see")(
        lambda told: seen.append((told.sync_id, told.claim_id))
    )
    detected(workflow, claim_id="c1")
    workflow.fire("detection_complete", user_id="u1", sync_id="sync-of-c1", claims=[{"claim_id": "c2"}])
    workflow.run_effects()
    assert seen == [("sync-of-c1", None)]


def test_a_detection_ends_what_was_pending_for_being_synced(workflow: Workflow) -> None:
    """ "what isn't running when the lifecycle leaves … is void in that commit" """
    workflow.on_enter("synced", name="detect")(lambda told: None)
    synced(workflow)
    assert handlers_owed(workflow) == [("detect", "sync_complete")]
    workflow.fire("detection_complete", user_id="u1", claims=[])
    assert handlers_owed(workflow) == []


def test_a_plain_lifecycle_owes_until_its_sync_gets_a_list(workflow: Workflow) -> None:
    """ "the plain one takes no further part if it is still `detected`" """
    workflow.on_enter("detected", name="match")(lambda told: None)
    synced(workflow)
    workflow.fire("detection_complete", user_id="u1", sync_id="s1", claims_found=2)
    assert [(one.claim_id, one.sync_id) for one in workflow.owed()] == [(None, "s1")]
    workflow.fire("detection_complete", user_id="u1", sync_id="s1", claims=[{"claim_id": "c1"}])
    assert [(one.claim_id, one.sync_id) for one in workflow.owed()] == [("c1", "s1")]


def test_a_handler_is_given_what_an_event_said_and_not_what_a_person_laid_over_it(workflow: Workflow) -> None:
    """ "(the event keeps what it said; the act is in its chain)" """
    given: list[Transition] = []
    workflow.on_enter("paid", name="book")(given.append)
    detected(workflow)
    workflow.fire("payout_received", user_id="u1", amount="5.00", event_id="money", memo="as it came")
    [dead_letter] = workflow.dead_letters()
    workflow.retry_dead_letter(dead_letter.id, claim_id="c1", amazon_case_id="k1", reason="the statement")
    assert workflow.run_effects() == 1
    [told] = given
    assert (told.claim_id, told.event["amount"], told.event["memo"]) == ("c1", "5", "as it came")
    assert {"claim_id", "amazon_case_id"}.isdisjoint(told.event)
    [act] = workflow.acts("u1")
    assert (act.claim_id, act.event_id, act.reason) == ("c1", "money", "amazon_case_id=k1: the statement")
