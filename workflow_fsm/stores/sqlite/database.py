"""SQLite: one writer that commits all the work waiting in one go, each undone alone, and readers beside it.

A fault closes what it concerns, and the next call opens it again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from time import monotonic, perf_counter
from typing import Any, TypeVar

from workflow_fsm.core.errors import StoreUnavailable, WorkflowClosed
from workflow_fsm.stores.group_commit.queue import CommitQueue
from workflow_fsm.stores.group_commit.turns import Job
from workflow_fsm.stores.schema.versions import Watch
from workflow_fsm.stores.session import Scope, Session, SilentListener
from workflow_fsm.stores.sqlite.connections import Connections
from workflow_fsm.stores.sqlite.errors import OF_THE_JOB, is_busy, translated
from workflow_fsm.stores.sqlite.forks import inside
from workflow_fsm.stores.sqlite.log import MOST_BYTES, LogBound
from workflow_fsm.stores.sqlite.prepare import migrate_in_memory, prepare
from workflow_fsm.stores.sqlite.session import SQLiteSession, Steady
from workflow_fsm.stores.sqlite.together import Together
from workflow_fsm.stores.sqlite.turnstile import Turnstile
from workflow_fsm.stores.statements import migrations

T = TypeVar("T")
PROBE_SECONDS = 1.0
"""How long a probe waits for the write lock."""
LONGEST_COMMIT_SECONDS = 30.0
"""How long a commit of ours may hold that lock before it counts as one that won't end."""


class SQLite:
    """A SQLite file (or `:memory:`, which is one connection, readers included).

    `busy_seconds` bounds how long another process's write is waited for, `log_bytes` the log beside the file;
    `seconds` is the clock by which users share the writer's time. Opening applies what migrations are due,
    under a file lock. Raises StoreRefused where the file can't be worked on.
    """

    clock = None
    """Every process that uses the file is on its machine, and reads that one's clock."""

    def __init__(
        self,
        path: str,
        *,
        busy_seconds: float = 5.0,
        log_bytes: int = MOST_BYTES,
        seconds: Callable[[], float] = perf_counter,
    ) -> None:
        self.path = path
        self._queue = CommitQueue(self._commit, clock=seconds)
        self._writing_since: float | None = None
        self._steady = Steady()
        self._watch = Watch(list(migrations("sqlite")))
        self._bound = LogBound(log_bytes, busy_seconds)
        self._connections = Connections(path, busy_seconds=busy_seconds, bound=self._bound)
        self._turnstile = None if self._connections.in_memory else Turnstile(f"{path}.lock")
        with inside():
            if self._connections.in_memory:
                migrate_in_memory(self._connections.writing())
            else:
                prepare(path, busy_seconds=busy_seconds)

    # -- what the store calls

    def tell_commits(self, hear: Callable[[int, float], None]) -> None:
        """Tell of each commit from now on: how many jobs were in it, and how many seconds it took."""
        self._queue.on_committed = hear

    def tell_failures(self, hear: Callable[[int, Exception], None]) -> None:
        """Tell of each commit that failed as a whole from now on: how many jobs waited for it, and why."""
        self._queue.on_failed = hear

    def write(
        self,
        work: Callable[[Session], T],
        *,
        scope: Scope | None = None,
        users: Sequence[str] = (),
        always: bool = False,
        apart: bool = False,
    ) -> T:
        """Do `work` in a transaction and commit it, with what else is waiting, or `apart`; give its result.

        Raises what `work` raises (then nothing of it is kept), and StoreUnavailable where the store can't
        commit just now, or where too much waits for it and this isn't to be done `always`. What has a `scope`
        may be done more than once before it is committed.
        """
        if not apart or self._connections.in_memory:
            return self._queue.do(
                work, users=users, always=always, apart=apart, repeatable=scope is not None and not apart
            )
        try:
            return self._queue.do(work, users=users, always=always, apart=apart)
        finally:
            with inside():
                self._bound.work_off(self._connections.connect)

    def read(self, work: Callable[[Session], T]) -> T:
        """Do `work` on one snapshot of the store, beside the writer. Raises StoreUnavailable."""
        connections = self._connections
        if connections.in_memory:
            with inside(), connections.lock:
                return work(SQLiteSession(connections.writing()))
        with inside(), translated():
            identity = connections.check_file()
            reader = connections.take_reader(identity)
            try:
                reader.execute("BEGIN")
                session = SQLiteSession(reader)
                self._heed_migrations(session)
                result = work(session)
                reader.execute("COMMIT")
                keep = connections.still_the_file() == identity
                self._bound.keep(reader, connections.log_bytes)
            except BaseException:
                reader.close()
                raise
            if keep:
                connections.give_back(reader, identity)
            else:
                reader.close()
        return result

    def probe(self) -> None:
        """Write the first page as it stands, beside the queue. Raises StoreUnavailable, StoreRefused.

        Where a commit of our own holds the lock, that tells as much, for as long as one may take.
        """
        if self._connections.in_memory:
            with self._connections.lock:
                self._connections.writing()
            return
        if self._connections.closed:
            raise WorkflowClosed
        try:
            with inside(), translated():
                self._connections.check_file()
                self._write_first_page()
                self._connections.still_the_file()
        except StoreUnavailable as error:
            since = self._writing_since
            at_it = since is not None and monotonic() - since < LONGEST_COMMIT_SECONDS
            busy = isinstance(error.__cause__, sqlite3.Error) and is_busy(error.__cause__)
            if not (busy and at_it):
                raise

    def wipe(self, *, rewrite: bool) -> bool:
        """Write what the log holds into the file, and empty it; tell whether readers let that be.

        `rewrite` has the whole file written anew before, cell by cell: pages in use keep fragments of keys
        that moved to others. Nobody can write meanwhile.
        """
        if self._connections.in_memory:
            return True
        with inside(), self._connections.lock, translated():
            self._connections.writing()
            if rewrite:
                with closing(self._connections.connect()) as connection:
                    connection.execute("VACUUM")
            return self._bound.empty(self._connections.writing())

    def notify(self) -> None:
        """Do nothing: other processes look by themselves."""

    def listen(self, hear: Callable[[], None]) -> SilentListener:
        """Hear nothing."""
        return SilentListener()

    def close(self) -> None:
        """Close every connection; a store that is closed can't be used again."""
        with inside():
            self._connections.close()
            if self._turnstile is not None:
                self._turnstile.close()

    # -- the writer

    def _commit(self, batch: Iterable[Job[Any]]) -> None:
        """Run a batch in one transaction. An error that ends the transaction ends it for all."""
        with inside(), self._connections.lock, translated():
            connection = self._connections.writing()
            opened = self._connections.opened
            try:
                if connection.in_transaction:  # whoever was to end it was interrupted in that
                    connection.execute("ROLLBACK")
                self._bound.take_up(connection)
                if self._turnstile is not None:
                    self._turnstile.enter()
                connection.execute("BEGIN IMMEDIATE")
                self._writing_since = monotonic()
                self._steady.begin(connection)
                session = SQLiteSession(connection, self._steady)
                self._heed_migrations(session)
                together = Together(connection, session, self._attempt)
                for job in batch:
                    together.do(job)
                together.end()
                connection.execute("COMMIT")
                if self._turnstile is not None:
                    self._turnstile.leave()
                if not self._connections.in_memory and self._connections.still_the_file() != opened:
                    raise StoreUnavailable(f"{self.path} was moved away while it was written to")
                self._bound.keep(connection, self._connections.log_bytes)
            except BaseException as error:
                self._roll_back(connection, error)
                raise
            finally:
                self._writing_since = None
                if self._turnstile is not None:
                    self._turnstile.leave()

    def _heed_migrations(self, session: Session) -> None:
        """See whether a newer version has migrated the store. Raises StoreRefused."""
        counted = session.row("count_migrations")
        assert counted is not None
        self._watch.heed(session, counted)

    def _attempt(self, job: Job[Any], session: Session) -> None:
        """Run one job; what it raises is its own affair, unless the database itself gave up."""
        if job.apart and not self._connections.in_memory:
            self._bound.put_off(self._connections.writing())
        if job.alone:
            job.result = job.work(session)
            return
        try:
            with session.savepoint():
                job.result = job.work(session)
        except OF_THE_JOB as error:
            job.error = error
        except sqlite3.Error:
            raise
        except Exception as error:
            job.error = error

    def _roll_back(self, connection: sqlite3.Connection, error: BaseException) -> None:
        with suppress(sqlite3.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        if (
            self._connections.in_memory
            or not isinstance(error, sqlite3.Error)
            or isinstance(error, OF_THE_JOB)
        ):
            return
        if not is_busy(error):
            self._connections.drop()

    def _write_first_page(self) -> None:
        """Write what stands in the file's header, and sync it; the log is emptied before it grows by this.

        Where others commit all the while that the lock is waited for, they write in turn, and that is enough.
        """
        with closing(self._connections.connect(busy_seconds=PROBE_SECONDS)) as connection:
            connection.execute("PRAGMA wal_autocheckpoint = 200")
            self._heed_migrations(SQLiteSession(connection))
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            (seen,) = connection.execute("PRAGMA data_version").fetchone()
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                (now,) = connection.execute("PRAGMA data_version").fetchone()
                if is_busy(error) and now != seen:
                    return
                raise
            connection.execute(f"PRAGMA user_version = {version:d}")
            connection.execute("COMMIT")
