"""Users and their events, for operators: who is known, and what became of one event that arrived."""

from __future__ import annotations

import logging
from typing import Any

from workflow_fsm.core.definition import Definition
from workflow_fsm.core.errors import RowUnreadable
from workflow_fsm.core.model.inbox import StoredEvent
from workflow_fsm.core.values import money
from workflow_fsm.core.values.instants import show_instant
from workflow_fsm.read.across.paging import PageRead, read_cursor, write_cursor
from workflow_fsm.read.across.question_shapes import EventPart, EventRecord, UserRow
from workflow_fsm.read.history import show_transition
from workflow_fsm.read.shapes import HistoryRow
from workflow_fsm.read.status import sums
from workflow_fsm.read.waiting import shown_money, unapplied
from workflow_fsm.stores.event_mapping import body_of, stored_event_of
from workflow_fsm.stores.repository import NO_LIMIT, Repository
from workflow_fsm.stores.session import Session

log = logging.getLogger(__name__)
_ASKED = "users"
LAST = "\U0010ffff"
"""What no text begins behind: up to it go those that begin alike."""


def users_page(
    session: Session, definition: Definition, q: str | None, *, limit: int, cursor: str | None
) -> PageRead[UserRow]:
    """Give a page of users whose ids begin with `q`, in their order. Raises InvalidEvent for a cursor."""
    _, after_user, _ = read_cursor(_ASKED, cursor) or ("", "", 0)
    q = q or ""
    asked = {"q": q, "q_end": q + LAST, "after_user": after_user, "limit": limit + 1}
    found = session.rows("users_page", **asked)
    rows: list[UserRow] = []
    for row in found[:limit]:
        source = Repository(session, definition, row["user_id"], {**_columns(row), "may_wait": True})
        try:
            rows.append(
                UserRow(
                    user_id=row["user_id"],
                    recovered=sums(source.recovered),
                    unapplied=unapplied(source),
                    updated_at=row["updated_at"],
                )
            )
        except RowUnreadable as error:
            log.error("a user is passed over: %s", error)
    following = write_cursor(_ASKED, ("", found[limit - 1]["user_id"], 0)) if len(found) > limit else None
    return PageRead(rows=rows, next_cursor=following)


def event_record(session: Session, definition: Definition, user_id: str, event_id: str) -> EventRecord | None:
    """Tell what became of an event, by any of its ids; None where none with that id arrived."""
    source = Repository.of(session, definition, user_id)
    stored = source.event(event_id)
    if stored is None:
        return None
    row = session.row("event_at", user_id=user_id, seq=stored.seq)
    assert row is not None
    amount, currency = shown_money(definition, stored, source)
    if stored.money is not None:
        amount, currency = money.text(abs(stored.money.amount)), stored.money.currency
    stored = stored_event_of(definition, row)
    return EventRecord(
        event_id=stored.event_id,
        user_id=user_id,
        trigger=stored.event.trigger,
        standing=stored.standing.value,
        received_at=show_instant(stored.received_at),
        occurred_at=None if stored.event.occurred_at is None else show_instant(stored.event.occurred_at),
        expires_at=None if stored.expires_at is None else show_instant(stored.expires_at),
        actor=stored.actor,
        amount=amount,
        currency=currency,
        said=body_of(row),
        laid_over=dict(stored.overlay or {}),
        answer=None if stored.answer is None else dict(stored.answer),
        parts=[
            EventPart(
                claim_id=share.claim,
                standing=share.standing.value,
                reason=share.reason,
                waiting_for=list(share.waiting_for),
                conflicts_with=share.conflicts_with,
            )
            for share in stored.shares
        ],
        transitions=_moved(session, user_id, stored),
    )


def _moved(session: Session, user_id: str, stored: StoredEvent) -> list[HistoryRow]:
    """Give the rows of history that an event made, found in the chains of those whom it was for."""
    asked: list[dict[str, Any]] = [
        {"user_id": user_id, "lifecycle": one, "parent": one, "sync_id": None, "cursor": 0, "limit": NO_LIMIT}
        for one in sorted(stored.lifecycles)
    ]
    session.prefetch(("history_page_of_claim", one) for one in asked)
    rows = {
        row["cursor"]: row
        for one in asked
        for row in session.rows("history_page_of_claim", **one)
        if row["event_id"] == stored.event_id
    }
    return [show_transition(rows[cursor]) for cursor in sorted(rows)]


def _columns(row: Any) -> dict[str, Any]:
    names = ("user_id", "updated_at", "recovered", "unapplied", "currencies")
    return {**{name: row[name] for name in names}, "cursor": 0}
