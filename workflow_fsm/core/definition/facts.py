"""Facts: what is kept of a claim besides its state, and what each event tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from workflow_fsm.core.definition import events
from workflow_fsm.core.definition.triggers import tells_fields
from workflow_fsm.core.values import money
from workflow_fsm.core.values.fields import plain_decimal

AUTO_SUBMIT, PROMPT = Decimal("0.85"), Decimal("0.50")
"""From which confidence on a match is decided `auto_submit`, and `ask_user`, where nothing else is said."""
DECISION = "decision"
DECISIONS = ("auto_submit", "ask_user", "review")
"""What a match is decided as, from the highest confidence down."""
MATCH_CONFIDENCE = "match_confidence"
DETECTION_AT = "detection_occurred_at"
"""The fact that tells when the detection happened by which a claim is known."""
PAID_WITHOUT_CASE = "paid_without_case"
"""The fact that money came under no case, and no submission has told of a filing since."""
TAKEN_BACK_AT = "taken_back_at"
"""The fact that tells the number of the last reversal that named no payout."""
REPLACED = (
    "deadline_date",
    "eligible_from",
    "amount",
    "currency",
    "claim_type",
    "detected_confidence",
    "evidence",
)
"""What a detector may change its mind about, until the claim is filed."""


FACTS = frozenset(
    {
        *REPLACED,
        *("orders_count", "inventory_items", "claims_found", "discovery_date", "rejection_reason"),
        *("evidence_document_id", "match_type", "reasoning", MATCH_CONFIDENCE, DECISION),
        *(DETECTION_AT, PAID_WITHOUT_CASE, TAKEN_BACK_AT),
    }
)
"""The facts that are kept of a claim; what a variant tells besides is its own."""


_FOUND = tells_fields("claim_type", "evidence", "discovery_date", "deadline_date", "eligible_from")


def tell_detection(fields: Mapping[str, Any], facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Tell the facts of a detection, of a claim's entry in it or of a sync."""
    told = dict(_FOUND(fields, facts))
    if fields.get("claims_found") is not None:
        told["claims_found"] = fields["claims_found"]
    if fields.get("confidence") is not None:
        told["detected_confidence"] = plain_decimal(fields["confidence"])
    currency = fields.get("currency")
    amount = fields.get("amount")
    if amount is not None:
        currency = currency or facts.get("currency") or events.DEFAULT_CURRENCY
        told["amount"] = money.text(money.estimate(amount, _places(amount, currency, facts.get("amount"))))
    elif currency not in (None, facts.get("currency")) and facts.get("amount") is not None:
        stays = money.amount(facts["amount"])  # in the currency that is told now
        told["amount"] = money.text(money.estimate(stays, _places(stays, currency, facts["amount"])))
    if currency is not None:
        told["currency"] = currency
    return told


def _places(amount: money.Amount, currency: str, recorded: str | None) -> int:
    """Give the decimals of an estimate's currency; one that ISO 4217 has withdrawn since has those that are
    recorded, or that came."""
    try:
        return money.decimals(currency)
    except money.NotMoney:
        known = (amount.value, Decimal(recorded or 0))
        return max(0, *(-int(value.as_tuple().exponent) for value in known))


_DOCUMENTS = tells_fields("evidence_document_id", "match_type", "reasoning")


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchTelling:
    """What a match tells: its document, its confidence, and the decision by two bounds.

    A bound that is None is the settings' of whoever opens a store, which are laid `under` it.
    """

    auto_submit: Decimal | None = None
    prompt: Decimal | None = None
    settings: tuple[Decimal, Decimal] = (AUTO_SUBMIT, PROMPT)

    def __call__(self, fields: Mapping[str, Any], facts: Mapping[str, Any]) -> Mapping[str, Any]:
        """Tell the facts of a match."""
        told = dict(_DOCUMENTS(fields, facts))
        submit, ask, review = DECISIONS
        confidence = fields.get("confidence")
        if confidence is None:
            return told | {DECISION: review}
        told[MATCH_CONFIDENCE] = plain_decimal(confidence)
        auto_submit, prompt = self.settings
        if confidence >= (auto_submit if self.auto_submit is None else self.auto_submit):
            told[DECISION] = submit
        else:
            is_asked = confidence >= (prompt if self.prompt is None else self.prompt)
            told[DECISION] = ask if is_asked else review
        return told
