"""Unit of work: one commit in the making, written once for both dialects.

It reads what the core asks for, and commits what the core decided; it decides nothing of a lifecycle itself.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import reduce
from itertools import chain
from types import MappingProxyType
from typing import TypeVar

from workflow_fsm.core.definition import Definition
from workflow_fsm.core.definition.events import Event
from workflow_fsm.core.errors import RowUnreadable, StoreUnavailable
from workflow_fsm.core.model.changes import Changes
from workflow_fsm.core.model.inbox import Standing, StoredEvent
from workflow_fsm.core.model.situation import Situation
from workflow_fsm.core.model.unapplied import Told, is_money, summed_anew, waiting_money
from workflow_fsm.core.values import money
from workflow_fsm.core.values.instants import show_instant
from workflow_fsm.stores.ahead.prefetch import expected_statements
from workflow_fsm.stores.columns import sums_text, unapplied_text
from workflow_fsm.stores.definitions import WorkedUnder
from workflow_fsm.stores.event_mapping import event_row
from workflow_fsm.stores.mapping import case_row, effect_row, history_row, lifecycle_row
from workflow_fsm.stores.repository import Repository
from workflow_fsm.stores.session import Columns, Session, Statement

T = TypeVar("T")
log = logging.getLogger(__name__)


class UnitOfWork:
    """One commit in the making."""

    def __init__(
        self,
        session: Session,
        under: WorkedUnder,
        currencies: Mapping[str, int] = MappingProxyType({}),
        *,
        most: int | None = None,
    ) -> None:
        """Begin with a session; `most` is how much work all its changes may do together, None for any."""
        self.session = session
        self.enqueued = False
        self.work = 0
        """How many lifecycles were read together, or changed, and events judged again, so far."""
        self._most = most
        self.currencies: dict[str, int] = {}
        self._known_currencies = currencies
        self.moved: set[str] = set()
        self._under = under
        self._definition = under.definition
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
        self,
        user_id: str,
        now: datetime,
        decide: Callable[[Situation], T],
        *,
        event: Event | None = None,
        most: int | None = None,
    ) -> T:
        """Let `decide` change one user's situation, and write the changes; `event` is what it decides.

        Raises TooMuch where it takes more work than `most`, RowUnreadable, and what `decide` raises: nothing
        was written then.
        """
        if user_id not in self._locked:
            if event is not None:
                expected = expected_statements(self._definition, event)
                self.session.prefetch(chain([("lock_user", {"user_id": user_id})], expected))
            self._lock(user_id)
        row = self._locked.pop(user_id)
        after = last_forgotten(self.session) if is_new(row) else 0
        source = Repository(self.session, self._definition, user_id, row, self._known_currencies, after=after)
        if event is not None:
            source.look_ahead(event)
        if most is None and self._most is not None:
            most = self._most - self.work
        situation = Situation(user_id, source, most=most)
        try:
            result = decide(situation)
        finally:
            self.work += situation.work
        writes = list(_writes(self._under, user_id, situation, source, now))
        for name, parameters in writes:
            self.session.run(name, parameters)
        if writes:
            self._strangers.discard(user_id)
        self.currencies |= situation.changes.currencies
        self.enqueued = self.enqueued or bool(situation.changes.effects)
        if situation.changes.rows:
            self.moved.add(user_id)
        return result

    def change_apart(
        self,
        user_id: str,
        now: datetime,
        decide: Callable[[Situation], T],
        *,
        event: Event | None = None,
        most: int | None = None,
    ) -> T:
        """Do the same behind a savepoint: what the database refuses is undone, too."""
        known = user_id not in self._strangers
        try:
            with self.session.savepoint():
                return self.change(user_id, now, decide, event=event, most=most)
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
        row = self.session.row("lock_user", user_id=user_id)
        if row is not None and row["forgotten_as"] is not None:
            raise StoreUnavailable(
                f"user {user_id!r} is being forgotten, and nothing was kept of this; send it again once that "
                "is done (`forget` again goes on with one that was interrupted)",
                retry_after=2,
            )
        self._locked[user_id] = row
        if row is not None and not row["updated_at"]:
            self._strangers.add(user_id)


def is_new(row: Columns | None) -> bool:
    """Tell of a user's row whether nothing is known of the user."""
    return row is None or not row["updated_at"]


def last_forgotten(session: Session) -> int:
    """Give the number behind which those of a new user begin: none is ever handed out twice to one user.

    Whoever was forgotten may come again, and nobody can tell. An effect's key, a cursor that somebody has
    seen and an attempt under way must not mean something else then.
    """
    row = session.row("last_forgotten")
    return 0 if row is None or row["cursor"] is None else int(row["cursor"])


def _writes(
    under: WorkedUnder, user_id: str, situation: Situation, source: Repository, now: datetime
) -> Iterator[Statement]:
    """Give the statements that write what a decision changed, in order; none where it changed nothing."""
    changes: Changes = situation.changes
    names = changes.aliases or changes.cases or changes.ids
    if situation.cursor == source.cursor() and not (changes.lifecycles or changes.events or names):
        return
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
    yield (
        "put_user",
        {
            "user_id": user_id,
            "cursor": situation.cursor,
            "updated_at": show_instant(now),
            "recovered": recovered,
            "unapplied": _unapplied(under.definition, situation, source),
            "currencies": claims,
        },
    )
    for lifecycle in changes.lifecycles.values():
        name = "insert_lifecycle" if lifecycle.id in changes.made else "update_lifecycle"
        yield name, lifecycle_row(user_id, lifecycle)
    if changes.rows and not under.is_recorded:
        yield "insert_definition", under.row(now)
    for row in changes.rows:
        yield "insert_row", history_row(row, under.id)
    yield from _effects(user_id, changes, now)
    yield from _names(user_id, situation, source)
    for seq, by in changes.replaced.items():
        yield "hand_over_event_ids", {"user_id": user_id, "seq": seq, "by": by}
        first = {"user_id": user_id, "event_id": changes.events[by].event_id}
        yield "delete_event_id", first
        yield "delete_event", {"user_id": user_id, "seq": seq}
    for stored in changes.events.values():
        received = stored.seq in changes.received
        yield "insert_event" if received else "update_event", event_row(stored)
        yield from _waits(user_id, stored, received=received)
    for event_id, seq in changes.ids.items():
        yield "insert_event_id", {"user_id": user_id, "event_id": event_id, "seq": seq}
    for currency, decimals in changes.currencies.items():
        yield "insert_currency", {"currency": currency, "decimals": decimals}


def _unapplied(definition: Definition, situation: Situation, source: Repository) -> str:
    """Give the sums of the money that waits, as they are once the changed events stand as they do now."""
    changes = situation.changes
    moved: list[tuple[Told | None, Told | None]] = []
    for seq, stored in changes.events.items():
        if is_money(definition, stored):
            before = None if seq in changes.received else source.as_it_stood(seq)
            gone, come = waiting_money(definition, before), waiting_money(definition, stored)
            moved += [(gone, come)] if gone != come else []
    return unapplied_text(reduce(summed_anew, moved, source.unapplied)) if moved else source.unapplied_text


def _names(user_id: str, situation: Situation, source: Repository) -> Iterator[Statement]:
    changes = situation.changes
    for alias, claim_id in changes.aliases.items():
        if source.alias(alias) is not None:
            yield "delete_alias", {"user_id": user_id, "alias": alias}
        if claim_id is not None:
            yield "insert_alias", {"user_id": user_id, "alias": alias, "claim_id": claim_id}
    for owner, cases in changes.cases.items():
        before = situation.stored_cases_of(owner)
        for case_id in before.keys() - cases.keys():
            whose = {"user_id": user_id, "case_id": case_id or "", **owner._asdict()}
            yield "delete_case", whose
        for case_id, case in cases.items():
            if before.get(case_id) != case:
                yield "put_case", case_row(user_id, owner, case)


def _effects(user_id: str, changes: Changes, now: datetime) -> Iterator[Statement]:
    for lifecycle_id in changes.left - changes.made:
        yield "void_effects", {"user_id": user_id, "lifecycle": lifecycle_id}
    for effect in changes.effects.values():
        yield "insert_effect", effect_row(user_id, effect, now)
    for lifecycle_id, due in changes.rescheduled.items():
        for handler, at in due.items():
            told = {"lifecycle": lifecycle_id, "handler": handler, "due_at": show_instant(at)}
            yield "reschedule_effects", {"user_id": user_id, **told}


def _waits(user_id: str, stored: StoredEvent, *, received: bool) -> Iterator[Statement]:
    if not received:
        yield "delete_waits", {"user_id": user_id, "seq": stored.seq}
    if stored.standing is Standing.WAITING:
        for wait in stored.waits:
            yield "insert_wait", {"user_id": user_id, **wait._asdict(), "seq": stored.seq}
