"""Events: the fields of each trigger, and what an event is once they were read.

Whom it is for is `correlation.py`'s to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from workflow_fsm.core.errors import FieldError
from workflow_fsm.core.values.fields import (
    Field,
    Kind,
)
from workflow_fsm.core.values.value_types import dataclass

DEFAULT_CURRENCY = "USD"
"""What an amount is in where nothing tells its currency."""

MOST_ENTRIES = 50_000
"""How many entries a list of an event may have, and how many names the entries of one list together."""

CLAIM = Field(name="claim_id", kind=Kind.ID)
NAMED_CLAIM = Field(name="claim_id", kind=Kind.ID, required=True)
SYNC = Field(name="sync_id", kind=Kind.ID)
CASE = Field(name="amazon_case_id", kind=Kind.ID, aliases=("case_id",))
CURRENCY = Field(name="currency", kind=Kind.CURRENCY)
CONFIDENCE = Field(name="confidence", kind=Kind.CONFIDENCE)
PAYOUT = Field(name="amount", kind=Kind.PAYOUT, required=True)
REIMBURSEMENT = Field(name="reimbursement_id", kind=Kind.ID)

SYNC_COMPLETE = (
    SYNC,
    Field(name="orders_count", kind=Kind.COUNT),
    Field(name="inventory_items", kind=Kind.COUNT),
)
FOUND_CLAIM = (
    NAMED_CLAIM,
    Field(name="aliases", kind=Kind.IDS),
    Field(name="claim_type", kind=Kind.TEXT),
    Field(name="amount", kind=Kind.ESTIMATE),
    CURRENCY,
    CONFIDENCE,
    Field(name="evidence", kind=Kind.ANY),
    Field(name="discovery_date", kind=Kind.INSTANT),
    Field(name="deadline_date", kind=Kind.INSTANT),
    Field(name="eligible_from", kind=Kind.INSTANT),
)
DETECTION_COMPLETE = (
    Field(name="sync_id", kind=Kind.ID, aliases=("detection_job_id",)),
    Field(
        name="claims",
        kind=Kind.ENTRIES,
        aliases=("claims_found",),
        entry=FOUND_CLAIM,
        or_count=True,
    ),
)
MATCH = (
    NAMED_CLAIM,
    Field(name="evidence_document_id", kind=Kind.ID),
    CONFIDENCE,
    Field(name="match_type", kind=Kind.TEXT),
    Field(name="reasoning", kind=Kind.TEXT),
)
EVIDENCE_MATCHING_COMPLETE = (
    SYNC,
    CLAIM,
    CONFIDENCE,
    Field(name="matches", kind=Kind.ENTRIES, aliases=("matching_results",), entry=MATCH, several=True),
)
CLAIM_SUBMITTED = (CLAIM, CASE, SYNC)
CLAIM_REJECTED = (CLAIM, Field(name="rejection_reason", kind=Kind.TEXT, aliases=("reason",)), CASE, SYNC)
LINE = Field(name="line_id", kind=Kind.ID, aliases=("sku",))
UNITS = Field(name="quantity_reimbursed_inventory", kind=Kind.COUNT)
PAYOUT_RECEIVED = (PAYOUT, CLAIM, CURRENCY, CASE, REIMBURSEMENT, LINE, UNITS, SYNC)
PAYOUT_REVERSED = (*PAYOUT_RECEIVED, Field(name="original_reimbursement_id", kind=Kind.ID))


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What an event says of one claim: `claim` is the name it uses, None where it names none.

    `fields` maps canonical names to read values. `index` is the place of the entry in the event's list.
    """

    claim: str | None
    fields: Mapping[str, Any]
    index: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BadEntry:
    """An entry of a list that can't be taken: its place and what is wrong with it."""

    index: int
    errors: tuple[FieldError, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One well-formed event.

    `parts` has one part for each claim named (a list, `claim_id`), one nameless part where the event names
    none, and none where it has an empty list. `body` is the content as kept: canonical names, plain values.
    `fingerprint` is equal for equal content of the listed fields, whatever its spelling; the ids are no part
    of it. `ids` are all that the event was given, the first of which answers and history name.
    """

    trigger: str
    user_id: str
    ids: tuple[str, ...]
    fields: Mapping[str, Any]
    parts: tuple[Part, ...]
    listed: bool
    bad: tuple[BadEntry, ...]
    body: Mapping[str, Any]
    fingerprint: str
    occurred_at: datetime | None = None
    hint: str | None = None

    @property
    def event_id(self) -> str | None:
        """The first of its ids, None where it was given none."""
        return self.ids[0] if self.ids else None

    def field(self, name: str) -> Any:
        """Give the read value of a field, None where it is absent."""
        return self.fields.get(name)


def confidence_of(fields: Mapping[str, Any]) -> Any:
    """Give what matches are compared by: their confidence, or, without one, less than any."""
    confidence = fields.get("confidence")
    return -1 if confidence is None else confidence
