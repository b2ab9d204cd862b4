"""What opening a store of the first edition leaves as it was, and what it makes of it: before, and after.

Each test has a copy that nobody has opened since.
"""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from tests.conftest import Stored
from tests.stores.first_edition import (
    DECIMALS,
    LOST,
    UNDONE,
    Reopen,
    Told,
    every_row,
    is_odd,
    said,
)
from workflow_fsm import Outcome


@pytest.fixture
def store_url(first_edition_url: str) -> str:
    return first_edition_url


def text(minor: int, currency: str) -> str:
    """Write minor units as a decimal string with the currency's decimals."""
    return f"{Decimal(minor).scaleb(-DECIMALS[currency]):.{DECIMALS[currency]}f}"


def texts(minors: str) -> dict[str, str]:
    """Write what the first edition kept, a currency to its minor units, as the second does."""
    return {currency: text(minor, currency) for currency, minor in json.loads(minors).items()}


def test_it_opens_and_is_sound_with_the_root_that_was_recorded(reopen: Reopen, told: Told) -> None:
    with reopen() as opened:
        report = opened.check(expect=told["check"]["root"]).as_dict()
    assert report["faults"] == []
    assert {name: report[name] for name in told["check"]} == told["check"]


def test_every_row_that_is_evidence_stays_as_it_was_to_the_byte(
    stored: Stored, reopen: Reopen, told: Told
) -> None:
    before = every_row(stored)
    assert {table: len(rows) for table, rows in before.items()} == {
        table: told["rows"][table] for table in before
    }
    for _ in range(2):
        reopen().close()
        assert every_row(stored) == before


def test_a_second_opening_changes_nothing_more(reopen: Reopen, stored: Stored, told: Told) -> None:
    reopen().close()
    first = {table: stored(f"SELECT * FROM {table}") for table in told["rows"]}  # noqa: S608  # of ours
    reopen().close()
    assert {table: stored(f"SELECT * FROM {table}") for table in told["rows"]} == first  # noqa: S608


def test_every_event_that_was_taken_is_a_repeat_if_it_comes_again(
    stored: Stored, reopen: Reopen, told: Told
) -> None:
    kept = stored("SELECT * FROM events ORDER BY user_id, seq")
    with reopen() as reopened:
        before = reopened.check()
        taken = [event for event in kept if event["standing"] not in UNDONE and not is_odd(event)]
        taken = [event for event in taken if event["event_id"] != LOST]
        for event in taken:
            fields = {**said(event, told), "event_id": event["event_id"]}
            [again] = reopened.fire_many([{"trigger": event["trigger"], **fields}])
            assert isinstance(again, Outcome), (fields, again)
            first = json.loads(event["answer"])
            assert (again.status, again.event_id) == ("duplicate", event["event_id"])
            assert again.first_status == first["status"]
            assert [dict(move) for move in again.transitions] == first.get("transitions", [])
        assert len(taken) > 150
        assert reopened.check() == before


def test_one_that_came_without_an_id_is_a_repeat_by_its_content(
    stored: Stored, reopen: Reopen, told: Told
) -> None:
    kept = {(event["user_id"], event["event_id"]): event for event in stored("SELECT * FROM events")}
    asked = [event for (_, event_id), event in kept.items() if event_id in told["repeats"]]
    with reopen() as reopened:
        before = reopened.check()
        for event in asked:
            [again] = reopened.fire_many([{"trigger": event["trigger"], **said(event, told)}])
            assert isinstance(again, Outcome), (event, again)
            assert (again.status, again.event_id) == ("duplicate", event["event_id"])
        assert reopened.check() == before


def test_no_case_that_an_event_named_beside_its_claim_is_lost(stored: Stored, reopen: Reopen) -> None:
    """Those that the first edition dropped since another claim had them, or the claim another case, too."""
    recorded = stored("SELECT user_id, claim_id, sync_id, case_id FROM lifecycles WHERE case_id IS NOT NULL")
    aliases = {(row["user_id"], row["alias"]): row["claim_id"] for row in stored("SELECT * FROM aliases")}
    told = [
        (row["user_id"], body["amazon_case_id"], aliases.get((row["user_id"], claim), claim))
        for row in stored("SELECT * FROM events WHERE standing IN ('applied', 'known', 'waiting')")
        if (claim := (body := json.loads(row["body"])).get("claim_id")) and body.get("amazon_case_id")
    ]
    reopen().close()
    cases = stored("SELECT user_id, case_id, claim_id, sync_id FROM cases")
    found = {(row["user_id"], row["case_id"], row["claim_id"] or row["sync_id"]) for row in cases}
    assert len(recorded) == 24
    assert {(row["user_id"], row["case_id"], row["claim_id"] or row["sync_id"]) for row in recorded} <= found
    assert len(told) > 30
    assert set(told) <= found


def test_money_is_kept_as_decimal_strings_with_its_currencys_decimals(stored: Stored, reopen: Reopen) -> None:
    tables = {
        "lifecycles": "SELECT user_id, id, paid FROM lifecycles ORDER BY 1, 2",
        "users": "SELECT user_id, cursor, recovered FROM users ORDER BY 1, 2",
    }
    before = {table: stored(sql) for table, sql in tables.items()}
    signed = stored("SELECT user_id, seq, currency, minor FROM events WHERE minor IS NOT NULL ORDER BY 1, 2")
    reopen().close()
    for table, column in (("lifecycles", "paid"), ("users", "recovered")):
        found = [json.loads(row[column]) for row in stored(tables[table])]
        assert found == [texts(row[column]) for row in before[table]]
    booked = stored(
        "SELECT user_id, seq, currency, amount FROM events WHERE standing = 'applied' AND "
        "trigger IN ('payout_received', 'payout_reversed') ORDER BY 1, 2"
    )
    assert [(row["user_id"], row["seq"], row["currency"], row["amount"]) for row in booked] == [
        (row["user_id"], row["seq"], row["currency"], text(int(row["minor"]), row["currency"]))
        for row in signed
    ]
    assert any(row["amount"].startswith("-") for row in booked)


def test_an_estimate_is_kept_as_a_decimal_string_and_no_other_fact_is_touched(
    stored: Stored, reopen: Reopen
) -> None:
    facts = "SELECT user_id, id, facts FROM lifecycles ORDER BY 1, 2"
    before = [json.loads(row["facts"], parse_float=Decimal) for row in stored(facts)]
    reopen().close()
    after = [json.loads(row["facts"], parse_float=Decimal) for row in stored(facts)]
    for then, now in zip(before, after, strict=True):
        if "amount" in then:
            then["amount"] = text(then["amount"], then["currency"])
        assert now.pop("paid_without_case", True)  # told by the events, for whoever is filed late
        assert {**now, "amazon_case_id": None} == {**then, "amazon_case_id": None}
    assert {"120.00", "50000", "10.500", "0.0002", "55.56", "0.00"} <= {now.get("amount") for now in after}
