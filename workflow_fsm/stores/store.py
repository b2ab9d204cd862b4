"""Store: one definition's lifecycles in one database; it makes units of work, and tells of their commits."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import TypeVar

from workflow_fsm.core.definition import Definition
from workflow_fsm.core.definition.events import Event
from workflow_fsm.core.errors import StoreRefused, StoreUnavailable
from workflow_fsm.core.model.directory import TooMuch
from workflow_fsm.core.model.situation import Situation
from workflow_fsm.core.values.instants import show_instant
from workflow_fsm.stores.ahead.decided import Decided, decide_ahead, write_decided
from workflow_fsm.stores.ahead.prefetch import expected_statements
from workflow_fsm.stores.columns import MOST_DECIMALS
from workflow_fsm.stores.definitions import RecordedDefinition, WorkedUnder, knowing, recorded
from workflow_fsm.stores.left_behind import LeftBehind
from workflow_fsm.stores.observers import Observers
from workflow_fsm.stores.session import Database, Listening, Scope, Session, walk
from workflow_fsm.stores.unit_of_work import UnitOfWork

T = TypeVar("T")
log = logging.getLogger(__name__)

MOST_IN_TURN = 1000
"""How much work a change does in its turn: claims read together or changed, waiting events judged again."""
TRIES_AHEAD = 5
"""How often a large event is decided on, where its user changes meanwhile."""
LARGE_SECONDS = 30.0
"""How long a large event waits for others to be decided on: one at a time, as deciding takes a core."""
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

    def __init__(self, database: Database, definition: Definition, *, source: str | None = None) -> None:
        self._database = database
        self.definition = definition
        self._under = WorkedUnder(definition=definition, source=source)
        self._recorded: Sequence[RecordedDefinition] = ()
        self.on_enqueued: Callable[[], None] = lambda: None
        self.observers = Observers()
        self.currencies: Mapping[str, int] = {}
        self._large = threading.RLock()
        self._aside: Mapping[Overdue, datetime] = {}
        database.tell_commits(self.observers.committed)
        database.tell_failures(self._tell_of_failure)
        try:
            database.read(self._look)
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
        most: int | None = None,
    ) -> T:
        """Do `work` in one commit; what the unit's situations changed is committed.

        `users`, and those of `events`, are whom it will change: they are locked before anything else, in
        order, so that no two units wait for each other.

        Work that must not be lost, since what it tells of is done, is taken `always`; any other is refused
        (StoreUnavailable) where too much waits. Raises TooMuch where its changes take more work than `most`.
        """
        whom = sorted({*users, *(event.user_id for event in events)})

        def run(session: Session) -> tuple[T, UnitOfWork]:
            unit = UnitOfWork(session, self._under, self.currencies, most=most)
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
        result, unit = self._database.write(run, scope=scope, users=whom, always=always)
        self._tell(unit)
        return result

    def commit_for(
        self,
        user_id: str,
        change: Callable[[UnitOfWork], T],
        *,
        events: Sequence[Event] = (),
        is_large: bool = False,
    ) -> T:
        """Commit one change of a user's: in its turn, or, where it is much, decided on beside the writer."""

        def change_in_turn(unit: UnitOfWork) -> tuple[T] | None:
            try:
                return (change(unit),)
            except TooMuch:
                return None

        if not is_large:
            done = self.commit(change_in_turn, users=[user_id], events=events, most=MOST_IN_TURN)
            if done is not None:
                return done[0]
        return self.commit_ahead(user_id, change)

    def commit_ahead(
        self,
        user_id: str,
        change: Callable[[UnitOfWork], T],
        *,
        before: Callable[[Session], None] | None = None,
        always: bool = False,
    ) -> T:
        """Decide one change beside the writer, then commit what was decided; anew where its user has changed.

        What is so large, and its user's alone, holds up nobody else while it is decided. `before` does in the
        same commit what belongs to it; what that raises undoes both. Raises StoreUnavailable where other
        events of the user came in between again and again.
        """

        def decide_here(session: Session) -> Decided[T]:
            return decide_ahead(session, self._under, user_id, change, self.currencies)

        try:
            if not self._large.acquire(timeout=LARGE_SECONDS):
                raise StoreUnavailable(
                    "other large events are decided on just now, one at a time, and nothing was kept of "
                    "this; send it again",
                    retry_after=5,
                )
            for _ in range(TRIES_AHEAD):
                decided = self._database.read(decide_here)
                write = partial(write_decided, decided=decided, before=before)
                if self._database.write(write, users=[user_id], always=always, apart=True):
                    self._tell(decided.unit)
                    return decided.result
        finally:
            with suppress(RuntimeError):  # where this thread hasn't got it
                self._large.release()
        raise StoreUnavailable(
            f"other events of user {user_id!r} came in between {TRIES_AHEAD} times while this large "
            "one was decided on, and nothing of it was kept; send it again, or in parts",
            retry_after=2,
        )

    def rehearse(self, event: Event, now: datetime, decide: Callable[[Situation], T]) -> T:
        """Decide one event on a snapshot, and write nothing of what was decided."""

        def decide_here(session: Session) -> T:
            def change(unit: UnitOfWork) -> T:
                return unit.change(event.user_id, now, decide, event=event)

            return decide_ahead(session, self._under, event.user_id, change, self.currencies).result

        return self._database.read(decide_here)

    def _tell_of_failure(self, jobs: int, error: Exception) -> None:
        """Tell of a commit that the store couldn't do; what a job is refused for is its own affair."""
        if isinstance(error, StoreUnavailable):
            self.observers.not_committed(jobs)

    def _tell(self, unit: UnitOfWork) -> None:
        """Tell whom it concerns of what a unit committed."""
        if unit.currencies:
            self.currencies = {**self.currencies, **unit.currencies}
        if unit.enqueued:
            self.on_enqueued()
            self._database.notify()
        if unit.moved:
            self._under.is_recorded = True
            self.observers.moved(unit.moved)

    def read(self, work: Callable[[Session], T]) -> T:
        """Do `work` on one snapshot."""
        return self._database.read(work)

    def write(self, work: Callable[[Session], None]) -> None:
        """Do `work` that changes nothing of any user's, in a commit of its own."""
        self._database.write(work)

    def write_of(self, user_id: str, work: Callable[[Session], T]) -> T:
        """Do `work` on what is kept of one user, in a commit of its own; others pass before and behind it."""
        return self._database.write(work, users=[user_id], always=True, apart=True)

    def wipe(self, *, rewrite: bool) -> bool:
        """Leave nothing of what was erased in the log beside the database's file; tell whether that could be.

        Where it is to `rewrite` that file, no fragment is left in its pages, either.
        """
        return self._database.wipe(rewrite=rewrite)

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

    @property
    def clock(self) -> Callable[[], datetime] | None:
        """What reads the clock of the server that keeps the store; None where one machine keeps it."""
        return self._database.clock

    def probe(self) -> None:
        """Try a write that leaves nothing behind, within a bound. Raises StoreUnavailable."""
        self._database.probe()

    def leave_behind(self) -> None:
        """Leave the database to the process that this one was forked from."""
        self._database = LeftBehind(self._database)
        self._large = threading.RLock()

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def tell_of_newer(self) -> None:
        """Tell the log, where the store was worked under another definition than this since."""
        newest = self._recorded[-1] if self._recorded else None
        if newest is not None and newest.name != self.definition.name:
            log.warning(
                "the store was last worked under the definition %s, new at %s, and is opened with %r, since "
                "none is named",
                newest.describe(),
                newest.at,
                self.definition.name,
            )

    def _look(self, session: Session) -> None:
        self._recorded = recorded(session)
        self._under.is_recorded = any(self._under.is_told_by(one) for one in self._recorded)
        self._refuse_strangers(session)

    def _refuse_strangers(self, session: Session) -> None:
        states = [one for one in walk(session, "next_state", "state") if one not in self.definition.cells]
        triggers = [
            one
            for one in walk(session, "next_trigger", "trigger")
            if self.definition.trigger(one) is None
            and session.row("waits_by_trigger", trigger=one) is not None
        ]
        strange = {
            **{state: _is_state(session, state) for state in states},
            **{name: _is_trigger(session, name) for name in triggers},
        }
        unknown = sorted(name for name, is_confirmed in strange.items() if is_confirmed)
        for name in strange.keys() - unknown:
            log.error("a row tells %r, and nothing else of it does; `check` names it", name)
        if unknown:
            raise StoreRefused(self._why_refused(session, unknown))

    def _why_refused(self, session: Session, unknown: Sequence[str]) -> str:
        """Say what the store holds that the definition doesn't know, and which one does."""
        standing = (session.row("confirmed_state", state=one) for one in unknown)
        example = next((one for one in standing if one is not None), None)
        who = "" if example is None else f" (claim {example['claim_id']!r} of user {example['user_id']!r})"
        needed = next(knowing(self._recorded, unknown), None)
        name = "that it was filled under" if needed is None else needed.describe()
        is_told = needed is not None and needed.source is not None
        by = "" if is_told else ", by WORKFLOW_DEFINITION or definition="
        return (
            f"the store holds {', '.join(map(repr, unknown))}, which the definition "
            f"{self.definition.name!r} doesn't know{who}; open it with the definition {name}{by}, or with a "
            "variant that has these (a state that is `retired` only lets those in it go on)"
        )


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
