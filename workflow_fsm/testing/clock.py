"""Time and ids for tests: a clock that stands until it is moved, and ids that are the same in every run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

from workflow_fsm.core.values.instants import show_instant

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class ManualClock:
    """A clock that stands still until it is moved. Calling it gives its aware instant.

    `advance` lets time pass; `step` sets it, as a machine's clock is set, while no time passes.
    """

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now
        self._began = now

    def __call__(self) -> datetime:
        """Give the instant that it shows."""
        return self.now

    def advance(self, delta: timedelta | None = None, **units: float) -> datetime:
        """Move it on, by a timedelta or by its units (`hours=3`); give the new instant."""
        self.now += timedelta(**units) if delta is None else delta
        return self.now

    def step(self, delta: timedelta | None = None, **units: float) -> datetime:
        """Set it forward, or back by less than nothing (`hours=-1`); give the new instant."""
        by = timedelta(**units) if delta is None else delta
        self.now += by
        self._began += by
        return self.now

    def elapsed(self) -> float:
        """Give how many seconds have passed, however it was set."""
        return (self.now - self._began).total_seconds()

    def text(self, **ahead: float) -> str:
        """Write the instant so far ahead (`hours=3`), or behind, as a body spells it."""
        return show_instant(self.now + timedelta(**ahead))


class CountedIds:
    """Ids that are the same in every run: `evt_1`, `evt_2`, …"""

    def __init__(self, prefix: str = "evt") -> None:
        self.prefix = prefix
        self._numbers = count(1)

    def __call__(self) -> str:
        """Give the next id."""
        return f"{self.prefix}_{next(self._numbers)}"
