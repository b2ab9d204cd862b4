"""Connections to PostgreSQL, pooled: one that ended while it lay idle is replaced.

Connections that got lost to an interruption are too, by another pool. The server that isn't there is told of
soon, though a pool would wait for it.
"""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, Thread
from time import monotonic

import psycopg
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from workflow_fsm.core.errors import StoreUnavailable, WorkflowClosed, WorkflowError
from workflow_fsm.stores.postgres.connecting import Address
from workflow_fsm.stores.postgres.pipeline import Linked

WAIT_SECONDS = 5.0
"""How long a call waits for a connection, and a connection for its server."""
LOOK_SECONDS = 0.5
"""How often who waits for one looks whether the server is there at all."""


class Pool:
    """At most so many connections to an address at once, opened as they are needed."""

    def __init__(self, address: Address, most: int) -> None:
        self._address = address
        self._most = most
        self._failures = 0
        self._replacing = Lock()
        self._interrupted = False
        self._pool = self._new_pool()

    @contextmanager
    def taken(self) -> Iterator[Linked]:
        """Have a connection of the pool that wasn't ended while it lay idle."""
        try:
            pool, connection = self._next()
            while _has_ended(connection):
                connection.close()
                pool.putconn(connection)
                pool, connection = self._next()
            try:
                yield connection
            finally:
                pool.putconn(connection)
        except BaseException as error:
            if not isinstance(error, psycopg.Error | WorkflowError):
                self._interrupted = True
            raise

    def drain(self) -> None:
        """Close those that are idle, and the others as they come back: what they know is outdated."""
        self._pool.drain()

    def close(self) -> None:
        """Close every connection; they can't be used again."""
        self._pool.close()

    def _next(self) -> tuple[ConnectionPool[Linked], Linked]:
        """Wait for a connection; not for long where the server isn't there."""
        until, failures = monotonic() + WAIT_SECONDS, self._failures
        while True:
            pool = self._pool
            try:
                return pool, pool.getconn(timeout=LOOK_SECONDS)
            except PoolClosed as error:
                if pool is not self._pool:
                    continue
                raise WorkflowClosed from error
            except PoolTimeout as error:
                if self._interrupted:
                    self._replace_pool(pool)
                if failures == self._failures and monotonic() < until:
                    continue
                raise StoreUnavailable(
                    "the store can't be used just now: no connection to it could be had; see that the "
                    "server is there, and takes more connections",
                    retry_after=2,
                ) from error

    def _new_pool(self) -> ConnectionPool[Linked]:
        return ConnectionPool(
            self._address.conninfo,
            connection_class=Linked,
            kwargs={"autocommit": True},
            min_size=0,
            max_size=self._most,
            max_idle=60.0,
            timeout=WAIT_SECONDS,
            reconnect_timeout=0.01,
            reconnect_failed=self._note_failure,
            num_workers=1,
            configure=self._address.settle,
            open=True,
        )

    def _replace_pool(self, stuck: ConnectionPool[Linked]) -> None:
        """Take another pool for one that connections got lost from: whoever took them was interrupted."""
        with self._replacing:
            if self._pool is not stuck or not self._interrupted:
                return
            self._interrupted = False
            self._pool = self._new_pool()
        Thread(target=stuck.close, name="lost-connections", daemon=True).start()

    def _note_failure(self, _pool: object) -> None:
        self._failures += 1


def _has_ended(connection: Linked) -> bool:
    """See whether a connection was ended while it lay idle: asks only where something came on it."""
    try:
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN)
        if poll.poll(0):
            connection.execute("")
    except psycopg.Error:
        return True
    return False
