"""The schema of a PostgreSQL store: the migrations of `ddl.sql`, applied on opening, one process at a time.

The tables stand in the first schema of the connection's search path. One that was named, and is not there, is
made first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from workflow_fsm.core.errors import StoreRefused
from workflow_fsm.core.values.instants import show_instant
from workflow_fsm.stores.second_edition import STEPS
from workflow_fsm.stores.statements import PARAMETER, migrations

OLDEST_SERVER = 13
_LOCK = 0x776F726B
"""The advisory lock of whoever migrates; its second half is the schema's name."""

_CREATE = "CREATE TABLE workflow_fsm_migrations (name text PRIMARY KEY, applied_at text NOT NULL)"
_FIND_SCHEMA = "SELECT 1 FROM pg_namespace WHERE nspname = %s"
_FIND = """
SELECT EXISTS (
    SELECT 1 FROM pg_class WHERE relname = 'workflow_fsm_migrations'
      AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
)
"""


def migrate(connection: psycopg.Connection[Any], now: datetime, *, schema: str | None = None) -> None:
    """Bring the schema up to date. Raises StoreRefused, with a sentence, where that can't be.

    `schema` is the name of the one that the connection is in. Nobody waits for a lock where nothing is due.
    """
    if schema is not None:
        _make(connection, schema)
    _refuse_server(connection)
    if _missing(connection):
        connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED  # who waited sees what was done
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(current_schema()::text))", (_LOCK,))
            for name in _missing(connection):
                if name == next(iter(migrations("postgres"))):
                    connection.execute(_CREATE)
                _apply(connection, name)
                if name in STEPS:
                    STEPS[name](partial(_run, connection))
                connection.execute(
                    "INSERT INTO workflow_fsm_migrations VALUES (%s, %s)", (name, show_instant(now))
                )


def _apply(connection: psycopg.Connection[Any], name: str) -> None:
    """Run a migration's statements. Raises StoreRefused where another application's tables are in the way."""
    for statement in migrations("postgres")[name]:
        try:
            connection.execute(statement.encode())
        except psycopg.errors.DuplicateTable as error:
            told = " ".join(str(error).split())
            raise StoreRefused(
                f"another application's tables are where this store's would be ({told}); give it a schema of "
                "its own: ?schema=NAME in its URL, which is made where it is missing"
            ) from error


def _make(connection: psycopg.Connection[Any], schema: str) -> None:
    """Make a schema where it is missing. Raises StoreRefused where the role may not."""
    if connection.execute(_FIND_SCHEMA, (schema,)).fetchone() is not None:
        return
    try:
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (_LOCK, schema))
            connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
    except psycopg.errors.InsufficientPrivilege as error:
        user = connection.info.user
        raise StoreRefused(
            f"there is no schema {schema!r}, and the role may not make it: "
            f'CREATE SCHEMA "{schema}" AUTHORIZATION "{user}"'
        ) from error
    except psycopg.errors.ReservedName as error:
        raise StoreRefused(f"no schema can be named {schema!r}: name another by ?schema=NAME") from error


def _run(
    connection: psycopg.Connection[Any], statement: str, parameters: Mapping[str, Any]
) -> Sequence[Mapping[str, Any]]:
    named = PARAMETER.sub(lambda found: f"%({found[1]})s" if found[1] else found[0], statement)
    found = connection.cursor(row_factory=dict_row).execute(named.encode(), parameters)
    return found.fetchall() if found.description else []


def _missing(connection: psycopg.Connection[Any]) -> list[str]:
    """Name the migrations that are due. Raises StoreRefused where a newer version has been here."""
    found = connection.execute(_FIND).fetchone()
    done = []
    if found is not None and found[0]:
        done = [
            row[0] for row in connection.execute("SELECT name FROM workflow_fsm_migrations ORDER BY name")
        ]
    newer = [name for name in done if name not in migrations("postgres")]
    if newer:
        raise StoreRefused(
            f"the store was migrated by a newer version of workflow-fsm ({', '.join(newer)}); "
            "upgrade workflow-fsm to work on it"
        )
    return [name for name in migrations("postgres") if name not in done]


def _refuse_server(connection: psycopg.Connection[Any]) -> None:
    version = connection.info.server_version // 10000
    if version < OLDEST_SERVER:
        raise StoreRefused(
            f"the server is PostgreSQL {version}; {OLDEST_SERVER} or newer is needed, so upgrade it"
        )
    row = connection.execute("SELECT current_schema(), current_setting('server_encoding')").fetchone()
    schema, encoding = row if row is not None else (None, None)
    if schema is None:
        raise StoreRefused(
            "no schema of the search path is there to make tables in; make one (CREATE SCHEMA), "
            "or name one by ?schema=NAME"
        )
    if encoding != "UTF8":
        raise StoreRefused(f"the database's encoding is {encoding}; make one with ENCODING 'UTF8'")
