"""Forks: none while a thread of ours is inside SQLite, whose own locks a child would find held for ever.

Each thread has a lock that it holds for as long as it is inside; who forks takes all of them first. That
waits no longer than a bound: a read may take long, and it is the child alone that may hang then.
"""

from __future__ import annotations

import os
import threading
from time import monotonic

WAIT_SECONDS = 5.0
"""How long a fork waits for threads to come out of SQLite."""


class _Inside(threading.local):
    """The lock of a thread; entering one that is new waits for a fork that is on its way."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        with _registering:
            _locks[:] = [(thread, lock) for thread, lock in _locks if thread.is_alive()]
            _locks.append((threading.current_thread(), self.lock))


_registering = threading.RLock()
_locks: list[tuple[threading.Thread, threading.RLock]] = []
_taken: list[threading.RLock] = []
_inside = _Inside()


def inside() -> threading.RLock:
    """Give the lock that this thread holds while it is inside SQLite; it may be entered again."""
    return _inside.lock


def _take_all() -> None:
    until = monotonic() + WAIT_SECONDS
    _registering.acquire()
    _taken[:] = [lock for _, lock in _locks if lock.acquire(timeout=max(0.0, until - monotonic()))]


def _let_go() -> None:
    for lock in _taken:
        lock.release()
    _taken.clear()
    _registering.release()


def _begin_anew() -> None:
    """Know of this thread alone, which is the only one that a child has."""
    _let_go()
    _locks[:] = [(threading.current_thread(), _inside.lock)]


os.register_at_fork(before=_take_all, after_in_parent=_let_go, after_in_child=_begin_anew)
