"""The one door: opens a store and fires events into it; status, history and explanations come out.

Reads the clock and makes ids, both handed in, so that everything below is repeatable.
"""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Callable
from datetime import UTC, datetime
from os import PathLike, fsdecode
from types import TracebackType
from typing import Any, Self
from weakref import WeakSet

from ulid import ULIDGenerator

from workflow_fsm.core.definition import Definition
from workflow_fsm.core.definition.explain import Explanation
from workflow_fsm.core.errors import (
    SettingsInvalid,
)
from workflow_fsm.definition.named import definition_for
from workflow_fsm.effects.engine import Engine, Retrying
from workflow_fsm.effects.leases import LeaseClock
from workflow_fsm.effects.registration.registry import Registry
from workflow_fsm.effects.worker import WakeUp
from workflow_fsm.erasure.forgetting import Forgetting
from workflow_fsm.parts.firing import Firing, plain
from workflow_fsm.parts.handlers import Handlers
from workflow_fsm.parts.many_dead_letters import ManyDeadLetters
from workflow_fsm.parts.naming import Naming
from workflow_fsm.parts.queries import Queries
from workflow_fsm.parts.questions import Questions
from workflow_fsm.parts.readiness import Readiness
from workflow_fsm.parts.store_handle import Clock, Ids
from workflow_fsm.parts.timers import Timers
from workflow_fsm.read.flow import FlowCounter
from workflow_fsm.read.limits import checked_limit
from workflow_fsm.read.rehearsal import explained, rehearse
from workflow_fsm.settings import Settings
from workflow_fsm.stores.store import Store
from workflow_fsm.stores.url import open_database, shown

log = logging.getLogger(__name__)
Chance = Callable[[], float]


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


class Workflow(Firing, Timers, Queries, Questions, ManyDeadLetters, Naming, Forgetting, Handlers):
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
            read=lambda trigger, fields: self.read(trigger, plain(fields)),
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
        event = self.read(trigger, plain(told if claim_id is None else {**told, "claim_id": claim_id}))
        return explained(cell, rehearse(self._store, self._arrival(event), self._policy))

    def tick(self, *, limit: int = 1000) -> int:
        """Let time pass: fire the timers that are due, end the waits that are over; give how many.

        At most `limit` of each are done a call; call again until it gives 0. Who is being forgotten is
        erased whole, in case that was interrupted.
        """
        return self._pass_time(checked_limit(limit)) + self._go_on_forgetting()

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
        self._flow = FlowCounter()
        self._engine = self._new_engine()


def _url(url: str | PathLike[str]) -> str:
    """Give the URL of a store that a URL, or the path of a SQLite file, names. Raises SettingsInvalid."""
    if isinstance(url, str):
        return url
    if not isinstance(url, PathLike):
        raise SettingsInvalid(
            f"the store's URL is {url!r}; it must be a string such as 'sqlite:///claims.db', or a Path"
        )
    return f"sqlite:///{fsdecode(url)}"
