"""The store, written once: takes events into lifecycles, inside the transactions of a database.

It reads what the core asks for, and commits what the core decided; it decides nothing of a lifecycle itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from workflow_fsm.core.definition import Definition
from workflow_fsm.core.errors import StoreRefused
from workflow_fsm.core.instants import show_instant
from workflow_fsm.core.kept import Kept, Standing
from workflow_fsm.core.lifecycle import Lifecycle
from workflow_fsm.core.owing import Pattern
from workflow_fsm.core.situation import Changes, Seek, Situation
from workflow_fsm.stores.observing import Observers
from workflow_fsm.stores.rows import (
    effect_row,
    event_row,
    history_row,
    kept_of,
    lifecycle_of,
    lifecycle_row,
    pattern_of,
)
from workflow_fsm.stores.session import Database, Session

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

    def take(self, work: Callable[[Unit], T], *, always: bool = False) -> T:
        """Do `work` in one commit; what the unit's situations changed is committed.

        Work that must not be lost, since what it tells of is done, is taken `always`; any other is refused
        (StoreUnavailable) where too much waits.
        """

        def run(session: Session) -> tuple[T, Unit]:
            unit = Unit(session, self.definition)
            return work(unit), unit

        result, unit = self._database.write(run, always=always)
        if unit.enqueued:
            self.on_enqueued()
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


class Unit:
    """One commit in the making."""

    def __init__(self, session: Session, definition: Definition) -> None:
        self.session = session
        self.enqueued = False
        self.moved: set[str] = set()
        self._definition = definition

    def change(self, user_id: str, now: datetime, decide: Callable[[Situation], T]) -> T:
        """Let `decide` change one user's situation, and write the changes."""
        source = Reading(self.session, self._definition, user_id)
        situation = Situation(user_id, source)
        result = decide(situation)
        _write(self.session, user_id, situation, source, now)
        self.enqueued = self.enqueued or bool(situation.changes.effects)
        if situation.changes.rows:
            self.moved.add(user_id)
        return result

    def change_apart(self, user_id: str, now: datetime, decide: Callable[[Situation], T]) -> T:
        """Do the same behind a savepoint, for one of many events in a commit."""
        with self.session.savepoint():
            return self.change(user_id, now, decide)

    def tell_of_dead_effect(self, user_id: str, seq: int, now: datetime) -> None:
        """Enqueue the telling of an effect that is a dead letter now."""
        self.change(user_id, now, lambda situation: situation.tell_of(f"effect:{seq}", now))


class Reading:
    """One user's lifecycles and events as they stand in a session: the core's `Source`."""

    def __init__(self, session: Session, definition: Definition, user_id: str) -> None:
        self._session = session
        self._definition = definition
        self._user = user_id
        row = session.row("user", user_id=user_id)
        self.known = row is not None
        self.updated_at: str | None = row["updated_at"] if row is not None else None
        self.recovered_text: str = row["recovered"] if row is not None else "{}"
        self._cursor: int = row["cursor"] if row is not None else 0
        self._patterns: tuple[Pattern, ...] | None = None

    @property
    def recovered(self) -> dict[str, int]:
        """The money recovered so far: a currency to its minor units."""
        recovered: dict[str, int] = json.loads(self.recovered_text)
        return recovered

    def cursor(self) -> int:
        """Give the last number handed out, 0 for an unknown user."""
        return self._cursor

    def event(self, event_id: str) -> Kept | None:
        """Give the event of that id."""
        return self._one_event("event", event_id=event_id)

    def latest_like(self, trigger: str, fingerprint: str) -> Kept | None:
        """Give the latest event of that trigger and content."""
        return self._one_event("latest_like", trigger=trigger, fingerprint=fingerprint)

    def with_reimbursement(self, trigger: str, reimbursement_id: str) -> list[Kept]:
        """Give the events of that trigger and reimbursement id, oldest first."""
        return self._events("with_reimbursement", trigger=trigger, reimbursement_id=reimbursement_id)

    def lifecycle(self, lifecycle_id: int) -> Lifecycle | None:
        """Give one lifecycle."""
        return self._one("lifecycle", id=lifecycle_id)

    def claim(self, claim_id: str) -> Lifecycle | None:
        """Give the claim of that id."""
        return self._one("claim", claim_id=claim_id)

    def alias(self, name: str) -> str | None:
        """Give the claim id that an alias stands for."""
        row = self._session.row("alias", user_id=self._user, alias=name)
        return None if row is None else row["claim_id"]

    def has_aliases(self, claim_id: str | None) -> bool:
        """Tell whether any alias stands for that claim id (None: for any)."""
        return self._session.row("has_aliases", user_id=self._user, claim_id=claim_id) is not None

    def sync(self, sync_id: str) -> Lifecycle | None:
        """Give the lifecycle of a sync."""
        return self._one("sync", sync_id=sync_id)

    def newest_sync(self, state: str | None) -> Lifecycle | None:
        """Give the user's newest sync, or the newest that is in a state and takes part."""
        return self._one("newest_sync") if state is None else self._one("newest_sync_in", state=state)

    def with_case(self, case_id: str) -> list[Lifecycle]:
        """Give the lifecycles with that case id."""
        return self._all("with_case", case_id=case_id)

    def seek(self, wanted: Seek) -> list[Lifecycle]:
        """Give the lifecycles looked for, newest first."""
        found: dict[str, Any] = {
            "states": json.dumps(wanted.states),
            "unless_case": wanted.unless_case,
            "since": wanted.since,
            "limit": -1 if wanted.limit is None else wanted.limit,
        }
        if wanted.sync_id is None:
            return self._all("seek", **found)
        return self._all("seek_in_sync", sync_id=wanted.sync_id, **found)

    def has_claims(self) -> bool:
        """Tell whether the user has a claim."""
        return self._session.row("has_claims", user_id=self._user) is not None

    def waiting(self, names: Collection[str]) -> list[Kept]:
        """Give, oldest first, the waiting events with a nameless part, or that name one of `names`."""
        return self._events("waiting", names=json.dumps(sorted(names)))

    def patterns(self) -> tuple[Pattern, ...]:
        """Give the handlers that transitions owe."""
        if self._patterns is None:
            self._patterns = tuple(pattern_of(row) for row in self._session.rows("handlers"))
        return self._patterns

    def all_waiting(self) -> list[Kept]:
        """Give, oldest first, every waiting event."""
        return self._events("all_waiting")

    def _one(self, name: str, **parameters: Any) -> Lifecycle | None:
        row = self._session.row(name, user_id=self._user, **parameters)
        return None if row is None else lifecycle_of(row)

    def _all(self, name: str, **parameters: Any) -> list[Lifecycle]:
        return [lifecycle_of(row) for row in self._session.rows(name, user_id=self._user, **parameters)]

    def _one_event(self, name: str, **parameters: Any) -> Kept | None:
        row = self._session.row(name, user_id=self._user, **parameters)
        return None if row is None else kept_of(self._definition, row)

    def _events(self, name: str, **parameters: Any) -> list[Kept]:
        rows = self._session.rows(name, user_id=self._user, **parameters)
        return [kept_of(self._definition, row) for row in rows]


def _write(session: Session, user_id: str, situation: Situation, source: Reading, now: datetime) -> None:
    """Write what a decision changed: nothing where it changed nothing."""
    changes: Changes = situation.changes
    if situation.cursor == source.cursor() and not (changes.lifecycles or changes.events or changes.aliases):
        return
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
    for kept in changes.events.values():
        received = kept.seq in changes.received
        session.run("insert_event" if received else "update_event", event_row(kept))
        _write_waits(session, user_id, kept, received=received)


def _write_effects(session: Session, user_id: str, changes: Changes, now: datetime) -> None:
    for lifecycle_id in changes.left - changes.made:
        session.run("void_effects", {"user_id": user_id, "lifecycle": lifecycle_id, "now": show_instant(now)})
    for effect in changes.effects:
        session.run("insert_effect", effect_row(user_id, effect, now))


def _write_waits(session: Session, user_id: str, kept: Kept, *, received: bool) -> None:
    if not received:
        session.run("delete_waits", {"user_id": user_id, "seq": kept.seq})
    if kept.standing is Standing.WAITING:
        for name in kept.waits_under:
            session.run("insert_wait", {"user_id": user_id, "name": name, "seq": kept.seq})
