"""The schema of a SQLite store: the migrations of `ddl.sql`, which sqlite-utils applies on opening."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlite_utils import Database, Migrations

from workflow_fsm.stores.second_edition import STEPS
from workflow_fsm.stores.statements import migrations as of_dialect

migrations = Migrations("workflow_fsm")


def _add(name: str, statements: tuple[str, ...]) -> None:
    @migrations(name=name)
    def apply(db: Database) -> None:
        for statement in statements:
            db.execute(statement)
        if name in STEPS:
            STEPS[name](partial(_run, db))


def _run(db: Database, sql: str, parameters: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    found = db.execute(sql, dict(parameters))
    columns = [column[0] for column in found.description or ()]
    return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]


for name, statements in of_dialect("sqlite").items():
    _add(name, statements)
