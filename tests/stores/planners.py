"""What the planner of each dialect says of a statement, and how much the statement reads when it is run."""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from itertools import repeat
from operator import length_hint
from typing import TYPE_CHECKING, Any, Protocol

from tests.stores.contents import TABLES
from workflow_fsm.stores.statements import numbered, statements

if TYPE_CHECKING:
    import psycopg


class Filled(Protocol):
    """A filled store, whose planner is asked."""

    def analyze(self) -> None:
        """Have the database look at what its tables hold."""

    def faults(self, name: str, values: Mapping[str, Any]) -> set[str]:
        """Name what a statement reads too much of by its plan."""

    def reads(self, name: str, values: Mapping[str, Any]) -> int:
        """Run a statement, without a trace; give how much it reads."""


class OnSQLite:
    """A filled SQLite file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def analyze(self) -> None:
        self._connection.execute("ANALYZE")

    def faults(self, name: str, values: Mapping[str, Any]) -> set[str]:
        sql = statements("sqlite")[name]
        rows = self._connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)
        return {fault for row in rows for fault in self._faults(row[3], sql)}

    def reads(self, name: str, values: Mapping[str, Any]) -> int:
        """Count the steps of SQLite's machine by an iterator: they are millions, and our own code is slow."""
        unasked = repeat(0, sys.maxsize)  # 0 lets it go on
        self._connection.execute("SAVEPOINT trial")
        self._connection.set_progress_handler(unasked.__next__, 1)
        self._connection.execute(statements("sqlite")[name], values).fetchall()
        self._connection.set_progress_handler(None, 1)
        self._connection.execute("ROLLBACK TO trial")
        self._connection.execute("RELEASE trial")
        return sys.maxsize - length_hint(unasked)

    def _faults(self, step: str, sql: str) -> Iterator[str]:
        called = {
            name
            for pair in re.findall(rf"\b({'|'.join(TABLES)})(?: AS (\w+))?", sql)
            for name in pair
            if name
        }
        found = re.match(r"(SCAN|SEARCH) (\w+)(?:.*? INDEX (\w+))?(?: \((.*)\))?", step)
        if found is not None and found[2] in called:
            kind, table, index, terms = found.groups()
            if kind == "SCAN":
                yield f"reads all {table}"
            elif table != "users" and terms is not None:  # without terms it is for a least or greatest value
                yield from _misses(sql, index, set(re.findall(r"\w+", terms)))
        if "TEMP B-TREE FOR ORDER BY" in step and "LIMIT" in sql:
            yield "sorts all before it takes the first"
        if "AUTOMATIC" in step:
            yield "makes an index"


class OnPostgres:
    """A filled PostgreSQL database, on a connection as the store has them."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        connection.execute("SET enable_seqscan = off")  # which is quicker for tables as small as some here

    def analyze(self) -> None:
        self._connection.execute("ANALYZE")

    def faults(self, name: str, values: Mapping[str, Any]) -> set[str]:
        return {
            fault
            for node in self._nodes(name, "EXPLAIN (FORMAT JSON)", values)
            for fault in self._faults(node, statements("postgres")[name])
        }

    def reads(self, name: str, values: Mapping[str, Any]) -> int:
        """Count the rows looked at."""
        with self._connection.transaction(force_rollback=True):
            nodes = list(self._nodes(name, "EXPLAIN (ANALYZE, TIMING off, FORMAT JSON)", values))
        read = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
        return sum(
            sum(int(node.get(kind, 0)) for kind in read) * int(node["Actual Loops"])
            for node in nodes
            if "Relation Name" in node and "Scan" in node["Node Type"]
        )

    def _nodes(self, name: str, explain: str, values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        sql, names = numbered(statements("postgres")[name])
        if sql.startswith("SET "):
            return
        given = ", ".join("NULL" if values[one] is None else f"'{values[one]}'" for one in names)
        self._connection.execute(f"PREPARE asked AS {sql}".encode())
        row = self._connection.execute(
            f"{explain} EXECUTE asked{f'({given})' if names else ''}".encode()
        ).fetchone()
        self._connection.execute("DEALLOCATE asked")
        assert row is not None
        yield from _below(row[0][0]["Plan"])

    def _faults(self, node: Mapping[str, Any], sql: str) -> Iterator[str]:
        kind, table = node["Node Type"], node.get("Relation Name")
        if kind == "Seq Scan":
            yield f"reads all {table}"
        elif kind in ("Index Scan", "Index Only Scan", "Bitmap Index Scan") and table != "users":
            condition = node.get("Index Cond", "").replace('"', "")
            found = re.findall(r"ROW\(([\w, ]+)\) >|\b(\w+) (?:[=<>]+|IS) ", condition)
            yield from _misses(sql, node["Index Name"], set(re.findall(r"\w+", str(found))))
        if kind == "Limit" and any(below["Node Type"] == "Sort" for below in node["Plans"]):
            yield "sorts all before it takes the first"


def _misses(sql: str, index: str, terms: set[str]) -> Iterator[str]:
    """Name what a look-up reads too much of, by the columns that it looks for in an index."""
    if not terms:
        yield f"reads all of {index}"
    elif terms == {"user_id"}:
        yield f"reads all of a user, by {index}"
    elif "user_id" not in terms and ":user_id" in sql:
        yield f"reads of other users, by {index}"


def _below(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _below(below)
