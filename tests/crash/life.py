"""One life of a process that fires events and does effects by the library, until it dies at a point of it.

Its arguments are the store's URL, the record, how many minutes its clock is ahead (each life's by more than
a lease, so that nobody waits one out), its user, the point, and how many effects, or events, it gets there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count
from pathlib import Path
from time import sleep
from typing import Any

from tests.crash.mortal import arm, die, make_mortal
from tests.crash.record import Record
from workflow_fsm import Fire, Settings, Transition, Workflow
from workflow_fsm.workflow import utc_now

EVENTS = (1, 2)
EFFECTS = (2, 5, 1, 3, 4, 6, 7)
"""What a life without a timer sends, and what that owes in the end, by number; those that fire come first."""


class Point(StrEnum):
    """Where a life ends."""

    EVENT_NOT_COMMITTED = "before an event's commit"
    EVENT_NOT_ANSWERED = "after an event's commit, before its answer"
    LEASE_NOT_COMMITTED = "before the commit of a lease"
    EFFECT_TAKEN = "effect taken"
    HANDLER_BEGUN = "handler begun, nothing of it done"
    HANDLER_DONE = "handler done, before its mark"
    MARK_NOT_COMMITTED = "before the commit of a mark"
    EFFECT_MARKED = "after the commit of a mark"
    TIMER_DUE = "timer due, before its commit"
    TIMER_FIRED = "timer due, after its commit"
    ANYWHERE = "wherever it is killed, with a worker of four threads"

    @property
    def is_timers(self) -> bool:
        """Whether the life's claim expires."""
        return self in (Point.TIMER_DUE, Point.TIMER_FIRED)


class ClockAhead:
    """The machine's clock, so far ahead."""

    def __init__(self, ahead: timedelta) -> None:
        self.ahead = ahead

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


def register(workflow: Workflow, work: Callable[[Transition, str], None]) -> None:
    """Register handlers that bring every claim to `submitted`, and note each transition; all call `work`."""

    @workflow.on_enter("detected")
    def match(told: Transition) -> Fire:
        work(told, "match")
        return Fire("evidence_matching_complete", confidence=0.9)

    @workflow.on_enter("matched")
    def submit(told: Transition) -> Fire:
        work(told, "submit")
        return Fire("claim_submitted", amazon_case_id=told.key)

    @workflow.on_transition(trigger="claim_submitted")
    def thank(told: Transition) -> None:
        work(told, "thank")

    @workflow.on_transition(trigger="deadline_passed")
    def regret(told: Transition) -> None:
        work(told, "regret")

    @workflow.on_transition()
    def note(told: Transition) -> None:
        work(told, "note")


def settle(workflow: Workflow) -> None:
    """Do all that is due, and what that owes."""
    while workflow.tick() + workflow.run_effects():
        pass


class Life:
    """What a process does until it dies."""

    def __init__(
        self, url: str, record: Record, clock: ClockAhead, user: str, point: Point, number: int
    ) -> None:
        self._record = record
        self._clock = clock
        self._user = user
        self._point = point
        self._number = number
        self._begun = 0
        self._workflow = Workflow.open(url, settings=Settings(), clock=clock)
        register(self._workflow, self._work)

    def live(self) -> None:
        """Do what the life before left, then what is new."""
        settle(self._workflow)
        if self._point is Point.ANYWHERE:
            self._live_in_threads()
        if self._point is Point.EVENT_NOT_COMMITTED:
            arm("before", commits=self._number)
        if self._point is Point.EVENT_NOT_ANSWERED:
            arm("after", commits=self._number)
        self._detect(self._user)
        if self._point.is_timers:
            self._clock.ahead += timedelta(minutes=2)
            arm("before" if self._point is Point.TIMER_DUE else "after")
            self._workflow.tick()
        # Each effect takes two commits: one for its lease, one for its mark.
        if self._point is Point.LEASE_NOT_COMMITTED:
            arm("before", commits=2 * self._number - 1)
        if self._point is Point.EFFECT_TAKEN:
            arm("after", commits=2 * self._number - 1)
        if self._point is Point.MARK_NOT_COMMITTED:
            arm("before", commits=2 * self._number)
        if self._point is Point.EFFECT_MARKED:
            arm("after", commits=2 * self._number)
        self._begun = 0
        self._workflow.run_effects()

    def _live_in_threads(self) -> None:
        self._workflow.worker().start()
        for number in count():
            self._detect(f"{self._user}-{number}")
            sleep(0.01)

    def _detect(self, user: str) -> None:
        claim = {"claim_id": "c"}
        if self._point.is_timers:
            claim["deadline_date"] = (self._clock() + timedelta(minutes=1)).isoformat()
        whose = {"user_id": user, "sync_id": "s"}
        bodies: list[dict[str, Any]] = [
            {"trigger": "sync_complete", "event_id": "e1", **whose},
            {"trigger": "detection_complete", "event_id": "e2", "claims": [claim], **whose},
        ]
        for body in bodies:
            self._record.add("to send", **body)
        for body in bodies:
            self._workflow.fire(**body)
            self._record.add("acknowledged", **body)

    def _work(self, told: Transition, handler: str) -> None:
        mine = told.user_id == self._user
        self._begun += mine
        last = mine and self._begun == self._number
        if last and self._point is Point.HANDLER_BEGUN:
            die()
        self._record.add_work("done", told, handler)
        if last and self._point is Point.HANDLER_DONE:
            die()


if __name__ == "__main__":
    _, url, record, minutes, user, point, number = sys.argv
    make_mortal()
    clock = ClockAhead(timedelta(minutes=int(minutes)))
    Life(url, Record(Path(record)), clock, user, Point(point), int(number)).live()
    raise SystemExit("it did not die")
