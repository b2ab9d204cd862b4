"""The same bodies without ids, day after day: each day's claim goes its way, and none is paid twice."""

from __future__ import annotations

from typing import Any

import pytest

from tests.node.conftest import Tell

pytestmark = pytest.mark.node

RECOVERED = ("12.50", "25.00", "37.50")


def three_days_paid() -> list[dict[str, Any]]:
    return [
        {
            "answers": ["applied"] * 5,
            "state": "paid",
            "counts": {"paid": number},
            "recovered": {"USD": recovered},
            "unapplied": {},
            "waiting": 0,
        }
        for number, recovered in enumerate(RECOVERED, start=1)
    ]


def test_equal_bodies_serve_each_day_s_new_claim(tell: Tell) -> None:
    assert tell("days", "aNewClaimEveryDay") == three_days_paid()


def test_lists_that_repeat_the_days_before_move_only_what_is_new(tell: Tell) -> None:
    assert tell("days", "theListGrows") == three_days_paid()


def test_equal_bodies_without_claims_carry_a_lifecycle_a_day_to_paid(tell: Tell) -> None:
    assert tell("days", "equalBodiesEveryDay") == three_days_paid()


def test_an_equal_payout_without_an_id_is_a_repeat_and_its_hint_says_how_to_pay_the_next(tell: Tell) -> None:
    told = tell("days", "equalPayoutsEveryDay")

    assert "send a new event with an id of its own" in told.pop("hint")
    assert told == {
        "withoutId": "duplicate of applied",
        "meanwhile": ["submitted", {"submitted": 1, "paid": 1}, {"USD": "12.50"}],
        "withId": "applied",
        "then": ["paid", {"paid": 2}, {"USD": "25.00"}, {}, []],
    }
