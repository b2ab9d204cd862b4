"""Users may be spread over servers: what locks or writes names one, and what looks over all only reads.

From the statements themselves, and from the migrations; what each is on a real server, the plans tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.stores.contents import TABLES
from tests.stores.postgres.server import Server
from workflow_fsm.stores.postgres.distribute import statements as spreading
from workflow_fsm.stores.postgres.distribute import tables
from workflow_fsm.stores.statements import migrations, numbered, statements

DIALECTS = ("sqlite", "postgres")
OF_NO_USER = {"handlers", "currencies", "checks", "definitions", "forgotten"}
"""Tables of a few rows that are copied to every server."""
OF_THE_MIGRATIONS = {"probe"}
"""Statements that lock a row of the table of migrations, which is never spread."""
_WRITES = re.compile(r"\b(INSERT INTO|UPDATE|DELETE FROM) (\w+)")
_READS = re.compile(r"\b(?:FROM|JOIN) (\w+)")
_LOCKS = re.compile(r"\bFOR (?:NO KEY )?(?:UPDATE|SHARE)\b")


def written(sql: str) -> list[str]:
    """Give the tables that a statement writes to."""
    plain = re.sub(r"DO UPDATE\b|FOR (?:NO KEY )?UPDATE\b", "", sql)
    return [table for _, table in _WRITES.findall(plain)]


def names_its_user(sql: str) -> bool:
    """Tell whether a statement that writes or locks goes where one user is, by what it says itself."""
    if sql.startswith("INSERT"):
        found = re.match(r"INSERT INTO \w+ \(([^)]*)\)\s*VALUES \(([^)]*)\)", sql)
        assert found is not None, sql
        columns, values = ([one.strip() for one in part.split(",")] for part in found.groups())
        return dict(zip(columns, values, strict=True)).get("user_id") == ":user_id"
    outer, many = sql, 1
    while many:
        outer, many = re.subn(r"\([^()]*\)", "", outer)
    _, _, condition = outer.rpartition("WHERE")
    return re.match(r"\s*(?:\w+\.)?user_id = :user_id\b", condition) is not None


def all_statements() -> Iterator[tuple[str, str, str]]:
    for dialect in DIALECTS:
        for name, sql in statements(dialect).items():
            yield dialect, name, sql


def test_what_locks_or_writes_names_its_user() -> None:
    changing = [
        (dialect, name, sql)
        for dialect, name, sql in all_statements()
        if _LOCKS.search(sql) or set(written(sql)) - OF_NO_USER
    ]
    assert len(changing) > 50
    crossing = {name: sql for _, name, sql in changing if not names_its_user(sql)}
    assert set(crossing) == OF_THE_MIGRATIONS
    for sql in crossing.values():
        assert _READS.findall(sql) == ["workflow_fsm_migrations"]
        assert written(sql) == []


def test_what_crosses_users_only_reads_and_takes_no_lock() -> None:
    crossing = [
        (name, sql)
        for _, name, sql in all_statements()
        if "user_id" not in numbered(sql)[1] and not sql.startswith("SET ")
    ]
    assert {"ready_effects", "due", "expired", "dead_events"} <= {name for name, _ in crossing}
    for name, sql in crossing:
        assert _LOCKS.search(sql) is None or name in OF_THE_MIGRATIONS, name
        assert set(written(sql)) <= OF_NO_USER, name


def test_nothing_writes_by_the_way() -> None:
    """A statement does one thing: what writes inside of another goes through whoever plans both."""
    for _, name, sql in all_statements():
        assert len(written(sql)) <= 1, name
        assert not (written(sql) and sql.startswith("WITH")), name
        assert "WITH RECURSIVE" not in sql or "user_id" in numbered(sql)[1], name


def test_no_key_lacks_the_user() -> None:
    keys: dict[str, list[str]] = {}
    for made in (one for found in migrations("postgres").values() for one in found):
        if (gone := re.match(r"DROP TABLE (\w+)", made)) is not None:
            del keys[gone[1]]
        elif (table := re.match(r"CREATE TABLE (\w+) \((.*)\)", made, re.DOTALL)) is not None:
            key = re.search(r"PRIMARY KEY \(([^)]*)\)", table[2]) or re.search(
                r"(\w+) text[^,]* PRIMARY KEY", table[2]
            )
            assert key is not None, made
            keys[table[1]] = [key[1]]
        elif (index := re.match(r"CREATE UNIQUE INDEX \w+ ON (\w+) \(([^)]*)\)", made)) is not None:
            keys[index[1]].append(index[2])
        else:
            assert "UNIQUE" not in made
    assert set(keys) == set(TABLES)
    for name in keys.keys() - OF_NO_USER:
        assert [key for key in keys[name] if not re.match(r"user_id\b", key)] == [], name


def test_every_table_is_spread_by_its_users_or_copied_to_every_server() -> None:
    assert set(tables()) == set(TABLES)
    assert "workflow_fsm_migrations" not in TABLES
    assert {table for table, is_of_users in tables().items() if not is_of_users} == OF_NO_USER
    told = dict(spreading())
    assert set(told) == set(TABLES)
    assert list(told)[: len(OF_NO_USER) + 1] == [*sorted(OF_NO_USER), "users"]
    assert told["currencies"] == "SELECT create_reference_table('currencies');"
    assert told["users"] == "SELECT create_distributed_table('users', 'user_id');"
    assert told["effects"] == (
        "SELECT create_distributed_table('effects', 'user_id', colocate_with => 'users');"
    )


def test_the_tables_that_are_told_are_those_that_a_store_has(postgres: Server, postgres_store: str) -> None:
    rows = postgres.execute(
        "SELECT relname, EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = pg_class.oid "
        "AND attname = 'user_id') FROM pg_class WHERE relkind = 'r' "
        "AND relnamespace = 'public'::regnamespace AND relname <> 'workflow_fsm_migrations'",
        postgres_store,
    )
    assert dict(rows) == tables()


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("UPDATE effects SET standing = 'void' WHERE user_id = :user_id AND seq = :seq", True),
        ("UPDATE effects SET standing = 'void' WHERE handler = :handler", False),
        ("UPDATE effects SET seq = (SELECT 1 FROM users WHERE user_id = :user_id) WHERE seq = 1", False),
        ("SELECT * FROM users WHERE user_id = :user_id FOR UPDATE", True),
        ("SELECT * FROM users WHERE cursor > 1 FOR UPDATE SKIP LOCKED", False),
        ("INSERT INTO waits (user_id, seq) VALUES (:user_id, :seq)", True),
        ("INSERT INTO waits (user_id, seq) VALUES (:other, :seq)", False),
    ],
)
def test_the_reader_of_statements_is_no_fool(sql: str, told: bool) -> None:
    assert names_its_user(sql) is told
