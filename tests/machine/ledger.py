"""What a store's file holds, read past the code as plain dicts, and the promises that must hold of it."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.machine import promises
from tests.machine.table import ARROWS

Row = dict[str, Any]

NUMBERS = {
    "users": "user_id",
    "lifecycles": "id",
    "history": "cursor",
    "events": "seq",
    "event_ids": "event_id",
    "waits": "seq",
    "aliases": "alias",
    "cases": "seq",
}


class Ledger:
    """One snapshot of a store's tables: of a SQLite file, or of a database at a URL."""

    def __init__(self, store: Path | str) -> None:
        self._tables: dict[str, dict[str, list[Row]]] = {name: {} for name in NUMBERS}
        for name, row in _stored(store) if isinstance(store, Path) else _served(store):
            self._tables[name].setdefault(row["user_id"], []).append(row)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ledger) and self._tables == other._tables

    __hash__ = None  # type: ignore[assignment]  # it holds dicts

    def users(self) -> list[str]:
        return list(self._tables["users"])

    def rows(self, table: str, user_id: str) -> list[Row]:
        """Give a user's rows in the order of their numbers."""
        return self._tables[table].get(user_id, [])

    def of(self, user_id: str) -> dict[str, list[Row]]:
        """Give all of a user's rows, by their tables."""
        return {table: self.rows(table, user_id) for table in NUMBERS}

    def standings(self, user_id: str) -> Counter[str]:
        return Counter(row["standing"] for row in self.rows("events", user_id))

    def check(self) -> None:
        """Hold every promise against every user."""
        for user_id in self.users():
            self.check_history(user_id)
            promises.events_count_once(self.of(user_id))
            promises.waits_are_those_of_waiting_events(self.of(user_id))
            promises.money_is_held_by_claims(self.of(user_id))
            promises.cases_add_up(self.of(user_id))
            promises.names_are_one_s(self.of(user_id))
            promises.nothing_waits_that_could_go_on(self.of(user_id))

    def check_history(self, user_id: str) -> None:
        """Chains are gapless, follow the table's arrows, and fold to the stored states."""
        acts = [row for row in self.rows("history", user_id) if not row["lifecycle"]]  # a chain of their own
        history = [row for row in self.rows("history", user_id) if row["lifecycle"]]
        assert [row["version"] for row in acts] == list(range(1, len(acts) + 1))
        (user,) = self.rows("users", user_id)
        cursors = [row["cursor"] for row in history]
        assert cursors == sorted(set(cursors))
        assert not cursors or cursors[0] > 0
        assert max([0, *cursors]) <= user["cursor"]
        firsts = {row["lifecycle"]: row for row in history if row["version"] == 1}
        for one in self.rows("lifecycles", user_id):
            chain = [row for row in history if row["lifecycle"] == one["id"]]
            if one["parent"] is not None:  # "a claim's own history begins with" the sync's first row
                chain.insert(0, firsts[one["parent"]])
            assert [row["version"] for row in chain] == list(range(1, one["version"] + 1))
            state, head, entered = None, "0" * 64, 0
            for row in chain:
                assert row["from_state"] == state
                assert row["to_state"] in ARROWS[row["trigger"]][state]
                assert row["hash"] == hash_of(row, head)
                is_internal = row["trigger"] == "detection_complete" and row["to_state"] == state  # ↻
                entered = entered if is_internal else row["cursor"]
                state, head = row["to_state"], row["hash"]
            assert (one["state"], one["head"], one["cursor"]) == (state, head, chain[-1]["cursor"])
            assert one["entered"] == entered
            assert one["merged_into"] is None or one["forked"]
        assert {row["lifecycle"] for row in history} == {
            one["id"] for one in self.rows("lifecycles", user_id)
        }


def _stored(path: Path) -> Iterator[tuple[str, Row]]:
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("BEGIN")
        for name, number in NUMBERS.items():
            for row in connection.execute(f"SELECT * FROM {name} ORDER BY {number}"):  # noqa: S608  # of ours
                yield name, dict(row)


def _served(url: str) -> Iterator[tuple[str, Row]]:
    import psycopg
    from psycopg.rows import dict_row

    with psycopg.connect(url, row_factory=dict_row) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        for name, number in NUMBERS.items():
            sql = f"SELECT * FROM {name} ORDER BY {number}"  # noqa: S608  # of ours
            for row in connection.execute(sql.encode()):
                yield name, row


def hash_of(row: Row, previous: str) -> str:
    """Compute the hash of a row of history behind another."""
    columns = (
        "user_id",
        "cursor",
        "lifecycle",
        "claim_id",
        "sync_id",
        "version",
        "trigger",
        "from_state",
        "to_state",
        "event_id",
        "at",
        "occurred_at",
        "actor",
        "reason",
    )
    text = json.dumps([previous, *(row[column] for column in columns)], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
