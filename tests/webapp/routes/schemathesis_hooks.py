"""For schemathesis: leaves out, of the requests that it makes, those whose fault a schema can't tell.

An amount that its currency can't hold, a claim that a list names twice, a field under two names that differ,
a cursor that no page gave; and a second event id, which isn't read where there is a first.
"""

from __future__ import annotations

from typing import Any

import schemathesis

from workflow_fsm import InvalidEvent, claim_lifecycle
from workflow_fsm.core.definition.reading import read_event
from workflow_fsm.core.values import strict_json

LIFECYCLE = claim_lifecycle()
PAYOUT = LIFECYCLE.by_name["payout_received"]
PAGED = ("claims", "deadletters", "effects", "money", "users")
"""What is given in pages by a cursor that only a page tells."""
FIELDS = [field for trigger in LIFECYCLE.triggers for field in trigger.fields]


@schemathesis.serializer("application/x-ndjson")
def ndjson(_context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.hook
def filter_case(_context: Any, case: Any) -> bool:
    if {"webhook-id", "idempotency-key"} <= {name.lower() for name in case.headers or {}}:
        return False
    if case.method == "GET" and case.operation.path.rpartition("/")[2] in PAGED:
        return not (case.query or {}).get("cursor")
    if not isinstance(case.body, dict):
        return True
    if any({field.name, alias} <= case.body.keys() for field in FIELDS for alias in field.aliases):
        return False
    if "/payout/" in case.operation.path:
        return case.body.get("amount") is None or _is_payable(case.body)
    return not any(_names_one_twice(case.body.get(name)) for name in ("claims", "claims_found"))


def _is_payable(body: dict[str, Any]) -> bool:
    about = {"user_id": "u", "amount": body["amount"], "currency": body.get("currency")}
    try:
        read_event(PAYOUT, strict_json.normal(about))  # type: ignore[arg-type]  # an object stays one
    except (InvalidEvent, strict_json.Malformed):
        return False
    return True


def _names_one_twice(listed: object) -> bool:
    if not isinstance(listed, list):
        return False
    named = [repr(entry.get("claim_id")) for entry in listed if isinstance(entry, dict)]
    return len(set(named)) < len(named)
