"""Named statements and migrations: reads the `.sql` files, and makes of them what one dialect is told.

A statement that both dialects say alike stands in `shared.sql` and nowhere else; one that they don't stands
in the file of each, `sqlite/sqlite.sql` and `postgres/postgres.sql`. No name stands twice for a dialect, so
that none hides another. Parts of statements stand in `shared.sql`, and go where `-- include: …` names them.

Migrations stand once, in `ddl.sql`, with `$words` for what the dialects call otherwise, and `-- only: …`
above a statement of one dialect.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import resources
from string import Template
from types import MappingProxyType
from typing import Any

TYPES: Mapping[str, Mapping[str, str]] = {
    "sqlite": {
        "text": "TEXT",
        "integer": "INTEGER",
        "table": "STRICT",
        "often_written": "STRICT",
        "keyed": "STRICT, WITHOUT ROWID",
    },
    # Text compares by its bytes, as in SQLite, and as no upgrade of a locale can change. A user's row is
    # written with every event of the user: room on its page lets that touch no index.
    "postgres": {
        "text": 'text COLLATE "C"',
        "integer": "bigint",
        "table": "",
        "often_written": "WITH (fillfactor = 70)",
        "keyed": "",
    },
}
"""What each dialect calls the words in `ddl.sql`."""

_FACT = {
    "sqlite": "CASE WHEN json_valid(facts) THEN facts ->> '{}' END",
    "postgres": "workflow_fact(facts, '{}')",
}
_POINT = {"sqlite": "instr({} || '.', '.')", "postgres": "strpos({} || '.', '.')"}


def _told(dialect: str) -> Mapping[str, str]:
    """Give what lifecycles are listed by and is told in their facts, as text that sorts; '' where it is not.

    An amount is of fifteen digits before its point. What can't be read tells nothing.
    """
    amount = _FACT[dialect].format("amount")
    point = _POINT[dialect].format(f"({amount})")
    usual = "CASE WHEN claim_id IS NULL THEN '' ELSE 'USD' END"
    return {
        "told_decision": f"coalesce({_FACT[dialect].format('decision')}, '')",
        "told_currency": f"coalesce({_FACT[dialect].format('currency')}, {usual})",
        "told_deadline": f"coalesce({_FACT[dialect].format('deadline_date')}, '')",
        "told_amount": f"coalesce(substr('000000000000000', {point}) || ({amount}), '')",
    }


def _listed(dialect: str) -> Mapping[str, str]:
    """Give the same, as it stands in columns of its own where the facts begin with `LISTED`.

    So write those versions that know of the columns: reading facts in indexes took most of a row's time. What
    another wrote is read in its facts.
    """
    is_listed = f"substr(facts, 1, 1) = '{LISTED}'"
    return {
        f"listed_{name.removeprefix('told_')}": (
            f"CASE WHEN {is_listed} THEN listed_{name.removeprefix('told_')} ELSE {told} END"
        )
        for name, told in _told(dialect).items()
    }


LISTED = " "
"""What facts begin with, where what they are listed by stands beside them; it is none of the JSON's."""
MOST_PARAMETERS = 16_000
"""How many a statement has at most: SQLite takes 32,766."""
_VALUES = re.compile(r"^INSERT INTO [^;]*?\bVALUES\s*(\([^()]*\))", re.DOTALL)
_COMMENT = re.compile(r"^\s*--.*\n?", re.MULTILINE)
_INCLUDE = re.compile(r"^ *-- include: (\w+)$", re.MULTILINE)
PARAMETER = re.compile(r"""'[^']*'|"[^"]*"|::|:(\w+)""")
"""A parameter, or what isn't one: text, a quoted name, a cast."""
LEAST = -(2**63)
"""The least of the numbers that a column holds."""
_NUMBERS = frozenset({"id", "cursor", "seq", "lifecycle"})
"""Columns of keys that are numbers; all others are text."""


@cache
def statements(dialect: str) -> Mapping[str, str]:
    """Give the statements of a dialect, by name. Raises ValueError for a name that stands twice."""
    shared, own = _read("shared.sql"), _read(dialect, f"{dialect}.sql")
    parts = {**dict(_sections("part", shared)), **_listed(dialect)}
    found: dict[str, str] = {}
    for name, sql in [*_sections("name", shared), *_sections("name", own)]:
        if name in found:
            raise ValueError(
                f"the statement {name!r} stands twice in shared.sql and {dialect}.sql: remove one"
            )
        found[name] = _whole(sql, parts)
    return MappingProxyType(found)


@cache
def migrations(dialect: str) -> Mapping[str, tuple[str, ...]]:
    """Give the migrations in the order in which they are applied: of each name, its statements."""
    words = {**TYPES[dialect], **_told(dialect), **_listed(dialect)}
    return MappingProxyType(
        {
            name: tuple(
                Template(_COMMENT.sub("", one)).substitute(words).strip()
                for one in body.split(";\n")
                if _COMMENT.sub("", one).strip() and _is_for(dialect, one)
            )
            for name, body in _sections("migration", _read("ddl.sql"))
        }
    )


def named(text: str) -> Mapping[str, str]:
    """Give the statements that stand in a text of no dialect, by name."""
    return MappingProxyType({name: _whole(sql, {}) for name, sql in _sections("name", text)})


def first_page(dialect: str, name: str) -> dict[str, Any]:
    """Give the parameters of a statement that gives a page from a key on, for its first page."""
    _, parameters = numbered(statements(dialect)[name])
    return {
        one: LEAST if one.removeprefix("from_") in _NUMBERS else ""
        for one in parameters
        if one.startswith("from_")
    }


def numbered(sql: str) -> tuple[str, tuple[str, ...]]:
    """Give a statement with `$1`, `$2`, … for its parameters, and their names in that order."""
    names: list[str] = []

    def number(found: re.Match[str]) -> str:
        name = found[1]
        if name is None:
            return found[0]
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    return PARAMETER.sub(number, sql), tuple(names)


@lru_cache(maxsize=64)
def inserting(sql: str, rows: int) -> tuple[int, str, tuple[str, ...]]:
    """Give how many rows an insertion may be of, itself for so many, and the names of a row's parameters.

    Its parameters have no names, and stand in order. What inserts nothing is of one row.
    """
    names = tuple(found[1] for found in PARAMETER.finditer(sql) if found[1] is not None)
    plain = PARAMETER.sub(lambda found: found[0] if found[1] is None else "?", sql)
    found = _VALUES.search(plain)
    if found is None:
        return 1, plain, names
    all_of_them = ", ".join([found[1]] * rows)
    return MOST_PARAMETERS // len(names), plain[: found.start(1)] + all_of_them + plain[found.end(1) :], names


def _read(*path: str) -> str:
    return resources.files(__package__).joinpath(*path).read_text(encoding="utf-8")


def _sections(kind: str, text: str) -> list[tuple[str, str]]:
    """Give what stands below each line `-- kind: NAME`, up to the next such line of any kind."""
    _, *parts = re.split(r"^-- (name|part|migration): (\w+)$", text, flags=re.MULTILINE)
    triples = zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    return [(name, body) for found, name, body in triples if found == kind]


def _whole(sql: str, parts: Mapping[str, str]) -> str:
    """Give a statement without its comments, and with the parts that it includes."""
    while _INCLUDE.search(sql):
        sql = _INCLUDE.sub(lambda found: parts[found[1]].strip(), sql)
    return _COMMENT.sub("", sql).strip().rstrip(";")


def _is_for(dialect: str, statement: str) -> bool:
    found = re.search(r"^-- only: (\w+)$", statement, re.MULTILINE)
    return found is None or found[1] == dialect
