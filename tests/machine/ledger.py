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

Row = dict[str, Any]

# The arrows of the contract's table: trigger -> from -> the states it may lead to.
ARROWS: dict[str, dict[str | None, tuple[str, ...]]] = {
    "sync_complete": {None: ("synced",)},
    "detection_complete": {"synced": ("detected",)},
    "evidence_matching_complete": {"detected": ("matched",), "matched": ("matched",)},
    "claim_submitted": dict.fromkeys(("detected", "matched", "rejected", "expired"), ("submitted",)),
    "claim_rejected": {"submitted": ("rejected",)},
    "payout_received": dict.fromkeys(
        ("detected", "matched", "submitted", "rejected", "paid", "expired"), ("paid",)
    ),
    "payout_reversed": {"paid": ("paid", "rejected")},
    "deadline_passed": {"detected": ("expired",), "matched": ("expired",)},
}
# Where a trigger is "too early": any other cell without an arrow is known or refused, and ends a wait.
TOO_EARLY = {
    "evidence_matching_complete": ("synced",),
    "claim_submitted": ("synced",),
    "claim_rejected": ("synced", "detected", "matched", "expired"),
    "payout_received": ("synced",),
    "payout_reversed": ("synced", "detected", "matched", "submitted", "rejected", "expired"),
}
SIGNS = {"payout_received": 1, "payout_reversed": -1}
NUMBERS = {
    "users": "user_id",
    "lifecycles": "id",
    "history": "cursor",
    "events": "seq",
    "waits": "seq",
    "aliases": "alias",
}
PLACES = {"USD": 2, "JPY": 0, "KWD": 3}


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

    def standings(self, user_id: str) -> Counter[str]:
        return Counter(row["standing"] for row in self.rows("events", user_id))

    def check(self) -> None:
        """Hold every promise against every user."""
        for user_id in self.users():
            self.check_history(user_id)
            self.check_events(user_id)
            self.check_money(user_id)
            self.check_fixed_point(user_id)

    def check_history(self, user_id: str) -> None:
        """Chains are gapless, follow the table's arrows, and fold to the stored states."""
        history = self.rows("history", user_id)
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
            state, head = None, "0" * 64
            for row in chain:
                assert row["from_state"] == state
                assert row["to_state"] in ARROWS[row["trigger"]][state]
                assert row["hash"] == hash_of(row, head)
                state, head = row["to_state"], row["hash"]
            assert (one["state"], one["head"], one["cursor"]) == (state, head, chain[-1]["cursor"])
        assert {row["lifecycle"] for row in history} == {
            one["id"] for one in self.rows("lifecycles", user_id)
        }

    def check_events(self, user_id: str) -> None:
        """An event counts once: "as the first of waiting, applied, dead, refused, known"."""
        order = ("waiting", "applied", "dead", "refused", "known")
        events = self.rows("events", user_id)
        waits = {(row["seq"], row["name"]) for row in self.rows("waits", user_id)}
        for row in events:
            standings = [share["standing"] for share in json.loads(row["shares"])]
            assert row["standing"] == next((one for one in order if one in standings), "known")
        assert waits == {
            (row["seq"], share.get("claim", ""))
            for row in events
            for share in json.loads(row["shares"])
            if share["standing"] == "waiting"
        }
        applied = {row["event_id"] for row in events}
        for row in self.rows("history", user_id):
            assert row["event_id"] in applied or row["trigger"] == "deadline_passed"

    def check_money(self, user_id: str) -> None:
        """ "Money is never refused": what was applied is what claims hold, and what the user recovered."""
        applied: Counter[str] = Counter()
        for row in self.rows("events", user_id):
            if row["trigger"] in SIGNS:
                assert row["standing"] in ("applied", "waiting", "known")
                assert (row["minor"] is not None) is (row["standing"] == "applied")
                if row["minor"] is not None:
                    applied[row["currency"]] += int(row["minor"])
        held: Counter[str] = Counter()
        for one in self.rows("lifecycles", user_id):
            paid = json.loads(one["paid"])
            assert all(minor > 0 for minor in paid.values())
            assert bool(paid) is (one["state"] == "paid")
            held.update(paid)
        (user,) = self.rows("users", user_id)
        recovered = json.loads(user["recovered"])
        assert recovered == {code: minor for code, minor in applied.items() if minor}
        assert recovered == dict(held)

    def check_fixed_point(self, user_id: str) -> None:
        """Nothing waits that its cell would take, know or refuse now."""
        for row, name in self._waiting(user_id):
            assert not self._could_go_on(user_id, row, name), (row["event_id"], name)

    def _waiting(self, user_id: str) -> Iterator[tuple[Row, str | None]]:
        for row in self.rows("events", user_id):
            for share in json.loads(row["shares"]):
                if share["standing"] == "waiting":
                    yield row, share.get("claim")

    def _could_go_on(self, user_id: str, row: Row, name: str | None) -> bool:
        body = json.loads(row["body"])
        lifecycles = self.rows("lifecycles", user_id)
        syncs = {one["sync_id"] for one in lifecycles if one["claim_id"] is None}
        if row["trigger"] == "detection_complete":
            wanted = body.get("sync_id")
            return bool(syncs) if wanted is None else wanted in syncs
        if name is not None:
            aliases = {alias["alias"]: alias["claim_id"] for alias in self.rows("aliases", user_id)}
            claim = aliases.get(name, name)
            return any(self._takes(user_id, one, row, body) for one in lifecycles if one["claim_id"] == claim)
        if any(body.get(key) for key in ("amazon_case_id", "original_reimbursement_id")):
            return False  # told by more than the cells
        scope = [one for one in lifecycles if not one["forked"]]
        if body.get("sync_id") in syncs:
            scope = [one for one in scope if one["sync_id"] == body["sync_id"]]
        elif row["trigger"] == "evidence_matching_complete" and body.get("sync_id"):
            return False
        movable = [one for one in scope if one["state"] in ARROWS[row["trigger"]]]
        if row["trigger"] == "evidence_matching_complete":
            return bool(movable)
        has_claims = any(one["claim_id"] is not None for one in lifecycles)
        if len(movable) > 1 and has_claims:
            return False
        return any(self._takes(user_id, one, row, body) for one in movable[-1:])

    def _takes(self, user_id: str, one: Row, row: Row, body: Row) -> bool:
        """Tell whether a lifecycle's cell would end the wait."""
        trigger = row["trigger"]
        if one["state"] in TOO_EARLY[trigger]:
            return False
        if trigger not in SIGNS:
            return True
        currency = body.get("currency") or json.loads(one["facts"]).get("currency") or "USD"
        places = len(str(body["amount"]).partition(".")[2].rstrip("0"))
        if places > PLACES[currency]:
            return False  # "while the currency can't hold the amount, it goes on waiting"
        if body.get("reimbursement_id") is not None and self._reimbursed(user_id, row, one):
            return False  # with another amount, else it would have been known
        minor = round(float(body["amount"]) * 10 ** PLACES[currency])
        left: int = json.loads(one["paid"]).get(currency, 0)
        return bool(trigger == "payout_received" or minor <= left)

    def _reimbursed(self, user_id: str, row: Row, one: Row) -> bool:
        return any(
            other["reimbursement_id"] == row["reimbursement_id"]
            and other["trigger"] == row["trigger"]
            and other["minor"] is not None
            and one["id"] in [held for share in json.loads(other["shares"]) for held in share["lifecycles"]]
            for other in self.rows("events", user_id)
        )


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
