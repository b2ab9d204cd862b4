"""Leases: an effect is its holder's by the number of an attempt, tried again, and buried in the end."""

from __future__ import annotations

import pytest

from tests.effects.conftest import Open, die_in_what_is_due
from tests.effects.waiting import pause
from workflow_fsm import Discard, Fire, Settings, Transition, Workflow
from workflow_fsm.effects.backoff import pause_seconds
from workflow_fsm.testing import ManualClock, detected, matched

# -- the lease and its fence


def test_another_takes_over_what_a_dead_holder_has_and_only_past_its_lease(
    open_again: Open, clock: ManualClock
) -> None:
    """ "a dead or paused holder loses it"; "taken over within 30 seconds" """
    attempts: list[int] = []
    first, second = open_again(), open_again()

    def work(told: Transition) -> None:
        attempts.append(told.attempt)

    for workflow in (first, second):
        workflow.on_enter("detected", name="work")(work)
    detected(first)
    die_in_what_is_due(first)
    clock.advance(seconds=10)
    assert second.run_effects() == 0
    clock.advance(seconds=20)
    assert second.run_effects() == 1
    assert (attempts, second.owed(), second.dead_letters()) == ([1, 2], [], [])


@pytest.mark.parametrize("ending", ["fires", "raises", "discards", "returns"])
def test_a_late_holder_changes_nothing(open_again: Open, clock: ManualClock, ending: str) -> None:
    """ "A paused worker (SIGSTOP past its lease) that wakes changes nothing." """
    paused, other = open_again(), open_again()
    order: list[str] = []

    def late(told: Transition) -> Fire | None:
        clock.advance(seconds=30)  # asleep, past its lease
        assert other.run_effects() == 1
        order.append(f"late {told.attempt}")
        if ending == "raises":
            raise OSError("late")
        if ending == "discards":
            raise Discard("late")
        return Fire("claim_submitted", amazon_case_id="late") if ending == "fires" else None

    def in_time(told: Transition) -> Fire:
        order.append(f"in time {told.attempt}")
        return Fire("claim_submitted", amazon_case_id="in time")

    paused.on_enter("matched", name="work")(late)
    other.on_enter("matched", name="work")(in_time)
    matched(paused)
    assert paused.run_effects() == 1
    assert order == ["in time 2", "late 1"]
    status = other.status("u1")
    assert status is not None
    assert (status.claims[0].state, status.claims[0].amazon_case_id) == ("submitted", "in time")
    rows = other.history("u1", "c1")
    assert rows is not None
    assert [row.trigger for row in rows][3:] == ["claim_submitted"]
    assert (other.owed(), other.dead_letters(), other.check().faults) == ([], [], ())


def test_a_late_holder_changes_nothing_after_a_person_retried(open_again: Open, clock: ManualClock) -> None:
    """The number of an attempt is never given twice, so that the fence holds over retries by hand."""
    paused, other = open_again(), open_again()
    attempts: list[int] = []

    def late(told: Transition) -> Fire:
        clock.advance(seconds=30)
        assert other.run_effects() == 1
        (dead_letter,) = other.dead_letters()
        other.retry_dead_letter(dead_letter.id)
        die_in_what_is_due(other)
        return Fire("claim_submitted", amazon_case_id="late")

    def discards(told: Transition) -> None:
        attempts.append(told.attempt)
        if len(attempts) > 1:
            return
        raise Discard("no")

    paused.on_enter("matched", name="work")(late)
    other.on_enter("matched", name="work")(discards)
    matched(paused)
    paused.run_effects()
    assert attempts == [2, 3]
    assert [(one.state, one.attempt) for one in other.owed()] == [("running", 3)]
    assert other.explain("u1", "c1", "claim_submitted").state == "matched"


def test_what_was_left_while_its_holder_was_dying_is_not_taken_up(
    open_again: Open, clock: ManualClock
) -> None:
    """ "`on_enter` is work for being in a state": nobody who takes over submits a paid claim."""
    attempts: list[int] = []
    workflow = open_again()

    @workflow.on_enter("matched")
    def submit(told: Transition) -> None:
        attempts.append(told.attempt)
        workflow.fire("payout_received", user_id="u1", claim_id="c1", amount="1.00")

    matched(workflow)
    die_in_what_is_due(workflow)
    clock.advance(seconds=30)
    assert (workflow.run_effects(), attempts, workflow.owed()) == (0, [1], [])


# -- tries


def test_a_handler_that_kills_its_process_is_buried_when_it_was_begun_as_often_as_it_has_tries(
    open_again: Open, clock: ManualClock
) -> None:
    """ "past the last try, or when the process has died in it as often, it is a dead letter" """
    begun: list[int] = []
    done: list[str | None] = []
    workflow = open_again(Settings(tries=3))

    @workflow.on_transition(target="detected")
    def poison(told: Transition) -> None:
        begun.append(told.attempt)

    workflow.on_transition(target="matched", name="behind")(lambda told: done.append(told.claim_id))
    matched(workflow)
    for _ in range(3):
        die_in_what_is_due(workflow)
        clock.advance(seconds=30)
    workflow.run_effects()
    assert (begun, done) == ([1, 2, 3], ["c1"])
    (dead_letter,) = workflow.dead_letters(kind="effect")
    assert (dead_letter.handler, dead_letter.attempts) == ("poison", 3)
    assert (
        dead_letter.reason
        == "begun 3 times, and the last time never ended: its process died, stopped or hung"
    )


def test_an_effect_is_tried_so_often_and_is_then_a_dead_letter_with_its_errors_text(
    workflow: Workflow, clock: ManualClock
) -> None:
    """ "An effect is retried with growing, jittered pauses, and is a dead letter after its last try" """
    attempts: list[int] = []

    @workflow.on_enter("matched", tries=3)
    def submit(told: Transition) -> None:
        attempts.append(told.attempt)
        raise ConnectionError(f"no answer to {told.attempt}")

    matched(workflow)
    for expected in (1, 2):
        workflow.run_effects()
        (one,) = workflow.owed()
        assert (one.attempt, one.error) == (expected, f"ConnectionError: no answer to {expected}")
        clock.advance(hours=1)
    workflow.run_effects()
    assert (attempts, workflow.owed()) == ([1, 2, 3], [])
    (dead_letter,) = workflow.dead_letters()
    assert (dead_letter.attempts, dead_letter.reason) == (3, "ConnectionError: no answer to 3")


def test_the_key_is_the_same_over_all_tries_and_no_other_effects(
    workflow: Workflow, clock: ManualClock
) -> None:
    """ "carry `Idempotency-Key`, the same over retries" """
    keys: list[str] = []

    @workflow.on_enter("detected")
    def work(told: Transition) -> None:
        keys.append(told.key)
        if told.attempt < 3:
            raise OSError

    detected(workflow, "u1", "c1")
    detected(workflow, "u2", "c1")
    for _ in range(3):
        workflow.run_effects()
        clock.advance(hours=1)
    assert len(keys) == 6
    assert sorted(keys.count(key) for key in set(keys)) == [3, 3]


def test_pauses_double_from_the_first_and_are_bounded(workflow: Workflow, clock: ManualClock) -> None:
    """ "the first pause, doubled each time and jittered" (here without its jitter)"""
    attempts: list[int] = []

    @workflow.on_enter("detected", tries=30, pause_seconds=10)
    def work(told: Transition) -> None:
        attempts.append(told.attempt)
        raise OSError

    detected(workflow)
    pauses = []
    for _ in range(11):
        workflow.run_effects()
        pauses.append(pause(workflow, clock))
    assert pauses == [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]


def test_a_pause_of_nothing_is_no_default(workflow: Workflow) -> None:
    attempts: list[int] = []

    @workflow.on_enter("detected", tries=3, pause_seconds=0)
    def work(told: Transition) -> None:
        attempts.append(told.attempt)
        raise OSError

    detected(workflow)
    workflow.run_effects()
    assert attempts == [1, 2, 3]


def test_the_settings_say_how_often_and_how_long_where_a_handler_does_not(
    open_again: Open, clock: ManualClock
) -> None:
    """ "`WORKFLOW_EFFECT_TRIES`, `WORKFLOW_EFFECT_PAUSE`" """
    workflow = open_again(Settings(tries=2, pause_seconds=5.0))

    @workflow.on_enter("detected")
    def work(told: Transition) -> None:
        raise OSError

    detected(workflow)
    workflow.run_effects()
    assert pause(workflow, clock) == 5.0
    workflow.run_effects()
    assert [dead_letter.reason for dead_letter in workflow.dead_letters()] == ["OSError"]


@pytest.mark.parametrize("chance", [0.0, 0.25, 1.0])
def test_the_jitter_is_full(chance: float) -> None:
    """ "exponential with full jitter": evenly between nothing and the whole pause"""
    pauses = [pause_seconds(attempt, first=1.0, chance=chance) for attempt in (1, 2, 3, 20, 5000)]
    assert pauses == [chance * whole for whole in (1, 2, 4, 3600, 3600)]
