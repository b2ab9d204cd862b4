"""The one door: opens a store and fires events into it; status, history and explanations come out.

Reads the clock and makes ids, both handed in, so that everything below is repeatable.
"""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from os import PathLike, fsdecode
from time import monotonic
from types import TracebackType
from typing import Any, Self, overload
from weakref import WeakSet

from ulid import ULIDGenerator

from workflow_fsm.core.decision.decide import Arrival, decide, pass_time
from workflow_fsm.core.definition import Addressing, Definition
from workflow_fsm.core.definition.arguments import must_be_one_of
from workflow_fsm.core.definition.events import Event
from workflow_fsm.core.definition.explain import Explanation
from workflow_fsm.core.definition.reading import read_event
from workflow_fsm.core.errors import (
    EventIdReused,
    EventTooLarge,
    FieldError,
    InvalidEvent,
    RowUnreadable,
    SettingsInvalid,
    StoreUnavailable,
    WorkflowError,
)
from workflow_fsm.core.model.directory import TooMuch
from workflow_fsm.core.model.situation import Situation
from workflow_fsm.core.outcome import Outcome
from workflow_fsm.core.values import strict_json
from workflow_fsm.definition.named import definition_for
from workflow_fsm.effects.engine import Engine, Retrying
from workflow_fsm.effects.leases import LeaseClock
from workflow_fsm.effects.registration.registry import Registry
from workflow_fsm.effects.worker import WakeUp
from workflow_fsm.erasure.forgetting import Forgetting
from workflow_fsm.parts.handlers import Handlers
from workflow_fsm.parts.many_dead_letters import ManyDeadLetters
from workflow_fsm.parts.naming import Naming
from workflow_fsm.parts.queries import Queries
from workflow_fsm.parts.questions import Questions
from workflow_fsm.parts.readiness import Readiness
from workflow_fsm.parts.store_handle import Clock, Ids
from workflow_fsm.read.limits import checked_limit
from workflow_fsm.read.rehearsal import explained, rehearse
from workflow_fsm.settings import Settings
from workflow_fsm.stores.store import MOST_IN_TURN, Overdue, Store
from workflow_fsm.stores.unit_of_work import UnitOfWork
from workflow_fsm.stores.url import open_database, shown

log = logging.getLogger(__name__)
Chance = Callable[[], float]
TIMERS_A_COMMIT = 100
"""Timers and waits that one commit ends at most."""
SECONDS_A_COMMIT = 0.1
"""For how long a commit goes on to the next timer: what one brings about may be much, and others wait."""
MOST_TOGETHER = 5000
"""How many claims the events of one commit read together, or change, so that nobody waits long for them."""
LEAST_TOGETHER = 100
"""How many of these any of them may, however many the others took."""

_CANT_PASS = (WorkflowError, AssertionError, ArithmeticError, LookupError, TypeError, ValueError)
"""What a user's rows, once damaged, may raise where time passes for them."""


def utc_now() -> datetime:
    """Give the present instant, aware and in UTC."""
    return datetime.now(UTC)  # noqa: TID251  # the one clock of the package


_ids = ULIDGenerator()
_opened: WeakSet[Workflow] = WeakSet()


def new_id() -> str:
    """Make an id that grows with time: `evt_` and a ULID."""
    return f"evt_{_ids.generate()}"


def _leave_behind() -> None:
    """Have a fork's child make ids by itself, and take no store for its own."""
    global _ids  # its lock may be held by a thread that the child hasn't got
    _ids = ULIDGenerator()
    for workflow in list(_opened):
        workflow._leave_behind()


os.register_at_fork(after_in_child=_leave_behind)


class Workflow(Queries, Questions, ManyDeadLetters, Naming, Forgetting, Handlers):
    """A store of lifecycles, and the events that move them; made by `Workflow.open`.

    One may be shared between threads, and is its process's alone: a fork's child that uses it is told, by
    WorkflowClosed, to open the store anew. Every method that fires raises StoreUnavailable where the store
    can't commit just now: then nothing of the call was kept, unless the error's text says that this is not
    known.
    """

    def __init__(
        self,
        store: Store,
        *,
        settings: Settings,
        clock: Clock = utc_now,
        ids: Ids = new_id,
        chance: Chance = random.random,
    ) -> None:
        super().__init__(store, settings=settings, clock=clock, ids=ids)
        self._wake_up = WakeUp()
        self._shown = "a store"
        self._is_closed = False
        store.on_enqueued = self._wake_up.ring
        self._registry = Registry(store.definition, self._register)
        self._new_engine: Callable[[], Engine] = lambda: Engine(
            store,
            self._registry,
            retrying=Retrying(tries=settings.tries, pause_seconds=settings.pause_seconds),
            clock=clock,
            leases=LeaseClock.of(store, clock),
            chance=chance,
            read=lambda trigger, fields: self.read(trigger, _plain(fields)),
            commit=self._commit,
        )
        self._engine = self._new_engine()
        _opened.add(self)

    @classmethod
    def open(
        cls,
        url: str | PathLike[str] | None = None,
        *,
        definition: Definition | None = None,
        settings: Settings | None = None,
        clock: Clock = utc_now,
        ids: Ids = new_id,
        chance: Chance = random.random,
    ) -> Self:
        """Open the store at `url`, made and migrated where need be.

        `url` is `sqlite:///PATH` (`sqlite:////abs/path`, `sqlite:///rel/path`), `sqlite:///:memory:` or
        `postgresql://…`, or a `Path` of a SQLite file; where none is given, it comes from the settings, and
        those from the environment. `definition` is the claim lifecycle, or a variant of it; where none is
        given, it is the one that the settings name (`WORKFLOW_DEFINITION`). `clock` gives aware instants;
        `ids` gives ids that were never given.
        Raises StoreRefused, StoreUnavailable or SettingsInvalid, with a sentence that says what to do.
        """
        settings = Settings.from_environment() if settings is None else settings
        url = settings.database_url if url is None else _url(url)
        now = clock()
        if not isinstance(now, datetime) or now.utcoffset() is None:
            raise SettingsInvalid(
                f"clock gives {now!r}; it must give aware instants, such as datetime.now(UTC) does"
            )
        source = settings.definition if definition is None else None
        is_named = definition is not None or source is not None
        definition = definition_for(settings, definition)
        store = Store(open_database(url, now), definition, source=source)
        if not is_named:
            store.tell_of_newer()
        workflow = cls(store, settings=settings, clock=clock, ids=ids, chance=chance)
        workflow._shown = shown(url)
        return workflow

    def close(self) -> None:
        """Stop the workers that were made here, and close the store; what is closed is closed for good.

        What a handler is at is waited for, up to 10 seconds.
        """
        for worker in list(self._workers):
            worker.stop()
        self._is_closed = True
        self._store.close()
        self._readiness.forget()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._shown}{', closed' if self._is_closed else ''}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # -- events in

    @overload
    def fire(
        self, trigger: str, *, user_id: str, event_id: str | None = None, dry_run: bool, **fields: Any
    ) -> Outcome: ...

    @overload
    def fire(self, trigger: str, *, user_id: str, event_id: str | None = None, **fields: Any) -> Outcome: ...

    def fire(
        self,
        trigger: str,
        *,
        user_id: str,
        event_id: str | None = None,
        dry_run: bool = False,
        **fields: Any,
    ) -> Outcome:
        """Take one event: when this returns, it is committed. With `dry_run` its outcome is told, and nothing
        is kept.

        `fields` are the trigger's, as the webhooks name them (a float is read as a JSON number is). Raises
        InvalidEvent and EventTooLarge (nothing was kept), NotAllowed (kept as refused), EventIdReused.
        """
        event = self.read(trigger, _plain({**fields, "user_id": user_id, "event_id": event_id}))
        if dry_run:
            outcome = rehearse(self._store, self._arrival(event), self._policy)
        else:
            (outcome,) = self.submit([event], actor="library")
        if isinstance(outcome, WorkflowError):
            raise outcome
        return outcome

    def explain(self, user_id: str, claim_id: str | None, trigger: str, **fields: Any) -> Explanation:
        """Explain why a trigger is allowed, waits or is refused for a claim, and what would lead to it.

        With `fields`, those of an event, it says what would become of that one; `outcome` is what that would
        be answered. Nothing is kept. Raises InvalidEvent for a trigger that the definition doesn't know, and
        for wrong fields.
        """
        cell = self._explain_cell(user_id, claim_id, trigger)
        if not fields:
            return cell
        told = {**fields, "user_id": user_id}
        event = self.read(trigger, _plain(told if claim_id is None else {**told, "claim_id": claim_id}))
        return explained(cell, rehearse(self._store, self._arrival(event), self._policy))

    def fire_many(self, events: Sequence[Mapping[str, Any]]) -> list[Outcome | WorkflowError]:
        """Take many events, each a mapping with its `trigger` beside its fields, in one commit.

        Gives their outcomes in order, with the error that `fire` would have raised in its place.
        """
        read: list[Event | WorkflowError] = []
        for fields in events:
            if not isinstance(fields, Mapping):
                reason = f"must be a mapping of a trigger and its fields, not {type(fields).__name__}"
                read.append(InvalidEvent([FieldError(field="", reason=reason)]))
                continue
            rest = {name: value for name, value in fields.items() if name != "trigger"}
            try:
                read.append(self.read(fields.get("trigger"), _plain(rest)))
            except (InvalidEvent, EventTooLarge) as error:
                read.append(error)
        return self.submit(read, actor="library")

    def read(
        self,
        trigger: object,
        fields: Mapping[str, Any],
        *,
        ids: Sequence[tuple[str, str]] = (),
    ) -> Event:
        """Read a body as an event, without firing it. Raises InvalidEvent with every wrong field, and
        EventTooLarge.

        `fields` are JSON values as `strict_json.loads` or `strict_json.normal` give them. `ids` are those
        that came beside the body, each with the name of what brought it; they go before the body's own.
        """
        known = self.definition.trigger(trigger) if isinstance(trigger, str) else None
        if known is None or known.timer:
            names = [one.name for one in self.definition.triggers if not one.timer]
            if trigger is None:
                reason = f"is required: one of {', '.join(names)}"
            elif known is not None:
                reason = f"{known.name} is fired by time alone"
            else:
                reason = must_be_one_of(trigger, names)
            raise InvalidEvent([FieldError(field="trigger", reason=reason)])
        try:
            return read_event(known, fields, ids=ids, currencies=self._store.currencies)
        except (InvalidEvent, EventTooLarge) as error:
            self._store.observers.answered(known.name, error.code)
            raise

    def submit(self, events: Sequence[Event | WorkflowError], *, actor: str) -> list[Outcome | WorkflowError]:
        """Take events that were read already, in one commit, in the name of `actor`.

        Gives their outcomes in order; an error that is handed in comes back in its place.
        """
        if not any(isinstance(event, Event) for event in events):
            return [event for event in events if isinstance(event, WorkflowError)]
        now = self._clock()
        if len(events) == 1 and isinstance(events[0], Event):
            outcomes = [self._submit_one(events[0], actor, now)]
        else:
            outcomes = self._submit_together(events, actor, now)
        self._store.observers.hear(events, outcomes)
        return outcomes

    def tick(self, *, limit: int = 1000) -> int:
        """Let time pass: fire the timers that are due, end the waits that are over; give how many.

        At most `limit` of each are done a call; call again until it gives 0. Who is being forgotten is
        erased whole, in case that was interrupted.
        """
        now = self._clock()
        overdue = self._store.overdue(now, checked_limit(limit))
        done = at = 0
        while at < len(overdue):
            passed, many = self._pass(overdue[at : at + TIMERS_A_COMMIT], now)
            done, at = done + passed, at + many
        return done + self._go_on_forgetting()

    # -- parts

    def _leave_behind(self) -> None:
        """Leave store, workers and locks to the process that this one was forked from."""
        self._store.leave_behind()
        for worker in list(self._workers):
            worker.leave_behind()
        self._workers = WeakSet()
        self._wake_up = WakeUp()
        self._store.on_enqueued = self._wake_up.ring
        self._readiness = Readiness(self._store.probe)
        self._engine = self._new_engine()

    def _submit_one(self, event: Event, actor: str, now: datetime) -> Outcome | WorkflowError:
        """Take one event: in its turn, or, where it is large, decided on beside the others."""
        deciding = self._deciding(Arrival(event=event, actor=actor, at=now, new_id=self._ids))

        def decide_here(unit: UnitOfWork) -> Outcome | WorkflowError:
            return unit.change(event.user_id, now, deciding, event=event)

        try:
            is_large = self._is_large(event)
            return self._store.commit_for(event.user_id, decide_here, events=[event], is_large=is_large)
        except EventTooLarge as error:
            return error

    def _submit_together(
        self, events: Sequence[Event | WorkflowError], actor: str, now: datetime
    ) -> list[Outcome | WorkflowError]:
        """Take many events in one commit; what is too large for it is kept out of it, with a sentence."""

        def decide_each(unit: UnitOfWork) -> list[Outcome | WorkflowError]:
            outcomes: list[Outcome | WorkflowError] = []
            for event in events:
                if isinstance(event, WorkflowError):
                    outcomes.append(event)
                    continue
                arrival = Arrival(event=event, actor=actor, at=now, new_id=self._ids)
                left = MOST_TOGETHER - unit.work
                if left <= 0 and self._is_large(event):
                    outcomes.append(_too_large_together())
                    continue
                deciding, most = self._deciding(arrival), max(left, LEAST_TOGETHER)
                try:
                    outcomes.append(unit.change_apart(event.user_id, now, deciding, event=event, most=most))
                except TooMuch:
                    outcomes.append(_too_large_together())
                except (EventTooLarge, RowUnreadable) as error:
                    outcomes.append(error)
            return outcomes

        return self._store.commit(decide_each, events=[event for event in events if isinstance(event, Event)])

    def _is_large(self, event: Event) -> bool:
        """Tell whether an event shows that it is, or may be, for many claims."""
        trigger = self.definition.trigger(event.trigger)
        assert trigger is not None
        named = any(part.claim is not None for part in event.parts)
        return len(event.parts) > LEAST_TOGETHER or (trigger.addressing is Addressing.EVERY and not named)

    def _commit(
        self, unit: UnitOfWork, events: Sequence[Event], actor: str, now: datetime
    ) -> EventIdReused | None:
        """Take events inside a unit; give the error of the first under another's id, which is kept so."""
        reused: EventIdReused | None = None
        for event in events:
            arrival = Arrival(event=event, actor=actor, at=now, new_id=self._ids)
            outcome = unit.change(event.user_id, now, self._deciding(arrival), event=event)
            if isinstance(outcome, EventIdReused):
                reused = reused or outcome
        return reused

    def _arrival(self, event: Event) -> Arrival:
        return Arrival(event=event, actor="library", at=self._clock(), new_id=self._ids)

    def _deciding(self, arrival: Arrival) -> Callable[[Situation], Outcome | WorkflowError]:
        return lambda situation: decide(self.definition, situation, arrival, self._policy)

    def _pass(self, overdue: Sequence[Overdue], now: datetime) -> tuple[int, int]:
        """Let time pass for the first of some, in one commit; give what was done, and for how many.

        One that can't be done is logged, and holds up nobody; the commit ends when it has taken its time, so
        that what others bring passes before the next. One that brings much about is decided on apart.
        """

        def change(situation: Situation, one: Overdue) -> int:
            stored = situation.event(one.event_id) if one.event_id is not None else None
            return pass_time(
                self.definition,
                situation,
                now,
                due=[] if one.lifecycle_id is None else [one.lifecycle_id],
                expired=[] if stored is None else [stored],
            )

        def pass_for_each(unit: UnitOfWork) -> tuple[int, int, Overdue | None]:
            since = monotonic()
            done = 0
            for many, one in enumerate(overdue):
                if many and monotonic() - since >= SECONDS_A_COMMIT:
                    return done, many, None
                try:
                    done += unit.change_apart(one.user_id, now, partial(change, one=one), most=MOST_IN_TURN)
                except TooMuch:
                    return done, many + 1, one
                except _CANT_PASS:
                    self._set_aside(one, now)
            return done, len(overdue), None

        done, many, large = self._store.commit(pass_for_each, users=[one.user_id for one in overdue])
        if large is not None:
            try:
                done += self._store.commit_ahead(
                    large.user_id, lambda unit: unit.change(large.user_id, now, partial(change, one=large))
                )
            except StoreUnavailable:
                raise
            except _CANT_PASS:
                self._set_aside(large, now)
        return done, many

    def _set_aside(self, one: Overdue, now: datetime) -> None:
        log.exception("time can't pass for %r", one)
        self._store.set_aside(one, now)


def _url(url: str | PathLike[str]) -> str:
    """Give the URL of a store that a URL, or the path of a SQLite file, names. Raises SettingsInvalid."""
    if isinstance(url, str):
        return url
    if not isinstance(url, PathLike):
        raise SettingsInvalid(
            f"the store's URL is {url!r}; it must be a string such as 'sqlite:///claims.db', or a Path"
        )
    return f"sqlite:///{fsdecode(url)}"


def _too_large_together() -> EventTooLarge:
    return EventTooLarge(
        f"the events of one commit read and change {MOST_TOGETHER} claims at most, and this one would take "
        "more than is left of them; nothing of it was kept: send it by itself, not with others",
        most=MOST_TOGETHER,
    )


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Take values from Python as they would have been read from JSON. Raises InvalidEvent."""
    try:
        plain = strict_json.normal(dict(fields))
    except strict_json.Malformed as error:
        raise InvalidEvent([FieldError(field=error.where, reason=error.reason)]) from error
    assert isinstance(plain, dict)
    return plain
