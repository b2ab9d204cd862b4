"""Mapping: how lifecycles, history and stored events stand in a table, and are read back as values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from workflow_fsm.core.decision.inbox import Money, Share, Standing, StoredEvent
from workflow_fsm.core.decision.lifecycle import COLUMNS, Lifecycle, Row
from workflow_fsm.core.decision.outbox import Effect, Pattern
from workflow_fsm.core.definition import Definition
from workflow_fsm.core.definition.events import Event, read_event
from workflow_fsm.core.values import strict_json
from workflow_fsm.core.values.instants import read_instant, show_instant
from workflow_fsm.core.values.json_writer import json_writer
from workflow_fsm.stores.session import Columns

EVERY = {
    "lifecycles": (
        "every_lifecycle",
        "id",
        "id claim_id sync_id state version entered_at cursor head origin parent forked case_id due_at "
        "facts paid",
    ),
    "history": ("every_row", "cursor", " ".join((*COLUMNS, "hash"))),
    "events": (
        "every_event",
        "seq",
        "user_id seq event_id trigger standing received_at occurred_at expires_at settled fingerprint "
        "body shares answer actor reimbursement_id currency minor letter letter_at",
    ),
    "effects": (
        "every_effect",
        "seq",
        "seq lifecycle cursor handler on_enter standing owed_at due_at ready_at attempt forgiven key about",
    ),
    "waits": ("every_wait", "seq", "name seq"),
}
"""Of each table: the statement that reads all of a user's rows, their key within the user, their columns."""


_write = json_writer()


def lifecycle_row(user_id: str, lifecycle: Lifecycle) -> dict[str, Any]:
    """Give a lifecycle as the columns of its table."""
    return {
        "user_id": user_id,
        "id": lifecycle.id,
        "claim_id": lifecycle.claim_id,
        "sync_id": lifecycle.sync_id,
        "state": lifecycle.state,
        "version": lifecycle.version,
        "entered_at": show_instant(lifecycle.entered_at),
        "cursor": lifecycle.cursor,
        "head": lifecycle.head,
        "origin": lifecycle.origin,
        "parent": lifecycle.parent,
        "forked": int(lifecycle.forked),
        "case_id": lifecycle.case_id,
        "due_at": _shown(lifecycle.due_at),
        "facts": strict_json.dumps(dict(lifecycle.facts)),
        "paid": json.dumps(dict(lifecycle.paid)) if lifecycle.paid else "{}",
    }


def lifecycle_of(row: Columns) -> Lifecycle:
    """Read a lifecycle back from its row."""
    return Lifecycle(
        id=row["id"],
        claim_id=row["claim_id"],
        sync_id=row["sync_id"],
        state=row["state"],
        version=row["version"],
        entered_at=_instant(row["entered_at"]),
        cursor=row["cursor"],
        head=row["head"],
        origin=row["origin"],
        parent=row["parent"],
        forked=bool(row["forked"]),
        facts=_json(row["facts"]),
        paid=json.loads(row["paid"]),
        due_at=_instant_or_none(row["due_at"]),
    )


def history_row(row: Row) -> dict[str, Any]:
    """Give a row of history as the columns of its table."""
    return {
        "user_id": row.user_id,
        "cursor": row.cursor,
        "lifecycle": row.lifecycle,
        "claim_id": row.claim_id,
        "sync_id": row.sync_id,
        "version": row.version,
        "trigger": row.trigger,
        "from_state": row.from_state,
        "to_state": row.to_state,
        "event_id": row.event_id,
        "at": show_instant(row.at),
        "occurred_at": _shown(row.occurred_at),
        "actor": row.actor,
        "reason": row.reason,
        "hash": row.hash,
    }


def row_of(row: Columns) -> Row:
    """Read a row of history back. Raises ValueError where an instant in it is none."""
    return Row(
        user_id=row["user_id"],
        cursor=row["cursor"],
        lifecycle=row["lifecycle"],
        claim_id=row["claim_id"],
        sync_id=row["sync_id"],
        version=row["version"],
        trigger=row["trigger"],
        from_state=row["from_state"],
        to_state=row["to_state"],
        event_id=row["event_id"],
        at=_instant(row["at"]),
        occurred_at=_instant_or_none(row["occurred_at"]),
        actor=row["actor"],
        reason=row["reason"],
        hash=row["hash"],
    )


def event_row(stored: StoredEvent) -> dict[str, Any]:
    """Give a stored event as the columns of its table."""
    dead_letter = stored.letter
    return {
        "user_id": stored.event.user_id,
        "seq": stored.seq,
        "event_id": stored.event_id,
        "trigger": stored.event.trigger,
        "standing": stored.standing.value,
        "received_at": show_instant(stored.received_at),
        "occurred_at": _shown(stored.event.occurred_at),
        "expires_at": _shown(stored.expires_at),
        "settled": stored.settled,
        "fingerprint": stored.event.fingerprint,
        "body": strict_json.dumps(dict(stored.event.body)),
        "shares": _write([_share_row(share) for share in stored.shares]),
        "answer": _write(stored.answer),
        "actor": stored.actor,
        "reimbursement_id": stored.event.field("reimbursement_id"),
        "currency": stored.money.currency if stored.money else None,
        "minor": str(stored.money.minor) if stored.money else None,
        "letter": dead_letter,
        "letter_at": None if dead_letter is None else show_instant(stored.letter_at),
    }


def fingerprint_of(definition: Definition, row: Columns) -> str:
    """Give the fingerprint of the content that a stored event's row holds, whatever the row says of it."""
    return _event_of(definition, row).fingerprint


def stored_event_of(definition: Definition, row: Columns) -> StoredEvent:
    """Read a stored event back from its row."""
    money = None
    if row["minor"] is not None:
        money = Money(currency=row["currency"], minor=int(row["minor"]))
    return StoredEvent(
        seq=row["seq"],
        event_id=row["event_id"],
        event=replace(_event_of(definition, row), fingerprint=row["fingerprint"]),
        actor=row["actor"],
        received_at=_instant(row["received_at"]),
        shares=tuple(_share_of(share) for share in json.loads(row["shares"])),
        settled=row["settled"],
        expires_at=_instant_or_none(row["expires_at"]),
        answer=json.loads(row["answer"]),
        money=money,
    )


def effect_row(user_id: str, effect: Effect, now: datetime) -> dict[str, Any]:
    """Give a new effect as the columns of its table."""
    return {
        "user_id": user_id,
        "seq": effect.seq,
        "lifecycle": effect.lifecycle,
        "cursor": effect.cursor,
        "handler": effect.handler,
        "on_enter": int(effect.on_enter),
        "owed_at": show_instant(now),
        "due_at": show_instant(effect.due_at),
        "key": effect.key,
        "about": effect.about,
    }


def pattern_of(row: Columns) -> Pattern:
    """Read a handler's pattern back."""
    return _pattern(row["pattern"])


@lru_cache(maxsize=256)  # every event reads the same few
def _pattern(text: str) -> Pattern:
    return Pattern(**json.loads(text))


def body_of(row: Columns) -> dict[str, Any]:
    """Give what a stored event said, with its id."""
    return {**_json(row["body"]), "event_id": row["event_id"]}


def _event_of(definition: Definition, row: Columns) -> Event:
    trigger = definition.trigger(row["trigger"])
    body = _json(row["body"])
    if trigger is not None and not trigger.timer:
        return read_event(trigger, body, event_id=row["event_id"])
    return Event(
        trigger=row["trigger"],
        user_id=row["user_id"],
        event_id=row["event_id"],
        fields={},
        parts=(),
        listed=False,
        bad=(),
        body=body,
        fingerprint=row["fingerprint"],
    )


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
    return row


def _share_of(row: Mapping[str, Any]) -> Share:
    return Share(
        claim=row.get("claim"),
        standing=Standing(row["standing"]),
        lifecycles=tuple(row.get("lifecycles", ())),
        index=row.get("index"),
        waiting_for=tuple(row.get("waiting_for", ())),
    )


def _json(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


def _shown(at: datetime | None) -> str | None:
    return None if at is None else show_instant(at)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text) if text.endswith("Z") else read_instant(text)


def _instant_or_none(text: str | None) -> datetime | None:
    return None if text is None else _instant(text)
