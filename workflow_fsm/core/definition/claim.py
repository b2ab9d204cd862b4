"""The claim lifecycle: its table, its questions, and what each event tells of a claim.

All that is particular to claims stands here, in the fields of `events.py`, in the SQL and at the edges; the
engine knows only definitions. A variant (a state more, other cells) is `claim_lifecycle().variant(…)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from workflow_fsm.core.definition import (
    KNOWN,
    REFUSED,
    WAIT,
    Addressing,
    Cell,
    Definition,
    Meeting,
    Question,
    Rest,
    State,
    Telling,
    Trigger,
    ask,
    events,
    go,
)
from workflow_fsm.core.values import money
from workflow_fsm.core.values.fields import plain_decimal
from workflow_fsm.core.values.instants import show_instant


def _is_confidence_higher(meeting: Meeting) -> str:
    told, known = meeting.told.get("match_confidence"), meeting.facts.get("match_confidence")
    if told is None:
        return "no"
    return "yes" if known is None or Decimal(told) > Decimal(known) else "no"


def _what_is_left(meeting: Meeting) -> str:
    assert meeting.currency is not None
    left = meeting.paid.get(meeting.currency, 0) - meeting.amount
    if left < 0:
        return "too little"
    others = any(amount for currency, amount in meeting.paid.items() if currency != meeting.currency)
    return "something" if left or others else "nothing"


HIGHER = Question(name="is the confidence higher?", answers=("yes", "no"), ask=_is_confidence_higher)
LEFT = Question(
    name="what is left after it?", answers=("something", "nothing", "too little"), ask=_what_is_left
)

BETTER_MATCH = ask(HIGHER, {"yes": "matched"}, rest=Rest.KNOWN)
TAKEN_BACK = ask(
    LEFT, {"something": "paid", "nothing": "rejected"}, rest=Rest.WAIT, leads=("payout_received",)
)

STATES = (
    State(name="synced"),
    State(name="detected"),
    State(name="matched"),
    State(name="submitted"),
    State(name="rejected"),
    State(name="paid", closed=True),
    State(name="expired", closed=True),
)

_DETECTED, _MATCHED, _SUBMITTED = go("detected"), go("matched"), go("submitted")
_REJECTED, _PAID, _EXPIRED = go("rejected"), go("paid"), go("expired")

# fmt: off
CELLS: Mapping[str | None, tuple[Cell | None, ...]] = {
    # sync_complete, detection_complete, evidence_matching_complete, claim_submitted,
    # claim_rejected, payout_received, payout_reversed, deadline_passed
    None:        (go("synced"), WAIT,  WAIT,         WAIT,       WAIT,      WAIT,  WAIT,       None),
    "synced":    (KNOWN,   _DETECTED,  WAIT,         WAIT,       WAIT,      WAIT,  WAIT,       KNOWN),
    "detected":  (KNOWN,   KNOWN,      _MATCHED,     _SUBMITTED, WAIT,      _PAID, WAIT,       _EXPIRED),
    "matched":   (KNOWN,   KNOWN,      BETTER_MATCH, _SUBMITTED, WAIT,      _PAID, WAIT,       _EXPIRED),
    "submitted": (KNOWN,   KNOWN,      KNOWN,        KNOWN,      _REJECTED, _PAID, WAIT,       KNOWN),
    "rejected":  (KNOWN,   KNOWN,      KNOWN,        _SUBMITTED, REFUSED,   _PAID, WAIT,       KNOWN),
    "paid":      (KNOWN,   KNOWN,      KNOWN,        KNOWN,      REFUSED,   _PAID, TAKEN_BACK, KNOWN),
    "expired":   (KNOWN,   KNOWN,      KNOWN,        _SUBMITTED, WAIT,      _PAID, WAIT,       KNOWN),
}
# fmt: on


@cache
def claim_lifecycle(
    *, auto_submit: Decimal = Decimal("0.85"), prompt: Decimal = Decimal("0.50")
) -> Definition:
    """Build the claim lifecycle.

    A match of at least `auto_submit` confidence is decided `auto_submit`, of at least `prompt` `ask_user`,
    any other (one without a confidence too) `review`; both bounds are inclusive, from 0 to 1.
    """
    triggers = (
        Trigger(
            name="sync_complete",
            addressing=Addressing.SYNC,
            fields=events.SYNC_COMPLETE,
            tells=_told("orders_count", "inventory_items"),
        ),
        Trigger(
            name="detection_complete",
            addressing=Addressing.DETECTION,
            fields=events.DETECTION_COMPLETE,
            tells=_detection_tells,
            together=(("amount", "currency"),),
        ),
        Trigger(
            name="evidence_matching_complete",
            addressing=Addressing.EVERY,
            fields=events.EVIDENCE_MATCHING_COMPLETE,
            tells=_match_tells(auto_submit, prompt),
            together=(("decision", "match_confidence"),),
        ),
        Trigger(
            name="claim_submitted",
            addressing=Addressing.ONE,
            fields=events.CLAIM_SUBMITTED,
            tells=_told("amazon_case_id"),
        ),
        Trigger(
            name="claim_rejected",
            addressing=Addressing.ONE,
            fields=events.CLAIM_REJECTED,
            tells=_told("rejection_reason", "amazon_case_id"),
        ),
        Trigger(
            name="payout_received",
            addressing=Addressing.ONE,
            fields=events.PAYOUT_RECEIVED,
            money=1,
            tells=_told("amazon_case_id"),
        ),
        Trigger(
            name="payout_reversed",
            addressing=Addressing.ONE,
            fields=events.PAYOUT_REVERSED,
            money=-1,
            tells=_told("amazon_case_id"),
        ),
        Trigger(name="deadline_passed", addressing=Addressing.TIMER, due="deadline_date"),
    )
    return Definition(name="claim", states=STATES, triggers=triggers, cells=CELLS)


def _told(*names: str) -> Telling:
    """Tell the fields of these names, as the facts of the same names."""

    def tells(fields: Mapping[str, Any], facts: Mapping[str, Any]) -> Mapping[str, Any]:
        return {name: _fact(fields[name]) for name in names if fields.get(name) is not None}

    return tells


_FOUND = _told("claim_type", "evidence", "discovery_date", "deadline_date", "eligible_from")


def _detection_tells(fields: Mapping[str, Any], facts: Mapping[str, Any]) -> Mapping[str, Any]:
    told = dict(_FOUND(fields, facts))
    if fields.get("claims_found") is not None:
        told["claims_found"] = fields["claims_found"]
    if fields.get("confidence") is not None:
        told["detected_confidence"] = plain_decimal(fields["confidence"])
    currency = fields.get("currency")
    amount = fields.get("amount")
    if amount is not None:
        currency = currency or facts.get("currency") or events.DEFAULT_CURRENCY
        told["amount"] = money.estimate_minor(amount, currency)
    if currency is not None:
        told["currency"] = currency
    return told


def _match_tells(auto_submit: Decimal, prompt: Decimal) -> Telling:
    documents = _told("evidence_document_id", "match_type", "reasoning")

    def tells(fields: Mapping[str, Any], facts: Mapping[str, Any]) -> Mapping[str, Any]:
        told = dict(documents(fields, facts))
        confidence = fields.get("confidence")
        if confidence is None:
            return told | {"decision": "review"}
        told["match_confidence"] = plain_decimal(confidence)
        if confidence >= auto_submit:
            told["decision"] = "auto_submit"
        else:
            told["decision"] = "ask_user" if confidence >= prompt else "review"
        return told

    return tells


def _fact(value: Any) -> Any:
    return show_instant(value) if isinstance(value, datetime) else value
