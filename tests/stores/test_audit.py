"""The audit: a sound store has no faults, and a damaged row is found and named, whatever was done to it.

Of a text, the first byte, the last, and some between are changed here; `make fuzz` changes each.
"""

# ruff: noqa: S608  # what is damaged is a table or a column, whose name can't be a parameter

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Clock
from tests.stores.damage import HISTORY, audited, bare, damage, hash_anew, named, one_byte_changed
from workflow_fsm import (
    NotAllowed,
    Settings,
    Workflow,
    WorkflowError,
)
from workflow_fsm.core.lifecycle import COLUMNS, chain
from workflow_fsm.stores.findings import MOST_FAULTS, Balance, Fault, Report


def live(workflow: Workflow, clock: Clock) -> None:
    """Fill a store: two users, forks, all standings but dropped, a timer, money that came, went and waits."""
    fire = workflow.fire
    fire("sync_complete", user_id="u1", sync_id="s1", event_id="e1", occurred_at="2026-02-28T23:00:00+01:00")
    claims = [
        {"claim_id": "c1", "amount": "12.50", "aliases": ["case-1"]},
        {"claim_id": "c2", "deadline_date": "2026-03-02T00:00:00Z"},
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


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound store, which nobody writes to."""
    path, clock, numbers = tmp_path_factory.mktemp("audit") / "claims.db", Clock(), count(1)
    with Workflow.open(
        f"sqlite:///{path}", settings=Settings(), clock=clock, ids=lambda: f"made-{next(numbers)}"
    ) as workflow:
        live(workflow, clock)
    return path


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound store of few rows: a sync, a claim that is paid, another user."""
    path, numbers = tmp_path_factory.mktemp("small") / "claims.db", count(1)
    with Workflow.open(
        f"sqlite:///{path}", settings=Settings(), clock=Clock(), ids=lambda: f"made-{next(numbers)}"
    ) as workflow:
        workflow.fire("sync_complete", user_id="u1", sync_id="s1", occurred_at="2026-02-28T23:00:00Z")
        workflow.fire("detection_complete", user_id="u1", sync_id="s1", claims=[{"claim_id": "c1"}])
        workflow.fire("payout_received", user_id="u1", claim_id="c1", amount="12.10")
        workflow.fire("sync_complete", user_id="ü/2")
    return path


@pytest.fixture
def copy(filled: Path) -> Iterator[sqlite3.Connection]:
    with bare(filled) as connection:
        yield connection


@pytest.fixture
def few(small: Path) -> Iterator[sqlite3.Connection]:
    with bare(small) as connection:
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
    chance, clock, numbers = random.Random(seed), Clock(), count(1)
    with Workflow.open(
        "sqlite:///:memory:", settings=Settings(), clock=clock, ids=lambda: f"made-{next(numbers)}"
    ) as workflow:
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
    return (Clock().at + late).isoformat()


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
    with damage(copy, f"INSERT INTO history VALUES ({marks})", *(forged[name] for name in HISTORY)):
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


# -- damage elsewhere


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


@pytest.mark.parametrize("column", [*LIFECYCLE, "id", "forked", "case_id", "due_at", "facts", "paid"])
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
        ("UPDATE events SET minor = '1' WHERE event_id = 'e1'", ("events", "1")),
        ("UPDATE events SET trigger = 'claim_submitted' WHERE event_id = 'e1'", ("history", "2")),
        ("UPDATE events SET event_id = 'e0' WHERE event_id = 'e1'", ("history", "2")),
        ("DELETE FROM events WHERE event_id = 'e1'", ("history", "2")),
        ("UPDATE events SET user_id = CAST(X'FF' AS TEXT) WHERE event_id = 'known'", ("events", "9")),
        ("UPDATE users SET recovered = '{\"USD\": 1211}' WHERE user_id = 'u1'", ("users", "u1")),
        ("UPDATE users SET recovered = '{\"???\": 1210}' WHERE user_id = 'u1'", ("users", "u1")),
        ("UPDATE users SET recovered = 'none' WHERE user_id = 'u1'", ("users", "u1")),
        ("UPDATE users SET cursor = 3 WHERE user_id = 'u1'", ("users", "u1")),
        ("UPDATE users SET cursor = NULL WHERE user_id = 'u1'", ("users", "u1")),
        ("DELETE FROM users WHERE user_id = 'u1'", ("users", "u1")),
        ("DELETE FROM lifecycles WHERE claim_id = 'c1'", ("history", "5")),
        ("DELETE FROM waits", ("waits", "c9/17")),
        ("UPDATE waits SET name = 'c8'", ("waits", "c9/17")),
        ("INSERT INTO waits VALUES ('u1', 'c1', 1)", ("waits", "c1/1")),
    ],
)
def test_damage_beside_history_is_named(copy: sqlite3.Connection, change: str, row: tuple[str, str]) -> None:
    with damage(copy, change):
        found = audited(copy)
    assert row in {(fault.table, fault.key) for fault in found.faults}


@pytest.mark.parametrize(
    ("column", "value", "row"),
    [
        ("minor", "1211", ("events", "11")),
        ("body", '{"amount":12.11,"claim_id":"c1","user_id":"u1"}', ("events", "11")),
        ("currency", "XXX", ("events", "11")),
        ("currency", "EUR", ("lifecycles", "5")),
    ],
)
def test_money_that_is_changed_in_an_event_is_found(
    copy: sqlite3.Connection, column: str, value: str, row: tuple[str, str]
) -> None:
    """In which currency a payout was that told none, only the claim and the user's sums can tell."""
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


def test_more_users_than_a_page_are_all_audited(workflow: Workflow, ids: Callable[[], str]) -> None:
    users = [f"user {number:04}" for number in range(501)]
    workflow.fire_many([{"trigger": "sync_complete", "user_id": user, "sync_id": "s"} for user in users])
    report = workflow.check()
    assert (report.sound, report.users, report.rows, report.received) == (True, 501, 501, 501)
