"""Unit of work: one commit in the making, written once for both dialects, and the store that makes them.

It reads what the core asks for, and commits what the core decided; it decides nothing of a lifecycle itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import TypeVar

from workflow_fsm.core.decision.inbox import Standing, StoredEvent
from workflow_fsm.core.decision.situation import Changes, Situation
from workflow_fsm.core.definition import Definition
from workflow_fsm.core.definition.events import Event
from workflow_fsm.core.errors import StoreRefused
from workflow_fsm.core.values.instants import show_instant
from workflow_fsm.stores.mapping import (
    effect_row,
    event_row,
    history_row,
    lifecycle_row,
)
from workflow_fsm.stores.observers import Observers
from workflow_fsm.stores.prefetch import expected_statements
from workflow_fsm.stores.repository import Repository
from workflow_fsm.stores.session import Columns, Database, Listening, Scope, Session

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """A lifecycle whose timer is due, or a waiting event whose time to live is over."""

    user_id: str
    lifecycle_id: int | None = None
    event_id: str | None = None


class Store:
    """The store of one definition's lifecycles in one database.

    Raises StoreRefused where it holds states, or waiting triggers, that the definition doesn't know.
    """

    def __init__(self, database: Database, definition: Definition) -> None:
        self._database = database
        self.definition = definition
        self.on_enqueued: Callable[[], None] = lambda: None
        self.observers = Observers()
        database.tell_commits(self.observers.committed)
        try:
            database.read(self._refuse_strangers)
        except BaseException:
            database.close()
            raise

    def commit(
        self,
        work: Callable[[UnitOfWork], T],
        *,
        users: Iterable[str] = (),
        events: Sequence[Event] = (),
        always: bool = False,
    ) -> T:
        """Do `work` in one commit; what the unit's situations changed is committed.

        `users`, and those of `events`, are whom it will change: they are locked before anything else, in
        order, so that no two units wait for each other.

        Work that must not be lost, since what it tells of is done, is taken `always`; any other is refused
        (StoreUnavailable) where too much waits.
        """
        whom = sorted({*users, *(event.user_id for event in events)})

        def run(session: Session) -> tuple[T, UnitOfWork]:
            unit = UnitOfWork(session, self.definition)
            unit.lock(whom, events)
            result = work(unit)
            unit.forget_strangers()
            return result, unit

        scope = None
        if len(whom) == 1 and len(events) <= 1:
            expected = (
                statement for event in events for statement in expected_statements(self.definition, event)
            )
            scope = Scope(user_id=whom[0], expected=expected)
        result, unit = self._database.write(run, scope=scope, always=always)
        if unit.enqueued:
            self.on_enqueued()
            self._database.notify()
        if unit.moved:
            self.observers.moved(unit.moved)
        return result

    def read(self, work: Callable[[Session], T]) -> T:
        """Do `work` on one snapshot."""
        return self._database.read(work)

    def overdue(self, now: datetime, limit: int) -> list[Overdue]:
        """Give what `now` makes due, at most `limit` timers and as many waits."""

        def find(session: Session) -> list[Overdue]:
            at = show_instant(now)
            due = session.rows("due", now=at, limit=limit)
            expired = session.rows("expired", now=at, limit=limit)
            return [Overdue(user_id=row["user_id"], lifecycle_id=row["id"]) for row in due] + [
                Overdue(user_id=row["user_id"], event_id=row["event_id"]) for row in expired
            ]

        return self._database.read(find)

    def listen(self, hear: Callable[[], None]) -> Listening:
        """Have `hear` called where another process made effects ready, until it is closed."""
        return self._database.listen(hear)

    def ping(self) -> None:
        """Read something. Raises StoreUnavailable where that fails."""
        self._database.read(lambda session: session.row("ping"))

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def _refuse_strangers(self, session: Session) -> None:
        states = {row["state"] for row in session.rows("distinct_states")}
        triggers = {row["trigger"] for row in session.rows("distinct_waiting_triggers")}
        unknown = sorted(states - {state.name for state in self.definition.states})
        unknown += sorted(name for name in triggers if self.definition.trigger(name) is None)
        if unknown:
            raise StoreRefused(
                f"the store holds {', '.join(map(repr, unknown))}, which the definition "
                f"{self.definition.name!r} doesn't know; open it with the definition that it was filled "
                "under, or with a variant that has these"
            )


class UnitOfWork:
    """One commit in the making."""

    def __init__(self, session: Session, definition: Definition) -> None:
        self.session = session
        self.enqueued = False
        self.moved: set[str] = set()
        self._definition = definition
        self._locked: dict[str, Columns | None] = {}
        self._strangers: set[str] = set()

    def lock(self, users: Sequence[str], events: Sequence[Event] = ()) -> None:
        """Lock some users, given in order; look ahead to what deciding the first event of each will ask."""
        self.session.prefetch(("lock_user", {"user_id": user_id}) for user_id in users)
        first = {event.user_id: event for event in reversed(events)}
        for event in first.values():
            self.session.prefetch(expected_statements(self._definition, event))
        for user_id in users:
            self._lock(user_id)

    def forget_strangers(self) -> None:
        """Leave no row of whom nothing came to be known: locking made one."""
        for user_id in sorted(self._strangers):
            self.session.run("forget_user", {"user_id": user_id})

    def change(
        self, user_id: str, now: datetime, decide: Callable[[Situation], T], *, event: Event | None = None
    ) -> T:
        """Let `decide` change one user's situation, and write the changes; `event` is what it decides."""
        if user_id not in self._locked:
            if event is not None:
                expected = expected_statements(self._definition, event)
                self.session.prefetch(chain([("lock_user", {"user_id": user_id})], expected))
            self._lock(user_id)
        source = Repository(self.session, self._definition, user_id, self._locked.pop(user_id))
        situation = Situation(user_id, source)
        result = decide(situation)
        if _write(self.session, user_id, situation, source, now):
            self._strangers.discard(user_id)
        self.enqueued = self.enqueued or bool(situation.changes.effects)
        if situation.changes.rows:
            self.moved.add(user_id)
        return result

    def change_apart(
        self, user_id: str, now: datetime, decide: Callable[[Situation], T], *, event: Event | None = None
    ) -> T:
        """Do the same behind a savepoint, for one of many events in a commit."""
        known = user_id not in self._strangers
        try:
            with self.session.savepoint():
                return self.change(user_id, now, decide, event=event)
        except BaseException:
            if not known:
                self._strangers.add(user_id)
            raise

    def tell_of_dead_effect(self, user_id: str, seq: int, now: datetime) -> None:
        """Enqueue the telling of an effect that is a dead letter now."""
        self.change(user_id, now, lambda situation: situation.tell_of(f"effect:{seq}", now))

    def _lock(self, user_id: str) -> None:
        row = self._locked[user_id] = self.session.row("lock_user", user_id=user_id)
        if row is not None and not row["updated_at"]:
            self._strangers.add(user_id)


def _write(session: Session, user_id: str, situation: Situation, source: Repository, now: datetime) -> bool:
    """Write what a decision changed; tell whether it changed anything."""
    changes: Changes = situation.changes
    if situation.cursor == source.cursor() and not (changes.lifecycles or changes.events or changes.aliases):
        return False
    recovered = dict(source.recovered)
    for money in changes.money:
        recovered[money.currency] = recovered.get(money.currency, 0) + money.minor
    session.run(
        "put_user",
        {
            "user_id": user_id,
            "cursor": situation.cursor,
            "updated_at": show_instant(now),
            "recovered": json.dumps({code: minor for code, minor in recovered.items() if minor})
            if changes.money
            else source.recovered_text,
        },
    )
    for lifecycle in changes.lifecycles.values():
        name = "insert_lifecycle" if lifecycle.id in changes.made else "update_lifecycle"
        session.run(name, lifecycle_row(user_id, lifecycle))
    for row in changes.rows:
        session.run("insert_row", history_row(row))
    _write_effects(session, user_id, changes, now)
    for alias, claim_id in changes.aliases.items():
        session.run("insert_alias", {"user_id": user_id, "alias": alias, "claim_id": claim_id})
    for seq in changes.replaced:
        session.run("delete_event", {"user_id": user_id, "seq": seq})
    for stored in changes.events.values():
        received = stored.seq in changes.received
        session.run("insert_event" if received else "update_event", event_row(stored))
        _write_waits(session, user_id, stored, received=received)
    return True


def _write_effects(session: Session, user_id: str, changes: Changes, now: datetime) -> None:
    for lifecycle_id in changes.left - changes.made:
        session.run("void_effects", {"user_id": user_id, "lifecycle": lifecycle_id, "now": show_instant(now)})
    for effect in changes.effects:
        session.run("insert_effect", effect_row(user_id, effect, now))


def _write_waits(session: Session, user_id: str, stored: StoredEvent, *, received: bool) -> None:
    if not received:
        session.run("delete_waits", {"user_id": user_id, "seq": stored.seq})
    if stored.standing is Standing.WAITING:
        for name in stored.waits_under:
            session.run("insert_wait", {"user_id": user_id, "name": name, "seq": stored.seq})
