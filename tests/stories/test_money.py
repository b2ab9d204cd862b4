"""Money as it comes in and is shown: exact, in its currency, never through a binary float."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.stories.acts import (
    claim,
    detect,
    faults,
    find,
    pay,
    states,
    status,
    sync,
    take_back,
)
from workflow_fsm import Workflow


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        ("12.5", "USD", "12.50"),
        ("12.50", "usd", "12.50"),
        ("1e1", "USD", "10.00"),
        ("1.25E+1", "USD", "12.50"),
        ("0.01", "USD", "0.01"),
        ("1200", "JPY", "1200"),
        ("1200.0", "JPY", "1200"),
        ("1.5", "KWD", "1.500"),
        ("1.2345", "CLF", "1.2345"),
        ("999999999999999.99", "USD", "999999999999999.99"),
        (12, "USD", "12.00"),
        (12.5, "USD", "12.50"),
        (Decimal("12.5"), "EUR", "12.50"),
        (0.1 + 0.2, "USD", "0.30"),
        (1.1 * 3, "USD", "3.30"),
        (12.00001, "USD", "12.00"),
        (11.99999, "USD", "12.00"),
        (100.001, "JPY", "100"),
        (0.1 + 0.7, "KWD", "0.800"),
    ],
    ids=str,
)
def test_a_payout_is_read_and_shown_with_its_currencys_decimals(
    in_memory: Workflow, amount: object, currency: str, shown: str
) -> None:
    """ "Money is read as a decimal, never through a binary float, and answered as a decimal string with its
    currency's decimals. … a JSON number may carry float noise (within a thousandth of the smallest unit)
    and is then rounded to it." """
    pay(in_memory, "c1", amount, currency=currency)
    assert status(in_memory).unapplied == {currency.upper(): shown}
    find(in_memory, "c1")
    assert claim(in_memory).paid == {currency.upper(): shown}
    assert status(in_memory).recovered == {currency.upper(): shown}


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("0", "USD"),
        (0, "USD"),
        ("-1", "USD"),
        ("12.505", "USD"),
        ("12.000000001", "USD"),
        (12.505, "USD"),
        (12.00002, "USD"),
        (0.00001, "USD"),
        ("1.5", "JPY"),
        (100.002, "JPY"),
        ("1.2345", "KWD"),
        ("1.23456", None),
        ("0", None),
        ("1000000000000000", "USD"),
        (1e15, "JPY"),
        ("1e15", "USD"),
        ("NaN", "USD"),
        ("Infinity", "USD"),
        ("1,5", "USD"),
        (" 1.5", "USD"),
        ("+1.5", "USD"),
        ("1_000", "USD"),
        ("\u0661\u0662", "USD"),
        ("0x10", "USD"),
        ("", "USD"),
        (True, "USD"),
        ([1], "USD"),
        (None, "USD"),
    ],
    ids=str,
)
def test_a_payout_that_its_currency_cannot_hold_is_an_error(
    in_memory: Workflow, amount: object, currency: str | None
) -> None:
    """ "A payout is positive and exact: a string must be … Amounts are below 10^15, in plain or exponent
    notation with ASCII digits." """
    for trigger in ("payout_received", "payout_reversed"):
        assert faults(in_memory, trigger, claim_id="c1", amount=amount, currency=currency) == ["amount"]
    assert in_memory.status("u1") is None


@pytest.mark.parametrize("currency", ["XYZ", "US", "DOLLAR", "", "U$D", 840, "\uff55sd"])
def test_a_currency_is_an_iso_code(in_memory: Workflow, currency: object) -> None:
    """ "A currency is an ISO 4217 code in either case" """
    assert faults(in_memory, "payout_received", amount="5", currency=currency) == ["currency"]


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        ("12.345", "USD", "12.34"),
        ("12.355", "USD", "12.36"),
        (12.345, "USD", "12.34"),
        (12.3551, "USD", "12.36"),
        ("0.005", "USD", "0.00"),
        ("0", "USD", "0.00"),
        (0, "EUR", "0.00"),
        ("0.5", "JPY", "0"),
        ("1.5", "JPY", "2"),
        ("2.5", "JPY", "2"),
        (2.675, "USD", "2.68"),
        ("1.0005", "KWD", "1.000"),
        (None, None, None),
        ("5", None, "5.00"),
    ],
    ids=str,
)
def test_a_detected_amount_is_an_estimate_rounded_half_even(
    in_memory: Workflow, amount: object, currency: str | None, shown: str | None
) -> None:
    """ "A detected `amount` is an estimate: zero or more, rounded half-even, `null` for unknown." and "for a
    detected claim the default is `USD`" """
    find(in_memory, {"claim_id": "c1", "amount": amount, "currency": currency})
    assert (claim(in_memory).amount, claim(in_memory).currency) == (shown, currency or "USD")


@pytest.mark.parametrize("amount", ["-0.01", -1, "1e15", "x", True, {}])
def test_an_estimate_below_zero_or_out_of_range_is_a_bad_entry(in_memory: Workflow, amount: object) -> None:
    """ "an estimate: zero or more" """
    sync(in_memory)
    outcome = detect(in_memory, {"claim_id": "c1", "amount": amount}, "c2")
    ((refused),) = outcome.refused
    assert (refused["index"], [error["field"] for error in refused.errors]) == (0, ["amount"])
    assert [one.claim_id for one in status(in_memory).claims] == ["c2"]


def test_a_hundred_small_instalments_add_up_exactly(workflow: Workflow) -> None:
    """ "never through a binary float" """
    find(workflow, "c1")
    events = [
        {
            "trigger": "payout_received",
            "user_id": "u1",
            "claim_id": "c1",
            "amount": 0.1,
            "event_id": f"p{n}",
        }
        for n in range(100)
    ]
    workflow.fire_many(events)
    assert status(workflow).recovered == {"USD": "10.00"}
    take_back(workflow, "c1", 9.99)
    assert claim(workflow).paid == {"USD": "0.01"}


def test_amounts_beyond_what_a_database_sums_are_exact(workflow: Workflow) -> None:
    """ "Amounts are below 10^15" """
    find(workflow, "c1")
    big = "999999999999999.9999"
    for number in range(20):
        pay(workflow, "c1", big, currency="CLF", event_id=f"p{number}")
    assert status(workflow).recovered == {"CLF": "19999999999999999.9980"}


def test_a_currency_with_nothing_left_is_left_out(workflow: Workflow) -> None:
    """ "`recovered` is payouts less reversals; a currency with nothing is left out of `recovered`,
    `unapplied` and `paid`." """
    find(workflow, "c1")
    pay(workflow, "c1", "5", currency="EUR")
    pay(workflow, "c1", "5", currency="USD")
    take_back(workflow, "c1", "5", currency="EUR")
    pay(workflow, "c9", "3", event_id="a")
    take_back(workflow, "c8", "3", event_id="b")
    shown = status(workflow)
    assert shown.recovered == {"USD": "5.00"}
    assert shown.claims[0].paid == {"USD": "5.00"}
    assert shown.unapplied == {}


def test_a_payouts_currency_is_the_claims_where_none_is_given(workflow: Workflow) -> None:
    """ "A payout's currency, where none is given, is the claim's, settled when it is applied (shown until
    then under the one currency of the user's claims, else `USD`" """
    pay(workflow, "c1", "5.00")
    pay(workflow, "c2", "5.00")
    assert status(workflow).unapplied == {"USD": "10.00"}
    find(workflow, {"claim_id": "c1", "currency": "EUR"}, "c2")
    assert [one.paid for one in status(workflow).claims] == [{"EUR": "5.00"}, {"USD": "5.00"}]
    take_back(workflow, "c1", "2.00")
    assert status(workflow).recovered == {"EUR": "3.00", "USD": "5.00"}


def test_a_waiting_payout_is_shown_under_the_one_currency_of_the_users_claims(workflow: Workflow) -> None:
    """ "(shown until then under the one currency of the user's claims, else `USD`" """
    pay(workflow, "c9", "5")
    assert status(workflow).unapplied == {"USD": "5.00"}
    find(workflow, {"claim_id": "c1", "currency": "JPY"})
    assert status(workflow).unapplied == {"JPY": "5"}
    assert [(one.amount, one.currency) for one in status(workflow).deferred] == [("5", "JPY")]
    find(workflow, {"claim_id": "c2", "currency": "EUR"}, sync_id="s2")
    assert status(workflow).unapplied == {"USD": "5.00"}


def test_a_payout_that_the_claims_currency_cannot_hold_goes_on_waiting(workflow: Workflow) -> None:
    """ "while the currency can't hold the amount, it goes on waiting, and its reason says that)" """
    find(workflow, {"claim_id": "c1", "currency": "JPY"})
    outcome = pay(workflow, "c1", "5.50")
    assert outcome.status == "deferred"
    assert outcome.expires_at is None
    assert "JPY has no decimals" in str(outcome.reason)
    assert states(workflow) == {"c1": "detected"}
    assert status(workflow).unapplied == {"JPY": "5.5"}
    pay(workflow, "c1", "5")
    assert claim(workflow).paid == {"JPY": "5"}
    assert status(workflow).unapplied == {"JPY": "5.5"}
    assert [one.reason for one in status(workflow).deferred] == [outcome.reason]
