"""Leases: the clock that they go by, which no step of a machine's clock misleads, and those held here.

An end of a lease is an instant of one clock that all who share a store read: the machine's for a file, which
processes of one machine share, and the server's for a database. Either may be set. How much time really
passed is told by a clock of this process that can't be.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from workflow_fsm.effects.outbox import LeasedEffect
from workflow_fsm.stores.store import Store

LEASE_SECONDS = 20.0
"""How long a holder that has died keeps an effect from others; a living one extends it in time."""
STEP_SECONDS = 2.0
"""By how much a clock may differ from the time that passed and count as one that wasn't set."""
READ_SECONDS = 5.0
"""How often a server's clock is read; between, it is taken to go on as time does."""


class LeaseClock:
    """A clock for the ends of leases. `read` reads it; `elapsed` counts seconds, and can't be set.

    Where it costs a way to a server it is read every `apart_seconds`, by `refresh`.
    """

    def __init__(
        self, read: Callable[[], datetime], elapsed: Callable[[], float], *, apart_seconds: float = 0.0
    ) -> None:
        self.elapsed = elapsed
        self._read = read
        self._apart_seconds = apart_seconds
        self._mutex = threading.RLock()
        self._read_at: float | None = None
        self._began: datetime | None = None
        self._trusted: datetime | None = None
        self._doubted_since: float | None = None

    @classmethod
    def of(cls, store: Store, clock: Callable[[], datetime]) -> LeaseClock:
        """Make the clock of a store's leases: its server's where it has one, else the one that is given.

        A clock for tests, which tells how many seconds `elapsed`, is taken as it is.
        """
        elapsed: Callable[[], float] | None = getattr(clock, "elapsed", None)
        if elapsed is not None:
            return cls(clock, elapsed)
        if store.clock is not None:
            return cls(store.clock, monotonic, apart_seconds=READ_SECONDS)
        return cls(clock, monotonic)

    def refresh(self) -> None:
        """Read the clock where that is due: outside of a transaction. Raises StoreUnavailable.

        One that is read whenever somebody asks is never due.
        """
        if self._apart_seconds:
            self._refresh()

    def _refresh(self) -> None:
        with self._mutex:
            elapsed = self.elapsed()
            if self._read_at is None or elapsed - self._read_at >= self._apart_seconds:
                self._learn(self._read(), self.elapsed())

    def now(self) -> datetime:
        """Give what it shows."""
        with self._mutex:
            if self._began is None or self._apart_seconds == 0.0:
                self._refresh()
            assert self._began is not None
            return self._began + timedelta(seconds=self.elapsed())

    def over(self) -> datetime:
        """Give the instant up to which leases are over.

        Where the clock was set forward it is for a lease's time what it was before: a living holder extends
        its lease meanwhile, by the new time.
        """
        with self._mutex:
            now = self.now()
            assert self._began is not None
            assert self._trusted is not None
            return now - (self._began - self._trusted)

    def _learn(self, instant: datetime, elapsed: float) -> None:
        began = instant - timedelta(seconds=elapsed)
        self._read_at, self._began = elapsed, began
        trusted = began if self._trusted is None else self._trusted
        if began - trusted <= timedelta(seconds=STEP_SECONDS):
            self._trusted, self._doubted_since = began, None
        elif self._doubted_since is None:
            self._doubted_since = elapsed
        elif elapsed - self._doubted_since >= LEASE_SECONDS:
            self._trusted, self._doubted_since = began, None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    effect: LeasedEffect
    until: float | None


class Held:
    """The leases whose handlers run in this process, each for as long as its handler's timeout allows."""

    def __init__(self, elapsed: Callable[[], float]) -> None:
        self._elapsed = elapsed
        self._mutex = threading.Lock()
        self._held: dict[tuple[str, int], _Held] = {}

    @contextmanager
    def held(self, effect: LeasedEffect, timeout_seconds: float | None) -> Iterator[None]:
        """Hold a lease for as long as a block takes."""
        key = (effect.user_id, effect.seq)
        until = None if timeout_seconds is None else self._elapsed() + timeout_seconds
        with self._mutex:
            self._held[key] = _Held(effect=effect, until=until)
        try:
            yield
        finally:
            with self._mutex:
                found = self._held.get(key)
                if found is not None and found.effect is effect:  # which may have been lost, and taken anew
                    del self._held[key]

    def find(self, user_id: str, seq: int, attempt: int) -> LeasedEffect | None:
        """Give the lease on an effect, where this very attempt is still at it here."""
        with self._mutex:
            found = self._held.get((user_id, seq))
        if found is None or found.effect.attempt != attempt:
            return None
        return found.effect if found.until is None or self._elapsed() < found.until else None
