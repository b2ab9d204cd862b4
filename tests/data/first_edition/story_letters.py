"""What waits, and what a person has to look at: dead, refused, ambiguous; retried, replaced, dropped."""

from __future__ import annotations

from tests.data.first_edition.telling import Teller

WHO = "letters"


def letters(t: Teller) -> None:
    """Tell of what will be dead in a week, since what it waits for doesn't come."""
    t.tell("applied", "sync_complete", WHO, sync_id="le")
    found = [{"claim_id": f"l-{name}"} for name in "abcdefg"]
    t.tell("applied", "detection_complete", WHO, sync_id="le", claims=found)
    for number in range(1, 6):
        filed = {"claim_id": f"nobody-{number}", "amazon_case_id": f"L-{number}"}
        t.tell("deferred", "claim_submitted", WHO, **filed, event_id=f"dead-{number}")
    matches = [{"claim_id": "l-c", "confidence": 0.7}, {"claim_id": "nobody-6", "confidence": 0.7}]
    t.tell("applied", "evidence_matching_complete", WHO, matches=matches, event_id="dead in part")


def letters_after_a_week(t: Teller) -> None:
    """Tell what a person did, and what came again."""
    t.retry("applied", t.letter(WHO, "dead-2"), claim_id="l-b", actor="ann", reason="the seller's own name")
    t.retry("deferred", t.letter(WHO, "dead-3"))
    t.drop(t.letter(WHO, "dead-4"), 'a line,\nanother; "quoted"\t\\N')
    t.tell("deferred", "claim_submitted", WHO, claim_id="nobody-5", amazon_case_id="L-5", event_id="dead-5")
    _refused(t)
    _money(t)


def _refused(t: Teller) -> None:
    for claim in ("l-a", "l-d", "l-e"):
        t.tell("applied", "claim_submitted", WHO, claim_id=claim, amazon_case_id=f"L-{claim}")
    no = {"claim_id": "l-a", "rejection_reason": "no"}
    t.tell("applied", "claim_rejected", WHO, **no, event_id="l-a rejected")
    for number in range(2, 6):
        t.tell("refused", "claim_rejected", WHO, **no, event_id=f"refused-{number}", number=number)
    t.retry("applied", t.letter(WHO, "refused-2"), claim_id="l-d", reason="it was meant for another")
    t.retry("refused", t.letter(WHO, "refused-3"))
    dropped = t.letter(WHO, "refused-4")
    told = t.post(200, f"deadletters/{dropped}/drop", {"reason": "told twice"})
    assert told == {"status": "dropped"}
    t.tell("applied", "claim_rejected", WHO, claim_id="l-e", event_id="refused-5", number=5)
    t.tell("refused", "claim_submitted", WHO, event_id="refused: it names nobody")
    t.tell("refused", "claim_rejected", WHO, **no, note="without an id")
    t.tell("applied", "claim_submitted", WHO, claim_id="l-a", amazon_case_id="L-l-a2")
    t.tell("applied", "claim_rejected", WHO, **no, note="without an id")


def _money(t: Teller) -> None:
    t.tell("deferred", "payout_received", WHO, amount="11.00", event_id="for l-f", note="it named nobody")
    t.retry("applied", t.letter(WHO, "for l-f"), claim_id="l-f", actor="ann")
    other = {"claim_id": "nobody-7", "amount": "12.00", "currency": "USD", "event_id": "for l-g"}
    t.tell("deferred", "payout_received", WHO, **other)
    t.retry("applied", t.letter(WHO, "for l-g"), claim_id="l-g", reason="a slip of the pen")
    t.tell("deferred", "payout_received", WHO, amount="13.00", currency="USD", event_id="dropped money")
    t.drop(t.letter(WHO, "dropped money"), "another seller's")
    t.tell("deferred", "payout_received", WHO, claim_id="nobody-8", amount="14.00", event_id="moved on")
    t.retry("deferred", t.letter(WHO, "moved on"), claim_id="nobody-9", reason="that is its name")


def waiting(t: Teller) -> None:
    """Tell of events of each trigger that wait: by a claim, for a sync, without a name, by a list in part."""
    who = "waiting"
    t.tell("applied", "sync_complete", who, sync_id="wb")
    t.tell("applied", "detection_complete", who, sync_id="wb", claims=[{"claim_id": "w1"}])
    matches = [{"claim_id": "w1", "confidence": 0.6}, {"claim_id": "w8"}]
    t.tell("applied", "evidence_matching_complete", who, matches=matches, event_id="waits in part")
    t.tell("deferred", "claim_rejected", who, claim_id="w1", reason="early", event_id="w1 rejected")
    t.tell("deferred", "claim_rejected", who, claim_id="w9", case_id="W-9", event_id="w9 rejected")
    t.tell("deferred", "payout_reversed", who, claim_id="w1", amount="1.00", event_id="w1 reversed")
    t.tell("deferred", "detection_complete", who, sync_id="wy", claims_found=2, event_id="a count for a sync")


def nobody_yet(t: Teller) -> None:
    """Tell of a user of whom nothing but waiting events is known."""
    who = "nobody yet"
    t.tell("deferred", "detection_complete", who, claims=[{"claim_id": "ny1"}], event_id="found")
    t.tell("deferred", "evidence_matching_complete", who, confidence=0.5, event_id="matched")
    t.tell("deferred", "claim_submitted", who, event_id="filed")
    t.tell("deferred", "claim_submitted", who, case_id="N-1", event_id="filed by its case")
    t.tell("deferred", "claim_rejected", who, case_id="N-1", event_id="rejected by its case")
    t.tell("deferred", "claim_rejected", who, event_id="rejected")
    t.tell("deferred", "payout_received", who, amount="2.50", event_id="paid")
    t.tell("deferred", "payout_received", who, amount="3.50", case_id="N-2", event_id="paid by its case")
    t.tell(
        "deferred",
        "payout_received",
        who,
        amount="4.50",
        claim_id="ny9",
        case_id="N-9",
        event_id="paid by both",
    )
    t.tell("deferred", "payout_reversed", who, amount="0.50", event_id="reversed")
    back = {"amount": "0.25", "original_reimbursement_id": "R-ny", "event_id": "reversed by its original"}
    t.tell("deferred", "payout_reversed", who, **back)


def early(t: Teller) -> None:
    """Tell of a whole life before its sync."""
    who = "early"
    back = {"claim_id": "y1", "amount": "5.00", "event_id": "reversed"}
    t.tell("deferred", "payout_reversed", who, **back)
    t.tell("deferred", "payout_received", who, claim_id="y1", amount="20.00", event_id="paid")
    t.tell("deferred", "claim_submitted", who, claim_id="y1", amazon_case_id="Y-1", event_id="filed")
    t.tell("deferred", "evidence_matching_complete", who, sync_id="ye", confidence=0.9, event_id="matched")
    found = [{"claim_id": "y1", "amount": "20.00", "currency": "USD"}]
    t.tell("deferred", "detection_complete", who, sync_id="ye", claims=found, event_id="found")
