"""Log: how large SQLite's write-ahead log may grow, and how what it took of the disk is given back.

A reader that stays keeps SQLite from beginning its log anew, so that it grows with every commit; and what it
took once it keeps, though it needs it no more. Whoever commits, or ends reading, sees to that.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from threading import Lock
from time import monotonic

MOST_BYTES = 64 * 2**20
"""So large the log may be and stay; it is begun anew at 10,000 pages, which are fewer."""
PAUSE_SECONDS = 5.0
"""How long nobody tries again to give back what a log took."""
WAIT_MILLISECONDS = 100
"""How long who tries waits for readers to leave: others wait for it meanwhile."""


class LogBound:
    """The bound on one file's log."""

    def __init__(self, most_bytes: int, busy_seconds: float) -> None:
        self._most = most_bytes
        self._busy_milliseconds = int(busy_seconds * 1000)
        self._lock = Lock()
        self._tried_at = -PAUSE_SECONDS
        self._is_put_off = self._is_worked_off = False

    def set_on(self, connection: sqlite3.Connection) -> None:
        """Have a connection cut the log off where it begins it anew."""
        connection.execute("PRAGMA wal_autocheckpoint = 10000")
        connection.execute(f"PRAGMA journal_size_limit = {self._most}")

    def keep(self, connection: sqlite3.Connection, log_bytes: int) -> None:
        """Empty a log that is past the bound, where readers let that be, by an idle connection."""
        if log_bytes <= self._most or self._is_put_off or not self._is_due():
            return
        with suppress(sqlite3.Error):  # what was committed, or read, is; whatever becomes of the log
            connection.execute(f"PRAGMA busy_timeout = {WAIT_MILLISECONDS}")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        connection.execute(f"PRAGMA busy_timeout = {self._busy_milliseconds}")

    def put_off(self, connection: sqlite3.Connection) -> None:
        """Leave what a large commit writes in the log, for `work_off`: who waits for it waits for enough."""
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        self._is_put_off, self._is_worked_off = True, False

    def work_off(self, connect: Callable[[], sqlite3.Connection]) -> None:
        """Bring what was put off into the file, by a connection of its own, beside whoever writes."""
        try:
            with suppress(sqlite3.Error), closing(connect()) as connection:  # what was committed is
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        finally:
            self._is_worked_off = True

    def take_up(self, connection: sqlite3.Connection) -> None:
        """Have the connection that writes see to the log again, once nothing is put off."""
        if self._is_put_off and self._is_worked_off:
            self.set_on(connection)
            self._is_put_off = False

    def empty(self, connection: sqlite3.Connection) -> bool:
        """Empty a log, however small, by an idle connection; tell whether readers let that be."""
        (is_busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not is_busy

    def _is_due(self) -> bool:
        with self._lock:
            now = monotonic()
            if now < self._tried_at + PAUSE_SECONDS:
                return False
            self._tried_at = now
            return True
