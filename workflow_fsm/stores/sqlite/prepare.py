"""Preparing a SQLite store: its file is made where it is missing, and migrated, one process at a time.

A store that is up to date is only looked at: sqlite-utils, which migrates, takes as long to load as much of
the rest.
"""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing, suppress
from functools import cache
from pathlib import Path

from filelock import FileLock
from filelock import Timeout as LockTimeout

from workflow_fsm.core.errors import StoreRefused
from workflow_fsm.stores.schema.versions import Schema
from workflow_fsm.stores.sqlite.errors import why
from workflow_fsm.stores.statements import migrations as of_dialect

_MODE = 0o600
"""Of what is made here: claims, and what money came of them, are nobody's but their keeper's."""
_DONE = "SELECT name FROM _sqlite_migrations WHERE migration_set = 'workflow_fsm' ORDER BY name"
_TABLES = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT GLOB 'sqlite_*'"
_IS_THERE = "SELECT 1 FROM sqlite_schema WHERE name = '_sqlite_migrations'"


def prepare(path: str, *, busy_seconds: float) -> None:
    """Make the file where it is missing, and bring its schema up to date. Raises StoreRefused."""
    folder = Path(path).absolute().parent
    if not folder.is_dir():
        raise StoreRefused(f"{path} can't be made: the folder {folder} does not exist; make it first")
    _refuse_foreign(path, busy_seconds)
    try:
        if _is_up_to_date(path, busy_seconds):
            return
        _make(f"{path}.lock")
        with FileLock(f"{path}.lock", timeout=60):
            _make(path)
            with closing(sqlite3.connect(path, timeout=busy_seconds)) as connection:
                connection.execute("PRAGMA journal_mode = WAL").fetchone()
                migrate(connection)
    except sqlite3.Error as error:
        raise StoreRefused(f"{path} can't be opened as a SQLite store: {why(error)}") from error
    except LockTimeout as error:
        raise StoreRefused(
            f"{path} is being migrated by another process for over a minute; "
            f"if none is running, remove {path}.lock"
        ) from error
    except OSError as error:
        raise StoreRefused(f"{path} can't be opened as a SQLite store: {error.strerror}") from error


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a database's schema up to date. Raises StoreRefused where it is a newer version's."""
    from sqlite_utils import Database

    from workflow_fsm.stores.sqlite.migrate import migrations

    database = Database(connection)
    schema_of(connection).refuse_newer()
    migrations.apply(database)


def migrate_in_memory(connection: sqlite3.Connection) -> None:
    """Give an empty database in memory the schema: a copy of one that was migrated costs a fiftieth."""
    if not hasattr(connection, "serialize"):  # where SQLite was built without it
        migrate(connection)
        return
    with closing(sqlite3.connect(":memory:")) as copied:
        copied.deserialize(_migrated())
        copied.backup(connection)


@cache
def _migrated() -> bytes:
    with closing(sqlite3.connect(":memory:")) as connection:
        migrate(connection)
        return connection.serialize()


def schema_of(connection: sqlite3.Connection) -> Schema:
    """Read which migrations a store has; changes nothing."""
    try:
        rows = connection.execute(_DONE).fetchall()
    except sqlite3.OperationalError:  # a file that nobody has made a store yet
        if connection.execute(_IS_THERE).fetchone() is not None:
            raise
        rows = []
    return Schema(done=[name for (name,) in rows], known=list(of_dialect("sqlite")))


def look(path: str) -> Schema:
    """Read which migrations the store in a file has; neither it nor anything beside it is changed.

    Raises StoreRefused where it can't be read.
    """
    try:
        with closing(sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return schema_of(connection)
    except sqlite3.Error as error:
        raise StoreRefused(f"{path} can't be opened as a SQLite store: {why(error)}") from error


def _refuse_foreign(path: str, busy_seconds: float) -> None:
    """Refuse a file that another application keeps, before anything in it is changed.

    One that was to be made a store, and wasn't to the end, has some of a store's tables and none else.
    """
    if not Path(path).is_file():
        return
    # Where no log lies beside it nobody writes: then it is read without so much as a lock file being made.
    how = "mode=ro" if Path(f"{path}-wal").exists() else "mode=ro&immutable=1"
    there = f"{Path(path).absolute().as_uri()}?{how}"
    try:
        with closing(sqlite3.connect(there, uri=True, timeout=busy_seconds)) as connection:
            tables = {name for (name,) in connection.execute(_TABLES)}
            if not tables or ("_sqlite_migrations" in tables and connection.execute(_DONE).fetchone()):
                return
    except sqlite3.Error:
        return  # which is told where the file is opened to be worked on
    if not ("_sqlite_migrations" in tables and tables <= _tables_of_a_store()):
        strange = ", ".join(sorted(tables - _tables_of_a_store())[:3] or sorted(tables)[:3])
        raise StoreRefused(
            f"{path} is another application's SQLite file (it has {strange}), and was left as it is; name a "
            "file of its own for the store"
        )


def _make(path: str) -> None:
    """Make a file for its owner's eyes alone, where there is none; one that is there is left as it is.

    What SQLite makes beside a store has the store's mode.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, _MODE))


def _tables_of_a_store() -> set[str]:
    told = "\n".join(statement for statements in of_dialect("sqlite").values() for statement in statements)
    return {"_sqlite_migrations", *re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)", told)}


def _is_up_to_date(path: str, busy_seconds: float) -> bool:
    """Tell whether the store is there, and nothing is to be migrated; what can't be read isn't."""
    there = f"{Path(path).absolute().as_uri()}?mode=rw"
    try:
        with closing(sqlite3.connect(there, uri=True, timeout=busy_seconds)) as connection:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
            schema = schema_of(connection)
            schema.refuse_newer()
            return not schema.due
    except sqlite3.Error:
        return False
