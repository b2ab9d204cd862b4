"""The audit: a sound store has no faults, and a damaged row is found and named, whatever was done to it.

Of a text, the first byte, the last, and some between are changed here; `make fuzz` changes each.
"""

# ruff: noqa: S608  # what is damaged is a table or a column, whose name can't be a parameter

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Clock
from workflow_fsm import (
    Discard,
    NotAllowed,
    Settings,
    Transition,
    Workflow,
    WorkflowError,
    claim_lifecycle,
)
from workflow_fsm.core.lifecycle import COLUMNS, chain
from workflow_fsm.stores.audit import audit
from workflow_fsm.stores.findings import MOST_FAULTS, Balance, Fault, Report
from workflow_fsm.stores.sqlite import SQLiteSession

TABLES = ("users", "lifecycles", "history", "events", "waits", "aliases", "effects")
HISTORY = (*COLUMNS, "hash")
LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"


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


@pytest.fixture(scope="module")
def operated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound store with effects of every standing, and dead letters retried and dropped by a person."""
    path, clock, numbers = tmp_path_factory.mktemp("operated") / "claims.db", Clock(), count(1)
    with Workflow.open(
        f"sqlite:///{path}", settings=Settings(), clock=clock, ids=lambda: f"made-{next(numbers)}"
    ) as workflow:
        operate(workflow)
    return path


def operate(workflow: Workflow) -> None:
    """Do what an operator does with dead letters of every kind."""

    @workflow.on_transition()
    def work(transition: Transition) -> None:
        if transition.trigger == "claim_submitted":
            raise Discard(f"no {transition.claim_id}")

    workflow.on_enter("submitted", name="void", not_before="deadline_date")(work)
    workflow.on_dead_letter(lambda letter: None, name="alert")
    workflow.on_request("ask")(lambda request: None)
    fire = workflow.fire
    late = (Clock().at + timedelta(days=90)).isoformat()
    claims = [{"claim_id": name, "deadline_date": late} for name in ("c1", "c2", "c3")]
    fire("sync_complete", user_id="u1", sync_id="s1")
    fire("detection_complete", user_id="u1", sync_id="s1", claims=claims)
    for name in ("c1", "c2"):
        fire("claim_submitted", user_id="u1", claim_id=name)
    fire("payout_received", user_id="u1", amount="5.00", event_id="money")
    fire("payout_received", user_id="u1", claim_id="c9", amount="3.00", event_id="dropped")
    workflow.run_effects()
    letters = {letter.claim_id or letter.event_id: letter.id for letter in workflow.dead_letters()}
    workflow.retry_dead_letter(letters["money"], claim_id="c1", actor="ada", reason="seen on paper")
    workflow.drop_dead_letter(letters["c9"], actor="ada", reason="not ours")
    workflow.drop_dead_letter(letters["c1"], actor="bob", reason="done by hand")
    workflow.retry_dead_letter(letters["c2"], actor="bob")
    workflow.request("ask", user_id="u1")


@pytest.fixture
def acted(operated: Path) -> Iterator[sqlite3.Connection]:
    with bare(operated) as connection:
        yield connection


@pytest.fixture
def copy(filled: Path) -> Iterator[sqlite3.Connection]:
    with bare(filled) as connection:
        yield connection


@pytest.fixture
def few(small: Path) -> Iterator[sqlite3.Connection]:
    with bare(small) as connection:
        yield connection


@contextmanager
def bare(filled: Path) -> Iterator[sqlite3.Connection]:
    """A copy in memory whose tables take whatever they are given: no keys, no types, no NOT NULL."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        with closing(sqlite3.connect(filled)) as source:
            source.backup(connection)
        connection.row_factory = sqlite3.Row
        for table in TABLES:
            connection.execute(f"CREATE TABLE bare_{table} AS SELECT * FROM {table}")
            connection.execute(f"DROP TABLE {table}")
            connection.execute(f"ALTER TABLE bare_{table} RENAME TO {table}")
        yield connection


def audited(connection: sqlite3.Connection) -> Report:
    return audit(SQLiteSession(connection), claim_lifecycle())


@contextmanager
def damage(connection: sqlite3.Connection, sql: str, *values: object) -> Iterator[None]:
    """Do something to a copy, and undo it."""
    connection.execute("BEGIN")
    assert connection.execute(sql, values).rowcount > 0, sql
    yield
    connection.execute("ROLLBACK")


def named(report: Report) -> set[tuple[str, str, str]]:
    return {(fault.user_id, fault.table, fault.key) for fault in report.faults}


def rows(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    return connection.execute("SELECT rowid, * FROM history ORDER BY rowid").fetchall()


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
                    _hash_anew(copy)
                assert not audited(copy).sound, (column, dict(row))


def _hash_anew(connection: sqlite3.Connection) -> None:
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


# -- acts, letters and effects


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
        _hash_anew(acted)
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
        ("UPDATE events SET body = replace(body, 'c1', 'c2') WHERE event_id = 'money'", "events"),
        ("UPDATE events SET fingerprint = 'f' WHERE event_id = 'made-1'", "events"),
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
def test_damage_to_letters_and_effects_is_named(acted: sqlite3.Connection, change: str, table: str) -> None:
    with damage(acted, change):
        found = audited(acted)
    assert table in {fault.table for fault in found.faults}
