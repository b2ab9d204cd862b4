"""What a handler may say: give up, try again later, or something that is no answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.effects.waiting import pause
from workflow_fsm import Discard, Fire, RetryAfter, Transition, Workflow
from workflow_fsm.testing import ManualClock, matched


def test_discard_gives_up_at_once_with_its_reason(workflow: Workflow) -> None:
    """ "Raising `Discard("why")` gives up at once" """

    @workflow.on_enter("matched")
    def submit(told: Transition) -> None:
        raise Discard("the marketplace has closed")

    matched(workflow)
    workflow.run_effects()
    (dead_letter,) = workflow.dead_letters()
    assert (dead_letter.attempts, dead_letter.reason) == (1, "the marketplace has closed")


@pytest.mark.parametrize(
    ("asked", "waited"),
    [(90, 90), (timedelta(minutes=1.5), 90), (0, 0), (-5, 0), (-timedelta(days=1), 0), (float("nan"), 0)],
)
def test_retry_after_says_when(
    workflow: Workflow, clock: ManualClock, asked: float | timedelta, waited: float
) -> None:
    """ "`RetryAfter(seconds)` says when" """
    attempts: list[int] = []

    @workflow.on_enter("matched")
    def submit(told: Transition) -> None:
        attempts.append(told.attempt)
        if told.attempt == 1:
            raise RetryAfter(asked)

    matched(workflow)
    workflow.run_effects()
    if waited:
        assert workflow.owed()[0].error == "asked to be tried again after 90 seconds"
        assert pause(workflow, clock) == waited
        workflow.run_effects()
    assert (attempts, workflow.owed()) == ([1, 2], [])


def test_retry_after_is_bounded_and_its_last_try_is_the_last(workflow: Workflow, clock: ManualClock) -> None:
    @workflow.on_enter("matched", tries=2)
    def submit(told: Transition) -> None:
        raise RetryAfter(float("inf"), "the marketplace is closed")

    matched(workflow)
    workflow.run_effects()
    clock.advance(days=366)
    workflow.run_effects()
    assert [(one.attempts, one.reason) for one in workflow.dead_letters()] == [
        (2, "the marketplace is closed")
    ]


@pytest.mark.parametrize("answer", [True, 0, "claim_submitted", {"trigger": "x"}, [Fire("x"), 1], object])
def test_a_handler_that_returns_something_else_is_a_dead_letter_that_says_so(
    workflow: Workflow, answer: Any
) -> None:
    workflow.on_enter("matched", name="submit")(lambda told: answer)
    matched(workflow)
    workflow.run_effects()
    (dead_letter,) = workflow.dead_letters()
    assert dead_letter.attempts == 1
    assert "Fire" in dead_letter.reason or "can't be taken" in dead_letter.reason


class Mute(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (lambda: OSError("half a character: \udc80, and \0"), "OSError: half a character: ?, and ?"),
        (lambda: OSError("x" * 10_000), "OSError: " + "x" * 1991),
        (Mute, "Mute: its text can't be had: ValueError"),
        (lambda: SystemExit(3), "SystemExit: 3"),
    ],
    ids=["odd", "long", "mute", "exit"],
)
def test_whatever_a_handler_raises_is_kept_as_text(
    workflow: Workflow, error: Callable[[], BaseException], told: str
) -> None:
    """ "a dead letter with its error's text" """

    @workflow.on_enter("matched", tries=1)
    def submit(_: Transition) -> None:
        raise error()

    matched(workflow)
    workflow.run_effects()
    assert [one.reason for one in workflow.dead_letters()] == [told]
