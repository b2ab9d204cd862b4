"""Migrating PostgreSQL beside all who write: indexes are built so, and no table is waited for for long."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psycopg
import pytest

from tests.stores.postgres.server import Server
from tests.upgrade.conftest import Load, command
from workflow_fsm import Settings, Workflow
from workflow_fsm.stores.statements import migrations

IS_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'history_by_time'::regclass"


@pytest.fixture
def url(postgres: Server) -> Iterator[str]:
    """The URL of a store of this version."""
    name = postgres.make()
    Workflow.open(postgres.url(name), settings=Settings()).close()
    yield postgres.url(name)
    postgres.drop(name)


def test_whoever_writes_goes_on_while_an_index_is_built(
    versions: Mapping[str, Path], load: Callable[..., Load], url: str
) -> None:
    older = load(versions["this"], url, "older")
    assert older.goes_on()
    with psycopg.connect(url) as held:
        held.execute("INSERT INTO history SELECT (history).* FROM (SELECT history FROM history LIMIT 0) AS h")
        newer = load(versions["expanding"], url, "newer")
        for _ in range(3):
            assert older.goes_on()
        assert newer.acknowledged == []  # it waits for who was at work in the table before
        assert older.goes_on()
    assert newer.goes_on()
    with psycopg.connect(url) as looking:
        assert looking.execute(IS_VALID).fetchone() == (True,)


def test_a_migration_that_waits_for_a_table_holds_up_nobody_for_long(
    versions: Mapping[str, Path], load: Callable[..., Load], url: str
) -> None:
    older = load(versions["this"], url, "older")
    assert older.goes_on()
    with psycopg.connect(url) as held:
        held.execute("SELECT * FROM lifecycles LIMIT 1")
        newer = load(versions["expanding"], url, "newer")
        for _ in range(6):
            assert older.goes_on(10)
        assert newer.acknowledged == []
    assert newer.goes_on()
    assert older.goes_on()


def test_an_index_that_was_left_half_built_is_built_anew(versions: Mapping[str, Path], url: str) -> None:
    with psycopg.connect(url, autocommit=True) as broken:
        broken.execute("CREATE INDEX history_by_time ON history (user_id, at)")
        broken.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'history_by_time'::regclass"
        )
        assert broken.execute(IS_VALID).fetchone() == (False,)
        assert command(versions["expanding"], "migrate", "--database", url).returncode == 0
        assert broken.execute(IS_VALID).fetchone() == (True,)


def test_a_migration_of_indexes_is_nothing_else() -> None:
    """So that it can be gone on with where it was interrupted; those of before are done as ever."""
    for name, statements in list(migrations("postgres").items())[5:]:
        of_indexes = {
            statement.startswith(("CREATE INDEX", "CREATE UNIQUE INDEX")) for statement in statements
        }
        assert len(of_indexes) == 1, name
