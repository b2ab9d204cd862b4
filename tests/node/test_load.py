"""Many webhooks at once from Node.js: in any order, twice, on few connections, as large as they may be."""

from __future__ import annotations

import pytest

from tests.node.conftest import Tell

pytestmark = pytest.mark.node

USERS = 24
CENTS = sum(10 * (number + 3) - 10 for number in range(USERS))
"""Each user is paid ten cents times his number plus three, and ten of them are taken back."""


def test_webhooks_in_any_order_and_twice_eight_at_a_time_lose_and_double_nothing(tell: Tell) -> None:
    assert tell("load", "anyOrderTwiceEightAtATime") == {
        "users": USERS,
        "sent": USERS * 11 * 2,
        "faults": [],
        "cents": CENTS,
        "expected": CENTS,
    }


def test_all_webhooks_of_a_user_at_once_and_twice_lose_and_double_nothing(tell: Tell) -> None:
    assert tell("load", "allOfAUserAtOnce") == {
        "users": USERS,
        "sent": USERS * 11 * 2,
        "faults": [],
        "cents": CENTS,
        "expected": CENTS,
    }


def test_webhooks_without_ids_in_any_order_and_twice_all_end_paid_once(tell: Tell) -> None:
    assert tell("load", "withoutIdsInAnyOrderTwice") == {
        "unexpected": [],
        "ends": [
            {
                "state": "paid",
                "counts": {"paid": 1},
                "recovered": {"USD": "0.30"},
                "unapplied": {},
                "waiting": 0,
            }
        ],
    }


def test_webhooks_that_name_only_their_user_are_taken_in_any_order_but_money_waits_for_a_person(
    tell: Tell,
) -> None:
    assert tell("load", "namelessInAnyOrder") == {
        "ends": [
            {
                "state": "rejected",
                "counts": {"rejected": 1},
                "recovered": {},
                "unapplied": {"USD": "12.50"},
                "waiting": [
                    {
                        "trigger": "payout_received",
                        "waiting_for": [],
                        "candidates": [["claim-1", "rejected"]],
                    }
                ],
            }
        ],
        "thens": [
            {
                "became": "applied",
                "state": "paid",
                "counts": {"paid": 1},
                "recovered": {"USD": "12.50"},
                "unapplied": {},
                "waiting": 0,
            }
        ],
    }


def test_an_agent_that_keeps_eight_connections_alive_needs_no_ninth(tell: Tell) -> None:
    assert tell("load", "eightSocketsKeptAlive") == {
        "codes": [200, 202],
        "sockets": 8,
        "unapplied": {"USD": "20.00"},
    }


def test_a_detection_of_ten_mebibytes_is_taken_whole_and_a_byte_more_is_413(tell: Tell) -> None:
    assert tell("load", "tenMebibytes") == {
        "tooLarge": ["413 too-large", "application/problem+json"],
        "nothing": {"synced": 1},
        "full": ["applied", 1201],
        "again": "duplicate of applied",
        "counts": {"detected": 1199, "paid": 1},
        "claims": 1200,
        "amounts": ["0.30"],
        "recovered": {"USD": "0.30"},
    }
