"""Damage done to a store: a copy whose tables take whatever they are given, and what an audit says of it."""

# ruff: noqa: S608  # what is damaged is a table or a column, whose name can't be a parameter

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import pytest

from workflow_fsm import NotAllowed, Workflow, claim_lifecycle
from workflow_fsm.audit.audit import audit
from workflow_fsm.audit.report import Report
from workflow_fsm.core.model.lifecycle import COLUMNS, chain
from workflow_fsm.stores.sqlite.session import SQLiteSession
from workflow_fsm.testing import ManualClock

TABLES = (
    "users",
    "lifecycles",
    "history",
    "events",
    "waits",
    "aliases",
    "cases",
    "event_ids",
    "currencies",
    "effects",
)
HISTORY = (*COLUMNS, "hash")
LIMITS = (2**31, 0)
LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"


def live(workflow: Workflow, clock: ManualClock) -> None:
    """Fill a store: two users, forks, all standings but dropped, a timer, money that came, went and waits."""
    fire = workflow.fire
    fire("sync_complete", user_id="u1", sync_id="s1", event_id="e1", occurred_at="2025-12-31T23:00:00+01:00")
    claims = [
        {"claim_id": "c1", "amount": "12.50", "aliases": ["case-1"]},
        {"claim_id": "c2", "deadline_date": clock.text(hours=12)},
    ]
    fire("detection_complete", user_id="u1", sync_id="s1", claims=claims, event_id="e2")
    fire("claim_submitted", user_id="u1", claim_id="case-1", amazon_case_id="k1")
    fire("sync_complete", user_id="u1", sync_id="s1", event_id="known")
    fire("evidence_matching_complete", user_id="u1", claim_id="c7", confidence=0.9)
    fire("payout_received", user_id="u1", claim_id="c1", amount=12.1, reimbursement_id="r1")
    fire("payout_received", user_id="u1", claim_id="c1", amount="300", currency="JPY")
    fire("payout_reversed", user_id="u1", claim_id="c1", amount="300", currency="JPY")
    fire("payout_received", user_id="u1", claim_id="c9", amount="5.00")
    with pytest.raises(NotAllowed):
        fire("claim_rejected", user_id="u1", claim_id="c1")
    clock.advance(days=8)
    workflow.tick()
    fire("sync_complete", user_id="ü/2")


@contextmanager
def bare(filled: Path) -> Iterator[sqlite3.Connection]:
    """A copy in memory whose tables take whatever they are given: no keys, no types, no NOT NULL."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        with closing(sqlite3.connect(filled)) as source:
            source.backup(connection)
        for table in TABLES:
            connection.execute(f"CREATE TABLE bare_{table} AS SELECT * FROM {table}")
            connection.execute(f"DROP TABLE {table}")
            connection.execute(f"ALTER TABLE bare_{table} RENAME TO {table}")
        yield connection


@contextmanager
def copied(store: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """A copy in memory of such a copy, which costs less than to make another."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        store.backup(connection)
        connection.row_factory = sqlite3.Row
        yield connection


def audited(connection: sqlite3.Connection) -> Report:
    """Audit a copy, the users' rows held in memory, and again, SQLite asked for all: both say the same."""
    held, spilled = (audit(SQLiteSession(connection), claim_lifecycle(), most_held=most) for most in LIMITS)
    assert replace(held, faults=()) == replace(spilled, faults=())
    assert sorted(map(astuple, held.faults)) == sorted(map(astuple, spilled.faults))
    return held


@contextmanager
def damage(connection: sqlite3.Connection, sql: str, *values: object) -> Iterator[None]:
    """Do something to a copy, and undo it."""
    connection.execute("BEGIN")
    assert connection.execute(sql, values).rowcount > 0, sql
    yield
    connection.execute("ROLLBACK")


def named(report: Report) -> set[tuple[str, str, str]]:
    return {(fault.user_id, fault.table, fault.key) for fault in report.faults}


def other(character: str) -> str:
    """Give another character of the same kind, so that the text reads as well as before."""
    return {"9": "0", "z": "a", "Z": "Y"}.get(character, chr(ord(character) + 1))


def places(text: str, row: int) -> list[int]:
    """Give the places in a text that are changed: all, or both ends and others in each row between them."""
    every = 1 if LONG else max(1, len(text) // 2)
    return [at for at in range(len(text)) if at in (0, len(text) - 1) or (at + row) % every == 0]


def one_byte_changed(value: Any, row: int) -> Iterator[object]:
    """Give values that differ in a single character, digit, byte or bit of nothing."""
    if value is None:
        yield from ("", "x", 1)
    elif isinstance(value, int):
        yield from (value + 1, value - 1, value + 2**32, None, f"{value}x", float(value) + 0.5)
    else:
        yield from (value[:at] + other(value[at]) + value[at + 1 :] for at in places(value, row))
        yield from (value[:-1], f"{value} ", value.swapcase(), None)
        yield b"\xff" + value.encode()[1:]


def hash_anew(connection: sqlite3.Connection) -> None:
    """Give each row the hash that it would have had, and each lifecycle the last, as a forger would."""
    heads: dict[int, str] = {}
    for row in connection.execute("SELECT rowid, * FROM history ORDER BY user_id, cursor").fetchall():
        behind = heads.get(row["lifecycle"])
        if behind is None and row["version"] == 2:
            behind = connection.execute("SELECT hash FROM history WHERE version = 1").fetchone()[0]
        heads[row["lifecycle"]] = chain(behind or "0" * 64, [row[name] for name in COLUMNS])
        connection.execute(
            "UPDATE history SET hash = ? WHERE rowid = ?", [heads[row["lifecycle"]], row["rowid"]]
        )
    for lifecycle, head in heads.items():
        connection.execute("UPDATE lifecycles SET head = ? WHERE id = ?", [head, lifecycle])
