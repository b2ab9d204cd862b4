"""Cases: one a claim, as the first edition had them; what it dropped stands in its events alone."""

from __future__ import annotations

from tests.data.first_edition.telling import Teller


def cases(t: Teller) -> None:
    """Tell of cases: refiled, told by a verdict alone, shared, dropped, overwritten, and without a name."""
    who = "cases"
    t.tell("applied", "sync_complete", who, sync_id="cs")
    names = [1, 2, 3, 4, 5, 6, 7, 9, 10, 12, 13]
    found = [{"claim_id": f"q{number}"} for number in names]
    t.tell("applied", "detection_complete", who, sync_id="cs", claims=found)
    _refiled(t, who)
    _of_two_claims(t, who)
    _dropped_and_overwritten(t, who)
    t.tell("applied", "claim_submitted", who, claim_id="q9", event_id="q9 without a case")
    t.tell("deferred", "claim_rejected", who, claim_id="q10", case_id="C-10", event_id="q10 waits")
    t.tell("deferred", "claim_submitted", who, claim_id="q11", case_id="C-11", event_id="q11 waits")
    t.tell("applied", "claim_submitted", who, claim_id="q12", case_id="C-12", event_id="q12 filed")
    t.tell("applied", "payout_received", who, case_id="C-12", amount="8.00", event_id="q12 paid")
    t.tell("applied", "payout_reversed", who, case_id="C-12", amount="8.00", event_id="q12 reversed")
    t.tell("applied", "claim_submitted", who, claim_id="q13", case_id="C-13", event_id="q13 filed")
    t.tell("applied", "claim_rejected", who, case_id="C-13", event_id="q13 rejected", reason="late")


def _refiled(t: Teller, who: str) -> None:
    t.tell("applied", "claim_submitted", who, claim_id="q1", case_id="C-1", event_id="q1 filed")
    t.tell("applied", "claim_rejected", who, claim_id="q1", event_id="q1 rejected")
    t.tell("applied", "claim_submitted", who, claim_id="q1", case_id="C-1b", event_id="q1 refiled")
    t.tell("applied", "claim_submitted", who, claim_id="q2", event_id="q2 filed")
    t.tell("applied", "claim_rejected", who, claim_id="q2", case_id="C-2", event_id="q2 rejected")


def _of_two_claims(t: Teller, who: str) -> None:
    t.tell("applied", "claim_submitted", who, claim_id="q3", case_id="C-3", event_id="q3 filed")
    t.tell("applied", "claim_submitted", who, claim_id="q4", case_id="C-3", event_id="q4 filed")
    t.tell("applied", "payout_received", who, case_id="C-3", amount="11.00", event_id="q3 paid")


def _dropped_and_overwritten(t: Teller, who: str) -> None:
    t.tell("applied", "claim_submitted", who, claim_id="q5", case_id="C-5", event_id="q5 filed")
    t.tell("unchanged", "claim_submitted", who, claim_id="q5", case_id="C-5b", event_id="q5 refiled")
    t.tell("applied", "claim_submitted", who, claim_id="q6", case_id="C-6", event_id="q6 filed")
    t.tell("unchanged", "claim_submitted", who, claim_id="q6", case_id="C-6b", event_id="q6 refiled")
    t.tell("applied", "claim_rejected", who, claim_id="q6", case_id="C-6b", event_id="q6 rejected")
    t.tell("applied", "claim_submitted", who, claim_id="q7", case_id="C-7", event_id="q7 filed")
    paid = {"claim_id": "q7", "case_id": "C-7x", "amount": "8.00"}
    t.tell("applied", "payout_received", who, **paid, event_id="q7 paid")
    t.tell("unchanged", "claim_submitted", who, claim_id="q7", case_id="C-7b", event_id="q7 refiled")


def guessed(t: Teller) -> None:
    """Tell of money for a case that nobody has: it went to the only claim that could take it."""
    who = "guessed"
    t.tell("applied", "sync_complete", who, sync_id="gs")
    found = [{"claim_id": "g1", "amount": "30.00"}, {"claim_id": "g2", "amount": "20.00"}]
    t.tell("applied", "detection_complete", who, sync_id="gs", claims=found)
    t.tell("applied", "claim_submitted", who, claim_id="g1", case_id="G-1", event_id="g1 filed")
    t.tell("applied", "payout_received", who, case_id="G-2", amount="20.00", event_id="g2 paid")
    t.tell("applied", "payout_reversed", who, case_id="G-2", amount="5.00", event_id="g2 reversed in part")
