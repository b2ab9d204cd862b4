"""The audit of what is beside history: lifecycles, events, money, effects, and the file itself."""

# ruff: noqa: S608  # what is damaged is a table or a column, whose name can't be a parameter

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.audit.damage import HISTORY, audited, damage, named
from workflow_fsm import (
    Settings,
    Workflow,
)
from workflow_fsm.audit.report import MOST_FAULTS, Fault


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_lifecycle_set_back_to_an_earlier_row_is_found(copy: sqlite3.Connection, cut: int) -> None:
    """The chain's end is cut off, and the lifecycle is made to fit: the events and the money don't."""
    left = copy.execute(
        "SELECT * FROM history WHERE claim_id = 'c1' ORDER BY version DESC LIMIT 1 OFFSET ?", [cut]
    ).fetchone()
    copy.execute("DELETE FROM history WHERE claim_id = 'c1' AND version > ?", [left["version"]])
    copy.execute(
        "UPDATE lifecycles SET state = ?, version = ?, cursor = ?, head = ?, entered_at = ?"
        " WHERE claim_id = 'c1'",
        [left["to_state"], left["version"], left["cursor"], left["hash"], left["at"]],
    )
    assert len({fault.key for fault in audited(copy).faults if fault.table == "events"}) == cut


LIFECYCLE = ("claim_id", "sync_id", "state", "version", "entered_at", "cursor", "head", "origin", "parent")
BESIDE = ("id", "forked", "due_at", "facts", "paid", "units", "entered")
LISTED = ("listed_decision", "listed_currency", "listed_deadline", "listed_amount")


@pytest.mark.parametrize("column", [*LIFECYCLE, *BESIDE, *LISTED])
def test_a_lifecycle_that_differs_from_its_history_is_named(copy: sqlite3.Connection, column: str) -> None:
    values: tuple[object, ...] = ("x", "", None, 77, "[]", '{"USD": 1}', "{")
    for row in copy.execute("SELECT rowid, * FROM lifecycles").fetchall():
        for value in values:
            if value == row[column] or (column == "forked" and not value):
                continue
            with damage(copy, f"UPDATE lifecycles SET {column} = ? WHERE rowid = ?", value, row["rowid"]):
                key = str(value if column == "id" else row["id"])
                assert (row["user_id"], "lifecycles", key) in named(audited(copy)) or (
                    column == "facts" and value == '{"USD": 1}' and row["claim_id"] != "c1"
                ), (column, value, dict(row))


@pytest.mark.parametrize(
    ("change", "row"),
    [
        ("UPDATE events SET standing = 'waiting' WHERE event_id = 'e1'", ("events", "1")),
        ("UPDATE events SET standing = 'lost' WHERE event_id = 'e1'", ("events", "1")),
        ("UPDATE events SET shares = '[' WHERE event_id = 'e1'", ("events", "1")),
        ("UPDATE events SET shares = '[{\"standing\": {}}]' WHERE event_id = 'e1'", ("events", "1")),
        ("UPDATE events SET shares = '[{\"standing\": \"known\"}]' WHERE event_id = 'e1'", ("events", "1")),
        ("UPDATE events SET shares = replace(shares, '2', '55') WHERE event_id = 'e1'", ("events", "1")),
        ("UPDATE events SET body = replace(body, 's1', 's2') WHERE event_id = 'e1'", ("events", "1")),
        ("UPDATE events SET body = '{}' WHERE event_id = 'e1'", ("events", "1")),
        ("UPDATE events SET body = NULL WHERE event_id = 'e1'", ("events", "1")),
        ("UPDATE events SET received_at = 'noon' WHERE event_id = 'e1'", ("events", "1")),
        ("UPDATE events SET answer = '' WHERE event_id = 'e1'", ("events", "1")),
        ("UPDATE events SET fingerprint = 'f' WHERE event_id = 'e1'", ("events", "1")),
        ("UPDATE events SET amount = '1.00' WHERE event_id = 'e1'", ("events", "1")),
        ("UPDATE events SET trigger = 'claim_submitted' WHERE event_id = 'e1'", ("history", "2")),
        ("UPDATE events SET event_id = 'e0' WHERE event_id = 'e1'", ("history", "2")),
        ("DELETE FROM events WHERE event_id = 'e1'", ("history", "2")),
        ("UPDATE events SET user_id = CAST(X'FF' AS TEXT) WHERE event_id = 'known'", ("events", "9")),
        ("UPDATE users SET recovered = '{\"USD\": \"12.11\"}' WHERE user_id = 'u1'", ("users", "u1")),
        ("UPDATE users SET recovered = '{\"???\": \"12.10\"}' WHERE user_id = 'u1'", ("users", "u1")),
        ("UPDATE users SET unapplied = '{}' WHERE user_id = 'u1'", ("users", "u1")),
        ("UPDATE users SET unapplied = '{\"\": \"5.00\"}' WHERE user_id = 'u1'", ("users", "u1")),
        ("UPDATE users SET unapplied = 'none' WHERE user_id = 'u1'", ("users", "u1")),
        ("UPDATE users SET recovered = 'none' WHERE user_id = 'u1'", ("users", "u1")),
        ("UPDATE users SET cursor = 3 WHERE user_id = 'u1'", ("users", "u1")),
        ("UPDATE users SET cursor = NULL WHERE user_id = 'u1'", ("users", "u1")),
        ("DELETE FROM users WHERE user_id = 'u1'", ("users", "u1")),
        ("DELETE FROM lifecycles WHERE claim_id = 'c1'", ("history", "5")),
        ("DELETE FROM waits", ("waits", "claim/c9/17")),
        ("UPDATE waits SET name = 'c8'", ("waits", "claim/c9/17")),
        ("UPDATE waits SET kind = 'case'", ("waits", "claim/c9/17")),
        ("INSERT INTO waits VALUES ('u1', 'claim', 'c1', 1)", ("waits", "claim/c1/1")),
    ],
)
def test_damage_beside_history_is_named(copy: sqlite3.Connection, change: str, row: tuple[str, str]) -> None:
    with damage(copy, change):
        found = audited(copy)
    assert row in {(fault.table, fault.key) for fault in found.faults}


@pytest.mark.parametrize(
    ("column", "value", "row"),
    [
        ("amount", "12.11", ("events", "11")),
        ("body", '{"amount":12.11,"claim_id":"c1","user_id":"u1"}', ("events", "11")),
        ("currency", "XXX", ("events", "11")),
        ("currency", "EUR", ("lifecycles", "5")),
        ("currency", "EUR", ("events", "11")),
    ],
)
def test_money_that_is_changed_in_an_event_is_found(
    copy: sqlite3.Connection, column: str, value: str, row: tuple[str, str]
) -> None:
    """In which currency a payout was that told none, the claim and the user's sums tell."""
    with damage(copy, f"UPDATE events SET {column} = ? WHERE reimbursement_id = 'r1'", value):
        found = audited(copy)
    assert ("u1", *row) in named(found)


def test_what_does_not_add_up_is_a_fault_of_the_whole(copy: sqlite3.Connection) -> None:
    with damage(copy, "UPDATE users SET recovered = '{}' WHERE user_id = 'u1'"):
        faults = audited(copy).faults
    assert Fault(
        user_id="",
        table="",
        key="",
        reason="the money in USD does not add up: payouts_less_reversals 17.10, recovered 0.00, "
        "unapplied 5.00, dropped 0.00",
    ) in list(faults)


def test_what_the_database_finds_wrong_with_its_own_file_is_a_fault(filled: Path, tmp_path: Path) -> None:
    path = tmp_path / "odd.db"
    path.write_bytes(filled.read_bytes())
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET sql = replace(sql, 'IS NOT NULL', 'IS NULL')"
            " WHERE name = 'lifecycles_due'"
        )
        connection.commit()
    with Workflow.open(f"sqlite:///{path}", settings=Settings()) as workflow:
        report = workflow.check()
    assert any(fault.reason.startswith("the database says of itself") for fault in report.faults)


def test_a_store_that_is_damaged_all_over_lists_some_faults_and_counts_all(copy: sqlite3.Connection) -> None:
    columns = ", ".join(f'"{name}"' for name in HISTORY if name != "cursor")
    copy.execute(
        f"INSERT INTO history (cursor, {columns}) WITH RECURSIVE n(i) AS "
        f"(SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 1300) "
        f"SELECT i, {columns} FROM n, (SELECT * FROM history LIMIT 1)"
    )
    report = audited(copy)
    assert len(report.faults) == MOST_FAULTS
    assert report.found > MOST_FAULTS
