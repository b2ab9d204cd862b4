"""Event mapping: how stored events and their parts stand in a table, and are read back as values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import isfinite
from typing import Any

from workflow_fsm.core.definition import Definition
from workflow_fsm.core.definition.events import Event
from workflow_fsm.core.definition.reading import read_event
from workflow_fsm.core.model.inbox import Money, Share, Standing, StoredEvent, Wait, lay_over
from workflow_fsm.core.values import money, strict_json
from workflow_fsm.core.values.instants import show_instant
from workflow_fsm.core.values.value_types import replace
from workflow_fsm.stores.columns import (
    amount_of,
    instant_of,
    instant_or_none,
    json_of,
    object_of,
    object_or_none,
    reads,
    shown,
    write_json,
)
from workflow_fsm.stores.session import Columns


def event_row(stored: StoredEvent) -> dict[str, Any]:
    """Give a stored event as the columns of its table."""
    dead_letter = stored.letter
    return {
        "user_id": stored.event.user_id,
        "seq": stored.seq,
        "event_id": stored.event_id,
        "id_given": 1 if stored.event.ids else 0,
        "trigger": stored.event.trigger,
        "standing": stored.standing.value,
        "received_at": show_instant(stored.received_at),
        "occurred_at": shown(stored.event.occurred_at),
        "expires_at": shown(stored.expires_at),
        "settled": stored.settled,
        "fingerprint": stored.event.fingerprint,
        "body": strict_json.dumps(dict(stored.event.body)),
        "shares": write_json([_share_row(share) for share in stored.shares]),
        "answer": write_json(stored.answer),
        "actor": stored.actor,
        "reimbursement_id": stored.event.field("reimbursement_id"),
        "original_id": stored.event.field("original_reimbursement_id"),
        "line_id": stored.line,
        "currency": stored.money.currency if stored.money else None,
        "amount": money.text(stored.money.amount) if stored.money else None,
        "units": stored.money.units if stored.money else 0,
        "booked_case": stored.money.case_id if stored.money else None,
        "overlay": strict_json.dumps(dict(stored.overlay)) if stored.overlay else None,
        "doubt": stored.doubt,
        "letter": dead_letter,
        "letter_at": None if dead_letter is None else show_instant(stored.letter_at),
        "dropped": int(stored.is_dropped),
    }


@reads("events", "seq")
def stored_event_of(definition: Definition, row: Columns) -> StoredEvent:
    """Read a stored event back from its row. Raises RowUnreadable."""
    return _stored(definition, row)[0]


@reads("events", "seq")
def event_and_fingerprint_of(definition: Definition, row: Columns) -> tuple[StoredEvent, str]:
    """Read a stored event back from its row, and give the fingerprint of the content that the row holds.

    Raises RowUnreadable.
    """
    return _stored(definition, row)


@reads("events", "seq")
def body_of(row: Columns) -> dict[str, Any]:
    """Give what a stored event said, with its id."""
    return {**object_of(json_of(row["body"])), "event_id": row["event_id"]}


@reads("events", "seq")
def said_by(row: Columns) -> dict[str, Any]:
    """Give the same in values that JSON has: a number that isn't whole is a float."""
    said = object_of(json.loads(row["body"], parse_float=_float_or_text))
    return {**said, "event_id": row["event_id"]}


def _float_or_text(number: str) -> float | str:
    """Give a number as a float, or, where none is so large, as text."""
    value = float(number)
    return value if isfinite(value) else str(Decimal(number))


def _stored(definition: Definition, row: Columns) -> tuple[StoredEvent, str]:
    booked = None
    if row["amount"] is not None:
        booked = Money(
            currency=row["currency"],
            amount=amount_of(row["amount"]),
            units=row["units"],
            case_id=row["booked_case"],
        )
    shares = _shares_of(row)
    event = _event_of(definition, row, shares)
    alike = event.fingerprint == row["fingerprint"]
    stored = StoredEvent(
        seq=row["seq"],
        event_id=row["event_id"],
        event=event if alike else replace(event, fingerprint=row["fingerprint"]),
        actor=row["actor"],
        received_at=instant_of(row["received_at"]),
        shares=shares,
        settled=row["settled"],
        expires_at=instant_or_none(row["expires_at"]),
        answer=object_or_none(json.loads(row["answer"])),
        money=booked,
        doubt=row["doubt"],
    )
    trigger = definition.trigger(row["trigger"])
    if trigger is None and stored.standing is Standing.WAITING:
        raise ValueError(f"it waits, and its trigger {row['trigger']!r} is none of the definition's")
    if row["overlay"] is None or trigger is None:
        return stored, event.fingerprint
    return lay_over(trigger, stored, object_of(json_of(row["overlay"]))), event.fingerprint


def _event_of(definition: Definition, row: Columns, shares: Sequence[Share]) -> Event:
    trigger = definition.trigger(row["trigger"])
    body = object_of(json_of(row["body"]))
    if trigger is not None and not trigger.timer:
        refused = {one.index for one in shares if one.standing is Standing.REFUSED and one.index is not None}
        ids = [("event_id", row["event_id"])]
        event = read_event(trigger, body, ids=ids, is_stored=True, refused=refused)
        return event if row["id_given"] else replace(event, ids=())
    return Event(
        trigger=row["trigger"],
        user_id=row["user_id"],
        ids=(row["event_id"],),
        fields={},
        parts=(),
        listed=False,
        bad=(),
        body=body,
        fingerprint=row["fingerprint"],
    )


def _shares_of(row: Columns) -> tuple[Share, ...]:
    return tuple(_share_of(share) for share in json.loads(row["shares"]))


def _share_row(share: Share) -> dict[str, Any]:
    row: dict[str, Any] = {"standing": share.standing.value}
    if share.claim is not None:
        row["claim"] = share.claim
    if share.index is not None:
        row["index"] = share.index
    if share.lifecycles:
        row["lifecycles"] = list(share.lifecycles)
    if share.waiting_for:
        row["waiting_for"] = list(share.waiting_for)
    if share.waits:
        row["waits"] = [list(wait) for wait in share.waits]
    for name in ("reason", "conflicts_with", "currency", "was"):
        value = getattr(share, name)
        if value is not None:
            row[name] = value
    return row


def _share_of(row: Mapping[str, Any]) -> Share:
    return Share(
        claim=row.get("claim"),
        standing=Standing(row["standing"]),
        lifecycles=tuple(row.get("lifecycles", ())),
        index=row.get("index"),
        waiting_for=tuple(row.get("waiting_for", ())),
        waits=tuple(Wait(*wait) for wait in row.get("waits", ())),
        reason=row.get("reason"),
        conflicts_with=row.get("conflicts_with"),
        currency=row.get("currency"),
        was=Standing(row["was"]) if "was" in row else None,
    )
