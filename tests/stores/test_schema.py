"""The schema: a released migration makes what it made, and a store of an older version is brought up to date.

`released/` holds what the code of a release made: a SQLite store as a dump, PostgreSQL's catalogue as text.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest

from tests.stores.postgres.server import Server
from tests.stories.acts import states, status, sync
from workflow_fsm import Settings, Workflow
from workflow_fsm.stores.statements import migrations

RELEASED = Path(__file__).parent / "released"
LAST_RELEASED = "0003_figures"
ROOT = "266633c0c8ab35df64f5b847030399ae56b47b75536055ab500675597048e756"
"""What `check` of that release said of its store."""
COLUMNS = """
SELECT relname, attname, format_type(atttypid, atttypmod),
    CASE WHEN attnotnull THEN 'NOT NULL' ELSE 'NULL' END, coalesce(collname, '-'),
    coalesce(array_to_string(reloptions, ','), '-')
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
LEFT JOIN pg_collation ON pg_collation.oid = attcollation
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped
  AND relname <> 'workflow_fsm_migrations'
ORDER BY relname, attnum
"""
INDEXES = """
SELECT indexdef FROM pg_indexes
WHERE schemaname = 'public' AND tablename <> 'workflow_fsm_migrations' ORDER BY indexname
"""

every_older = pytest.mark.parametrize("version", list(migrations("sqlite"))[:-1])


@pytest.fixture
def database(postgres: Server) -> Iterator[str]:
    """The name of an empty database."""
    name = postgres.make()
    yield name
    postgres.drop(name)


def up_to(version: str, dialect: str) -> list[str]:
    """Give the statements of the migrations up to one."""
    many = list(migrations(dialect)).index(version) + 1
    return [one for statements in islice(migrations(dialect).values(), many) for one in statements]


def described_sqlite(path: Path) -> set[str]:
    """Give what made each table and index of a SQLite store, without quotes and in single spaces."""
    with closing(sqlite3.connect(path)) as connection:
        made = connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
    plain = {" ".join(sql.replace('"', "").split()).replace("( ", "(").replace(" )", ")") for (sql,) in made}
    return {sql for sql in plain if "_sqlite_migrations" not in sql}


def described_postgres(postgres: Server, name: str) -> list[str]:
    """Give the columns and indexes of a PostgreSQL store, of its catalogue."""
    return [" ".join(row) for sql in (COLUMNS, INDEXES) for row in postgres.execute(sql, name)]


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """A SQLite store that the last release left."""
    path = tmp_path / "released.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((RELEASED / "0003.sqlite.sql").read_text(encoding="utf-8"))
    return path


def test_released_migrations_make_on_sqlite_what_they_made(released: Path, tmp_path: Path) -> None:
    path = tmp_path / "made.db"
    with closing(sqlite3.connect(path)) as connection:
        for statement in up_to(LAST_RELEASED, "sqlite"):
            connection.execute(statement)
    assert described_sqlite(path) == described_sqlite(released)


def test_released_migrations_make_on_postgresql_what_they_made(postgres: Server, database: str) -> None:
    postgres.execute(";".join(up_to(LAST_RELEASED, "postgres")), database)
    made = (RELEASED / "0003.postgres.txt").read_text(encoding="utf-8").splitlines()
    assert described_postgres(postgres, database) == made


def test_a_store_that_the_last_release_left_is_sound_and_goes_on(released: Path, empty_store: Path) -> None:
    with Workflow.open(f"sqlite:///{released}", settings=Settings()) as workflow:
        report = workflow.check()
        assert (report.root, report.sound) == (ROOT, True)
        assert states(workflow) == {"c1": "paid", "c2": "detected"}
        assert sync(workflow, "s9").status == "applied"
        assert workflow.check().sound
    assert described_sqlite(released) == described_sqlite(empty_store)


@every_older
def test_a_sqlite_store_of_any_older_version_is_brought_up_to_date(
    tmp_path: Path, empty_store: Path, version: str
) -> None:
    path = tmp_path / "older.db"
    done = list(migrations("sqlite"))[: list(migrations("sqlite")).index(version) + 1]
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE TABLE _sqlite_migrations (id INTEGER PRIMARY KEY, migration_set, name, applied_at)"
        )
        for name in done:
            connection.execute(
                "INSERT INTO _sqlite_migrations (migration_set, name) VALUES ('workflow_fsm', ?)", [name]
            )
        for statement in up_to(version, "sqlite"):
            connection.execute(statement)
        connection.commit()
    with Workflow.open(f"sqlite:///{path}", settings=Settings()) as workflow:
        sync(workflow)
        assert status(workflow).state == "synced"
        assert workflow.figures().events
    with closing(sqlite3.connect(path)) as connection:
        names = connection.execute("SELECT name FROM _sqlite_migrations ORDER BY id").fetchall()
    assert [name for (name,) in names] == list(migrations("sqlite"))
    assert described_sqlite(path) == described_sqlite(empty_store)


@every_older
def test_a_postgresql_store_of_any_older_version_is_brought_up_to_date(
    postgres: Server, database: str, postgres_store: str, version: str
) -> None:
    done = list(migrations("postgres"))[: list(migrations("postgres")).index(version) + 1]
    table = "CREATE TABLE workflow_fsm_migrations (name text PRIMARY KEY, applied_at text NOT NULL)"
    postgres.execute(";".join([table, *up_to(version, "postgres")]), database)
    for name in done:
        postgres.execute("INSERT INTO workflow_fsm_migrations VALUES (%s, '')", database, [name])
    with Workflow.open(postgres.url(database), settings=Settings()) as workflow:
        sync(workflow)
        assert status(workflow).state == "synced"
    assert described_postgres(postgres, database) == described_postgres(postgres, postgres_store)


def test_both_dialects_have_the_same_indexes(
    postgres: Server, postgres_store: str, empty_store: Path
) -> None:
    with closing(sqlite3.connect(empty_store)) as connection:
        rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'index'").fetchall()
    on_sqlite = {name for (name,) in rows if not name.startswith(("sqlite_autoindex", "idx__sqlite"))}
    rows = postgres.execute("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'", postgres_store)
    key_on_sqlite = {"cases_of"}  # a table in its key's order has the key that is read most
    assert {name for (name,) in rows if not name.endswith("_pkey")} - key_on_sqlite == on_sqlite
