"""Handlers for real worker processes, as WORKFLOW_HANDLERS names them; `CRASH_ENGINE` says which.

They write what they do to the record at `CRASH_RECORD`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

from tests.crash.mortal import die
from tests.crash.record import Record
from workflow_fsm import DeadLetter, Fire, Transition, Workflow

SECONDS_ASLEEP = 120


def register(workflow: Workflow) -> None:
    """Register the chosen engine."""
    ENGINES[os.environ["CRASH_ENGINE"]](workflow, Record(Path(os.environ["CRASH_RECORD"])))


def counting(workflow: Workflow, record: Record) -> None:
    """Record each match that a claim finds, and when that is done."""

    @workflow.on_transition(trigger="evidence_matching_complete", name="count")
    def count(told: Transition) -> None:
        record.add_work("begun", told, "count")
        record.add_work("done", told, "count")


def deadly(workflow: Workflow, record: Record) -> None:
    """Match claims, each in a while, but for one that is the death of whoever tries, at once."""

    @workflow.on_enter("detected")
    def match(told: Transition) -> Fire:
        record.add_work("begun", told, "match")
        if told.claim_id == "poison":
            die()
        sleep(0.1)
        record.add_work("done", told, "match")
        return Fire("evidence_matching_complete", confidence=0.9)

    @workflow.on_transition(target="detected")
    def behind(told: Transition) -> None:
        record.add_work("done", told, "behind")

    @workflow.on_dead_letter
    def tell(told: DeadLetter) -> None:
        record.add("told", key=told.key, letter=told.letter)


def sleepy(workflow: Workflow, record: Record) -> None:
    """Submit claims; the first attempt sleeps until it is woken."""

    @workflow.on_enter("matched")
    def submit(told: Transition) -> Fire:
        record.add_work("begun", told, "submit")
        if told.attempt > 1:
            return Fire("claim_submitted", amazon_case_id="in time")
        until = monotonic() + SECONDS_ASLEEP
        while not record.lines("wake") and monotonic() < until:
            sleep(0.01)
        return Fire("claim_submitted", amazon_case_id="late")


ENGINES: dict[str, Callable[[Workflow, Record], None]] = {
    "counting": counting,
    "deadly": deadly,
    "sleepy": sleepy,
}
