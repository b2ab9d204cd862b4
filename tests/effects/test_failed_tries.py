"""A try that fails is seen: in the log, by observers, in the dead letter; whatever its handler raises."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.effects.waiting import pause
from tests.webapp.services import until
from workflow_fsm import Discard, FailedTry, Fire, Observer, RetryAfter, Settings, Transition, Workflow
from workflow_fsm.effects.verdicts import MOST_OF_A_TRACEBACK
from workflow_fsm.testing import ManualClock, detected, matched, paid, submitted, take_back

OWN_WORK = {"api_key": "k"}


def look_up(told: Transition) -> None:
    OWN_WORK["api_url"]


class Ear(Observer):
    def __init__(self) -> None:
        self.heard: list[FailedTry] = []

    def failed(self, failed: FailedTry) -> None:
        self.heard.append(failed)


def test_a_failed_try_is_logged_with_handler_user_claim_attempt_and_traceback(
    workflow: Workflow, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    workflow.on_enter("matched", name="submit", tries=2)(look_up)
    matched(workflow)
    with caplog.at_level(logging.WARNING, "workflow_fsm"):
        workflow.run_effects()
        pause(workflow, clock)
        workflow.run_effects()
    records = [one for one in caplog.records if "failed" in one.getMessage()]
    assert [(one.levelname, one.getMessage()) for one in records] == [
        ("WARNING", f"try {n} of handler submit for user u1, claim c1, failed: KeyError: 'api_url'")
        for n in (1, 2)
    ]
    for one in records:
        assert 'in look_up\n    OWN_WORK["api_url"]' in logging.Formatter().format(one)


@pytest.mark.parametrize("error", [RetryAfter(5), Discard("no use")], ids=["RetryAfter", "Discard"])
def test_what_a_handler_raises_on_purpose_is_a_failed_try_too(
    workflow: Workflow, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    @workflow.on_enter("matched")
    def submit(told: Transition) -> None:
        raise error

    matched(workflow)
    ear = Ear()
    workflow.observe(ear)
    with caplog.at_level(logging.WARNING, "workflow_fsm"):
        workflow.run_effects()
    [record] = [one for one in caplog.records if "try 1 of handler submit" in one.getMessage()]
    assert record.exc_info is not None
    assert [one.error for one in ear.heard] == [error]


def test_an_observer_hears_the_exception_and_the_user(workflow: Workflow, clock: ManualClock) -> None:
    """ "observers are given the exception" """
    ear = Ear()
    workflow.observe(ear)
    workflow.on_enter("matched", name="submit", tries=2)(look_up)
    workflow.on_transition(target="detected", name="fine")(lambda told: None)
    matched(workflow)
    [owed] = [one for one in workflow.owed() if one.handler == "submit"]
    workflow.run_effects()
    pause(workflow, clock)
    workflow.run_effects()
    assert [(one.handler, one.user_id, one.claim_id, one.attempt, one.outcome) for one in ear.heard] == [
        ("submit", "u1", "c1", 1, "owed"),
        ("submit", "u1", "c1", 2, "dead"),
    ]
    assert {one.key for one in ear.heard} == {owed.key}
    assert all(isinstance(one.error, KeyError) and one.error.__traceback__ for one in ear.heard)


def test_a_dead_letter_keeps_the_last_traceback(workflow: Workflow, clock: ManualClock) -> None:
    """ "the dead letter keeps the last traceback as `error`" """
    told_of: list[Any] = []
    workflow.on_dead_letter(lambda told: told_of.append(told.letter.error), name="tell")

    @workflow.on_enter("matched", tries=2)
    def submit(told: Transition) -> None:
        raise OSError(f"attempt {told.attempt}")

    matched(workflow)
    workflow.run_effects()
    pause(workflow, clock)
    workflow.run_effects()
    [one] = workflow.dead_letters()
    assert one.reason == "OSError: attempt 2"
    assert one.error is not None
    assert one.error.startswith("Traceback (most recent call last):\n")
    assert one.error.endswith("OSError: attempt 2")
    assert 'in submit\n    raise OSError(f"attempt {told.attempt}")' in one.error
    assert told_of == [one.error]
    workflow.drop_dead_letter(one.id, reason="known")
    assert [letter.error for letter in workflow.dead_letters(dropped=True)] == [one.error]


def test_a_traceback_is_cut_in_the_middle_and_can_be_kept_whatever_it_holds(workflow: Workflow) -> None:
    class Odd(Exception):
        def __str__(self) -> str:
            return "\0\ud800 long " * 10_000

    class Broken(Exception):
        def __str__(self) -> str:
            raise SystemExit

    for number, kind in enumerate((Odd, Broken)):

        def fail(told: Transition, kind: type[Exception] = kind) -> None:
            raise ValueError("the end of it") from kind()

        workflow.on_transition(target="detected", name=f"h{number}", tries=1)(fail)
    detected(workflow)
    workflow.run_effects()
    first, second = (letter.error or "" for letter in workflow.dead_letters())
    assert len(first) == MOST_OF_A_TRACEBACK
    assert first.endswith("ValueError: the end of it")
    assert "Odd: ?? long" in first
    assert second.endswith("ValueError: the end of it")


def test_an_error_of_another_try_is_not_kept(workflow: Workflow, clock: ManualClock) -> None:
    """What is retried and done at last has neither; what a fired event spoils wasn't its handler's doing."""

    @workflow.on_enter("matched")
    def submit(told: Transition) -> Fire | None:
        if told.attempt == 1:
            raise OSError
        return Fire("payout_received", amount="7.00", event_id="money")

    workflow.fire("payout_received", user_id="u1", claim_id="c9", amount="1.00", event_id="money")
    matched(workflow)
    workflow.run_effects()
    pause(workflow, clock)
    workflow.run_effects()
    [one] = workflow.dead_letters(kind="effect")
    assert (one.reason or "").startswith("it fired an event that can't be taken")
    assert one.error is None


# -- whatever it raises

ENDINGS: dict[str, Callable[[], BaseException]] = {
    "CancelledError": asyncio.CancelledError,
    "KeyboardInterrupt": KeyboardInterrupt,
    "GeneratorExit": GeneratorExit,
    "BaseExceptionGroup": lambda: BaseExceptionGroup("several", [KeyboardInterrupt(), OSError()]),
    "SystemExit": SystemExit,
    "Own": type("Own", (BaseException,), {}),
}


@contextmanager
def working(workflow: Workflow, threads: int) -> Iterator[None]:
    worker = workflow.worker(threads=threads)
    worker.start()
    try:
        yield
    finally:
        worker.stop(within_seconds=5)


def real(url: str) -> Workflow:
    return Workflow.open(url, settings=Settings(tries=1))


@pytest.mark.parametrize("ending", ENDINGS)
def test_whatever_a_handler_raises_is_a_failed_try_and_ends_no_thread(store_url: str, ending: str) -> None:
    """ "Any BaseException that isn't Exception or SystemExit … ends a worker thread for good" """
    done = threading.Event()
    with real(store_url) as workflow:

        @workflow.on_enter("detected")
        def bad(told: Transition) -> None:
            raise ENDINGS[ending]()

        workflow.on_enter("submitted", name="good")(lambda told: done.set())
        with working(workflow, 2):
            for number in range(6):
                detected(workflow, claim_id=f"c{number}")
            submitted(workflow, claim_id="last")
            assert done.wait(20)
            until(lambda: len(workflow.dead_letters()) >= 6)  # each of them may be taken behind the good one
        assert {one.reason.partition(":")[0] for one in workflow.dead_letters() if one.reason} == {ending}
        assert all(ending in (one.error or "") for one in workflow.dead_letters())


@pytest.mark.parametrize("ending", [one for one in ENDINGS if one != "KeyboardInterrupt"])
def test_in_the_callers_own_thread_it_is_a_failed_try_too(workflow: Workflow, ending: str) -> None:
    @workflow.on_enter("detected", tries=1)
    def bad(told: Transition) -> None:
        raise ENDINGS[ending]()

    detected(workflow)
    assert workflow.run_effects() == 1
    [one] = workflow.dead_letters()
    assert (one.reason or "").partition(":")[0] == ending


def test_an_interrupt_of_run_effects_reaches_its_caller_and_leaves_the_effect_owed_at_once(
    store_url: str,
) -> None:
    """A real SIGINT, in the middle of a handler."""
    attempts: list[int] = []
    with real(store_url) as workflow:

        @workflow.on_enter("detected", tries=1)
        def slow(told: Transition) -> None:
            attempts.append(told.attempt)
            if told.attempt == 1:
                os.kill(os.getpid(), signal.SIGINT)
                threading.Event().wait(10)

        detected(workflow)
        with pytest.raises(KeyboardInterrupt):
            workflow.run_effects()
        [one] = workflow.owed()
        assert (one.state, one.attempt, one.error) == ("owed", 1, "its caller was interrupted")
        assert workflow.run_effects() == 1
        assert (attempts, workflow.owed(), workflow.dead_letters()) == ([1, 2], [], [])


# -- what a handler is told


def test_a_handler_is_told_what_its_transition_booked(workflow: Workflow) -> None:
    """ "`transition.amount` and `.currency` are what this transition booked, a decimal string …" """
    seen: list[tuple[str, str | None, str | None]] = []
    workflow.on_transition(name="see")(lambda told: seen.append((told.trigger, told.amount, told.currency)))
    paid(workflow, amount="12.5", reimbursement_id="r1", currency="EUR")
    take_back(workflow, amount="2.50", currency="EUR", original_reimbursement_id="r1")
    workflow.run_effects()
    assert seen[-2:] == [("payout_received", "12.50", "EUR"), ("payout_reversed", "2.50", "EUR")]
    assert {(amount, currency) for _, amount, currency in seen[:-2]} == {(None, None)}


def test_what_an_event_said_is_told_in_values_that_json_has(workflow: Workflow) -> None:
    """ "`.event` is what the event said, in values that JSON has" """
    seen: list[Transition] = []
    workflow.on_enter("matched", name="see")(seen.append)
    detected(workflow)
    workflow.fire(
        "evidence_matching_complete",
        user_id="u1",
        claim_id="c1",
        confidence=0.875,
        scores=[0.5, {"text": 1.25, "image": 3}],
    )
    workflow.run_effects()
    [told] = seen
    assert (told.event["confidence"], told.event["scores"]) == (0.875, [0.5, {"text": 1.25, "image": 3}])
    assert json.loads(json.dumps(told.event)) == told.event
    assert (copy.deepcopy(told), pickle.loads(pickle.dumps(told))) == (told, told)


def test_what_a_detection_said_of_many_claims_is_read_by_those_who_ask_alone(
    workflow: Workflow, stored: Callable[[str], Any]
) -> None:
    """Each of a thousand claims owes an effect, and none waits for a thousand entries to be read."""

    def ask(told: Transition) -> None:
        assert told.event["sync_id"] == "s1"

    done: list[str | None] = []
    workflow.on_transition(trigger="detection_complete", name="asks", tries=1)(ask)
    workflow.on_transition(trigger="detection_complete", name="does")(lambda told: done.append(told.claim_id))
    detected(workflow)
    stored("UPDATE events SET body = '!' WHERE trigger = 'detection_complete'")
    workflow.run_effects()
    assert done == ["c1"]
    [letter] = workflow.dead_letters()
    assert "of events of user 'u1' can't be read" in str(letter.error)
