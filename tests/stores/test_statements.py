"""The SQL is said once: what both dialects say alike is shared, what each says alone differs, all is used."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import workflow_fsm
from workflow_fsm.stores.statements import numbered, statements

PACKAGE = Path(workflow_fsm.__file__).parent
STORES = PACKAGE / "stores"
OF_POSTGRES_ALONE = {"make_user", "probe", "time", "wait_for_nobody"}
OF_SQLITE_ALONE = {"put_lifecycle", "void_effects_of_many"}
"""Who writes alone writes many rows in one go."""


def sections(path: Path, kind: str = "name") -> dict[str, str]:
    """Give what stands below each such line of a file, without comments and in single spaces."""
    _, *parts = re.split(r"^-- (name|part): (\w+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    bodies = [re.sub(r"^ *--(?! include).*$", "", body, flags=re.MULTILINE) for body in parts[2::3]]
    found = zip(parts[::3], parts[1::3], bodies, strict=True)
    return {name: " ".join(body.split()) for each, name, body in found if each == kind}


SHARED, PARTS = sections(STORES / "shared.sql"), sections(STORES / "shared.sql", "part")
SQLITE, POSTGRES = sections(STORES / "sqlite/sqlite.sql"), sections(STORES / "postgres/postgres.sql")


TOLD = {"listed_decision", "listed_currency", "listed_deadline", "listed_amount"}
"""What is read of facts, which each dialect says otherwise."""


def nodes() -> Iterator[ast.AST]:
    for path in PACKAGE.rglob("*.py"):
        yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def test_both_dialects_hold_the_same_statements_with_the_same_parameters() -> None:
    parameters = {
        dialect: {name: set(numbered(sql)[1]) for name, sql in statements(dialect).items()}
        for dialect in ("sqlite", "postgres")
    }
    assert parameters["postgres"].keys() - parameters["sqlite"].keys() == OF_POSTGRES_ALONE
    assert parameters["sqlite"].keys() - parameters["postgres"].keys() == OF_SQLITE_ALONE
    for name in OF_POSTGRES_ALONE:
        del parameters["postgres"][name]
    for name in OF_SQLITE_ALONE:
        del parameters["sqlite"][name]
    assert parameters["postgres"] == parameters["sqlite"]


def test_a_statement_stands_in_the_shared_file_or_in_that_of_each_dialect() -> None:
    assert SHARED.keys() & (SQLITE.keys() | POSTGRES.keys()) == set()
    assert POSTGRES.keys() - SQLITE.keys() == OF_POSTGRES_ALONE
    assert SQLITE.keys() - POSTGRES.keys() == OF_SQLITE_ALONE


def test_what_the_dialects_say_each_in_its_own_file_differs() -> None:
    assert [name for name in SQLITE if SQLITE[name] == POSTGRES.get(name)] == []


def test_every_statement_is_used_and_only_statements_are() -> None:
    said = {node.value for node in nodes() if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    asked = {
        node.args[0].value
        for node in nodes()
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("row", "rows", "run")
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    assert (statements("postgres").keys() | OF_SQLITE_ALONE) - said == set()
    assert asked - statements("postgres").keys() == set()


def test_every_part_is_included_somewhere() -> None:
    text = " ".join([*SHARED.values(), *SQLITE.values(), *POSTGRES.values(), *PARTS.values()])
    assert PARTS.keys() | TOLD == set(re.findall(r"-- include: (\w+)", text))


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELECT :a, :b, :a", ("SELECT $1, $2, $1", ("a", "b"))),
        ("SELECT :a::json, b::text", ("SELECT $1::json, b::text", ("a",))),
        ("""SELECT ':a', "b:c", 'it''s :d', :e""", ("""SELECT ':a', "b:c", 'it''s :d', $1""", ("e",))),
        ("SELECT 1", ("SELECT 1", ())),
    ],
)
def test_parameters_are_numbered_and_neither_casts_nor_texts_are(
    sql: str, told: tuple[str, tuple[str, ...]]
) -> None:
    assert numbered(sql) == told
