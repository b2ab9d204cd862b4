"""Connections to a SQLite file: one that writes, and readers, as long as the file is the one that was opened.

What is acknowledged goes into no file that was moved away; where another took its place, that is turned to.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

from workflow_fsm.core.errors import StoreUnavailable, WorkflowClosed
from workflow_fsm.stores.sqlite.log import LogBound

MEMORY = ":memory:"
_WRITER_KIB, _READER_KIB = 65_536, 4_096
"""How much of the file one writer keeps in memory, and each of its readers: the system keeps it for all."""
Identity = tuple[int, int]
"""A file's device and inode."""


class Connections:
    """The connections to one file, each opened as it is needed; `:memory:` has the writer alone.

    `lock` is held by who uses the writer. `opened` is which file that one writes to, `log_bytes` how long its
    log was when that was last looked at.
    """

    def __init__(self, path: str, *, busy_seconds: float, bound: LogBound) -> None:
        self.path = path
        self.in_memory = path == MEMORY
        self.closed = False
        self.lock = threading.RLock()
        self.opened: Identity | None = None
        self.log_bytes = 0
        self._log_path = f"{path}-wal"
        self._busy_seconds = busy_seconds
        self._bound = bound
        self._mutex = threading.Lock()
        self._readers: list[tuple[sqlite3.Connection, Identity | None]] = []
        self._writer: sqlite3.Connection | None = None
        self._log: Identity | None = None

    def writing(self) -> sqlite3.Connection:
        """Give the writer's connection: opened again after a fault, or where the file is another by now."""
        if self.closed:
            raise WorkflowClosed
        if not self.in_memory:
            self.check_file()
        if self._writer is None:
            self._writer = self.connect(writes=True)
        return self._writer

    def check_file(self) -> Identity | None:
        """See that the file is still the one that was opened; where another took its place, turn to that.

        A log that the former file left beside it would be replayed over the new one; nothing is read or
        written until somebody has removed it.
        """
        identity = self._identity(self.path)
        if identity == self.opened:
            return identity
        log = self._identity(self._log_path)
        self.drop()
        if identity is None:
            raise StoreUnavailable(f"{self.path} is not there any more; put the file back")
        if log is not None and log == self._log:
            raise StoreUnavailable(
                f"{self.path} is another file than before, and the log of the former one lies beside it: "
                f"remove {self.path}-wal and {self.path}-shm"
            )
        with self._mutex:
            self.opened, self._log = identity, None
        return identity

    def still_the_file(self) -> Identity | None:
        """See the same after the file was worked on, and know the log that it has by then."""
        identity = self.check_file()
        try:
            status = os.stat(self._log_path)
        except OSError:
            return identity
        with self._mutex:
            self._log, self.log_bytes = (status.st_dev, status.st_ino), status.st_size
        return identity

    def _identity(self, path: str) -> Identity | None:
        try:
            status = os.stat(path)
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def close(self) -> None:
        """Close every connection; none can be had again."""
        with self.lock:
            self.closed = True
            self.drop()

    def drop(self) -> None:
        """Close every connection; the next call opens others."""
        with self.lock:
            writer, self._writer = self._writer, None
            if writer is not None:
                writer.close()
        with self._mutex:
            readers, self._readers = self._readers, []
        for reader, _ in readers:
            reader.close()

    def give_back(self, reader: sqlite3.Connection, identity: Identity | None) -> None:
        """Keep a reader of this file for the next, unless all are closed."""
        with self._mutex:
            if not self.closed:
                self._readers.append((reader, identity))
                return
        reader.close()

    def take_reader(self, identity: Identity | None) -> sqlite3.Connection:
        """Give a reader of this file."""
        with self._mutex:
            if self.closed:
                raise WorkflowClosed
            while self._readers:
                reader, opened = self._readers.pop()
                if opened == identity:
                    return reader
                reader.close()
        return self.connect()

    def connect(self, *, writes: bool = False, busy_seconds: float | None = None) -> sqlite3.Connection:
        """Open a connection; `busy_seconds` says how long it waits for another process's write."""
        target = self.path if self.in_memory else f"{Path(self.path).absolute().as_uri()}?mode=rw"
        connection = sqlite3.connect(
            target,
            uri=not self.in_memory,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
            timeout=self._busy_seconds if busy_seconds is None else busy_seconds,
        )
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA secure_delete = ON")  # what is erased is not left in freed pages
            self._bound.set_on(connection)
            connection.execute(f"PRAGMA cache_size = -{_WRITER_KIB if writes else _READER_KIB}")
            if writes:
                # Where a savepoint keeps the pages that it would restore: in a file, past 64 KiB, otherwise.
                connection.execute("PRAGMA temp_store = MEMORY")
        except BaseException:
            connection.close()
            raise
        return connection
