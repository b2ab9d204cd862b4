"""The counter: what each thread spends in each stage, of wall and of processor time.

A stage inside another is taken off the outer, so that all add up to what was spent. Outside of any nothing is
counted.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from time import perf_counter_ns, thread_time_ns
from typing import Any


class Stage(IntEnum):
    """What a webhook goes through, in its order."""

    RECEIVE = 0
    PARSE = 1
    CREDENTIALS = 2
    HAND_OVER = 3
    WAIT = 4
    WAKE = 5
    READ = 6
    DECIDE = 7
    WRITE = 8
    COMMIT = 9
    ANSWER = 10
    LOG = 11
    REST = 12


NAMES = {
    Stage.RECEIVE: "receive (its wall is the client's)",
    Stage.PARSE: "parse",
    Stage.CREDENTIALS: "credentials",
    Stage.HAND_OVER: "hand-over",
    Stage.WAIT: "…waiting, while others commit it",
    Stage.WAKE: "…waking, once that is done",
    Stage.READ: "read",
    Stage.DECIDE: "decide",
    Stage.WRITE: "write",
    Stage.COMMIT: "commit",
    Stage.ANSWER: "answer",
    Stage.LOG: "log",
    Stage.REST: "the rest: gunicorn, and ours between",
}


@dataclass(slots=True)
class ThreadCounter:
    """What one thread has spent so far, in nanoseconds by stage; and how often it began one."""

    wall: list[int] = field(default_factory=lambda: [0] * len(Stage))
    processor: list[int] = field(default_factory=lambda: [0] * len(Stage))
    times: list[int] = field(default_factory=lambda: [0] * len(Stage))
    inside: list[Stage] = field(default_factory=list)
    wall_mark: int = 0
    processor_mark: int = 0

    def enter(self, stage: Stage) -> None:
        """Count to this stage from now on."""
        self._settle()
        self.inside.append(stage)
        self.times[stage] += 1

    def leave(self) -> None:
        """Count to the stage around it again."""
        self._settle()
        self.inside.pop()

    def _settle(self) -> None:
        wall, processor = perf_counter_ns(), thread_time_ns()
        if self.inside:
            stage = self.inside[-1]
            self.wall[stage] += wall - self.wall_mark
            self.processor[stage] += processor - self.processor_mark
        self.wall_mark, self.processor_mark = wall, processor


class Counter:
    """The counters of all threads."""

    def __init__(self) -> None:
        self._here = threading.local()
        self._all: list[ThreadCounter] = []

    def here(self) -> ThreadCounter:
        """Give this thread's."""
        found: ThreadCounter | None = getattr(self._here, "counter", None)
        if found is None:
            found = self._here.counter = ThreadCounter()
            self._all.append(found)
        return found

    def counting(self, stage: Stage, function: Callable[..., Any]) -> Callable[..., Any]:
        """Give a function that does the same, and counts to a stage meanwhile."""

        @functools.wraps(function)
        def counted(*arguments: Any, **named: Any) -> Any:
            here = self.here()
            if here.inside and here.inside[-1] is stage:
                return function(*arguments, **named)
            here.enter(stage)
            try:
                return function(*arguments, **named)
            finally:
                here.leave()

        return counted

    def told(self) -> dict[str, list[int]]:
        """Give what was counted so far, over all threads, by stage."""
        return {
            what: [sum(column) for column in zip(*(getattr(one, what) for one in self._all), strict=True)]
            or [0] * len(Stage)
            for what in ("wall", "processor", "times")
        }


class CountedLock:
    """A lock that one thread waits for and another releases: how long it is waited for, and woken from it."""

    __slots__ = ("_counter", "_lock", "_released_at")

    def __init__(self, lock: threading.Lock, counter: Counter) -> None:
        self._lock: Any = lock
        self._counter = counter
        self._released_at = 0

    def acquire(self) -> bool:
        """Wait; from the release on that is the time that waking takes."""
        here = self._counter.here()
        here.enter(Stage.WAIT)
        since = here.wall_mark
        got: bool = self._lock.acquire()
        here.leave()
        waking = here.wall_mark - max(since, self._released_at)
        here.wall[Stage.WAIT] -= waking
        here.wall[Stage.WAKE] += waking
        return got

    def release(self) -> None:
        """Let it be had."""
        self._released_at = perf_counter_ns()
        self._lock.release()

    def locked(self) -> bool:
        """Tell whether it is to be waited for."""
        told: bool = self._lock.locked()
        return told
