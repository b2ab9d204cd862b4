"""SQLite's faults: which are a job's own and which the store's, and what a person can do about each."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from workflow_fsm.core.errors import StoreUnavailable

OF_THE_JOB = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
    sqlite3.NotSupportedError,
)
"""Faults of what a job asked for; others are the store's."""


@contextmanager
def translated() -> Iterator[None]:
    """Turn a fault of the store into StoreUnavailable, with a sentence that says what to do."""
    try:
        yield
    except OF_THE_JOB:
        raise
    except sqlite3.Error as error:
        raise StoreUnavailable(f"the store can't be used just now: {why(error)}") from error


def is_busy(error: sqlite3.Error) -> bool:
    """Tell whether another holds the lock, so that nothing is wrong with the connection."""
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def why(error: sqlite3.Error) -> str:
    """Say what happened, and what to do about it, in a clause."""
    remedy = _REMEDIES.get(_code(error))
    return f"{remedy} ({error})" if remedy else str(error)


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


_REMEDIES = {
    sqlite3.SQLITE_BUSY: "another process holds its write lock",
    sqlite3.SQLITE_FULL: "its disk is full; free some room",
    sqlite3.SQLITE_READONLY: "the file, its -wal or its folder is read-only; make them writable",
    sqlite3.SQLITE_NOTADB: "the file is no SQLite database; name another, or move it away",
    sqlite3.SQLITE_CANTOPEN: "the file can't be opened; see that its folder exists and may be written",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; restore a backup",
    sqlite3.SQLITE_IOERR: "reading or writing it failed; look at its disk, and at limits on file sizes",
}
