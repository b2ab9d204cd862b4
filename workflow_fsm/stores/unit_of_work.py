"""Unit of work: one commit in the making, written once for both dialects, and the store that makes them.

It reads what the core asks for, and commits what the core decided; it decides nothing of a lifecycle itself.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice
from types import MappingProxyType
from typing import TypeVar

from workflow_fsm.core.definition import Definition
from workflow_fsm.core.definition.events import Event
from workflow_fsm.core.errors import RowUnreadable, StoreRefused
from workflow_fsm.core.model.inbox import Standing, StoredEvent
from workflow_fsm.core.model.situation import Changes, Situation
from workflow_fsm.core.values import money
from workflow_fsm.core.values.instants import show_instant
from workflow_fsm.stores.columns import MOST_DECIMALS, sums_text
from workflow_fsm.stores.event_mapping import event_row
from workflow_fsm.stores.mapping import case_row, effect_row, history_row, lifecycle_row
from workflow_fsm.stores.observers import Observers
from workflow_fsm.stores.prefetch import expected_statements
from workflow_fsm.stores.repository import Repository
from workflow_fsm.stores.session import Columns, Database, Listening, Scope, Session

T = TypeVar("T")
log = logging.getLogger(__name__)

ASIDE_SECONDS = 600.0
"""How long what time can't pass for is left alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """A lifecycle whose timer is due, or a waiting event whose time to live is over."""

    user_id: str
    lifecycle_id: int | None = None
    event_id: str | None = None


class Store:
    """The store of one definition's lifecycles in one database.

    Raises StoreRefused where it holds states, or waiting triggers, that the definition doesn't know; a row
    that tells one by damage alone is its own user's trouble.
    """

    def __init__(self, database: Database, definition: Definition) -> None:
        self._database = database
        self.definition = definition
        self.on_enqueued: Callable[[], None] = lambda: None
        self.observers = Observers()
        self.currencies: Mapping[str, int] = {}
        self._aside: Mapping[Overdue, datetime] = {}
        database.tell_commits(self.observers.committed)
        try:
            database.read(self._refuse_strangers)
            self.currencies = database.read(_currencies)
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
            unit = UnitOfWork(session, self.definition, self.currencies)
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
        if unit.currencies:
            self.currencies = {**self.currencies, **unit.currencies}
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
        """Give what `now` makes due, at most `limit` timers and as many waits; not what was set aside."""
        self._aside = {one: until for one, until in self._aside.items() if until > now}
        aside = self._aside

        def find(session: Session) -> list[Overdue]:
            asked = {"now": show_instant(now), "limit": limit + len(aside)}
            timers, waits = session.rows("due", **asked), session.rows("expired", **asked)
            due = (Overdue(user_id=row["user_id"], lifecycle_id=row["id"]) for row in timers)
            expired = (Overdue(user_id=row["user_id"], event_id=row["event_id"]) for row in waits)
            return [
                one
                for found in (due, expired)
                for one in islice((each for each in found if each not in aside), limit)
            ]

        return self._database.read(find)

    def set_aside(self, one: Overdue, now: datetime) -> None:
        """Leave for a while what can't be done, so that it isn't in the way of what can."""
        self._aside = {**self._aside, one: now + timedelta(seconds=ASIDE_SECONDS)}

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
        strange = {
            **{state: _is_state(session, state) for state in states - self.definition.cells.keys()},
            **{
                name: _is_trigger(session, name) for name in triggers if self.definition.trigger(name) is None
            },
        }
        unknown = sorted(name for name, is_confirmed in strange.items() if is_confirmed)
        for name in strange.keys() - unknown:
            log.error("a row tells %r, and nothing else of it does; `check` names it", name)
        if unknown:
            raise StoreRefused(
                f"the store holds {', '.join(map(repr, unknown))}, which the definition "
                f"{self.definition.name!r} doesn't know; open it with the definition that it was filled "
                "under, or with a variant that has these"
            )


class UnitOfWork:
    """One commit in the making."""

    def __init__(
        self, session: Session, definition: Definition, currencies: Mapping[str, int] = MappingProxyType({})
    ) -> None:
        self.session = session
        self.enqueued = False
        self.currencies: dict[str, int] = {}
        self._known_currencies = currencies
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
        row = self._locked.pop(user_id)
        source = Repository(self.session, self._definition, user_id, row, self._known_currencies)
        situation = Situation(user_id, source)
        result = decide(situation)
        if _write(self.session, user_id, situation, source, now):
            self._strangers.discard(user_id)
        self.currencies |= situation.changes.currencies
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
        """Enqueue the telling of an effect that is a dead letter now, where its user can be read."""
        try:
            self.change(user_id, now, lambda situation: situation.tell_of(f"effect:{seq}", now))
        except RowUnreadable as error:
            log.error("nobody is told of a dead effect: %s", error)

    def _lock(self, user_id: str) -> None:
        row = self._locked[user_id] = self.session.row("lock_user", user_id=user_id)
        if row is not None and not row["updated_at"]:
            self._strangers.add(user_id)


def _currencies(session: Session) -> dict[str, int]:
    """Read the currencies that the store has met, with their decimals."""
    met = {row["currency"]: row["decimals"] for row in session.rows("currencies")}
    for currency in [one for one, places in met.items() if not 0 <= places <= MOST_DECIMALS]:
        log.error("%s can't have %d decimals; `check` names its row", currency, met.pop(currency))
    return met


def _is_state(session: Session, state: str) -> bool:
    return session.row("confirmed_state", state=state) is not None


def _is_trigger(session: Session, name: str) -> bool:
    answered = f'%"trigger":%{json.dumps(name)}%'
    return session.row("confirmed_trigger", trigger=name, answered=answered) is not None


def _write(session: Session, user_id: str, situation: Situation, source: Repository, now: datetime) -> bool:
    """Write what a decision changed; tell whether it changed anything."""
    changes: Changes = situation.changes
    names = changes.aliases or changes.cases or changes.ids
    if situation.cursor == source.cursor() and not (changes.lifecycles or changes.events or names):
        return False
    recovered, claims = source.recovered_text, source.currencies_text
    if changes.money:
        sums = source.recovered
        for booked in changes.money:
            sums = money.add(sums, booked.currency, booked.amount)
        recovered = sums_text(sums)
    if changes.claim_currencies:
        counts = Counter(source.claim_currencies)
        counts.update(changes.claim_currencies)
        claims = json.dumps({code: counts[code] for code in sorted(counts) if counts[code]})
    session.run(
        "put_user",
        {
            "user_id": user_id,
            "cursor": situation.cursor,
            "updated_at": show_instant(now),
            "recovered": recovered,
            "currencies": claims,
        },
    )
    for lifecycle in changes.lifecycles.values():
        name = "insert_lifecycle" if lifecycle.id in changes.made else "update_lifecycle"
        session.run(name, lifecycle_row(user_id, lifecycle))
    for row in changes.rows:
        session.run("insert_row", history_row(row))
    _write_effects(session, user_id, changes, now)
    _write_names(session, user_id, situation, source)
    for seq in changes.replaced:
        session.run("delete_event_ids", {"user_id": user_id, "seq": seq})
        session.run("delete_event", {"user_id": user_id, "seq": seq})
    for stored in changes.events.values():
        received = stored.seq in changes.received
        session.run("insert_event" if received else "update_event", event_row(stored))
        _write_waits(session, user_id, stored, received=received)
    for event_id, seq in changes.ids.items():
        session.run("insert_event_id", {"user_id": user_id, "event_id": event_id, "seq": seq})
    for currency, decimals in changes.currencies.items():
        session.run("insert_currency", {"currency": currency, "decimals": decimals})
    return True


def _write_names(session: Session, user_id: str, situation: Situation, source: Repository) -> None:
    changes = situation.changes
    for alias, claim_id in changes.aliases.items():
        if source.alias(alias) is not None:
            session.run("delete_alias", {"user_id": user_id, "alias": alias})
        if claim_id is not None:
            session.run("insert_alias", {"user_id": user_id, "alias": alias, "claim_id": claim_id})
    for owner, cases in changes.cases.items():
        before = situation.stored_cases_of(owner)
        for case_id in before.keys() - cases.keys():
            whose = {"user_id": user_id, "case_id": case_id or "", **owner._asdict()}
            session.run("delete_case", whose)
        for case_id, case in cases.items():
            if before.get(case_id) != case:
                session.run("put_case", case_row(user_id, owner, case))


def _write_effects(session: Session, user_id: str, changes: Changes, now: datetime) -> None:
    for lifecycle_id in changes.left - changes.made:
        session.run("void_effects", {"user_id": user_id, "lifecycle": lifecycle_id, "now": show_instant(now)})
    for effect in changes.effects:
        session.run("insert_effect", effect_row(user_id, effect, now))
    for lifecycle_id, due in changes.rescheduled.items():
        for handler, at in due.items():
            session.run(
                "reschedule_effects",
                {
                    "user_id": user_id,
                    "lifecycle": lifecycle_id,
                    "handler": handler,
                    "due_at": show_instant(at),
                },
            )


def _write_waits(session: Session, user_id: str, stored: StoredEvent, *, received: bool) -> None:
    if not received:
        session.run("delete_waits", {"user_id": user_id, "seq": stored.seq})
    if stored.standing is Standing.WAITING:
        for wait in stored.waits:
            session.run("insert_wait", {"user_id": user_id, **wait._asdict(), "seq": stored.seq})
