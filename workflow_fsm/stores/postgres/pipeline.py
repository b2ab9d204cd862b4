"""Pipeline: named statements sent to a PostgreSQL server, their results read when one is needed.

Speaks libpq's pipeline mode through `psycopg.pq`, each statement prepared once a connection: a fraction of
the work in Python that cursors cost, and as few ways to the server and back as the reads need.
"""

from __future__ import annotations

import select
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from time import monotonic
from typing import Any

import psycopg
from psycopg import pq
from psycopg.errors import Diagnostic

from workflow_fsm.stores.postgres.errors import Lost, Unconfirmed, error_of
from workflow_fsm.stores.statements import numbered, statements

Rows = list[dict[str, Any]]
_BRACKETS = {
    "begin": "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
    "begin_reading": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "commit": "COMMIT",
    "rollback": "ROLLBACK",
    "savepoint": "SAVEPOINT event",
    "release": "RELEASE SAVEPOINT event",
    "rollback_to": "ROLLBACK TO SAVEPOINT event",
}
COMMIT_SECONDS = 5.0
"""How long a commit may take, which waits for a disk and, where one is named, for a synchronous standby."""
_CANCEL_SECONDS = 2.0
"""How long its answer is awaited once it was asked to end."""
_MOST_UNDER_WAY = 500
"""Statements sent before their results are read, so that neither end holds too much."""
_READERS: dict[int, Callable[[bytes], Any]] = {
    16: lambda value: value == b"t",
    20: int,
    21: int,
    23: int,
    701: float,
}
"""How a value is read, by its type's number: booleans, integers and floats; all else is text."""


class NoText(psycopg.DataError):
    """A parameter holds what PostgreSQL takes for no text; nothing was sent."""


class Linked(psycopg.Connection[Any]):
    """A connection that knows which statements were prepared on it, and what their columns are.

    `warning` is what the server last warned of.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.warning: str | None = None
        self.add_notice_handler(self._hear)
        self.prepared: set[str] = set()
        self.columns: dict[str, list[tuple[str, Callable[[bytes], Any]]]] = {}

    def _hear(self, notice: Diagnostic) -> None:
        if notice.severity_nonlocalized == "WARNING":
            told = [one for one in (notice.message_primary, notice.message_detail) if one]
            self.warning = ": ".join(told)


class Ticket:
    """What a statement under way will have given: `rows` once it was waited for, `tag` what it did."""

    __slots__ = ("name", "preparing", "rows", "tag")

    def __init__(self, name: str, *, preparing: bool = False) -> None:
        self.name = name
        self.preparing = preparing
        self.rows: Rows | None = None
        self.tag: bytes | None = None


class Pipeline:
    """One connection for as long as a transaction takes; its commit takes at most `commit_seconds`."""

    def __init__(self, connection: Linked, *, commit_seconds: float = COMMIT_SECONDS) -> None:
        self._connection = connection
        self._pg = connection.pgconn
        self._commit_seconds = commit_seconds
        self._until: float | None = None
        self.committing = False
        self.cancelled = False
        self._under_way: deque[Ticket] = deque()
        self._poll = select.poll()

    def __enter__(self) -> Pipeline:
        self._pg.enter_pipeline_mode()
        self._pg.nonblocking = 1
        self._poll.register(self._pg.socket, select.POLLIN)
        return self

    def __exit__(self, *_error: object) -> None:
        if self.is_alive:
            self._pg.exit_pipeline_mode()
            self._pg.nonblocking = 0

    @property
    def is_alive(self) -> bool:
        """Whether the connection is there still, as far as can be told without asking."""
        return self._pg.status == pq.ConnStatus.OK

    def send(self, name: str, parameters: Mapping[str, Any]) -> Ticket:
        """Send a statement, without waiting for it. Raises NoText."""
        sql, names = _prepared(name)
        values = _written([parameters[one] for one in names])
        if len(self._under_way) >= _MOST_UNDER_WAY:
            self.wait()
        ticket = Ticket(name)
        try:
            if name not in self._connection.prepared:
                self._pg.send_prepare(name.encode(), sql)
                self._under_way.append(Ticket(name, preparing=True))
                self._connection.prepared.add(name)
            self._pg.send_query_prepared(name.encode(), values)
        except psycopg.OperationalError as error:
            raise Lost(str(error)) from error
        self._under_way.append(ticket)
        return ticket

    def commit(self) -> None:
        """Commit, with all that waits to be sent; wait until the server has said that it did, not for ever.

        Raises Unconfirmed where it has committed and warned of that: cancelled while it waited for a standby
        that doesn't answer, it keeps the transaction, and nobody else may. Raises Lost where it said nothing,
        and QueryCanceled where it was not as far, and has kept nothing.
        """
        self._connection.warning = None
        try:
            self._pg.send_flush_request()  # so that its time begins once all before it has been told
        except psycopg.OperationalError as error:
            raise Lost(str(error)) from error
        ticket = self.send("commit", {})
        self.committing = True
        try:
            self.wait()
        except psycopg.errors.QueryCanceled as error:
            if not self.cancelled:
                raise
            late = f"it was not committed within {self._commit_seconds:g} seconds, and nothing was kept"
            raise psycopg.errors.QueryCanceled(late) from error
        finally:
            self._until = None
        if ticket.tag != b"COMMIT":
            raise psycopg.errors.InFailedSqlTransaction("a statement had failed before")
        if self._connection.warning is not None:
            raise Unconfirmed(self._connection.warning)

    def wait(self) -> None:
        """Wait for all that is under way. Raises the first error, behind which nothing was done."""
        if not self._under_way:
            return
        failed: psycopg.Error | None = None
        try:
            self._pg.pipeline_sync()
            self._flush()
            while self._under_way:
                ticket = self._under_way.popleft()
                if ticket.name == "commit":
                    self._until = monotonic() + self._commit_seconds
                error = self._receive(ticket)
                failed = failed or error
            end = self._result()
        except psycopg.OperationalError as error:
            raise Lost(str(error)) from error
        if end is None or end.status != pq.ExecStatus.PIPELINE_SYNC:
            raise failed if isinstance(failed, Lost) else Lost("the server closed the connection")
        if failed is not None:
            raise failed

    def abandon(self) -> None:
        """End the transaction without a trace, whatever is under way."""
        with suppress(psycopg.Error):
            self.wait()
        if self._pg.transaction_status != pq.TransactionStatus.IDLE:
            self.send("rollback", {})
            self.wait()

    # -- parts

    def _receive(self, ticket: Ticket) -> psycopg.Error | None:
        result = self._result()
        if result is None:
            raise Lost("the server closed the connection")
        status = result.status
        if status == pq.ExecStatus.TUPLES_OK:
            ticket.rows = self._read(ticket.name, result)
        elif status == pq.ExecStatus.COMMAND_OK:
            ticket.tag = result.command_status
        elif ticket.preparing:
            self._connection.prepared.discard(ticket.name)
        error = error_of(result, ticket.name) if status == pq.ExecStatus.FATAL_ERROR else None
        if error is not None and not self.is_alive:
            raise Lost(str(error)) from error
        self._result()  # the mark behind each statement's results
        return error

    def _flush(self) -> None:
        """Send all that stands in the buffer, taking what comes meanwhile."""
        while self._pg.flush():
            self._poll.modify(self._pg.socket, select.POLLIN | select.POLLOUT)
            self._await()
            self._poll.modify(self._pg.socket, select.POLLIN)
            self._pg.consume_input()

    def _result(self) -> pq.abc.PGresult | None:
        """Wait for the next result. libpq's own waiting would keep the interpreter's lock."""
        while self._pg.is_busy():
            self._await()
            self._pg.consume_input()
        return self._pg.get_result()

    def _await(self) -> None:
        """Wait for something on the connection. A commit that takes long is asked to end, then given up."""
        while True:
            left = None if self._until is None else max(0.0, self._until - monotonic())
            if self._poll.poll(None if left is None else left * 1000):
                return
            if self.cancelled:
                raise Lost("the server answered neither a commit nor the request to end it")
            self.cancelled = True
            self._connection.cancel_safe(timeout=_CANCEL_SECONDS)
            self._until = monotonic() + _CANCEL_SECONDS

    def _read(self, name: str, result: pq.abc.PGresult) -> Rows:
        many = result.ntuples
        if not many:
            return []
        columns = self._connection.columns.get(name)
        if columns is None:
            columns = [
                ((result.fname(at) or b"").decode(), _READERS.get(result.ftype(at), _text))
                for at in range(result.nfields)
            ]
            self._connection.columns[name] = columns
        get = result.get_value
        rows: Rows = []
        for number in range(many):
            row: dict[str, Any] = {}
            for at, (column, read) in enumerate(columns):
                value = get(number, at)
                row[column] = None if value is None else read(value)
            rows.append(row)
        return rows


@cache
def _prepared(name: str) -> tuple[bytes, tuple[str, ...]]:
    """Give a statement with numbered parameters, and their names in that order."""
    text, names = numbered(_BRACKETS.get(name) or statements("postgres")[name])
    return text.encode(), names


def _written(values: Sequence[str | int | None]) -> list[bytes | None]:
    written = [
        one.encode() if type(one) is str else None if one is None else str(one).encode() for one in values
    ]
    if b"\0" in b"".join(filter(None, written)):
        raise NoText("PostgreSQL takes no text with a NUL in it")
    return written


def _text(value: bytes) -> str:
    return value.decode()
