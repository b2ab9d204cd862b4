"""Dead letters as operators see them: events refused, expired or waiting with money, and dead effects."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from workflow_fsm.core.definition import Definition
from workflow_fsm.core.errors import DeadLetterUnknown, FieldError, InvalidEvent, RowUnreadable
from workflow_fsm.core.model.inbox import Share, Standing, StoredEvent
from workflow_fsm.core.model.situation import Situation
from workflow_fsm.core.model.ways_out import dropped_for, failed_and_dropped_for
from workflow_fsm.core.records import Candidate, LetterKind
from workflow_fsm.core.values import money
from workflow_fsm.read.letter_shapes import DeadLetterRecord, SettledLetter
from workflow_fsm.read.limits import MOST_A_PAGE, checked_limit
from workflow_fsm.read.waiting import WaitingEvents, shown_money
from workflow_fsm.stores.event_mapping import stored_event_of
from workflow_fsm.stores.repository import Repository
from workflow_fsm.stores.session import Columns, Session, Statement

KINDS = ("event", "effect")
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which dead letters are asked for: None takes any, `dropped` only those that were dropped.

    `reason_contains` is a part of the reason, in either case.
    """

    kind: str | None = None
    user_id: str | None = None
    handler: str | None = None
    trigger: str | None = None
    reason_contains: str | None = None
    dropped: bool = False

    def takes(self, record: DeadLetterRecord) -> bool:
        """Tell whether a dead letter is one of them."""
        return (
            self.handler in (None, record.handler)
            and self.trigger in (None, record.trigger)
            and (self.reason_contains is None or self.reason_contains.casefold() in record.reason.casefold())
        )


def list_dead_letters(
    session: Session, definition: Definition, wanted: Wanted, *, limit: int, cursor: str | None
) -> DeadLetterPage:
    """Show dead letters, oldest first. Raises InvalidEvent for a kind, limit or cursor that is none."""
    if wanted.kind is not None and wanted.kind not in KINDS:
        fault = f"is {wanted.kind!r}; it must be event or effect"
        raise InvalidEvent([FieldError(field="kind", reason=fault)])
    checked_limit(limit, MOST_A_PAGE)
    place = _place(cursor)
    page: list[tuple[_Place, DeadLetterRecord]] = []
    show = _Shower(session, definition, dropped=wanted.dropped)
    while True:
        found = _rows(session, wanted, place, limit + 1)[: limit + 1]
        show.expect((kind, row) for _, kind, row in found)
        for at, kind, row in found:
            place = at
            record = show.effect(row) if kind == "effect" else show.event(row)
            if wanted.takes(record):
                page.append((at, record))
            if len(page) > limit:
                return DeadLetterPage([one for _, one in page[:limit]], _opaque(page[limit - 1][0]))
        if len(found) <= limit:
            return DeadLetterPage([one for _, one in page], None)


def _rows(session: Session, wanted: Wanted, place: _Place, limit: int) -> list[tuple[_Place, str, Columns]]:
    """Read the next rows of both kinds, in their order."""
    at, after_user, after_seq = place
    asked: dict[str, Any] = {"at": at, "after_user": after_user, "after_seq": after_seq, "limit": limit}
    events, effects = (
        ("dropped_events", "dropped_effects") if wanted.dropped else ("dead_events", "dead_effects")
    )
    if wanted.user_id is not None:
        asked["user_id"] = wanted.user_id
        events, effects = (
            ("dropped_events_of", "dropped_effects_of")
            if wanted.dropped
            else ("dead_events_of", "dead_effects_of")
        )
    found: list[tuple[_Place, str, Columns]] = []
    if wanted.kind in (None, "event") and wanted.handler is None:
        for row in session.rows(events, **asked):
            moment = row["received_at"] if wanted.dropped else row["letter_at"]
            found.append(((moment, row["user_id"], row["seq"]), "event", row))
    if wanted.kind in (None, "effect"):
        for row in session.rows(effects, **asked):
            found.append(((row["ready_at"], row["user_id"], row["seq"]), "effect", row))
    return sorted(found, key=lambda one: one[0])


class _Shower:
    """Shows the rows of one list; reads each user once, however many rows are theirs."""

    def __init__(self, session: Session, definition: Definition, *, dropped: bool = False) -> None:
        self._session = session
        self._definition = definition
        self._dropped = dropped
        self._users: dict[str, tuple[Repository, WaitingEvents]] = {}

    def expect(self, rows: Iterable[tuple[str, Columns]]) -> None:
        """Hear which rows will be shown, each with its kind."""
        asked: list[Statement] = []
        users: set[str] = set(self._users)
        for kind, row in rows:
            user_id = row["user_id"]
            if kind == "event" and user_id not in users:
                users.add(user_id)
                asked.append(("user", {"user_id": user_id}))
            if self._dropped:
                asked.append(("last_drop", {"user_id": user_id, "about": f"{kind}:{row['seq']}"}))
        self._session.prefetch(asked)

    def event(self, row: Columns) -> DeadLetterRecord:
        """Show an event that is a dead letter, or was before it was dropped.

        One that can't be read is shown by what is left of it, and hides no other.
        """
        try:
            return self._event(row)
        except RowUnreadable as error:
            return self._record(row, reason=str(error))

    def _event(self, row: Columns) -> DeadLetterRecord:
        stored = stored_event_of(self._definition, row)
        source, waiting = self._user(row["user_id"])
        share = _looked_at(stored, dropped=self._dropped)
        amount, currency = shown_money(self._definition, stored, source)
        booked = stored.money
        if booked is not None:
            amount, currency = money.text(abs(booked.amount)), booked.currency
        if self._dropped:
            reason = dropped_for(self._why_dropped("event", row), None if share is None else share.was)
        else:
            reason = stored.doubt or (share and share.reason) or "it was refused, or it waits"
        several: Sequence[Candidate] = ()
        if share is not None and share.standing is not Standing.DROPPED:
            _, several = waiting.meant_by(stored, share)
        return self._record(
            row,
            claim_id=stored.event.field("claim_id"),
            amount=amount,
            currency=currency,
            reason=reason,
            candidates=several,
            conflicts_with=None if share is None else share.conflicts_with,
        )

    def effect(self, row: Columns) -> DeadLetterRecord:
        """Show an effect that is a dead letter, or was before it was dropped."""
        reason = row["error"]
        if self._dropped:
            reason = failed_and_dropped_for(self._why_dropped("effect", row))
        return DeadLetterRecord(
            id=str(DeadLetterId(user_id=row["user_id"], kind="effect", seq=row["seq"])),
            kind="effect",
            user_id=row["user_id"],
            claim_id=row["claim_id"],
            trigger=row["trigger"],
            amount=None,
            currency=None,
            handler=row["handler"],
            reason=reason,
            error=row["traceback"],
            attempts=row["attempt"],
            at=row["ready_at"],
            event_id=row["event_id"],
            candidates=[],
            conflicts_with=None,
        )

    def _record(
        self,
        row: Columns,
        *,
        reason: str,
        claim_id: str | None = None,
        amount: str | None = None,
        currency: str | None = None,
        candidates: Sequence[Candidate] = (),
        conflicts_with: str | None = None,
    ) -> DeadLetterRecord:
        return DeadLetterRecord(
            id=str(DeadLetterId(user_id=row["user_id"], kind="event", seq=row["seq"])),
            kind="event",
            user_id=row["user_id"],
            claim_id=claim_id,
            trigger=row["trigger"],
            amount=amount,
            currency=currency,
            handler=None,
            reason=reason,
            error=None,
            attempts=None,
            at=row["received_at"] if self._dropped else row["letter_at"] or row["received_at"],
            event_id=row["event_id"],
            candidates=list(candidates),
            conflicts_with=conflicts_with,
        )

    def _user(self, user_id: str) -> tuple[Repository, WaitingEvents]:
        if user_id not in self._users:
            source = Repository.of(self._session, self._definition, user_id)
            shows = WaitingEvents(self._definition, Situation(user_id, source), source)
            self._users[user_id] = source, shows
        return self._users[user_id]

    def _why_dropped(self, kind: str, row: Columns) -> str | None:
        act = last_drop(self._session, row["user_id"], f"{kind}:{row['seq']}")
        return None if act is None else act["reason"]


def _looked_at(stored: StoredEvent, *, dropped: bool) -> Share | None:
    """Give the part for which an event is a dead letter, or was one before it was dropped."""
    wanted = (Standing.DROPPED,) if dropped else (Standing.DEAD, Standing.WAITING, Standing.REFUSED)
    found = (share for one in wanted for share in stored.shares if share.standing is one)
    return None if stored.doubt is not None and not dropped else next(found, None)


def last_drop(session: Session, user_id: str, about: str) -> Columns | None:
    """Give the act by which `event:SEQ` or `effect:SEQ` was dropped last."""
    return session.row("last_drop", user_id=user_id, about=about)


def show_dead_letter(
    session: Session, definition: Definition, user_id: str, about: str
) -> DeadLetterRecord | SettledLetter:
    """Show the dead letter `event:SEQ` or `effect:SEQ` of a user, as it stands now."""
    kind, _, seq = about.partition(":")
    row = session.row("event_at" if kind == "event" else "effect_at", user_id=user_id, seq=int(seq))
    if row is None:
        gone: LetterKind = "effect" if kind == "effect" else "event"
        return SettledLetter(kind=gone, user_id=user_id, reason="it was replaced meanwhile")
    show = _Shower(session, definition)
    if kind == "effect":
        return show.effect(row)
    if row["letter"] is None:
        settled = "it was settled meanwhile"
        return SettledLetter(kind="event", user_id=user_id, event_id=row["event_id"], reason=settled)
    return show.event(row)


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
