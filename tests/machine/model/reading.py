"""What an event's fields say: the listed ones, under their own names, as values that can be compared.

"Content is the listed fields, read: names made canonical, key order, the spelling of numbers and what isn't
listed left out".
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.machine.model.kept import Fields
from tests.machine.table import PLACES, SIGNS

ALL = ("occurred_at", "reason")
CASE = ("claim_id", "amazon_case_id", "sync_id")
MONEY = (*CASE, "amount", "currency", "reimbursement_id", "line_id", "quantity_reimbursed_inventory")
LISTED: dict[str, tuple[str, ...]] = {
    "sync_complete": ("sync_id", "orders_count", "inventory_items"),
    "detection_complete": ("sync_id", "claims", "count"),
    "evidence_matching_complete": ("sync_id", "claim_id", "confidence", "matches"),
    "claim_submitted": CASE,
    "claim_rejected": (*CASE, "rejection_reason"),
    "payout_received": MONEY,
    "payout_reversed": (*MONEY, "original_reimbursement_id"),
}
ALIASES = {
    "case_id": "amazon_case_id",
    "sku": "line_id",
    "matching_results": "matches",
    "detection_job_id": "sync_id",
    "claims_found": "claims",
}
OF_A_CLAIM = (
    "claim_id",
    "aliases",
    "claim_type",
    "amount",
    "currency",
    "confidence",
    "evidence",
    "discovery_date",
    "deadline_date",
    "eligible_from",
)
OF_A_MATCH = ("claim_id", "evidence_document_id", "confidence", "match_type", "reasoning")
INSTANTS = ("occurred_at", "deadline_date", "eligible_from", "discovery_date")
DECIMALS = ("amount", "confidence")


def read(trigger: str, fields: Fields) -> Fields | None:
    """Give the content of an event, or None where it is invalid."""
    body = {}
    for name, value in fields.items():
        name = ALIASES.get(name, name)
        if trigger == "claim_rejected" and name == "reason":
            name = "rejection_reason"
        if name == "claims" and isinstance(value, int):
            name = "count"
        if value is not None and name in (*LISTED[trigger], *ALL):
            body[name] = value
    body = _values(body)
    for name, listed in (("claims", OF_A_CLAIM), ("matches", OF_A_MATCH)):
        if name in body:
            body[name] = [
                _values({key: value for key, value in entry.items() if key in listed and value is not None})
                for entry in body[name]
            ]
    return body if trigger not in SIGNS or _is_exact(body) else None


def _values(fields: Fields) -> Fields:
    return {name: _value(name, value) for name, value in fields.items()}


def _value(name: str, value: Any) -> Any:
    if name in INSTANTS:
        return datetime.fromisoformat(value)
    if name in DECIMALS:
        return Decimal(str(value))
    return value.upper() if name == "currency" else value


def _is_exact(body: Fields) -> bool:
    """ "A payout is positive and exact"; with units it "may come with an amount, or with `amount` 0"."""
    amount, currency = body["amount"], body.get("currency")
    if amount < 0 or (amount == 0 and not body.get("quantity_reimbursed_inventory")):
        return False
    return currency is None or fits(amount, currency)


def fits(amount: Decimal, currency: str) -> bool:
    """Tell whether a currency has the decimals that an amount needs."""
    return amount == round(amount, PLACES[currency])
