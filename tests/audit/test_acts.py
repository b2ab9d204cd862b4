"""The audit of acts, dead letters and effects: a chain of their own for acts, and any damage is named."""

# ruff: noqa: S608  # what is damaged is a table or a column, whose name can't be a parameter

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.audit.damage import HISTORY, audited, bare, copied, damage, hash_anew, named, one_byte_changed
from workflow_fsm import (
    Discard,
    Transition,
    Workflow,
)
from workflow_fsm.testing import ManualClock, open_workflow


@pytest.fixture(scope="module")
def operated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound store with effects of every standing, and dead letters retried and dropped by a person."""
    path, clock = tmp_path_factory.mktemp("operated") / "claims.db", ManualClock()
    with open_workflow(f"sqlite:///{path}", clock=clock) as workflow:
        operate(workflow)
    return path


def operate(workflow: Workflow) -> None:
    """Do what an operator does with dead letters of every kind."""

    @workflow.on_transition()
    def work(transition: Transition) -> None:
        if transition.trigger == "claim_submitted":
            raise Discard(f"no {transition.claim_id}")

    workflow.on_enter("submitted", name="void", not_before="deadline_date")(work)
    workflow.on_dead_letter(lambda dead_letter: None, name="alert")
    workflow.on_request("ask")(lambda request: None)
    fire = workflow.fire
    late = (ManualClock().now + timedelta(days=90)).isoformat()
    claims = [{"claim_id": name, "deadline_date": late} for name in ("c1", "c2", "c3")]
    fire("sync_complete", user_id="u1", sync_id="s1")
    fire("detection_complete", user_id="u1", sync_id="s1", claims=claims)
    for name in ("c1", "c2"):
        fire("claim_submitted", user_id="u1", claim_id=name)
    fire("payout_received", user_id="u1", amount="5.00", event_id="money")
    fire("payout_received", user_id="u1", claim_id="c9", amount="3.00", event_id="dropped")
    workflow.run_effects()
    dead_letters = {
        dead_letter.claim_id or dead_letter.event_id: dead_letter.id
        for dead_letter in workflow.dead_letters()
    }
    workflow.retry_dead_letter(dead_letters["money"], claim_id="c1", actor="ada", reason="seen on paper")
    workflow.drop_dead_letter(dead_letters["c9"], actor="ada", reason="not ours")
    workflow.drop_dead_letter(dead_letters["c1"], actor="bob", reason="done by hand")
    workflow.retry_dead_letter(dead_letters["c2"], actor="bob")
    workflow.request("ask", user_id="u1")


@pytest.fixture(scope="module")
def bare_operated(operated: Path) -> Iterator[sqlite3.Connection]:
    with bare(operated) as connection:
        yield connection


@pytest.fixture
def acted(bare_operated: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    with copied(bare_operated) as connection:
        yield connection


def test_acts_are_a_chain_of_their_own_that_moves_nothing(acted: sqlite3.Connection) -> None:
    report = audited(acted)

    assert (report.faults, report.lifecycles, report.rows) == ((), 4, 12)
    assert {name: number for name, number in report.events.items() if number} == {"applied": 5, "dropped": 1}
    assert report.as_dict()["money"]["USD"] == {
        "payouts_less_reversals": "8.00",
        "recovered": "5.00",
        "unapplied": "0.00",
        "dropped": "3.00",
    }


def test_the_acts_are_under_the_root(acted: sqlite3.Connection) -> None:
    root = audited(acted).root
    last = acted.execute("SELECT max(cursor) FROM history WHERE lifecycle = 0").fetchone()[0]
    with damage(acted, "DELETE FROM history WHERE cursor = ?", last):
        assert audited(acted).root != root


@pytest.mark.parametrize("column", HISTORY)
def test_every_change_of_one_byte_in_an_act_is_found_and_its_row_named(
    acted: sqlite3.Connection, column: str
) -> None:
    for row in acted.execute("SELECT rowid, * FROM history WHERE lifecycle = 0").fetchall():
        for value in one_byte_changed(row[column], row["rowid"]):
            if value == row[column]:
                continue
            sql = f'UPDATE history SET "{column}" = ? WHERE rowid = ?'
            if isinstance(value, bytes):
                sql = sql.replace("?", "CAST(? AS TEXT)", 1)
            with damage(acted, sql, value, row["rowid"]):
                found = audited(acted).faults
                key = acted.execute("SELECT cursor FROM history WHERE rowid = ?", [row["rowid"]]).fetchone()[
                    0
                ]
                assert ("history", str(key)) in {(fault.table, fault.key) for fault in found}, (column, value)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("trigger", "claim_submitted"),
        ("from_state", "paid"),
        ("to_state", "paid"),
        ("sync_id", "s1"),
    ],
)
def test_an_act_that_is_none_is_found_although_it_is_hashed_anew(
    acted: sqlite3.Connection, column: str, value: str
) -> None:
    first = acted.execute("SELECT * FROM history WHERE lifecycle = 0 ORDER BY cursor LIMIT 1").fetchone()
    with damage(acted, f'UPDATE history SET "{column}" = ? WHERE cursor = ?', value, first["cursor"]):
        hash_anew(acted)
        assert ("u1", "history", str(first["cursor"])) in named(audited(acted))


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_an_act_that_is_taken_out_is_missed(acted: sqlite3.Connection, version: int) -> None:
    """The last retry of an effect alone leaves no trace but the root's."""
    root = audited(acted).root
    with damage(acted, "DELETE FROM history WHERE lifecycle = 0 AND version = ?", version):
        report = audited(acted)
    assert (report.sound, report.expecting(root).sound) == (version == 4, False)


@pytest.mark.parametrize(
    ("change", "table"),
    [
        ("UPDATE events SET letter = 'dead' WHERE event_id = 'money'", "events"),
        ("UPDATE events SET letter_at = '2026' WHERE event_id = 'money'", "events"),
        ("UPDATE events SET body = replace(body, '5', '6') WHERE event_id = 'money'", "events"),
        ("UPDATE events SET overlay = replace(overlay, 'c1', 'c2') WHERE event_id = 'money'", "events"),
        ("UPDATE events SET overlay = NULL WHERE event_id = 'money'", "events"),
        ("UPDATE events SET fingerprint = 'f' WHERE event_id = 'evt_1'", "events"),
        (
            "UPDATE events SET standing = 'dropped', shares = replace(shares, 'applied', 'dropped')"
            " WHERE event_id = 'money'",
            "events",
        ),
        ("DELETE FROM history WHERE to_state LIKE 'effect:%'", "effects"),
        ("UPDATE effects SET standing = 'lost'", "effects"),
        ("UPDATE effects SET standing = NULL", "effects"),
        ("UPDATE effects SET standing = 'dropped' WHERE standing = 'done'", "effects"),
        ("UPDATE effects SET cursor = 1 WHERE lifecycle > 0", "effects"),
        ("UPDATE effects SET cursor = cursor + 1 WHERE about IS NULL", "effects"),
        ("UPDATE effects SET lifecycle = 77 WHERE about IS NULL", "effects"),
        ("UPDATE effects SET lifecycle = 2 WHERE about = 'request'", "effects"),
        ("UPDATE effects SET about = 'event:1' WHERE about IS NULL", "effects"),
        ("UPDATE effects SET about = NULL WHERE about = 'request'", "effects"),
        ("UPDATE effects SET handler = 'other'", "effects"),
        ("UPDATE effects SET handler = NULL", "effects"),
        ("UPDATE effects SET key = 'k'", "effects"),
        ("UPDATE effects SET attempt = -1", "effects"),
        ("UPDATE effects SET forgiven = attempt + 1", "effects"),
        ("UPDATE effects SET attempt = 'many'", "effects"),
        ("UPDATE effects SET ready_at = 'noon'", "effects"),
        ("UPDATE effects SET due_at = '2026-03-01T12:00:00Z'", "effects"),
        ("UPDATE effects SET owed_at = NULL", "effects"),
        ("UPDATE effects SET seq = 1 WHERE about = 'request'", "effects"),
        ("UPDATE effects SET handler = CAST(X'FF' AS TEXT) WHERE about = 'request'", "effects"),
        ("UPDATE effects SET user_id = 'u9' WHERE about = 'request'", "users"),
        ("UPDATE users SET cursor = cursor - 1", "users"),
    ],
)
def test_damage_to_dead_letters_and_effects_is_named(
    acted: sqlite3.Connection, change: str, table: str
) -> None:
    with damage(acted, change):
        found = audited(acted)
    assert table in {fault.table for fault in found.faults}
