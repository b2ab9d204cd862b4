"""Turns: which handlers may begin one more effect, so that none takes a worker's last thread."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection


class Turns:
    """Counts what runs of each handler, among so many `threads`; None where nobody else's thread is taken.

    One handler runs in all threads but one at most, where there are two threads and two handlers at least: of
    a single thread nothing can be left free, and a handler that is alone has nobody to leave it to.
    """

    def __init__(self, threads: int | None) -> None:
        self._most = None if threads is None or threads < 2 else threads - 1
        self._mutex = threading.Lock()
        self._running: Counter[str] = Counter()

    def take(self, handler: str, among: Collection[str]) -> bool:
        """Let a handler, of those `among` which it is, begin one more; tell whether it may."""
        with self._mutex:
            if self._is_full(handler, among):
                return False
            self._running[handler] += 1
            return True

    def give_back(self, handler: str) -> bool:
        """End what was begun; tell whether the handler had as many as it may."""
        with self._mutex:
            was_full = self._most is not None and self._running[handler] >= self._most
            self._running[handler] -= 1
            return was_full

    def open(self, among: Collection[str]) -> list[str]:
        """Give those who may begin one more."""
        with self._mutex:
            return [handler for handler in among if not self._is_full(handler, among)]

    def _is_full(self, handler: str, among: Collection[str]) -> bool:
        return self._most is not None and len(among) > 1 and self._running[handler] >= self._most


class Turn:
    """The turn that one look for an effect has, of one handler after the other; kept for what it takes."""

    def __init__(self, turns: Turns, among: Collection[str]) -> None:
        self._turns = turns
        self._among = among
        self._handler: str | None = None

    def is_for(self, handler: str) -> bool:
        """Have the turn of this handler instead of another's; tell whether it may begin one more."""
        if self._handler == handler:
            return True
        self.end()
        if self._turns.take(handler, self._among):
            self._handler = handler
        return self._handler is not None

    def end(self) -> None:
        """Give it back: nothing was taken."""
        if self._handler is not None:
            self._turns.give_back(self._handler)
            self._handler = None


FREELY = Turns(None)
"""For a caller's own thread, which is nobody else's."""
