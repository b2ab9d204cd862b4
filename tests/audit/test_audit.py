"""The audit: a sound store has no faults, and a damaged row is found and named, whatever was done to it.

Of a text, the first byte, the last, and some between are changed here; `make fuzz` changes each.
"""

# ruff: noqa: S608  # what is damaged is a table or a column, whose name can't be a parameter

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.audit.damage import HISTORY, audited, bare, copied, damage, hash_anew, named, one_byte_changed
from workflow_fsm import (
    Settings,
    Workflow,
    WorkflowError,
)
from workflow_fsm.audit.report import Balance, Report
from workflow_fsm.core.model.lifecycle import COLUMNS, chain
from workflow_fsm.testing import CountedIds, ManualClock, open_workflow


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound store of few rows: a sync, a claim that is paid, another user."""
    path = tmp_path_factory.mktemp("small") / "claims.db"
    with open_workflow(f"sqlite:///{path}", clock=ManualClock()) as workflow:
        workflow.fire("sync_complete", user_id="u1", sync_id="s1", occurred_at="2025-12-31T23:00:00Z")
        workflow.fire("detection_complete", user_id="u1", sync_id="s1", claims=[{"claim_id": "c1"}])
        workflow.fire("payout_received", user_id="u1", claim_id="c1", amount="12.10")
        workflow.fire("sync_complete", user_id="ü/2")
    return path


@pytest.fixture(scope="module")
def bare_small(small: Path) -> Iterator[sqlite3.Connection]:
    with bare(small) as connection:
        yield connection


@pytest.fixture
def few(bare_small: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    with copied(bare_small) as connection:
        yield connection


def rows(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    return connection.execute("SELECT rowid, * FROM history ORDER BY rowid").fetchall()


# -- what is sound


def test_a_sound_store_has_no_faults_and_all_is_counted(copy: sqlite3.Connection) -> None:
    report = audited(copy)

    assert report == Report(
        root=report.root,
        users=2,
        lifecycles=4,
        rows=10,
        received=11,
        events={"waiting": 1, "applied": 7, "dead": 1, "refused": 1, "known": 1, "dropped": 0},
        money=(
            Balance(
                currency="JPY",
                payouts=Decimal(0),
                recovered=Decimal(0),
                unapplied=Decimal(0),
                dropped=Decimal(0),
            ),
            Balance(
                currency="USD",
                payouts=Decimal("17.10"),
                recovered=Decimal("12.10"),
                unapplied=Decimal("5.00"),
                dropped=Decimal(0),
            ),
        ),
        faults=(),
        found=0,
    )
    assert report.sound
    assert len(report.root) == 64


def test_a_report_as_json_shows_money_as_text(copy: sqlite3.Connection) -> None:
    told = audited(copy).as_dict()

    assert told["sound"] is True
    assert told["money"]["USD"] == {
        "payouts_less_reversals": "17.10",
        "recovered": "12.10",
        "unapplied": "5.00",
        "dropped": "0.00",
    }
    assert (told["faults"], told["faults_found"]) == ([], 0)


def test_an_empty_store_is_sound(workflow: Workflow) -> None:
    report = workflow.check()
    assert (report.sound, report.users, report.received) == (True, 0, 0)


@pytest.mark.parametrize("seed", range(5))
def test_traffic_of_every_kind_leaves_nothing_to_complain_of(seed: int) -> None:
    chance, clock = random.Random(seed), ManualClock()
    with open_workflow("sqlite:///:memory:", clock=clock) as workflow:
        triggers = [trigger.name for trigger in workflow.definition.triggers if not trigger.timer]
        for _ in range(60):
            _anything(workflow, chance, chance.choice(triggers))
            if chance.random() < 0.15:
                clock.advance(hours=chance.choice((1, 30, 200)))
                workflow.tick()
        assert workflow.check().faults == ()


def _anything(workflow: Workflow, chance: random.Random, trigger: str) -> None:
    def maybe(*values: object) -> object:
        return chance.choice((None, *values))

    fields: dict[str, Any] = {"event_id": maybe("e1", "e2", "e3", "e4"), "sync_id": maybe("s1", "s2")}
    if trigger == "detection_complete":
        names = chance.sample(("c1", "c2", "c3", "a1"), 2)
        late = timedelta(days=chance.randrange(-3, 5))
        fields["claims"] = maybe(
            [], [{"claim_id": name, "currency": maybe("EUR"), "deadline_date": _at(late)} for name in names]
        )
    elif trigger != "sync_complete":
        fields |= {"claim_id": maybe("c1", "c2", "a1"), "amazon_case_id": maybe("k1", "k2")}
    if trigger.startswith("payout"):
        fields |= {"amount": chance.choice((1, 0.1, "2.50", "0.001")), "reimbursement_id": maybe("r1", "r2")}
    try:
        workflow.fire(trigger, user_id=chance.choice(("u1", "u2")), **fields)
        workflow.link(user_id="u1", claim_id="c1", alias="a1")
    except WorkflowError:
        pass  # refused, or not well formed: part of the traffic


def _at(late: timedelta) -> str:
    return (ManualClock().now + late).isoformat()


# -- damage to history


@pytest.mark.parametrize("column", HISTORY)
def test_every_change_of_one_byte_in_history_is_found_and_its_row_named(
    few: sqlite3.Connection, column: str
) -> None:
    for row in rows(few):
        for value in one_byte_changed(row[column], row["rowid"]):
            if value == row[column]:
                continue
            sql = f'UPDATE history SET "{column}" = ? WHERE rowid = ?'
            if isinstance(value, bytes):
                sql = sql.replace("?", "CAST(? AS TEXT)", 1)
            with damage(few, sql, value, row["rowid"]):
                found = named(audited(few))
                whose, key = few.execute(
                    "SELECT CAST(user_id AS BLOB), cursor FROM history WHERE rowid = ?", [row["rowid"]]
                ).fetchone()
                whose = "None" if whose is None else whose.decode(errors="backslashreplace")
                assert (whose, "history", str(key)) in found, (column, value)
                if column not in ("user_id", "cursor", "lifecycle", "version"):
                    assert len(found) == 1, (column, value, found)


@pytest.mark.parametrize("again", [False, True], ids=["once", "hashed-anew"])
def test_a_change_is_found_although_the_rest_of_the_chain_is_hashed_anew(
    copy: sqlite3.Connection, again: bool
) -> None:
    """Whoever can write can hash: what a row says must still fit the table, its events and its lifecycle."""
    for row in rows(copy):
        for column in ("trigger", "to_state", "from_state", "event_id", "claim_id", "sync_id", "at"):
            value = "2026-03-01T12:00:00.000001Z" if column == "at" else "paid"
            if row[column] == value:
                continue
            with damage(copy, f'UPDATE history SET "{column}" = ? WHERE rowid = ?', value, row["rowid"]):
                if again:
                    hash_anew(copy)
                assert not audited(copy).sound, (column, dict(row))


def test_every_row_that_is_taken_out_is_missed(copy: sqlite3.Connection) -> None:
    for row in rows(copy):
        with damage(copy, "DELETE FROM history WHERE rowid = ?", row["rowid"]):
            assert not audited(copy).sound, dict(row)


def test_every_row_that_is_put_in_again_is_named(copy: sqlite3.Connection) -> None:
    columns = ", ".join(f'"{name}"' for name in HISTORY if name != "cursor")
    for row in rows(copy):
        sql = f"INSERT INTO history (cursor, {columns}) SELECT 99, {columns} FROM history WHERE rowid = ?"
        with damage(copy, sql, row["rowid"]):
            assert (row["user_id"], "history", "99") in named(audited(copy))


def test_every_two_rows_that_change_places_are_named(copy: sqlite3.Connection) -> None:
    swapped = [name for name in HISTORY if name not in ("user_id", "cursor")]
    for first in rows(copy):
        for second in rows(copy):
            if first["user_id"] != second["user_id"] or first["rowid"] >= second["rowid"]:
                continue
            copy.execute("BEGIN")
            for here, there in ((first, second), (second, first)):
                sets = ", ".join(f'"{name}" = ?' for name in swapped)
                values = [there[name] for name in swapped]
                copy.execute(f"UPDATE history SET {sets} WHERE rowid = ?", [*values, here["rowid"]])
            found = named(audited(copy))
            copy.execute("ROLLBACK")
            assert {(one["user_id"], "history", str(one["cursor"])) for one in (first, second)} <= found


def test_a_forged_row_behind_the_last_is_found(copy: sqlite3.Connection) -> None:
    """The row is right in itself, and its lifecycle knows nothing of it."""
    last = copy.execute("SELECT * FROM history WHERE claim_id = 'c1' ORDER BY version DESC").fetchone()
    forged = {**last, "cursor": 99, "version": last["version"] + 1, "from_state": last["to_state"]}
    forged["hash"] = chain(last["hash"], [forged[name] for name in COLUMNS])
    marks = ", ".join("?" for _ in HISTORY)
    columns = ", ".join(f'"{name}"' for name in HISTORY)
    with damage(
        copy, f"INSERT INTO history ({columns}) VALUES ({marks})", *(forged[name] for name in HISTORY)
    ):
        assert ("u1", "lifecycles", str(last["lifecycle"])) in named(audited(copy))


def test_the_root_that_is_expected_finds_the_end_of_a_chain_cut_off(filled: Path, tmp_path: Path) -> None:
    """All that spoke of the last sync is taken out: what is left is sound, and another store."""
    path = tmp_path / "cut.db"
    path.write_bytes(filled.read_bytes())
    with Workflow.open(f"sqlite:///{path}", settings=Settings()) as workflow:
        root = workflow.check().root
        assert workflow.check(expect=root).sound

    with closing(sqlite3.connect(path)) as connection:
        for table in ("users", "lifecycles", "history", "events"):
            connection.execute(f"DELETE FROM {table} WHERE user_id = ?", ["ü/2"])
        connection.commit()

    with Workflow.open(f"sqlite:///{path}", settings=Settings()) as workflow:
        assert workflow.check().sound
        report = workflow.check(expect=root)
    assert (report.sound, report.found) == (False, 1)
    assert root in report.faults[0].reason


def test_more_users_than_a_page_are_all_audited(workflow: Workflow, ids: CountedIds) -> None:
    users = [f"user {number:04}" for number in range(501)]
    workflow.fire_many([{"trigger": "sync_complete", "user_id": user, "sync_id": "s"} for user in users])
    report = workflow.check()
    assert (report.sound, report.users, report.rows, report.received) == (True, 501, 501, 501)
