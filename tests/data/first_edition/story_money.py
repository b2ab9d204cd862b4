"""Money: instalments, reversals and reimbursements, in currencies of 0 to 4 decimals and a withdrawn one."""

from __future__ import annotations

from tests.data.first_edition.telling import Teller


def money(t: Teller) -> None:
    """Tell of payouts and reversals with every kind of id and with none, and of some that wait."""
    who = "money"
    t.tell("applied", "sync_complete", who, sync_id="mo")
    found: list[dict[str, object]] = [
        {"claim_id": "u1", "amount": "120.00", "currency": "usd"},
        {"claim_id": "u2", "amount": 10},
        {"claim_id": "j1", "amount": "50000", "currency": "JPY"},
        {"claim_id": "w1", "amount": "10.5", "currency": "KWD"},
        {"claim_id": "y1", "amount": "0.00015", "currency": "UYW"},
    ]
    t.tell("applied", "detection_complete", who, sync_id="mo", claims=found)
    _with_every_kind_of_id(t, who)
    _back_and_forth(t, who)
    _waits(t, who)


def _with_every_kind_of_id(t: Teller, who: str) -> None:
    paid = {"user_id": who, "claim_id": "u1"}
    t.tell("applied", "payout_received", who, claim_id="u1", amount="10.00", event_id="by a field")
    by_header = {**paid, "amount": "20.00", "currency": "USD", "event_id": "in the body"}
    t.post(200, "payout/received", by_header, webhook_id="by webhook-id")
    assert t.post(200, "payout/received", by_header, webhook_id="by webhook-id")["status"] == "duplicate"
    t.post(200, "payout/received", {**paid, "amount": "5.25"}, Idempotency_Key='"by \\"key\\""; a=1')
    both = (
        '{"user_id": "money", "claim_id": "u1", "amount": 1.10000000000001, "sent": [1.10, 1e3, "\\u00fc"]}'
    )
    t.post(200, "payout/received", both, webhook_id="by both", Idempotency_Key="the other of both")
    batch = [
        {"trigger": "payout_received", **paid, "amount": "0.75", "event_id": "in a batch"},
        {"trigger": "payout_received", **paid, "amount": "0.25"},
        {"trigger": "payout_received", **paid},
    ]
    assert [one["code"] for one in t.post(200, "events", batch)] == [200, 200, 400]
    t.tell("applied", "payout_received", who, claim_id="u1", amount="3.00", attempt=1)
    t.tell("applied", "payout_received", who, claim_id="u1", amount="3.00", attempt=2)
    t.tell("duplicate", "payout_received", who, claim_id="u1", amount="3.0", attempt=2)
    t.tell("applied", "payout_received", who, claim_id="u1", amount="2.00", reimbursement_id="R-u1")
    again = {"claim_id": "u1", "amount": "2.00", "reimbursement_id": "R-u1", "event_id": "R-u1 again"}
    t.tell("duplicate", "payout_received", who, **again)
    t.tell("reused", "payout_received", who, claim_id="u1", amount="10.01", event_id="by a field")


def _back_and_forth(t: Teller, who: str) -> None:
    t.tell("applied", "payout_reversed", who, claim_id="u1", amount="4.00", event_id="u1 in part")
    back = {"original_reimbursement_id": "R-u1", "reimbursement_id": "RV-u1", "amount": "1.00"}
    t.tell("applied", "payout_reversed", who, **back)
    t.tell("applied", "payout_received", who, claim_id="u2", amount="10.00", event_id="u2 paid")
    t.tell("applied", "payout_received", who, claim_id="u2", amount=300, currency="JPY", event_id="u2 in JPY")
    t.tell(
        "applied", "payout_reversed", who, claim_id="u2", amount="10", currency="USD", event_id="u2 USD back"
    )
    t.tell("applied", "payout_received", who, claim_id="j1", amount="49999", event_id="j1 paid")
    most = "900719925474099.345"
    t.tell("applied", "payout_received", who, claim_id="w1", amount=most, event_id="w1 paid")


def _waits(t: Teller, who: str) -> None:
    t.tell("deferred", "payout_received", who, claim_id="j1", amount="10.50", event_id="no yen")
    t.tell("deferred", "payout_reversed", who, claim_id="u1", amount="1000", event_id="more than is left")
    back = {"original_reimbursement_id": "R-nowhere", "amount": "6.00", "event_id": "of an unknown original"}
    t.tell("deferred", "payout_reversed", who, **back)


def reimbursements(t: Teller) -> None:
    """Tell of reimbursements: of several lines, of two claims, and in conflict with an earlier one."""
    who = "lines"
    t.tell("applied", "sync_complete", who, sync_id="ri", reason={"code": 5}, event_id="odd sync")
    found = [
        {"claim_id": name, "amount": "27.00", "sku": 1, "reason": 2} for name in ("r1", "r2", "r3", "o1")
    ]
    t.tell(
        "applied", "detection_complete", who, sync_id="ri", claims=found, reason=True, event_id="odd found"
    )
    first = {"claim_id": "r1", "reimbursement_id": "R-1"}
    t.tell("applied", "payout_received", who, **first, amount="10.00", sku="A", event_id="line A")
    t.tell("duplicate", "payout_received", who, **first, amount="10.00", sku="B", event_id="line B, lost")
    t.tell("reused", "payout_received", who, **first, amount="17.00", sku="C", event_id="line C, lost")
    lines = {"reimbursement_id": "R-1", "amount": "7.00", "line_id": "D", "event_id": "line D waits"}
    t.tell("deferred", "payout_received", who, claim_id="dispute D", **lines)
    lines = {"reimbursement_id": "R-1", "amount": "10.00", "line_id": "E", "event_id": "line E, known"}
    t.tell("deferred", "payout_received", who, claim_id="dispute E", **lines)
    t.link(who, "r1", "dispute D")
    t.link(who, "r1", "dispute E")
    t.tell("applied", "payout_received", who, claim_id="r2", amount="5.00", reimbursement_id="R-2")
    conflict = {"amount": "6.00", "reimbursement_id": "R-2", "event_id": "in conflict"}
    t.tell("deferred", "payout_received", who, claim_id="dispute 2", **conflict)
    t.link(who, "r2", "dispute 2")
    for claim in ("r2", "r3"):
        both = {"amount": "4.00", "reimbursement_id": "R-3", "event_id": f"R-3 of {claim}"}
        t.tell("applied", "payout_received", who, claim_id=claim, **both)
    back = {"claim_id": "r3", "amount": "4.00", "reimbursement_id": "R-3", "event_id": "R-3 back"}
    t.tell("applied", "payout_reversed", who, **back)


def odd(t: Teller) -> None:
    """Tell of what wasn't listed then, and could be anything."""
    who = "lines"
    t.tell("applied", "claim_submitted", who, claim_id="o1", reason=["x"], event_id="odd filed")
    paid = {"claim_id": "o1", "amount": "1.00"}
    t.tell("applied", "payout_received", who, **paid, sku=4711, reimbursement_id="R-o", event_id="odd sku")
    t.tell("applied", "payout_received", who, **paid, line_id="a", sku="b", event_id="odd names")
    units = {"quantity_reimbursed_inventory": "two", "original_reimbursement_id": 7, "line_id": ""}
    t.tell("applied", "payout_received", who, **paid, **units, event_id="odd units")
    t.tell("applied", "payout_received", who, **paid, quantity_reimbursed_inventory=3, event_id="units")
    t.tell("deferred", "payout_received", who, **{**paid, "claim_id": "o9"}, sku=[1], event_id="odd waits")


def ambiguous(t: Teller) -> None:
    """Tell of money that names nobody, and of two claims that could take it."""
    who = "ambiguous"
    t.tell("applied", "sync_complete", who, sync_id="am")
    found = [{"claim_id": name, "amount": "42.00", "currency": "USD"} for name in ("am1", "am2")]
    t.tell("applied", "detection_complete", who, sync_id="am", claims=found)
    t.tell("deferred", "payout_received", who, amount="42.00", reimbursement_id="R-am", event_id="whose?")
    t.tell("deferred", "payout_received", who, amount="1.25", currency="USD")
    t.tell("duplicate", "payout_received", who, amount="1.25", currency="USD")


def bulgaria(t: Teller) -> None:
    """Tell of a currency that leaves ISO 4217 at the end of that year: recovered, unapplied and dropped."""
    who = "bulgaria"
    t.tell("applied", "sync_complete", who, sync_id="bg")
    found = [
        {"claim_id": "b1", "amount": "100.00", "currency": "BGN", "deadline_date": "2026-02-01T00:00:00Z"},
        {"claim_id": "b2", "amount": "55.555", "currency": "bgn"},
        {"claim_id": "b3", "currency": "BGN", "eligible_from": "2025-11-01T00:00:00Z"},
        {"claim_id": "b4", "amount": "9.00", "currency": "EUR"},
    ]
    t.tell("applied", "detection_complete", who, sync_id="bg", claims=found, event_id="bg found")
    t.tell("applied", "claim_submitted", who, claim_id="b1", amazon_case_id="B-1", event_id="b1 filed")
    paid = {"claim_id": "b1", "amount": "100.00", "reimbursement_id": "R-bg"}
    t.tell("applied", "payout_received", who, **paid)
    back = {"claim_id": "b1", "amount": "30.00", "currency": "BGN", "event_id": "b1 in part"}
    t.tell("applied", "payout_reversed", who, **back)
    later = {"claim_id": "b9", "currency": "BGN"}
    t.tell("deferred", "payout_received", who, **later, amount="12.34", event_id="b9 paid")
    t.tell("deferred", "payout_reversed", who, **later, amount="2.34", event_id="b9 in part")
    nobody = {"amount": "7.77", "currency": "BGN", "event_id": "nobody's leva"}
    t.tell("deferred", "payout_received", who, **nobody)
    t.drop(t.letter(who, "nobody's leva"), "not ours")
