"""Samples: the figures that pages show, read behind them and shared by all who look.

Nobody waits long for the first of a large store: a page is shown without it, and is told it later.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Generic, TypeVar

from webapp.routes.sampling import Sampler
from workflow_fsm.read.across.by_state import StateFigures
from workflow_fsm.read.figures import Backlog, Totals
from workflow_fsm.read.flow import Flow
from workflow_fsm.workflow import Workflow

T = TypeVar("T")

REST_SECONDS = 1.0
"""For how long a sample is shown at least."""
RESTS = 30
"""And for how many times what reading it took: each kind takes a thirtieth of a processor at most."""
FIRST_SECONDS = 0.2
"""How long a page waits for the first of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """What is known by now of each kind of figures; None of what isn't read yet, or can't be."""

    totals: Totals | None
    backlog: Backlog | None
    states: dict[str, StateFigures]
    flow: Flow | None
    checked: str | None
    age_seconds: float


class Samples:
    """The figures of one workflow."""

    def __init__(self, workflow: Workflow) -> None:
        self._totals = _Behind(lambda: workflow.totals())
        self._backlog = _Behind(lambda: workflow.backlog(with_money=False))
        self._states = _Behind(lambda: workflow.by_state())
        self._flow = _Behind(lambda: workflow.flow())
        self._checked = _Behind(lambda: workflow.last_check())

    def latest(self) -> Sampled:
        """Give the last of each."""
        for one in (self._totals, self._backlog, self._states, self._flow, self._checked):
            one.begin()
        until = monotonic() + FIRST_SECONDS
        totals, backlog = self._totals.latest(until), self._backlog.latest(until)
        states, flow = self._states.latest(until), self._flow.latest(until)
        return Sampled(
            totals=totals[0],
            backlog=backlog[0],
            states=states[0] or {},
            flow=flow[0],
            checked=self._checked.latest(until)[0],
            age_seconds=max(totals[1], backlog[1], states[1], flow[1]),
        )


class _Behind(Generic[T]):
    """A sampler whose first sample is read in a thread of its own."""

    def __init__(self, read: Callable[[], T]) -> None:
        self._sampler: Sampler[T] = Sampler(read, rest_seconds=REST_SECONDS, rests=RESTS)
        self._lock = Lock()
        self._first: Future[object] | None = None

    def begin(self) -> None:
        """Have the first one read, unless that was begun before."""
        with self._lock:
            if self._first is None:
                pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="figures")
                self._first = pool.submit(self._sampler.latest)
                pool.shutdown(wait=False)

    def latest(self, until: float) -> tuple[T | None, float]:
        """Give the last one and its age; None where the first isn't read until then."""
        assert self._first is not None
        try:
            self._first.result(timeout=max(0.0, until - monotonic()))
        except NotYet:
            return None, 0.0
        sample = self._sampler.latest()
        return sample.value, sample.age_seconds
