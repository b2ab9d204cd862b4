"""The bodies that the integrations service sends, from Node.js: both names, nulls, no ids, foreign syncs."""

from __future__ import annotations

import pytest

from tests.node.conftest import Tell

pytestmark = pytest.mark.node

PAID = {
    "state": "paid",
    "counts": {"paid": 1},
    "recovered": {"USD": "19.99"},
    "unapplied": {},
    "waiting": 0,
}


def test_both_names_of_a_field_and_nulls_carry_a_claim_to_paid(tell: Tell) -> None:
    assert tell("one_claim", "bothNamesAndNulls") == {
        "became": ["applied"] * 6,
        "status": {
            "user_id": "both-names",
            "state": "paid",
            "counts": {"paid": 1},
            "recovered": {"USD": "19.99"},
            "unapplied": {},
            "claims": [
                {
                    "claim_id": "claim-1",
                    "aliases": [],
                    "sync_id": "sync-1",
                    "state": "paid",
                    "version": 6,
                    "allowed": ["payout_received", "payout_reversed"],
                    "claim_type": None,
                    "amount": "19.99",
                    "currency": "USD",
                    "confidence": 0.7,
                    "decision": "ask_user",
                    "amazon_case_id": "case-1",
                    "cases": [{"amazon_case_id": "case-1", "state": "rejected"}],
                    "rejection_reason": "Evidence unreadable",
                    "paid": {"USD": "19.99"},
                    "units": 0,
                    "deadline_date": None,
                    "eligible_from": None,
                    "overdue": False,
                    "merged_into": None,
                }
            ],
            "syncs": [{"sync_id": "sync-1", "state": "detected", "claims_found": 1}],
            "deferred": [],
        },
        "history": [
            "null > sync_complete > synced",
            "synced > detection_complete > detected",
            "synced > detection_complete > detected",
            "detected > evidence_matching_complete > matched",
            "matched > claim_submitted > submitted",
            "submitted > claim_rejected > rejected",
            "rejected > payout_received > paid",
        ],
    }


def test_two_names_that_differ_are_400_and_keep_nothing(tell: Tell) -> None:
    problem = ["400 invalid-event", "application/problem+json"]

    assert tell("one_claim", "namesThatDiffer") == {
        "answers": [
            [*problem, ["detection_job_id"]],
            [*problem, ["claims_found"]],
            [*problem, ["matching_results"]],
            [*problem, ["case_id"]],
            [*problem, ["reason", "case_id"]],
            [*problem, ["case_id"]],
        ],
        "known": 404,
    }


def test_a_null_where_a_value_is_required_is_400_and_says_so(tell: Tell) -> None:
    assert tell("one_claim", "aNullWhereAValueIsRequired") == [
        *[["400 invalid-event", ["user_id is required"]]] * 6,
        ["400 invalid-event", ["amount is required"]],
        ["400 invalid-event", ["claims[0].claim_id is required"]],
    ]


def test_bodies_without_any_id_but_the_claim_s_carry_it_to_paid(tell: Tell) -> None:
    assert tell("one_claim", "noIds") == {"became": ["applied"] * 6, "status": PAID}


def test_bodies_that_name_nothing_but_the_user_carry_one_plain_lifecycle_to_paid(tell: Tell) -> None:
    assert tell("one_claim", "nothingButTheUser") == {
        "became": ["applied"] * 6,
        "status": {**PAID, "recovered": {"USD": "7.50"}},
    }


def test_sync_ids_that_no_sync_had_select_nothing_and_are_no_name_for_money(tell: Tell) -> None:
    assert tell("one_claim", "syncIdsThatNoSyncHad") == {
        "became": [*["applied"] * 5, "deferred"],
        "status": {
            "state": "rejected",
            "counts": {"rejected": 1},
            "recovered": {},
            "unapplied": {"USD": "10.00"},
            "waiting": 1,
        },
        "deferred": [
            {
                "trigger": "payout_received",
                "claim_id": None,
                "amount": "10.00",
                "waiting_for": [],
                "candidates": [["claim-1", "rejected"]],
            }
        ],
        "toldByHand": "applied",
        "then": {**PAID, "recovered": {"USD": "10.00"}},
    }


def test_a_detection_waits_for_the_sync_that_it_names(tell: Tell) -> None:
    assert tell("one_claim", "detectionBeforeItsSync") == {
        "early": ["deferred", ["sync_complete"]],
        "meanwhile": [None, [], 1],
        "still": ["synced", 1],
        "then": ["detected", [[None, "sync-8", "synced"], ["claim-1", "sync-9", "detected"]], []],
    }


def test_every_body_sent_three_times_counts_once(tell: Tell) -> None:
    assert tell("one_claim", "everyBodyThreeTimes") == {
        "became": ["applied", "duplicate of applied", "duplicate of applied"] * 6,
        "status": PAID,
        "rows": 7,
    }


def test_a_sender_that_gives_up_and_sends_again_is_paid_once(tell: Tell) -> None:
    assert tell("one_claim", "sendersThatGiveUp") == {
        "gaveUpAtAll": True,
        "status": {**PAID, "recovered": {"USD": "7.20"}},
    }
