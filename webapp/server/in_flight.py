"""Bytes in flight: how much of bodies is held in memory at once, as they come and as they are worked on.

A body of ten mebibytes costs fifteen times that while it is read and decided on. So what is large waits until
there is room, before a byte of it is read; past a bound, or after a while, it is told to come later. What is
small is let in always.
"""

from __future__ import annotations

import ctypes
import sys
from collections import deque
from collections.abc import Callable
from threading import Condition
from time import monotonic
from weakref import WeakKeyDictionary

from webapp.http.problems import Problem

FREE_BYTES = 32 * 1024
"""A body that is no longer takes no room: webhooks are that short, and threads bound how many there are."""
COMING_BYTES = 20 * 1024 * 1024
"""What may be held of bodies that come, or wait to be worked on; most of their senders are not known yet."""
WORKED_BYTES = 10 * 1024 * 1024
"""What may be worked on at once: one body of the largest, or many."""
WAIT_SECONDS = 30.0
"""How long a body waits for room…"""
MOST_WAITING = 64
"""…and how many may: each has a thread meanwhile, and others need theirs."""
PATIENCE_SECONDS = 5.0
"""How long a body may take to come while others wait for its room; then it gives way."""
RETRY_AFTER_SECONDS = 5
TRIMMED_BYTES = 1024 * 1024
"""Behind a body that is longer, what was freed is given back to the system."""


class Full(Problem):
    """There is no room for a body."""

    def __init__(self, detail: str) -> None:
        super().__init__("too-much-at-once", detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


class Room:
    """Room for so many bytes; who comes first is let in first."""

    def __init__(self, most: int, *, patience_seconds: float | None = None) -> None:
        self._most = most
        self._patience = patience_seconds
        self._changed = Condition()
        self._held: WeakKeyDictionary[Reservation, float] = WeakKeyDictionary()
        self._taken = 0
        self._waiting: deque[Reservation] = deque()

    def enter(self, size: int, *, hurry: Callable[[], None] = lambda: None) -> Reservation:
        """Wait until there is room for a body of this size, and take it. Raises Full.

        `hurry` ends the waiting for its sender, where it has to give way.
        """
        place = Reservation(self, min(size, self._most), hurry)
        with self._changed:
            if len(self._waiting) >= MOST_WAITING:
                raise Full(f"{MOST_WAITING} large bodies wait for room already, and nothing was kept.")
            self._waiting.append(place)
            try:
                self._await(place)
            finally:
                self._waiting.remove(place)
                self._changed.notify_all()
            self._held[place] = monotonic()
            self._taken += place.size
            place.is_taken = True
        return place

    def _await(self, place: Reservation) -> None:
        until = monotonic() + WAIT_SECONDS
        while self._waiting[0] is not place or self._taken + place.size > self._most:
            now = monotonic()
            if now >= until:
                raise Full(
                    f"There was no room for a large body for {WAIT_SECONDS:g} seconds; nothing was kept."
                )
            overdue = self._have_one_give_way(now)
            self._changed.wait(min(until, overdue) - now)

    def _have_one_give_way(self, now: float) -> float:
        """Tell who has been at it for longest to give way, if that is long; else say when it will be."""
        if self._patience is None:
            return now + WAIT_SECONDS
        coming = {place: since for place, since in self._held.items() if not place.has_come}
        if not coming:
            return now + WAIT_SECONDS
        oldest, since = min(coming.items(), key=lambda each: each[1])
        if now - since < self._patience:
            return since + self._patience
        oldest.give_way()
        return now + self._patience

    def _leave(self, place: Reservation) -> None:
        with self._changed:
            if place.is_taken:
                place.is_taken = False
                self._held.pop(place, None)
                self._taken -= place.size
                self._changed.notify_all()


class Reservation:
    """What one body takes of a room."""

    def __init__(self, room: Room, size: int, hurry: Callable[[], None]) -> None:
        self.size = size
        self.is_taken = False
        self.has_come = False
        """Whether all of it is here, so that no sender is waited for."""
        self.gives_way = False
        self._room = room
        self._hurry = hurry

    def give_way(self) -> None:
        """Let others have this room, who have waited long enough for a body that comes slowly."""
        self.gives_way = True
        self._hurry()

    def check(self) -> None:
        """Raise Full where it is to give way."""
        if self.gives_way:
            raise Full("The body came too slowly while others waited for its room; nothing was kept.")

    def leave(self) -> None:
        """Give the room back; again, it does nothing."""
        self._room._leave(self)

    def __del__(self) -> None:
        """Give it back where whoever had it ended otherwise."""
        self.leave()


coming = Room(COMING_BYTES, patience_seconds=PATIENCE_SECONDS)
worked_on = Room(WORKED_BYTES)


def _trimming() -> Callable[[], object]:
    """Give what gives freed memory back to the system, where there is such a thing."""
    if sys.platform != "linux":
        return lambda: None
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return (lambda: None) if trim is None else lambda: trim(0)


trim: Callable[[], object] = _trimming()
