"""The schema of a PostgreSQL store: the migrations of `ddl.sql`, applied on opening, one process at a time.

The tables stand in the first schema of the connection's search path. One that was named, and is not there, is
made first. A new store is made in one transaction. One that is there is migrated while others work on it:
none of them waits for a lock on a table for longer than two seconds, and indexes are built beside them,
outside of a transaction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from time import sleep
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from workflow_fsm.core.errors import StoreRefused, StoreUnavailable
from workflow_fsm.core.values.instants import show_instant
from workflow_fsm.stores.postgres import errors as faults
from workflow_fsm.stores.postgres.connecting import Address
from workflow_fsm.stores.schema.marks import is_tolerable
from workflow_fsm.stores.schema.versions import Schema
from workflow_fsm.stores.second_edition import STEPS
from workflow_fsm.stores.statements import PARAMETER, migrations

OLDEST_SERVER = 13
_LOCK = 0x776F726B
"""The advisory lock of whoever migrates; its second half is the schema's name."""
_LOOK_SECONDS = 0.1
"""How often who waits for it looks: waiting in the server is a transaction, and holds up any index."""
_LOCK_TIMEOUT = "2s"
"""How long a migration queues for a table, since whoever comes after it queues behind it."""
_TRIES = 60

_CREATE = "CREATE TABLE workflow_fsm_migrations (name text PRIMARY KEY, applied_at text NOT NULL)"
_FIND_SCHEMA = "SELECT 1 FROM pg_namespace WHERE nspname = %s"
_FIND = """
SELECT EXISTS (
    SELECT 1 FROM pg_class WHERE relname = 'workflow_fsm_migrations'
      AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
)
"""
_IS_VALID = """
SELECT indisvalid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE relname = %s AND relnamespace = current_schema()::regnamespace
"""
_INDEX = re.compile(r"CREATE (?:UNIQUE )?INDEX (\w+)")


def migrate(connection: psycopg.Connection[Any], now: datetime, *, schema: str | None = None) -> None:
    """Bring the schema up to date. Raises StoreRefused, with a sentence, where that can't be.

    `schema` is the name of the one that the connection is in. Nobody waits for a lock where nothing is due.
    """
    if schema is not None:
        _make(connection, schema)
    _refuse_server(connection)
    if not _due(connection):
        return
    connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED  # who waited sees what was done
    with _alone(connection):
        due = _due(connection)
        if due == list(migrations("postgres")):
            with connection.transaction():
                connection.execute(_CREATE)
                for name in due:
                    _apply(connection, name, now)
            return
        for name in due:
            if all(_INDEX.match(statement) for statement in migrations("postgres")[name]):
                for statement in migrations("postgres")[name]:
                    _build(connection, statement)
                _record(connection, name, now)
            else:
                _patiently(connection, name, now)


def schema_of(connection: psycopg.Connection[Any]) -> Schema:
    """Read which migrations the store has; changes nothing."""
    found = connection.execute(_FIND).fetchone()
    done = []
    if found is not None and found[0]:
        rows = connection.execute("SELECT name FROM workflow_fsm_migrations ORDER BY name")
        done = [row[0] for row in rows]
    return Schema(done=done, known=list(migrations("postgres")))


def look(address: Address) -> Schema:
    """Read which migrations a store has; changes nothing. Raises StoreRefused, StoreUnavailable."""
    try:
        with address.connect() as connection:
            if address.schema is not None and not _is_there(connection, address.schema):
                return Schema(done=[], known=list(migrations("postgres")))
            _refuse_server(connection)
            return schema_of(connection)
    except psycopg.Error as error:
        raise faults.at_opening(error) from None


@contextmanager
def _alone(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Keep out whoever else would migrate."""
    mine = (_LOCK,)
    while not _told(connection, "SELECT pg_try_advisory_lock(%s, hashtext(current_schema()::text))", mine):
        sleep(_LOOK_SECONDS)
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(%s, hashtext(current_schema()::text))", mine)


def _patiently(connection: psycopg.Connection[Any], name: str, now: datetime) -> None:
    """Apply a migration in a transaction, begun anew where somebody is in its way, or works for long."""
    for attempt in range(1, _TRIES + 1):
        try:
            with connection.transaction():
                connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(_LOCK_TIMEOUT))
                if not is_tolerable(name, ()):
                    # Each transaction of ours reads this table first: none is under way from here on.
                    connection.execute("LOCK TABLE workflow_fsm_migrations IN ACCESS EXCLUSIVE MODE")
                _apply(connection, name, now)
            return
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
            if attempt == _TRIES:
                raise StoreUnavailable(
                    f"the migration {name} waits for transactions that work in its tables for long, and "
                    "nothing of it was done; end them, such as a check, and try again"
                ) from error
            sleep(_LOOK_SECONDS)


def _apply(connection: psycopg.Connection[Any], name: str, now: datetime) -> None:
    """Do and record a migration. Raises StoreRefused where another application's tables are in the way."""
    for statement in migrations("postgres")[name]:
        try:
            connection.execute(statement.encode())
        except psycopg.errors.DuplicateTable as error:
            told = " ".join(str(error).split())
            raise StoreRefused(
                f"another application's tables are where this store's would be ({told}); give it a schema of "
                "its own: ?schema=NAME in its URL, which is made where it is missing"
            ) from error
    if name in STEPS:
        STEPS[name](partial(_run, connection))
    _record(connection, name, now)


def _record(connection: psycopg.Connection[Any], name: str, now: datetime) -> None:
    connection.execute("INSERT INTO workflow_fsm_migrations VALUES (%s, %s)", (name, show_instant(now)))


def _build(connection: psycopg.Connection[Any], statement: str) -> None:
    """Build an index beside all who write; one that was left half built is built anew."""
    found = _INDEX.match(statement)
    assert found is not None
    is_valid = _told(connection, _IS_VALID, (found[1],))
    if is_valid is False:
        connection.execute(sql.SQL("DROP INDEX CONCURRENTLY {}").format(sql.Identifier(found[1])))
    if not is_valid:
        connection.execute(statement.replace("INDEX", "INDEX CONCURRENTLY", 1).encode())


def _told(connection: psycopg.Connection[Any], asked: str, parameters: Sequence[Any]) -> Any:
    """Give the one value that a query gives, None where it gives no row."""
    row = connection.execute(asked.encode(), parameters).fetchone()
    return None if row is None else row[0]


def _is_there(connection: psycopg.Connection[Any], schema: str) -> bool:
    return _told(connection, _FIND_SCHEMA, (schema,)) is not None


def _make(connection: psycopg.Connection[Any], schema: str) -> None:
    """Make a schema where it is missing. Raises StoreRefused where the role may not."""
    if _is_there(connection, schema):
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


def _due(connection: psycopg.Connection[Any]) -> list[str]:
    """Name the migrations that are due. Raises StoreRefused where a newer version has been here."""
    schema = schema_of(connection)
    schema.refuse_newer()
    return schema.due


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
