"""Sampling: figures of the store, read at most so often, and behind the scrapes where reading takes long.

A scrape costs the same however large the store is: it is given the last sample, and how old that is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock, Thread
from time import monotonic
from typing import Generic, TypeVar

from workflow_fsm.core.errors import StoreUnavailable, WorkflowClosed

T = TypeVar("T")

REST_SECONDS = 5.0
RESTS = 100
"""A sample is kept for so many seconds, and for so many times what reading it took."""
CHEAP_SECONDS = 0.005
"""What takes no longer is read while the scrape waits, so that a small store's figures are of this moment."""
STALE_SECONDS = 300.0
"""A sample that is older is of no use any more: the next is waited for, as the first one is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample(Generic[T]):
    """What was read, None where the store couldn't be, and how old that is."""

    value: T | None
    age_seconds: float


class Sampler(Generic[T]):
    """Reads one kind of figures, by one at a time and not too often."""

    def __init__(
        self,
        read: Callable[[], T],
        *,
        rest_seconds: float = REST_SECONDS,
        rests: float = RESTS,
        cheap_seconds: float = CHEAP_SECONDS,
    ) -> None:
        self._read = read
        self._rest_seconds = rest_seconds
        self._rests = rests
        self._cheap_seconds = cheap_seconds
        self._lock = Lock()
        self._kept: T | None = None
        self._at = self._until = self._took = 0.0
        self._behind = False

    def latest(self) -> Sample[T]:
        """Give the last sample; where it is due, have the next one read."""
        with self._lock:
            now = monotonic()
            if now >= self._until and not self._behind:
                is_cheap = self._took <= self._cheap_seconds
                if self._kept is None or is_cheap or now - self._at > STALE_SECONDS:
                    self._keep(*self._timed())
                else:
                    self._behind = True
                    Thread(target=self._read_behind, name="figures", daemon=True).start()
            return Sample(value=self._kept, age_seconds=monotonic() - self._at)

    def _read_behind(self) -> None:
        value, since, until = None, monotonic(), monotonic()
        try:
            value, since, until = self._timed()
        finally:
            with self._lock:
                self._keep(value, since, until)
                self._behind = False

    def _timed(self) -> tuple[T | None, float, float]:
        """Read; give what was read, and when reading began and ended."""
        since = monotonic()
        try:
            value = self._read()
        except (StoreUnavailable, WorkflowClosed):
            value = None
        return value, since, monotonic()

    def _keep(self, value: T | None, since: float, until: float) -> None:
        self._kept, self._at, self._took = value, since, until - since
        self._until = until + max(self._rest_seconds, self._rests * self._took)
