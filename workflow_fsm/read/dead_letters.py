"""Dead letters as operators see them: events refused, expired or waiting with money, and dead effects."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from workflow_fsm.core.definition import Definition
from workflow_fsm.core.errors import DeadLetterUnknown, FieldError, InvalidEvent
from workflow_fsm.core.records import LetterKind
from workflow_fsm.read.shapes import DeadLetterRecord, SettledLetter
from workflow_fsm.stores.mapping import stored_event_of
from workflow_fsm.stores.session import Columns, Session

KINDS = ("event", "effect")
MOST_A_PAGE = 1000
_Place = tuple[str, str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterId:
    """Which dead letter: of whom, an `event` or an `effect`, by its number."""

    user_id: str
    kind: str
    seq: int

    def __str__(self) -> str:
        return _opaque((self.kind, self.user_id, self.seq))

    @classmethod
    def parse(cls, text: str) -> DeadLetterId:
        """Read an id back. Raises DeadLetterUnknown where it never was one."""
        try:
            kind, user_id, seq = _clear(text)
        except ValueError:
            kind, user_id, seq = "", "", 0
        if kind not in KINDS:
            raise DeadLetterUnknown(f"{text[:80]!r} is the id of no dead letter")
        return cls(user_id=user_id, kind=kind, seq=seq)


class DeadLetterPage(list[DeadLetterRecord]):
    """A page of dead letters; `next_cursor` (opaque) opens the next one, None on the last."""

    def __init__(self, rows: list[DeadLetterRecord], next_cursor: str | None) -> None:
        super().__init__(rows)
        self.next_cursor = next_cursor


def list_dead_letters(
    session: Session,
    definition: Definition,
    *,
    kind: str | None,
    user_id: str | None,
    limit: int,
    cursor: str | None,
) -> DeadLetterPage:
    """Show dead letters, oldest first. Raises InvalidEvent for a kind, limit or cursor that is none."""
    if kind is not None and kind not in KINDS:
        raise InvalidEvent([FieldError(field="kind", reason=f"is {kind!r}; it must be event or effect")])
    if not 1 <= limit <= MOST_A_PAGE:
        raise InvalidEvent([FieldError(field="limit", reason=f"must be from 1 to {MOST_A_PAGE}")])
    at, after_user, after_seq = _place(cursor)
    wanted: dict[str, Any] = {
        "at": at,
        "after_user": after_user,
        "after_seq": after_seq,
        "limit": limit + 1,
    }
    events, effects = "dead_events", "dead_effects"
    if user_id is not None:
        wanted["user_id"] = user_id
        events, effects = "dead_events_of", "dead_effects_of"
    found: list[tuple[_Place, DeadLetterRecord]] = []
    if kind in (None, "event"):
        for row in session.rows(events, **wanted):
            found.append(((row["letter_at"], row["user_id"], row["seq"]), show_event(definition, row)))
    if kind in (None, "effect"):
        for row in session.rows(effects, **wanted):
            found.append(((row["ready_at"], row["user_id"], row["seq"]), show_effect(row)))
    found.sort(key=lambda pair: pair[0])
    page = found[:limit]
    more = _opaque(page[-1][0]) if len(found) > limit else None
    return DeadLetterPage([record for _, record in page], more)


def show_event(definition: Definition, row: Columns) -> DeadLetterRecord:
    """Show an event that is a dead letter."""
    stored = stored_event_of(definition, row)
    reasons = {
        "refused": "it was refused: it contradicts what is recorded, or several could be meant",
        "dead": "it waited for its time to live, and what it waited for didn't come",
        "waiting": "its money waits: no claim was found for it, or several could be meant",
    }
    told = (stored.answer or {}).get("reason") or reasons[row["letter"]]
    return DeadLetterRecord(
        id=str(DeadLetterId(user_id=row["user_id"], kind="event", seq=row["seq"])),
        kind="event",
        user_id=row["user_id"],
        claim_id=stored.event.field("claim_id"),
        trigger=row["trigger"],
        handler=None,
        reason=told,
        attempts=None,
        at=row["letter_at"],
        event_id=row["event_id"],
    )


def show_effect(row: Columns) -> DeadLetterRecord:
    """Show an effect that is a dead letter."""
    return DeadLetterRecord(
        id=str(DeadLetterId(user_id=row["user_id"], kind="effect", seq=row["seq"])),
        kind="effect",
        user_id=row["user_id"],
        claim_id=row["claim_id"],
        trigger=row["trigger"],
        handler=row["handler"],
        reason=row["error"],
        attempts=row["attempt"],
        at=row["ready_at"],
        event_id=row["event_id"],
    )


def show_dead_letter(
    session: Session, definition: Definition, user_id: str, about: str
) -> DeadLetterRecord | SettledLetter:
    """Show the dead letter `event:SEQ` or `effect:SEQ` of a user, as it stands now."""
    kind, _, seq = about.partition(":")
    row = session.row("event_at" if kind == "event" else "effect_at", user_id=user_id, seq=int(seq))
    if row is None:
        gone: LetterKind = "effect" if kind == "effect" else "event"
        return SettledLetter(kind=gone, user_id=user_id, reason="it was replaced meanwhile")
    if kind == "effect":
        return show_effect(row)
    if row["letter"] is None:
        settled = "it was settled meanwhile"
        return SettledLetter(kind="event", user_id=user_id, event_id=row["event_id"], reason=settled)
    return show_event(definition, row)


def _place(cursor: str | None) -> _Place:
    if cursor is None:
        return "", "", 0
    try:
        return _clear(cursor)
    except ValueError:
        raise InvalidEvent([FieldError(field="cursor", reason="is none that a page gave")]) from None


def _opaque(parts: _Place) -> str:
    text = json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _clear(text: str) -> _Place:
    """Read back what `_opaque` made. Raises ValueError for anything else."""
    try:
        parts = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        first, user_id, seq = parts
        if type(seq) is int and 0 < seq < 2**63 and _opaque((f"{first}", f"{user_id}", seq)) == text:
            return first, user_id, seq
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(text) from error
    raise ValueError(text)
