"""Money as JavaScript computes it, in binary floats: right to the cent, or refused."""

from __future__ import annotations

import pytest

from tests.node.conftest import Tell

pytestmark = pytest.mark.node


def test_sums_of_binary_floats_are_paid_to_the_cent(tell: Tell) -> None:
    sums = {
        "0.1 + 0.2": "0.30",
        "19.99 * 100 / 100": "19.99",
        "1234.5600000000001": "1234.56",
        "33.33 + 66.67": "100.00",
        "1.1 * 3": "3.30",
        "4.35 * 100 / 100": "4.35",
        "0.7 + 0.1": "0.80",
        "1.15 + 2.30": "3.45",
        "0.01": "0.01",
        "5e-2": "0.05",
        "1e3": "1000.00",
        "999999999.99 + 0.01": "1000000000.00",
        "99999999999.99": "99999999999.99",
    }

    assert tell("money", "sumsOfFloats") == {
        "noisy": ["0.1 + 0.2", "1234.5600000000001", "1.1 * 3", "0.7 + 0.1", "1.15 + 2.30"],
        "claims": [[name, amount, {"USD": amount}] for name, amount in sums.items()],
        "recovered": {"USD": "101000002366.80"},
        "addsUp": True,
        "unapplied": {},
        "waiting": 0,
    }


def test_a_hundred_instalments_at_once_and_a_reversal_add_up_to_the_cent(tell: Tell) -> None:
    assert tell("money", "manyInstalments") == {"float": 9.99999999999998, "recovered": {"USD": "9.70"}}


def test_spellings_of_one_amount_are_one_reimbursement_and_another_amount_conflicts(tell: Tell) -> None:
    assert tell("money", "spellingsOfOneAmount") == {
        "answers": {
            "0.3": "deferred",
            '"0.3"': "duplicate of deferred",
            '"0.30"': "duplicate of deferred",
            '"3e-1"': "duplicate of deferred",
            "0.30000000000000004": "duplicate of deferred",
            "0.31": "deferred",
        },
        "ids": 2,
        "conflict": {"withTheFirst": True, "waiting_for": [], "code": 202},
        "unapplied": {"USD": "0.61"},
        "detected": {
            "state": "paid",
            "counts": {"paid": 1},
            "recovered": {"USD": "0.30"},
            "unapplied": {"USD": "0.31"},
            "waiting": [["0.31", True, True]],
        },
        "lineOfItsOwn": {
            "became": "applied",
            "state": "paid",
            "counts": {"paid": 1},
            "recovered": {"USD": "0.61"},
            "unapplied": {},
            "waiting": 0,
        },
    }


def test_amounts_that_no_payout_can_be_are_400_and_keep_nothing(tell: Tell) -> None:
    amounts = [
        *("0.125", "12.501", "0", "0", "-5", "1000000000000000", "1e+21", "5e-324"),
        *('"0.30000000000000004"', '""', '"1,5"', '" 1"', "true", "[1]", '{"value":1}'),
    ]

    assert tell("money", "amountsThatNoPayoutCanBe") == {
        "answers": [[amount, "400 invalid-event", ["amount"]] for amount in amounts],
        "known": 404,
    }


def test_each_currency_has_its_own_decimals(tell: Tell) -> None:
    assert tell("money", "currenciesWithOtherDecimals") == {
        "answers": {
            "1500 JPY": "deferred",
            "1500.5 jpy": "400 invalid-event",
            "3.3000000000000003 KWD": "deferred",
            "3.3000000000000003 EUR": "deferred",
            "1 XAU": "400 invalid-event",
        },
        "unapplied": {"EUR": "3.30", "JPY": "1500", "KWD": "3.300"},
    }
