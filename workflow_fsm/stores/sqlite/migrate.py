"""The schema of a SQLite store: the migrations of `ddl.sql`, which sqlite-utils applies on opening."""

from __future__ import annotations

from sqlite_utils import Database, Migrations

from workflow_fsm.stores.statements import migrations as of_dialect

migrations = Migrations("workflow_fsm")


def _add(name: str, statements: tuple[str, ...]) -> None:
    @migrations(name=name)
    def apply(db: Database) -> None:
        for statement in statements:
            db.execute(statement)


for name, statements in of_dialect("sqlite").items():
    _add(name, statements)
