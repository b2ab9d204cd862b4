"""The audit of names: cases, ids, waits, currencies, and what a person laid over an event."""

# ruff: noqa: S608  # what is damaged is a table or a column, whose name can't be a parameter

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.audit.damage import audited, bare, damage, named
from workflow_fsm import Workflow
from workflow_fsm.testing import ManualClock, open_workflow


@pytest.fixture(scope="module")
def named_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound store in which all that has a name has several, and money waits for every reason."""
    path, clock = tmp_path_factory.mktemp("names") / "claims.db", ManualClock()
    with open_workflow(f"sqlite:///{path}", clock=clock) as workflow:
        settle(workflow, clock)
        assert workflow.check().faults == ()
    return path


def settle(workflow: Workflow, clock: ManualClock) -> None:
    """Tell of claims with several cases, of lines, units, conflicts, merges and acts."""

    def fire(trigger: str, **fields: Any) -> None:
        clock.advance(minutes=1)
        workflow.fire(trigger, user_id="u1", **fields)

    fire("sync_complete", sync_id="s1", event_id="sync")
    claims = [{"claim_id": name, "currency": "EUR"} for name in ("c1", "c2", "c3")]
    fire("detection_complete", sync_id="s1", claims=[*claims, {"claim_id": "c4"}], event_id="found")
    fire("claim_submitted", claim_id="c1", amazon_case_id="k1", event_id="filed")
    fire("claim_submitted", claim_id="c1", amazon_case_id="k2", event_id="filed-2")
    fire("claim_rejected", amazon_case_id="k1", event_id="no")
    fire("claim_submitted", claim_id="c3", event_id="unnamed")
    fire(
        "payout_received", amazon_case_id="k2", amount="8", reimbursement_id="r", line_id="1", event_id="paid"
    )
    fire("payout_received", claim_id="c4", amount=0, quantity_reimbursed_inventory=3, event_id="kind")
    fire("payout_received", claim_id="c1", amount="9", reimbursement_id="r", event_id="conflict")
    fire("payout_received", claim_id="c9", amazon_case_id="k9", amount="1", currency="JPY", event_id="early")
    fire("payout_received", amazon_case_id="k0", amount="2", event_id="case")
    fire("payout_reversed", original_reimbursement_id="r0", amount="2", event_id="original")
    fire("payout_received", amount="3", event_id="nobody")
    fire("claim_submitted", claim_id="c4", amazon_case_id="k2", event_id="doubt")
    fire("payout_reversed", amount="2", original_reimbursement_id="r", claim_id="c1", event_id="back")
    fire("payout_reversed", amount="1", claim_id="c1", event_id="more")
    told = {"user_id": "u1", "sync_id": "s2", "event_id": "second"}
    ids = [("webhook-id", "first"), ("Idempotency-Key", "third")]
    workflow.submit([workflow.read("sync_complete", told, ids=ids)], actor="webhook")
    workflow.link(user_id="u1", claim_id="c1", alias="c2")
    workflow.link(user_id="u1", claim_id="c1", alias="x")
    letters = {one.event_id: one.id for one in workflow.dead_letters()}
    workflow.retry_dead_letter(letters["conflict"], line_id="2", actor="ada")
    workflow.retry_dead_letter(letters["nobody"], claim_id="c4", currency="EUR", actor="ada")


@pytest.fixture(scope="module")
def bare_store(named_store: Path) -> Iterator[sqlite3.Connection]:
    with bare(named_store) as connection:
        yield connection


Changed = tuple[str, str, str, object]
"""A table, which row of it, a column, and another value."""


def changes(table: str, where: str, **columns: tuple[object, ...]) -> list[Changed]:
    return [(table, where, column, value) for column, values in columns.items() for value in values]


K1 = "case_id = 'k1'"
PAID = "case_id = 'k2' AND claim_id = 'c1'"
UNNAMED = "case_id = ''"
ONLY_NAMED = "case_id = 'k9'"
STORED: list[Changed] = [
    *changes("cases", K1, paid=('{"EUR": "1.00"}', "{", "[]", None), units=(1, -1, None)),
    *changes("cases", PAID, paid=("{}", '{"EUR": "6.01"}', '{"USD": "6.00"}', '{"EUR": "x"}'), units=(1,)),
    *changes("cases", PAID, case_id=("k1", "x", ""), claim_id=("c3", "x", ""), sync_id=("s1",)),
    *changes("cases", K1, state=("x", ""), at=("noon", "", None)),
    *changes("event_ids", "event_id = 'second'", event_id=("sync",), seq=(2, 77, None)),
    *changes("waits", "name = 'c9'", kind=("case", "any", "x"), name=("x", ""), seq=(1, 77, None)),
    *changes("waits", "name = 'r0'", kind=("claim",), name=("r",), seq=(20,)),
    *changes("currencies", "currency = 'EUR'", decimals=(-1, 99)),
    *changes("users", "user_id = 'u1'", currencies=("{", "[]", "", None)),
    *changes("lifecycles", "claim_id = 'c4'", units=(1, 0, -3, None), entered=(1, 8, 77, None)),
    *changes("lifecycles", "claim_id = 'c2'", merged_into=(None,)),
    *changes("events", "event_id = 'paid'", amount=("8.01", "-8.00", "x", None), units=(1, None)),
    *changes("events", "event_id = 'paid'", currency=("x",), doubt=(None,)),
    *changes("events", "event_id = 'kind'", units=(2, 0, -3), amount=("0.01", None)),
    *changes("events", "event_id = 'back'", original_id=(None, "x"), amount=("2.00", "-2.01")),
    *changes("events", "event_id = 'nobody'", overlay=("x", '{"currency": "USD"}')),
    *changes("events", "event_id = 'paid'", overlay=('{"force": true}', '{"claim_id": "c1"}', "x", "[]")),
]


@pytest.mark.parametrize(("table", "where", "column", "value"), STORED, ids=str)
def test_what_is_changed_past_our_code_is_named(
    copy: sqlite3.Connection, table: str, where: str, column: str, value: object
) -> None:
    with damage(copy, f"UPDATE {table} SET {column} = ? WHERE {where}", value):
        report = audited(copy)
    assert table in {fault.table for fault in report.faults}


UNDOUBTED: list[Changed] = [
    *changes("cases", K1, case_id=("x",), claim_id=("c3", "x", ""), sync_id=("s1",)),
    *changes("cases", K1, state=("filed", "paid", None), seq=(1, 77, None), told=(0, 7), alone=(1, 9, 77)),
    *changes("cases", PAID, state=("filed", "rejected", None), seq=(9, 77), told=(0,), alone=(9, None, 77)),
    *changes("cases", UNNAMED, case_id=("k1",), claim_id=("c1", "x"), state=("paid", None), told=(0,)),
    *changes("cases", ONLY_NAMED, case_id=("x", ""), claim_id=("c3",), state=("filed",), told=(1,)),
    *changes("cases", K1, at=("2020-01-01T00:00:00.000000Z", "2030-01-01T00:00:00.000000Z")),
    *changes("currencies", "currency = 'EUR'", decimals=(0, 3, None), currency=("CHF",)),
    *changes("users", "user_id = 'u1'", currencies=("{}", '{"EUR": 1}', '{"EUR": 2}')),
    *changes("lifecycles", "claim_id = 'c2'", merged_into=("c3", "x"), forked=(0,)),
    *changes("lifecycles", "claim_id = 'c3'", merged_into=("c1", "c3", "x")),
    *changes("lifecycles", "claim_id = 'c1'", facts=("{}", '{"currency": "EUR"}')),
    *changes("events", "event_id = 'paid'", amount=("8", "8.000"), currency=(None,), doubt=("", "x")),
    *changes("events", "event_id = 'nobody'", overlay=(None, '{"claim_id": "c3"}', '{"claim_id": "c4"}')),
    *changes("events", "event_id = 'conflict'", overlay=(None, '{"line_id": "9"}')),
    *changes("events", "event_id = 'filed-2'", amount=("1.00",), currency=("USD",)),
    *changes("events", "event_id = 'filed'", overlay=('{"line_id": "9"}', "{}")),
]


@pytest.mark.parametrize(("table", "where", "column", "value"), UNDOUBTED, ids=str)
def test_what_is_changed_to_what_could_be_is_named(
    copy: sqlite3.Connection, table: str, where: str, column: str, value: object
) -> None:
    """The row reads well, and only the events and the claims say otherwise."""
    before = rows_of(copy, table)
    with damage(copy, f"UPDATE {table} SET {column} = ? WHERE {where}", value):
        after = rows_of(copy, table)
        changed = {key_of(table, before[one]) for one in before.keys() - after.keys()}
        changed |= {key_of(table, after[one]) for one in after.keys() - before.keys()}
        assert named(audited(copy)) & changed


def rows_of(connection: sqlite3.Connection, table: str) -> dict[tuple[object, ...], sqlite3.Row]:
    """Give all rows of a table, by all that they are."""
    return {tuple(row): row for row in connection.execute(f"SELECT * FROM {table}")}


def key_of(table: str, row: sqlite3.Row) -> tuple[str, str, str]:
    """Give a row as the audit names it."""
    if table == "currencies":  # which are no user's
        return "", table, str(row["currency"])
    if table == "cases":
        return str(row["user_id"]), table, f"{row['case_id']}/{row['claim_id'] or row['sync_id']}"
    return (
        str(row["user_id"]),
        table,
        str(row[{"lifecycles": "id", "events": "seq", "users": "user_id"}[table]]),
    )


def test_money_that_is_said_to_be_in_another_currency_is_named_where_it_was_booked(
    copy: sqlite3.Connection,
) -> None:
    """That they differ is told of all of them, and of the one event that would make it right."""
    paid = copy.execute("SELECT seq FROM events WHERE event_id = 'paid'").fetchone()[0]
    booked = copy.execute("SELECT id FROM lifecycles WHERE claim_id = 'c1'").fetchone()[0]
    with damage(copy, "UPDATE events SET currency = 'USD' WHERE event_id = 'paid'"):
        assert named(audited(copy)) == {
            ("", "", ""),
            ("u1", "cases", "k2/c1"),
            ("u1", "events", str(paid)),
            ("u1", "lifecycles", str(booked)),
            ("u1", "users", "u1"),
        }


@pytest.mark.parametrize(
    ("table", "where", "missed"),
    [
        ("cases", PAID, {("cases", "k2/c1")}),
        ("waits", "name = 'c9'", {("waits", "claim/c9/early")}),
        ("waits", "name = 'k0'", {("waits", "case/k0/case")}),
        ("waits", "name = 'r0'", {("waits", "reimbursement/r0/original")}),
        ("lifecycles", "claim_id = 'c2'", {("events", "found"), ("history", "c2")}),
    ],
)
def test_what_is_taken_out_is_missed(
    copy: sqlite3.Connection, table: str, where: str, missed: set[tuple[str, str]]
) -> None:
    """By name, or where another row speaks of it: the event that found a claim, the rows of its history."""
    numbers = {row["event_id"]: str(row["seq"]) for row in copy.execute("SELECT event_id, seq FROM events")}
    first = "SELECT claim_id, min(cursor) AS cursor FROM history WHERE claim_id = 'c2' GROUP BY claim_id"
    numbers |= {row["claim_id"]: str(row["cursor"]) for row in copy.execute(first)}

    def numbered(key: str) -> str:
        *names, last = key.split("/")
        return "/".join([*names, numbers.get(last, last)])

    with damage(copy, f"DELETE FROM {table} WHERE {where}"):
        assert named(audited(copy)) == {("u1", of, numbered(key)) for of, key in missed}


@pytest.mark.parametrize(
    ("insert", "user", "key"),
    [
        ("waits VALUES ('u1', 'claim', 'c1', 1)", "u1", "claim/c1/1"),
        ("waits VALUES ('u1', 'any', '', 20)", "u1", "any//20"),
        ("event_ids VALUES ('u1', 'new', 77)", "u1", "new"),
        ("event_ids VALUES ('u1', 'paid', 1)", "u1", "paid"),
        (
            "cases VALUES ('u1', 'k5', 'c1', '', 'paid', '2026-01-01T12:00:00.000000Z', 15, 1,"
            ' \'{"EUR": "1.00"}\', 0, NULL)',
            "u1",
            "k5/c1",
        ),
        (
            "cases VALUES ('u9', 'k5', 'c1', '', 'filed', '2026-01-01T12:00:00.000000Z', 1, 1,"
            " '{}', 0, NULL)",
            "u9",
            "k5/c1",
        ),
        ("event_ids VALUES ('u9', 'new', 1)", "u9", "new"),
    ],
)
def test_what_is_put_in_is_named(copy: sqlite3.Connection, insert: str, user: str, key: str) -> None:
    """And so is a user of whom there is nothing but what was put in."""
    unknown = {(user, "users", user)} if user == "u9" else set()
    with damage(copy, f"INSERT INTO {insert}"):
        assert named(audited(copy)) == {(user, insert.partition(" ")[0], key)} | unknown


def test_a_case_is_named_with_its_claim(copy: sqlite3.Connection) -> None:
    with damage(copy, f"UPDATE cases SET units = 5 WHERE {PAID}"):
        assert named(audited(copy)) == {("u1", "cases", "k2/c1")}
