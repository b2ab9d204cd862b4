"""Handlers: registered by what owes them; what is owed is listed, and done here or by a worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict, TypeVar, Unpack, overload

from workflow_fsm.core.errors import EffectsEndless, FieldError, HandlerInvalid, InvalidEvent
from workflow_fsm.core.model.outbox import REQUEST, Pattern
from workflow_fsm.core.values.fields import Kind, read_value
from workflow_fsm.effects import outbox
from workflow_fsm.effects.engine import Engine
from workflow_fsm.effects.handler import DeadLetterHandler, Handler, RequestHandler
from workflow_fsm.effects.registration.registry import Registry
from workflow_fsm.effects.threads.crew import MOST_REPLACED
from workflow_fsm.effects.worker import WakeUp, Worker
from workflow_fsm.parts.store_handle import StoreHandle
from workflow_fsm.read.limits import checked_limit
from workflow_fsm.read.shapes import DroppedHandler, HandlerRecord, OwedEffect, PatternRecord
from workflow_fsm.stores.repository import patterns
from workflow_fsm.stores.session import Session
from workflow_fsm.stores.unit_of_work import UnitOfWork

T = TypeVar("T", bound=Handler)
D = TypeVar("D", bound=DeadLetterHandler)
Q = TypeVar("Q", bound=RequestHandler)


class HandlerOptions(TypedDict, total=False):
    """How a handler is tried, else as the settings say; with `replace` it takes another's place."""

    tries: int | None
    pause_seconds: float | None
    timeout_seconds: float | None
    replace: bool


class Handlers(StoreHandle):
    """Who does what transitions owe; a part of `Workflow`."""

    _registry: Registry
    _engine: Engine
    _wake_up: WakeUp
    tick: Callable[..., int]

    def on_enter(
        self,
        state: str,
        *,
        name: str | None = None,
        not_before: str | None = None,
        tries: int | None = None,
        pause_seconds: float | None = None,
        timeout_seconds: float | None = None,
        replace: bool = False,
    ) -> Callable[[T], T]:
        """Register a handler for being in `state`: owed by each entry, void once the lifecycle moves on.

        Its name (the function's, unless `name` is given) is kept in the store, so that every process owes it.
        `not_before` names a field of the claim with an instant (`eligible_from`) before which it isn't due.
        `tries` and the first pause default to the settings'. Past `timeout_seconds` another worker may take
        it over, and another thread stands in for the one that it holds.

        A name that the store keeps for what something else owes is another program's: HandlerInvalid, unless
        it is to `replace` that. Raises HandlerInvalid.
        """
        _refuse_bare("on_enter", state, '("matched")')
        return lambda function: self._registry.add(
            function,
            name,
            replace=replace,
            enter=state,
            not_before=not_before,
            tries=tries,
            pause_seconds=pause_seconds,
            timeout_seconds=timeout_seconds,
        )

    def on_transition(
        self,
        bare: None = None,
        /,
        *,
        trigger: str | None = None,
        source: str | None = None,
        target: str | None = None,
        name: str | None = None,
        not_before: str | None = None,
        tries: int | None = None,
        pause_seconds: float | None = None,
        timeout_seconds: float | None = None,
        replace: bool = False,
    ) -> Callable[[T], T]:
        """Register a handler for each transition that fits (what isn't given fits any); owed regardless.

        The options are those of `on_enter`. Raises HandlerInvalid.
        """
        _refuse_bare("on_transition", bare, '(target="paid"), or with () for every transition')
        return lambda function: self._registry.add(
            function,
            name,
            replace=replace,
            trigger=trigger,
            source=source,
            target=target,
            not_before=not_before,
            tries=tries,
            pause_seconds=pause_seconds,
            timeout_seconds=timeout_seconds,
        )

    @overload
    def on_dead_letter(self, function: D) -> D: ...

    @overload
    def on_dead_letter(
        self, function: None = None, *, name: str | None = None, **options: Unpack[HandlerOptions]
    ) -> Callable[[D], D]: ...

    @overload
    def on_dead_letter(
        self, function: D, *, name: str | None = None, **options: Unpack[HandlerOptions]
    ) -> D: ...

    def on_dead_letter(
        self, function: D | None = None, *, name: str | None = None, **options: Unpack[HandlerOptions]
    ) -> D | Callable[[D], D]:
        """Register a handler that is told, durably, of each dead letter; used with or without parentheses.

        It gets a `DeadLetter`. `options` are `tries`, `pause_seconds`, `timeout_seconds` and `replace`.
        """
        if function is None:
            return lambda given: self._registry.add(given, name, dead_letter=True, **options)
        return self._registry.add(function, name, dead_letter=True, **options)

    def on_request(self, name: str, **options: Unpack[HandlerOptions]) -> Callable[[Q], Q]:
        """Register a handler for what `request` asks for; it gets a `Request`. `options` as `on_enter`'s."""
        _refuse_bare("on_request", name, '("NAME"), by the name that `request` asks for')
        return lambda function: self._registry.add(function, name, request=True, **options)

    def request(self, handler: str, *, user_id: str) -> bool:
        """Owe a user a handler, durably, without a transition; one pending a user: tell whether it is new.

        Raises InvalidEvent where `user_id` can't be an id.
        """
        try:
            read_value(Kind.ID, user_id)
        except ValueError as error:
            raise InvalidEvent([FieldError(field="user_id", reason=str(error))]) from error
        now = self._clock()

        def ask(unit: UnitOfWork) -> bool:
            if outbox.is_requested(unit.session, user_id, handler):
                return False
            unit.change(user_id, now, lambda situation: situation.request(handler, REQUEST, now))
            return True

        return self._store.commit(ask, users=[user_id])

    def handlers(self) -> list[HandlerRecord]:
        """List the handlers that the store knows."""
        found = self._store.read(patterns)
        return [HandlerRecord(name=one.name, pattern=PatternRecord.of(one.as_dict())) for one in found]

    def drop_handler(self, name: str) -> DroppedHandler:
        """Forget a handler: nothing owes it from now on, and what was owed and not begun is void."""
        over = self._engine.leasing.over()
        known, void = self._store.commit(lambda unit: outbox.forget(unit.session, name, over))
        return DroppedHandler(dropped=known, void=void)

    def owed(self, user_id: str | None = None, *, limit: int = 1000) -> list[OwedEffect]:
        """List the effects owed and not done, oldest first; `here` tells whether their code is here."""
        checked_limit(limit)
        over = self._engine.leasing.over()

        def find(session: Session) -> list[OwedEffect]:
            mine = self._registry.mine(patterns(session))
            return outbox.unfinished(session, mine, user_id, over=over, limit=limit)

        return self._store.read(find)

    def run_effects(self, *, raising: bool = False, limit: int | None = None) -> int:
        """Do, in this thread, every effect that is due by the clock and whose handler is here; give how many.

        What those owe in turn is done as well; what pauses between tries is not waited for. `raising` has
        whatever a handler raises raised here, once its try is settled. Raises EffectsEndless where `limit`
        were done and more are due. The fixture of `workflow_fsm.testing` raises, and has a limit of 1,000,
        where nothing else is told.
        """
        most = None if limit is None else checked_limit(limit)
        done = 0
        self._engine.leasing.cut_overlong()
        self._engine.say_what_is_missing()
        while (taken := self._engine.leasing.lease()) is not None:
            if done == most:
                self._engine.leasing.release([taken])
                raise EffectsEndless(limit=done, handler=taken.handler)
            self._engine.do(taken, raising=raising)
            done += 1
        return done

    def worker(self, *, threads: int | None = None, most_replaced: int = MOST_REPLACED) -> Worker:
        """Make a worker for the handlers that are here; it lets time pass too.

        It does effects behind `with workflow.worker():` for as long as the block takes, else from its `start`
        to its `stop`, or until the workflow is closed; in so many `threads`, else in as many as the settings
        say. For those that died, or hang past `timeout_seconds`, others stand in: for so many at a time.
        """
        made = Worker(
            self._engine,
            self._wake_up,
            ready=self._readiness.check,
            tick=self.tick,
            listen=self._store.listen,
            watched=self._store.observers.watched,
            threads=self.settings.threads if threads is None else threads,
            most_replaced=most_replaced,
        )
        self._workers.add(made)
        return made

    # -- parts

    def _register(self, pattern: Pattern, replace: bool) -> None:
        now = self._clock()
        self._store.commit(lambda unit: outbox.register(unit.session, pattern, now, replace=replace))


def _refuse_bare(decorator: str, given: object, told: str) -> None:
    """Refuse a decorator without parentheses, which would put itself in the function's place."""
    if callable(given):
        raise HandlerInvalid(
            f"@workflow.{decorator} stands without parentheses on {getattr(given, '__name__', given)!r}, and "
            f"nothing says what owes that; write @workflow.{decorator}{told}"
        )
