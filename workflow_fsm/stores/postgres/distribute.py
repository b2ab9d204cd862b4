"""Distribute: the tables spread over the servers of a Citus cluster, by user; what is of no user, on each.

What is told of a table comes of the migrations: one with a `user_id` goes where its user is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import psycopg

from workflow_fsm.core.errors import StoreRefused
from workflow_fsm.stores.postgres import errors as faults
from workflow_fsm.stores.postgres.connecting import Address
from workflow_fsm.stores.statements import migrations

FIRST = "users"
"""The table by which the others are placed."""
_MADE = re.compile(r"(CREATE|DROP) TABLE (\w+)(?: \((.*)\))?", re.DOTALL)


def tables() -> Mapping[str, bool]:
    """Give every table that the migrations leave, and whether its rows are users'."""
    found: dict[str, bool] = {}
    for statements in migrations("postgres").values():
        for statement in statements:
            if (made := _MADE.match(statement)) is not None:
                kind, name, columns = made.groups()
                found.pop(name, None)
                if kind == "CREATE":
                    found[name] = re.search(r"^\s*user_id ", columns, re.MULTILINE) is not None
    return found


def statements() -> Iterator[tuple[str, str]]:
    """Give each table with what spreads it: first what is of no user, then users, then theirs."""
    for table, is_of_users in sorted(tables().items(), key=lambda one: (one[1], one[0] != FIRST, one[0])):
        if not is_of_users:
            yield table, f"SELECT create_reference_table('{table}');"
        elif table == FIRST:
            yield table, f"SELECT create_distributed_table('{table}', 'user_id');"
        else:
            yield table, f"SELECT create_distributed_table('{table}', 'user_id', colocate_with => '{FIRST}');"


def distribute(address: Address) -> list[str]:
    """Spread the tables that aren't yet, in one transaction; give the statements that did.

    Raises StoreRefused, where the database has no Citus or no store, or StoreUnavailable.
    """
    try:
        with address.connect() as connection, connection.transaction():
            if connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'citus'").fetchone() is None:
                raise StoreRefused(
                    "the database has no Citus, so that there is nothing to spread the tables over: "
                    "CREATE EXTENSION citus, and add its nodes"
                )
            found = connection.execute(
                "SELECT relname FROM pg_dist_partition JOIN pg_class ON oid = logicalrelid "
                "WHERE relnamespace = current_schema()::regnamespace"
            ).fetchall()
            there = {name for (name,) in found}
            due = [statement for table, statement in statements() if table not in there]
            for statement in due:
                connection.execute(statement.encode())
            return due
    except psycopg.Error as error:
        raise faults.at_opening(error) from None
