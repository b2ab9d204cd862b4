"""PostgreSQL: transactions on pooled connections, shared by what waits, tried again where others interfered.

A connection that ended is replaced; work is tried again as long as its commit was not sent. Where that was
sent and not answered nobody knows whether it was done: whoever asked is told to come again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from threading import BoundedSemaphore
from time import monotonic, sleep
from typing import Any, TypeVar

import psycopg

from workflow_fsm.core.errors import StoreUnavailable
from workflow_fsm.core.values.instants import read_instant
from workflow_fsm.stores.group_commit.queue import CommitQueue, LeftOut
from workflow_fsm.stores.group_commit.turns import Job
from workflow_fsm.stores.postgres import errors as faults
from workflow_fsm.stores.postgres.batch import do_together
from workflow_fsm.stores.postgres.connecting import read_url
from workflow_fsm.stores.postgres.connections import WAIT_SECONDS, Pool
from workflow_fsm.stores.postgres.migrate import migrate, schema_of
from workflow_fsm.stores.postgres.notify import Listener, Notifier
from workflow_fsm.stores.postgres.pipeline import COMMIT_SECONDS, Linked, Pipeline, Ticket
from workflow_fsm.stores.postgres.session import PostgresSession
from workflow_fsm.stores.schema.versions import Watch
from workflow_fsm.stores.session import Scope, Session
from workflow_fsm.stores.statements import migrations

T = TypeVar("T")

MOST_CONNECTIONS = 10
LANES = 3
"""How many transactions take up what waits at once: the server works on some while we work on one."""
MOST_APART = 4
"""How much work waits at once for rows that others hold, each on a connection."""
TRIES = 8
"""How often work is begun: others were in its way, or its connection had ended."""
FIRST_PAUSE_SECONDS = 0.01
PROBE_SECONDS = 2.0
"""How long a commit may take before the store counts as not ready."""


class Postgres:
    """A PostgreSQL database, its tables in the schema that the URL names, else the search path's first.

    `url` is `postgresql://…` as libpq reads it, and may name a `schema`. Opening applies what migrations are
    due, one process at a time. Raises SettingsInvalid, StoreRefused or StoreUnavailable, none of which tells
    a password.
    """

    def __init__(
        self,
        url: str,
        *,
        now: datetime,
        connections: int = MOST_CONNECTIONS,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._address = read_url(url)
        self._chance = chance
        try:
            with self.connect() as connection:
                self._address.check(connection)
                migrate(connection, now, schema=self._address.schema)
        except psycopg.Error as error:
            raise faults.at_opening(error) from None
        self._known: set[str] = set()
        self._quiet: set[str] = set()
        self._watch = Watch(list(migrations("postgres")))
        self._hear_commit: Callable[[int, float], None] = lambda jobs, seconds: None
        self._queue = CommitQueue(self._commit, lanes=LANES)
        self._places = BoundedSemaphore(MOST_APART)
        self._notifier = Notifier(self.connect)
        self._connections = Pool(self._address, connections)

    def connect(self) -> psycopg.Connection[Any]:
        """Open a connection beside the pool, each statement on its own. Raises psycopg's errors."""
        return self._address.connect()

    # -- what the store calls

    def tell_commits(self, hear: Callable[[int, float], None]) -> None:
        """Tell of each commit from now on: one job was in it, and how many seconds it took."""
        self._hear_commit = self._queue.on_committed = hear

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
        """Do `work` in a transaction and commit it; give its result.

        Little work about one user shares the transaction of others that wait for one. Work is done anew, on
        a state as it is then, where others were in its way. Raises what `work` raises (then nothing of it is
        kept), and StoreUnavailable where the store can't commit just now, where too much waits for it and
        this isn't to be done `always`, or where the connection ended under the commit.
        """
        if scope is None:
            return self._alone(work)
        try:
            return self._queue.do(work, scope=scope, users=users, always=always)
        except LeftOut:
            return self._apart(work)

    def read(self, work: Callable[[Session], T]) -> T:
        """Do `work` on one snapshot of the store. Raises StoreUnavailable."""
        return self._repeating("begin_reading", work)

    def clock(self) -> datetime:
        """Read the server's clock, which is one for all hosts. Raises StoreUnavailable."""
        row = self.read(lambda session: session.row("time"))
        assert row is not None
        return read_instant(row["now"])

    def probe(self) -> None:
        """Write nothing but that it was here, and commit it. Raises StoreUnavailable."""
        try:
            self._repeating("begin", _probe, commit_seconds=PROBE_SECONDS)
        except StoreUnavailable as error:
            if isinstance(error.__cause__, faults.Unconfirmed):
                raise faults.unavailable(error.__cause__) from error
            raise

    def wipe(self, *, rewrite: bool) -> bool:
        """Do nothing: what its log and its pages hold, and for how long, is the server's affair."""
        return True

    def notify(self) -> None:
        """Have idle workers of any process called soon; never waits."""
        self._notifier.notify()

    def listen(self, hear: Callable[[], None]) -> Listener:
        """Have `hear` called for each call of any process, until it is closed."""
        return Listener(self.connect, hear)

    def close(self) -> None:
        """Close every connection; a store that is closed can't be used again."""
        self._notifier.close()
        self._connections.close()

    # -- parts

    def _commit(self, jobs: Iterable[Job[Any]]) -> None:
        """Do a batch in one transaction; what can't be done so is set aside."""
        batch = list(jobs)
        for _ in range(2):
            try:
                return self._once("begin", partial(do_together, batch))
            except faults.Lost:
                continue  # on a connection that is there
            except StoreUnavailable:
                raise
            except Exception as error:
                if isinstance(error, psycopg.Error) and faults.is_of_the_server(error):
                    raise faults.unavailable(error) from error
                break
        for job in batch:
            job.error = LeftOut()
        return None

    def _apart(self, work: Callable[[Session], T]) -> T:
        """Do what was set aside: little at once, so that who waits for a row leaves others connections."""
        if not self._places.acquire(timeout=WAIT_SECONDS):
            raise StoreUnavailable(
                f"{MOST_APART} others wait for rows that are held elsewhere, and nothing was kept; try again",
                retry_after=1,
            )
        try:
            return self._alone(work)
        finally:
            self._places.release()

    def _alone(self, work: Callable[[Session], T]) -> T:
        since = monotonic()
        result = self._repeating("begin", work)
        self._hear_commit(1, monotonic() - since)
        return result

    def _repeating(
        self,
        begin: str,
        work: Callable[[PostgresSession], T],
        *,
        commit_seconds: float = COMMIT_SECONDS,
    ) -> T:
        for attempt in range(1, TRIES + 1):
            try:
                return self._once(begin, work, commit_seconds=commit_seconds)
            except faults.OF_THE_JOB:
                raise
            except psycopg.Error as error:
                if faults.is_outdated(error):
                    self._connections.drain()
                if attempt == TRIES or not faults.is_to_be_tried_again(error):
                    raise faults.unavailable(error) from error
                if not isinstance(error, faults.Lost):
                    sleep(self._chance() * FIRST_PAUSE_SECONDS * 2**attempt)
        raise AssertionError("unreachable")

    def _once(
        self,
        begin: str,
        work: Callable[[PostgresSession], T],
        *,
        commit_seconds: float = COMMIT_SECONDS,
    ) -> T:
        """Do work in one transaction.

        Raises psycopg's errors where nothing of it was kept, and StoreUnavailable where that can't be told.
        """
        pipeline: Pipeline | None = None
        try:
            with (
                self._connections.taken() as connection,
                Pipeline(connection, commit_seconds=commit_seconds) as pipeline,
            ):
                try:
                    pipeline.send(begin, {})
                    counted = pipeline.send("count_migrations", {})
                    session = PostgresSession(
                        pipeline, writes=begin == "begin", known=self._known, quiet=self._quiet
                    )
                    result = self._heeding_migrations(pipeline, session, counted, work)
                    pipeline.commit()
                    if pipeline.cancelled:
                        connection.close()  # the request to end may reach whatever comes next on it
                    return result
                except BaseException as error:
                    _undo(pipeline, connection, error)
                    raise
        except (faults.Lost, faults.Unconfirmed) as error:
            if pipeline is not None and pipeline.committing and begin == "begin":
                raise faults.undecided(error) from error
            raise

    def _heeding_migrations(
        self,
        pipeline: Pipeline,
        session: PostgresSession,
        counted: Ticket,
        work: Callable[[PostgresSession], T],
    ) -> T:
        """Do work, if nobody has migrated the store so that this version can't go on. Raises StoreRefused."""
        try:
            result = work(session)
        except psycopg.Error as error:
            if counted.rows and not isinstance(error, faults.Lost):
                self._after_fault(counted.rows[0])
            raise
        if counted.rows is None:
            pipeline.wait()
        assert counted.rows is not None
        self._watch.heed(session, counted.rows[0])
        return result

    def _after_fault(self, counted: Mapping[str, Any]) -> None:
        """Tell a migration as the reason, where a statement failed after one. Raises StoreRefused."""
        if not self._watch.is_news(counted):
            return
        with self.connect() as connection:
            schema_of(connection).refuse_newer()


def _probe(session: Session) -> None:
    session.run("wait_for_nobody", {})
    session.row("probe")


def _undo(pipeline: Pipeline, connection: Linked, error: BaseException) -> None:
    """Leave a connection without a transaction, or closed where that can't be."""
    try:
        spoilt = pipeline.cancelled or faults.spoils_connection(error)
        if spoilt or not (isinstance(error, Exception) and pipeline.is_alive):
            connection.close()
            return
        pipeline.abandon()
    except psycopg.Error:
        connection.close()
