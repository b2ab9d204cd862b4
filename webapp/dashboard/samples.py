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
from typing import Any, Generic, TypeVar

from webapp.routes.sampling import Sampler
from workflow_fsm.read.across.by_state import StateFigures
from workflow_fsm.read.across.weeks import CurrencyWeeks
from workflow_fsm.read.figures import Backlog, Totals
from workflow_fsm.read.flow import Flow
from workflow_fsm.workflow import Workflow

T = TypeVar("T")

REST_SECONDS = 1.0
"""For how long a sample is shown at least."""
RESTS = 60
"""And for how many times what reading it took: each kind takes a sixtieth of a processor at most."""
FIRST_SECONDS = 0.2
"""How long pages wait for the first of all, from when it was begun."""


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
        self._checked = _Behind(lambda: workflow.last_check())
        self._totals = _Behind(lambda: workflow.totals())
        self._states = _Behind(lambda: workflow.by_state())
        self._backlog = _Behind(lambda: workflow.backlog(with_money=False))
        self._flow = _Behind(lambda: workflow.flow())
        self._weeks = _Behind(lambda: workflow.money_by_week())
        self._all: tuple[_Behind[Any], ...] = (
            *(self._checked, self._totals, self._states, self._backlog, self._weeks, self._flow),
        )
        self._lock = Lock()
        self._until: float | None = None

    def latest(self) -> Sampled:
        """Give the last of each."""
        until = self._begin()
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

    def weeks(self) -> list[CurrencyWeeks] | None:
        """Give the last of each currency's weeks."""
        return self._weeks.latest(self._begin())[0]

    def _begin(self) -> float:
        """Have the first of each read, the quickest first, if it wasn't before; tell until when to wait."""
        with self._lock:
            if self._until is None:
                self._until = monotonic() + FIRST_SECONDS
                pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="figures")
                for one in self._all:
                    one.begin(pool)
                pool.shutdown(wait=False)
            return self._until


class Shared:
    """What was made of samples, for a second: who looks meanwhile is given it, whoever it was made for."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: dict[tuple[Any, ...], tuple[float, Any]] = {}

    def latest(self, key: tuple[Any, ...], make: Callable[[], T]) -> T:
        """Give what is kept under a key, or make it."""
        with self._lock:
            now = monotonic()
            if key in self._kept and now < self._kept[key][0]:
                kept: T = self._kept[key][1]
                return kept
            self._kept = {old: told for old, told in self._kept.items() if now < told[0]}
            made = make()
            self._kept[key] = monotonic() + REST_SECONDS, made
            return made


class _Behind(Generic[T]):
    """A sampler whose first sample is read in another thread."""

    def __init__(self, read: Callable[[], T]) -> None:
        self._sampler: Sampler[T] = Sampler(read, rest_seconds=REST_SECONDS, rests=RESTS)
        self._first: Future[object] | None = None

    def begin(self, pool: ThreadPoolExecutor) -> None:
        """Have the first one read."""
        self._first = pool.submit(self._sampler.latest)

    def latest(self, until: float) -> tuple[T | None, float]:
        """Give the last one and its age; None where the first isn't read until then."""
        assert self._first is not None
        try:
            self._first.result(timeout=max(0.0, until - monotonic()))
        except NotYet:
            return None, 0.0
        sample = self._sampler.latest()
        return sample.value, sample.age_seconds
