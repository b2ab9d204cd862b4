"""Syncs and claims: in every state, with aliases, and by lists of which a part is bad."""

from __future__ import annotations

from tests.data.first_edition.telling import Teller


def syncs(t: Teller) -> None:
    """Tell of syncs in every state: synced, forked into claims or into nothing, moved on by a count."""
    who = "syncs"
    first = {"sync_id": "s1", "event_id": "sync-1", "orders_count": 120, "inventory_items": 4000}
    t.tell("applied", "sync_complete", who, **first, occurred_at="2025-11-03T07:59:59.123456+01:00")
    t.tell("duplicate", "sync_complete", who, **first, occurred_at="2025-11-03T06:59:59.123456Z")
    t.tell("applied", "sync_complete", who, sync_id="s2")
    found = [{"claim_id": "d1", "claim_type": "lost_inbound"}, {"claim_id": "d2", "amount": None}]
    t.tell("applied", "detection_complete", who, detection_job_id="s2", claims_found=found)
    t.tell("applied", "sync_complete", who, sync_id="s3")
    t.tell("applied", "detection_complete", who, sync_id="s3", claims_found=0)
    t.tell("applied", "sync_complete", who, sync_id="s4")
    t.tell("applied", "detection_complete", who, sync_id="s4", claims_found=3)
    more = [{"claim_id": "d1", "deadline_date": "2026-06-01T00:00:00Z"}, {"claim_id": "d3"}]
    t.tell("applied", "detection_complete", who, sync_id="s2", claims=more, event_id="found-more")
    t.tell("applied", "sync_complete", who, event_id="a sync without a name")


def plain(t: Teller) -> None:
    """Tell of a caller who never speaks of claims; a payout by a case that nobody has goes to the newest."""
    who = "plain"
    t.tell("applied", "sync_complete", who, sync_id="p1")
    t.tell("applied", "detection_complete", who, sync_id="p1", claims_found=1)
    t.tell("applied", "evidence_matching_complete", who, confidence=0.91)
    t.tell("applied", "claim_submitted", who, case_id="P-1")
    t.tell("applied", "payout_received", who, amount="19.99", currency="USD")
    t.tell("duplicate", "payout_received", who, amount="19.990", currency="usd")
    t.tell("applied", "sync_complete", who, sync_id="p2")
    t.tell("applied", "detection_complete", who, sync_id="p2", event_id="a plain detection")
    t.tell("applied", "payout_received", who, amazon_case_id="P-2", amount="5.00", event_id="labels p2")


def mixed(t: Teller) -> None:
    """Tell of plain lifecycles whose sync gets a list later: one takes no further part, one stays its own."""
    who = "mixed/ü"
    t.tell("applied", "sync_complete", who, sync_id="m1")
    t.tell("applied", "detection_complete", who, sync_id="m1", claims_found=2)
    t.tell("applied", "detection_complete", who, sync_id="m1", claims=[{"claim_id": "mc1"}])
    t.tell("applied", "sync_complete", who, sync_id="m2")
    t.tell("applied", "detection_complete", who, sync_id="m2", claims_found=1)
    t.tell("applied", "evidence_matching_complete", who, sync_id="m2", confidence="0.5")
    t.tell("applied", "detection_complete", who, sync_id="m2", claims=[{"claim_id": "mc2", "amount": 7}])


def states(t: Teller) -> None:
    """Tell of a claim in each state, with all that a detection and a match can tell."""
    who = "states"
    full = {
        "claim_type": "damaged_warehouse",
        "amount": "120.005",
        "currency": "USD",
        "confidence": 0.8725,
        "evidence": {"amount": 1250, "currency": "USD", "lines": [1.10, 1e3, None], "note": "ü\n\u0000"},
        "discovery_date": "2025-10-01T00:00:00+02:00",
        "deadline_date": "2026-09-30T23:59:59Z",
        "eligible_from": "2025-10-15T00:00:00Z",
    }
    claims: list[dict[str, object]] = [{"claim_id": "c-detected", **full}]
    claims += [{"claim_id": f"c-{name}"} for name in ("paid", "matched", "submitted", "rejected", "better")]
    for day, name in enumerate(("expired", "expired-matched"), start=4):
        claims.append({"claim_id": f"c-{name}", "amount": 0, "deadline_date": f"2025-11-0{day}T00:00:00Z"})
    claims.append({"claim_id": "c-overdue", "amount": "1e2", "deadline_date": "2025-11-15T00:00:00Z"})
    t.tell("applied", "sync_complete", who, sync_id="st", event_id="st")
    t.tell("applied", "detection_complete", who, sync_id="st", claims=claims, event_id="st-found")
    documents = [
        {"claim_id": "c-matched", "evidence_document_id": "doc-1", "confidence": "0.40"},
        {
            "claim_id": "c-matched",
            "evidence_document_id": "doc-2",
            "confidence": 0.9,
            "match_type": "invoice",
        },
        {"claim_id": "c-submitted", "evidence_document_id": "doc-3", "reasoning": 'same "SKU"\t\\N'},
        {"claim_id": "c-expired-matched", "confidence": 0.5},
        {"claim_id": "c-better", "confidence": "0.50"},
    ]
    t.tell("applied", "evidence_matching_complete", who, matching_results=documents, event_id="st-matched")
    t.tell("applied", "evidence_matching_complete", who, claim_id="c-better", confidence=0.99)
    for name in ("submitted", "rejected", "paid"):
        t.tell("applied", "claim_submitted", who, claim_id=f"c-{name}", amazon_case_id=f"case {name}")
    t.tell("applied", "claim_rejected", who, claim_id="c-rejected", reason='no; "really"\n\t\\N no')
    t.tell("applied", "payout_received", who, claim_id="c-paid", amount=120.01)


def states_after_a_week(t: Teller) -> None:
    """Tell on, once deadlines have passed."""
    who = "states"
    assert t.state(who)["c-expired"] == t.state(who)["c-expired-matched"] == "expired"


def aliases(t: Teller) -> None:
    """Tell of claims by their aliases: told with the detection, linked later, and kept early."""
    who = "aliases"
    t.tell("applied", "sync_complete", who, sync_id="al")
    found = [{"claim_id": "a1", "aliases": ["dispute-1", "shipment ü/1"]}, {"claim_id": "a2"}]
    t.tell("applied", "detection_complete", who, sync_id="al", claims=found)
    t.tell("applied", "claim_submitted", who, claim_id="dispute-1", amazon_case_id="A-1", event_id="by alias")
    t.tell("deferred", "payout_received", who, claim_id="dispute-2", amount="3.00", event_id="a2 by alias")
    t.link(who, "a2", "dispute-2")
    t.tell("deferred", "claim_submitted", who, claim_id="early name", amazon_case_id="A-3", event_id="early")
    t.link(who, "a-late", "early name")
    t.link(who, "early name", "earlier still")
    t.link("alias-only", "x1", "dispute-9")


def lists(t: Teller) -> None:
    """Tell of lists of which some entries are bad; an alias that is taken is bad too."""
    who = "aliases"
    found = [
        {"claim_id": "l1", "amount": "10.00", "aliases": ["one"]},
        {"claim_id": "l2", "amount": -1},
        {"claim_id": "l3", "amount": 1},
        {"claim_id": "l3", "amount": 2},
        "no object",
        {"claim_id": "l5", "aliases": ["dispute-1"]},
    ]
    body = {"user_id": who, "sync_id": "al", "claims": found}
    told = t.post(207, "detection/complete", body, webhook_id="li-found")
    assert len(told["refused"]) == 5, told
    body = {"user_id": who, "matches": [{"claim_id": "l1", "confidence": 2}, {"claim_id": "l1"}]}
    t.post(207, "evidence-matching/complete", body)
