"""Effects as operators ask for them: by handler, standing, user and claim, done ones among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from heapq import merge
from itertools import islice
from typing import Any, get_args

from workflow_fsm.core.definition import Definition
from workflow_fsm.core.errors import FieldError, InvalidEvent, RowUnreadable
from workflow_fsm.core.model.situation import Situation
from workflow_fsm.core.values.instants import show_instant
from workflow_fsm.read.across.paging import (
    PageRead,
    Place,
    all_asked,
    choice_asked,
    read_cursor,
    write_cursor,
)
from workflow_fsm.read.across.question_shapes import EffectRow, EffectStanding
from workflow_fsm.read.dead_letters import Wanted
from workflow_fsm.stores.mapping import pattern_of
from workflow_fsm.stores.repository import Repository
from workflow_fsm.stores.session import Columns, Session, Statement, walk

_ASKED = "effects"
_STORED: dict[str | None, tuple[str, ...]] = {
    None: ("owed", "taken", "dead", "done"),
    "owed": ("owed", "taken"),
    "running": ("taken",),
    "paused": ("owed",),
    "dead": ("dead",),
    "done": ("done",),
}
"""How effects may be stored that are asked for: one whose lease is over is owed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectsAsked:
    """Which effects are asked for; None takes any."""

    handler: str | None = None
    standing: str | None = None
    user_id: str | None = None
    claim_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standpoint:
    """As of when effects are shown: leases that end by `over` are over; `tries` are those by default."""

    now: datetime
    over: datetime
    tries: int


def effects_page(
    session: Session,
    definition: Definition,
    asked: EffectsAsked,
    at: Standpoint,
    *,
    limit: int,
    cursor: str | None,
) -> PageRead[EffectRow]:
    """Give a page of effects, by user and in the order in which they were owed.

    Raises InvalidEvent for a standing or cursor that is none, and for a claim without a user, all at once.
    """
    _, _, behind = all_asked(
        partial(choice_asked, "standing", asked.standing, get_args(EffectStanding)),
        partial(_refuse_a_claim_of_nobody, asked),
        partial(read_cursor, _ASKED, cursor),
    )
    place: Place = behind or ("", "", 0)
    shown = _Shown(session, at)
    rows: list[EffectRow] = []
    while True:
        found = _read(session, definition, asked, place, limit + 1)
        for row in found[: limit + 1]:
            effect = shown.show(row)
            if asked.standing in (None, effect.standing):
                if len(rows) == limit:
                    return PageRead(rows=rows, next_cursor=write_cursor(_ASKED, place))
                rows.append(effect)
            place = ("", row["user_id"], row["seq"])
        if len(found) <= limit:
            return PageRead(rows=rows, next_cursor=None)


def _refuse_a_claim_of_nobody(asked: EffectsAsked) -> None:
    if asked.claim_id is not None and asked.user_id is None:
        reason = "is asked for with a claim_id, as claims of two users may have one id"
        raise InvalidEvent([FieldError(field="user_id", reason=reason)])


def effects_of(session: Session, user_id: str, lifecycle_id: int, at: Standpoint) -> list[EffectRow]:
    """Show all that was owed for a lifecycle, and not made void."""
    shown = _Shown(session, at)
    return [shown.show(row) for row in _of_claim(session, user_id, lifecycle_id, _STORED[None])]


def count_dead_effects(session: Session, wanted: Wanted) -> int:
    """Count effects past their last try, of all users and by all triggers, without reading each."""
    handlers = walk(session, "next_handler", "handler") if wanted.handler is None else (wanted.handler,)
    if wanted.reason_contains is None:
        counted = (session.row("count_dead_effects", handler=one) for one in handlers)
        return sum(row["many"] for row in counted if row is not None)
    part = wanted.reason_contains.casefold()
    rows = (row for one in handlers for row in session.rows("count_dead_effects_by_error", handler=one))
    return sum(row["many"] for row in rows if part in (row["error"] or "").casefold())


def _read(
    session: Session, definition: Definition, asked: EffectsAsked, place: Place, limit: int
) -> Sequence[Columns]:
    """Read the next effects behind a place, not fewer than `limit` where there are so many."""
    _, after_user, after_seq = place
    standings = _STORED[asked.standing]
    if asked.claim_id is not None:
        assert asked.user_id is not None
        source = Repository.of(session, definition, asked.user_id)
        claim = Situation(asked.user_id, source).claim(asked.claim_id)
        rows = [] if claim is None else _of_claim(session, asked.user_id, claim.id, standings)
        behind = (row for row in rows if row["seq"] > after_seq and asked.handler in (None, row["handler"]))
        return list(islice(behind, limit))
    told: dict[str, Any] = {"after_seq": after_seq, "limit": limit}
    if asked.user_id is None:
        name, told = "effects_page", {**told, "after_user": after_user}
    else:
        name, told = "effects_page_of", {**told, "user_id": asked.user_id}
    every = walk(session, "next_handler", "handler")
    handlers = list(every) if asked.handler is None else [asked.handler]
    streams: list[Statement] = [
        (name, {**told, "handler": handler, "standing": standing})
        for handler in handlers
        for standing in standings
    ]
    session.prefetch(streams)
    pages = [session.rows(page, **parameters) for page, parameters in streams]
    return list(islice(merge(*pages, key=lambda row: (row["user_id"], row["seq"])), limit))


def _of_claim(session: Session, user_id: str, lifecycle_id: int, standings: Sequence[str]) -> list[Columns]:
    found = session.rows("effects_of_claim", user_id=user_id, lifecycle=lifecycle_id)
    return sorted((row for row in found if row["standing"] in standings), key=lambda row: int(row["seq"]))


class _Shown:
    """Shows effects as of one moment."""

    def __init__(self, session: Session, at: Standpoint) -> None:
        self._now, self._over = show_instant(at.now), show_instant(at.over)
        self._default = at.tries
        self._tries: dict[str, int] = {}
        for row in session.rows("handlers"):
            try:
                self._tries[row["name"]] = pattern_of(row).tries or at.tries
            except RowUnreadable:
                continue  # what is shown of it has the default, and `check` names the row

    def show(self, row: Columns) -> EffectRow:
        """Show an effect."""
        standing = self._standing(row)
        return EffectRow(
            user_id=row["user_id"],
            claim_id=row["claim_id"],
            sync_id=row["sync_id"],
            handler=row["handler"],
            trigger=row["trigger"],
            standing=standing,
            attempt=row["attempt"],
            tries=self._tries.get(row["handler"], self._default),
            due_at=row["ready_at"] if standing == "paused" else row["due_at"],
            owed_at=row["owed_at"],
            error=row["error"],
            key=row["key"],
        )

    def _standing(self, row: Columns) -> EffectStanding:
        match row["standing"]:
            case "taken":
                return "running" if row["ready_at"] > self._over else "owed"
            case "dead":
                return "dead"
            case "done":
                return "done"
            case _:
                return "paused" if row["attempt"] > 0 and row["ready_at"] > self._now else "owed"
