"""The turnstile: processes that write to one SQLite file queue for it, each behind those who came before.

SQLite lets whoever asks at the right moment write, and has the others look again after pauses that grow:
under load some wait a hundred times longer than others. Here who waits is woken at once, and whoever has just
written can't go before the next in line. That is courtesy alone: what keeps writers apart is SQLite's own
lock, which a process that knows nothing of this takes as ever.
"""

from __future__ import annotations

import fcntl
import os
import struct
from contextlib import suppress
from queue import SimpleQueue
from threading import Lock, Thread
from weakref import WeakSet

WAIT_SECONDS = 1.0
"""How long a turn is waited for; who waits longer asks SQLite, as if there were no queue."""

_MODE = 0o600
_NEXT, _FILE = 0, 1
"""The two places: one at a time is next in line, and one at a time is at the file. Each is a byte's lock.

The system lets go of it where its process ends. It is one of an open file (OFD), and not of a process: where
several files are waited for, by several threads, the system would take those for a deadlock.
"""
_HAS_LOCKS = hasattr(fcntl, "F_OFD_SETLK")


class Turnstile:
    """The queue for one file, through which a process goes to write; for one of its threads at a time."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._waiter: _Waiter | None = None
        self._is_in = False
        _made.add(self)

    def enter(self) -> None:
        """Wait for a turn; `leave` ends it, and the waiting for it."""
        if self._descriptor is None and _HAS_LOCKS:
            with suppress(OSError):  # where no file can be made there is no queue
                self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
        descriptor = self._descriptor
        if descriptor is None:
            return
        self._is_in = True
        if not (_take(descriptor, _NEXT) and _take(descriptor, _FILE)):
            if self._waiter is None:
                self._waiter = _Waiter(descriptor)
            self._waiter.wait(WAIT_SECONDS)
        _lock(descriptor, fcntl.F_UNLCK, _NEXT)

    def leave(self) -> None:
        """Let the next in line write; again, it does nothing."""
        if self._is_in and self._descriptor is not None:
            _lock(self._descriptor, fcntl.F_UNLCK, _NEXT, many=2)
            self._is_in = False

    def close(self) -> None:
        """Have nothing open any more, until it is entered again."""
        descriptor, self._descriptor = self._descriptor, None
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            waiter.end()
        elif descriptor is not None:
            os.close(descriptor)

    def leave_behind(self) -> None:
        """In a fork's child: have no part in the file that the parent has open, nor in what that holds."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = self._waiter = None
        self._is_in = False


class _Waiter:
    """A thread that waits for a turn as long as it takes, for who waits for it so long at most.

    The system can be asked to wait for a lock, but not for how long.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._asked: SimpleQueue[bool] = SimpleQueue()
        self._mutex = Lock()
        self._came = Lock()
        self._came.acquire()
        self._is_asked = self._is_wanted = False
        Thread(target=self._run, name="turnstile", daemon=True).start()

    def wait(self, seconds: float) -> None:
        """Wait for a turn; one that comes later is let go of at once."""
        with self._mutex:
            self._is_wanted = True
            if not self._is_asked:
                self._asked.put(True)  # before it is noted: who is interrupted in between is asked for twice
                self._is_asked = True
        try:
            self._came.acquire(timeout=seconds)
        finally:
            with self._mutex:
                self._is_wanted = False
                self._came.acquire(blocking=False)

    def end(self) -> None:
        """End, with the file closed, as soon as nothing is waited for."""
        self._asked.put(False)

    def _run(self) -> None:
        while self._asked.get():
            for place in (_NEXT, _FILE):
                _lock(self._descriptor, fcntl.F_WRLCK, place, waits=True)
            with self._mutex:
                self._is_asked = False
                if self._is_wanted:
                    self._came.release()
                else:
                    _lock(self._descriptor, fcntl.F_UNLCK, _NEXT, many=2)
        os.close(self._descriptor)


def _take(descriptor: int, place: int) -> bool:
    try:
        _lock(descriptor, fcntl.F_WRLCK, place)
    except OSError:
        return False
    return True


def _lock(descriptor: int, kind: int, place: int, *, many: int = 1, waits: bool = False) -> None:
    how = fcntl.F_OFD_SETLKW if waits else fcntl.F_OFD_SETLK
    fcntl.fcntl(descriptor, how, _FLOCK.pack(kind, os.SEEK_SET, place, many, 0))


_FLOCK = struct.Struct("hhqqi0q")
"""The system's `struct flock`."""
_made: WeakSet[Turnstile] = WeakSet()


def _leave_all_behind() -> None:
    for one in list(_made):
        one.leave_behind()


os.register_at_fork(after_in_child=_leave_all_behind)
