"""Copy: a whole SQLite store into an empty PostgreSQL database, in one transaction, proved before it ends.

The source is locked meanwhile: nothing is acknowledged there that the copy would miss. What is interrupted,
or doesn't say the same, leaves the target as it was.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from workflow_fsm.audit.audit import audit
from workflow_fsm.audit.report import Report
from workflow_fsm.core.definition import Definition
from workflow_fsm.core.errors import StoreRefused, StoreUnavailable
from workflow_fsm.stores.postgres import errors as postgres_faults
from workflow_fsm.stores.postgres.connecting import read_url
from workflow_fsm.stores.postgres.migrate import migrate
from workflow_fsm.stores.postgres.pipeline import Linked, Pipeline
from workflow_fsm.stores.postgres.session import PostgresSession
from workflow_fsm.stores.sqlite.database import SQLite
from workflow_fsm.stores.sqlite.errors import translated
from workflow_fsm.stores.sqlite.session import SQLiteSession
from workflow_fsm.stores.url import shown

TABLES = (
    "users",
    "lifecycles",
    "history",
    "events",
    "waits",
    "aliases",
    "cases",
    "event_ids",
    "currencies",
    "definitions",
    "effects",
    "handlers",
    "checks",
    "checked",
    "forgotten",
)
_AT_ONCE = 1000

Progress = Callable[[str, int, int], None]
"""Told a table's name, how many of its rows are copied, and how many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What was copied: rows by table, and the report that both stores give."""

    rows: Mapping[str, int]
    report: Report


def copy(source: str, target: str, definition: Definition, *, now: datetime, progress: Progress) -> Copied:
    """Copy the SQLite file at `source` into the database at the URL `target`.

    Raises StoreRefused where the source isn't sound, the target isn't empty, or the copy doesn't say the
    same; StoreUnavailable where either can't be used just now. Then nothing of it is kept.
    """
    SQLite(source).close()  # what migrations are due
    with _locked(source) as stored:
        told = audit(SQLiteSession(stored), definition)
        if not told.sound:
            raise StoreRefused(
                f"{source} is damaged ({told.found} faults), and nothing was copied; `check` names what is"
            )
        with _served(target, now) as served:
            _refuse_kept(served, target)
            rows = {table: _copy(stored, served, table, progress) for table in TABLES}
            with Pipeline(served) as pipeline:
                found = audit(PostgresSession(pipeline, writes=False), definition)
            if found != told:
                raise StoreRefused(
                    f"the copy says otherwise than {source} (its root is {found.root}, and {told.root} was "
                    f"expected; it has {found.found} faults), and nothing of it was kept"
                )
    return Copied(rows=rows, report=told)


@contextmanager
def _locked(path: str) -> Iterator[sqlite3.Connection]:
    """Have the source to read, while nobody writes to it."""
    uri = f"{Path(path).absolute().as_uri()}?mode=rw"
    with translated(), closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("BEGIN IMMEDIATE")
        yield connection


@contextmanager
def _served(url: str, now: datetime) -> Iterator[Linked]:
    """Have the target in a transaction that is committed where the block ends well."""
    address = read_url(url)
    try:
        connection = Linked.connect(address.conninfo, autocommit=True)
    except psycopg.Error as error:
        raise postgres_faults.at_opening(error) from None
    with closing(connection):
        try:
            address.enter(connection)
            address.check(connection)
            migrate(connection, now, schema=address.schema)
            connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
            yield connection
            connection.warning = None
            connection.execute("COMMIT")
            if connection.warning is not None:
                raise postgres_faults.undecided(postgres_faults.Unconfirmed(connection.warning))
            connection.execute("ANALYZE")
        except postgres_faults.Lost as error:
            raise postgres_faults.unavailable(error) from error
        except psycopg.Error as error:
            raise StoreUnavailable(
                f"the copy failed, and nothing of it was kept: {' '.join(str(error).split())}"
            ) from error


def _refuse_kept(served: Linked, url: str) -> None:
    """Keep everybody else out, and see that there is nothing yet."""
    for table in TABLES:
        served.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(table)))
    for table in TABLES:
        found = served.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier(table)))
        if found.fetchone() is not None:
            raise StoreRefused(
                f"{shown(url)} holds {table} already; name an empty database, or an empty schema by "
                "?schema=NAME"
            )


def _copy(stored: sqlite3.Connection, served: Linked, table: str, progress: Progress) -> int:
    columns = _columns(served, table)
    names = ", ".join(f'"{column}"' for column in columns)
    (many,) = stored.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608  # of ours
    progress(table, 0, many)
    into = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    done = 0
    with served.cursor() as cursor, cursor.copy(into) as writing:
        rows = stored.execute(f"SELECT {names} FROM {table}")  # noqa: S608  # of ours
        while page := rows.fetchmany(_AT_ONCE):
            for row in page:
                writing.write_row(tuple(row))
            done += len(page)
            progress(table, done, many)
    return done


def _columns(served: psycopg.Connection[Any], table: str) -> list[str]:
    rows = served.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped "
        "ORDER BY attnum",
        (table,),
    )
    return [row[0] for row in rows]
