"""The session of SQLite: named statements on one connection, in a transaction with savepoints."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from workflow_fsm.stores.session import Write
from workflow_fsm.stores.sqlite.ordered import in_order
from workflow_fsm.stores.statements import first_page, inserting, statements

STEADY = frozenset({"count_migrations", "handlers"})
"""Statements of what hardly ever changes, and is asked in every commit."""
FEW = 20
"""Rows that are written one by one, however many could be in one go."""


class SQLiteSession:
    """The named statements on one connection, inside a transaction that somebody else begins and ends."""

    def __init__(self, connection: sqlite3.Connection, steady: Steady | None = None) -> None:
        self._connection = connection
        self._sql = statements("sqlite")
        self._steady = steady

    def rows(self, name: str, **parameters: Any) -> list[sqlite3.Row]:
        """Run a statement and give all its rows."""
        if self._steady is not None and name in STEADY:
            return self._steady.rows(self._connection, name, self._sql[name])
        return self._execute(name, parameters).fetchall()

    def row(self, name: str, **parameters: Any) -> sqlite3.Row | None:
        """Run a statement and give its first row."""
        if name in STEADY:
            return next(iter(self.rows(name)), None)
        row: sqlite3.Row | None = self._execute(name, parameters).fetchone()
        return row

    def each(self, name: str, **parameters: Any) -> Iterator[sqlite3.Row]:
        """Give one by one what a statement gives that reads all of a user's."""
        parameters |= first_page("sqlite", name)
        yield from self._execute(name, parameters)

    def run(self, name: str, parameters: Mapping[str, Any]) -> None:
        """Run a statement that gives no rows."""
        ordered = in_order(name)
        if ordered.unsettles and self._steady is not None:
            self._steady.forget()
        self._connection.execute(*ordered.writing(parameters))

    def _execute(self, name: str, parameters: Mapping[str, Any]) -> sqlite3.Cursor:
        ordered = in_order(name)
        if ordered.unsettles and self._steady is not None:
            self._steady.forget()
        return self._connection.execute(ordered.sql, ordered.values_of(parameters))

    def expect(self, names: Iterable[str], *, user_id: Any) -> None:
        """Do nothing."""

    def gather(self, name: str, rows: Sequence[Mapping[str, Any]]) -> Sequence[Write]:
        """Give what writes rows: what inserts does so for hundreds of them in one go.

        Each go gives up the interpreter's lock, and who computes meanwhile holds that for 5 ms.
        """
        if len(rows) <= FEW:
            return [(self._sql[name], row) for row in rows]
        if name == "void_effects":
            lifecycles = json.dumps([row["lifecycle"] for row in rows])
            return [(self._sql["void_effects_of_many"], {**rows[0], "lifecycles": lifecycles})]
        one = self._sql["put_lifecycle" if name == "update_lifecycle" else name]
        most, _, _ = inserting(one, 1)
        gathered: list[Write] = []
        for start in range(0, len(rows), most):
            some = rows[start : start + most]
            _, sql, names = inserting(one, len(some))
            gathered.append((sql, [row[name] for row in some for name in names]))
        return gathered

    def write(self, write: Write) -> None:
        """Write what was gathered."""
        self._connection.execute(*write)

    def prefetch(self, statements: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """Do nothing: asking costs no way to anywhere."""

    def savepoint(self) -> Savepoint:
        """Undo what was done inside where an exception leaves it, and only that."""
        return Savepoint(self._connection)


class Steady:
    """What hardly ever changes, as one connection that writes has read it.

    It is read anew where another connection has committed anything since (`PRAGMA data_version` gives another
    number then), and where this one has written to it: as that may be undone, nothing is remembered up to its
    next transaction.
    """

    def __init__(self) -> None:
        self._whose: tuple[sqlite3.Connection, int] | None = None
        self._known: dict[str, list[sqlite3.Row]] | None = {}

    def begin(self, connection: sqlite3.Connection) -> None:
        """See, at the beginning of a transaction, whether all is as it was in the one before."""
        (version,) = connection.execute("PRAGMA data_version").fetchone()
        if self._whose != (connection, version) or self._known is None:
            self._whose, self._known = (connection, version), {}

    def rows(self, connection: sqlite3.Connection, name: str, sql: str) -> list[sqlite3.Row]:
        """Give the rows of a statement without parameters."""
        if self._known is None:
            return connection.execute(sql).fetchall()
        if name not in self._known:
            self._known[name] = connection.execute(sql).fetchall()
        return self._known[name]

    def forget(self) -> None:
        """Remember nothing up to the next transaction."""
        self._known = None


class Savepoint:
    """What is done inside is undone where an exception leaves it; a database that gave up undid it all."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("SAVEPOINT event")

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        if kind is None:
            self._connection.execute("RELEASE event")
        elif self._connection.in_transaction:
            self._connection.execute("ROLLBACK TO event")
            self._connection.execute("RELEASE event")
