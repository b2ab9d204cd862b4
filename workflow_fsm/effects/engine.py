"""Effects, one at a time: runs the handler of one that was taken, and commits what became of it.

Only the attempt that holds the lease may settle an effect (`leasing.py`); the events that a handler fires are
committed in the commit that marks it done. Threads and waiting are `worker.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from workflow_fsm.core.definition.events import Event
from workflow_fsm.core.errors import EventIdReused, EventTooLarge, StoreUnavailable
from workflow_fsm.core.model.directory import TooMuch
from workflow_fsm.effects import outbox, verdicts
from workflow_fsm.effects.backoff import pause_seconds
from workflow_fsm.effects.handler import Discard, RetryAfter, tell
from workflow_fsm.effects.leases import LeaseClock
from workflow_fsm.effects.leasing import Leasing
from workflow_fsm.effects.outbox import LeasedEffect
from workflow_fsm.effects.registration.missing import MissingCode
from workflow_fsm.effects.registration.registry import Registry
from workflow_fsm.effects.verdicts import Reader, Verdict
from workflow_fsm.stores.session import Session
from workflow_fsm.stores.store import MOST_IN_TURN, Store
from workflow_fsm.stores.unit_of_work import UnitOfWork

MOST_FIRED_TOGETHER = 5000
"""How much the events read and change together that one effect fires, in one commit; one alone may more."""
LONGEST_WAIT_SECONDS = 366 * 86400.0
"""The longest that a handler may put itself off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrying:
    """How effects are tried again: so many tries, a first pause in seconds that doubles."""

    tries: int = 8
    pause_seconds: float = 1.0


class _SettledBefore(Exception):
    """Another attempt, or this one, has settled the effect already; `standing` tells which."""

    def __init__(self, standing: str) -> None:
        self.standing = standing
        super().__init__(standing)


class _ReusedMeanwhile(Exception):
    """The event's id is another's by now."""


class Engine:
    """Runs and settles the effects whose handlers are in `registry`; `leasing` takes them.

    `clock` tells what is due, and `leases` whose lease is over. `read` turns a trigger and fields into an
    event; `commit` takes events inside a unit, in an actor's name. `chance` gives numbers from 0 to 1.
    """

    def __init__(
        self,
        store: Store,
        registry: Registry,
        *,
        retrying: Retrying,
        clock: Callable[[], datetime],
        leases: LeaseClock,
        chance: Callable[[], float],
        read: Reader,
        commit: Callable[[UnitOfWork, Sequence[Event], str, datetime], EventIdReused | None],
    ) -> None:
        self._store = store
        self._registry = registry
        self._retrying = retrying
        self._clock = clock
        self._chance = chance
        self._read = read
        self._commit = commit
        self.leasing = Leasing(store, registry, tries=self._tries, clock=clock, leases=leases, chance=chance)
        self._missing = MissingCode(store, registry, leases.elapsed)

    def say_what_is_missing(self) -> None:
        """Log which handlers are owed whose code isn't here: the first time, and once an hour."""
        self._missing.say()

    def do(self, taken: LeasedEffect, *, raising: bool = False) -> str:
        """Run a taken effect's handler in its caller's thread and settle it; tell how it stands, as `settle`.

        Where it is `raising`, what the handler raised is raised once that is settled. Raises
        KeyboardInterrupt in any case where that met the handler: the caller's program is to end. The effect
        is owed again at once then, and that was no try.
        """
        with self.leasing.holding(taken):
            verdict = self.run(taken)
            if isinstance(verdict.cause, KeyboardInterrupt):
                self.leasing.let_go(taken)
                raise verdict.cause
            settled = self.settle(taken, verdict)
        if raising and verdict.cause is not None:
            raise verdict.cause
        return settled

    def run(self, taken: LeasedEffect) -> Verdict:
        """Run a taken effect's handler; nothing is settled yet. Whatever it raises is a try that failed."""
        if taken.fault is not None:
            return self._again(taken, taken.fault)
        try:
            answer = self._registry.function(taken.handler)(tell(taken))
            return Verdict(standing="done", events=self._fired(taken, answer))
        except Discard as error:
            verdicts.log_failure(taken, error)
            reason = verdicts.text_of(error) or "discarded by its handler"
            return Verdict(standing="dead", error=reason, cause=error)
        except RetryAfter as error:
            return self._again(taken, error, seconds=min(error.seconds, LONGEST_WAIT_SECONDS))
        except BaseException as error:
            return self._again(taken, error)

    def settle(self, taken: LeasedEffect, verdict: Verdict) -> str:
        """Commit what became of an effect, and tell how it stands then.

        `done`; `dead`; `owed`, again; `void`, where it would be owed again for being in a state that the
        lifecycle has left; or `lost`, where the lease ran out and another took it: nothing was changed.
        Raises StoreUnavailable: then it may be called again, also where the commit was done all the same.
        """
        try:
            return self._end(taken, verdict)
        except StoreUnavailable:
            raise
        except Exception as error:
            if verdict.standing != "done":
                raise
            return self._end(taken, self._again(taken, error))

    # -- parts

    def _again(self, taken: LeasedEffect, error: BaseException, *, seconds: float | None = None) -> Verdict:
        verdicts.log_failure(taken, error)
        told = verdicts.describe(error)
        if taken.tried >= self._tries(taken.handler):
            return Verdict(standing="dead", error=told, cause=error)
        if seconds is None:
            first = self._registry.pattern(taken.handler).pause_seconds
            first = self._retrying.pause_seconds if first is None else first
            seconds = pause_seconds(taken.tried, first=first, chance=self._chance())
        return Verdict(standing="owed", error=told, seconds=seconds, cause=error)

    def _end(self, taken: LeasedEffect, verdict: Verdict) -> str:
        error = None if verdict.error is None else verdicts.storable(verdict.error)
        traceback = None if verdict.cause is None else verdicts.traceback_of(verdict.cause)

        def end(unit: UnitOfWork) -> str:
            now = self._clock()
            ready_at = now + timedelta(seconds=verdict.seconds)
            settled = outbox.settle(
                unit.session,
                taken,
                verdict.standing,
                ready_at=ready_at,
                error=error,
                traceback=traceback,
            )
            if settled is None:
                return outbox.settled_before(unit.session, taken, verdict.standing) or "lost"
            if settled == "dead" and taken.about is None:
                unit.tell_of_dead_effect(taken.user_id, taken.seq, now)
            reused = self._commit(unit, verdict.events, f"effect:{taken.handler}", now)
            return settled if reused is None else self._bury_fired(unit, taken, reused, now)

        many = len(verdict.events)
        try:
            settled = self._store.commit(
                end,
                users=[taken.user_id],
                events=verdict.events,
                always=True,
                most=MOST_IN_TURN if many == 1 else MOST_FIRED_TOGETHER,
            )
        except TooMuch as error:
            if many > 1:
                raise EventTooLarge(
                    f"the {many} events that it fires together read and change more than "
                    f"{MOST_FIRED_TOGETHER} claims, and nothing of them was kept: fire them one an effect",
                    most=MOST_FIRED_TOGETHER,
                ) from error
            settled = self._end_apart(taken, verdict)
        self._store.observers.tried(taken.handler, settled)
        if verdict.cause is not None:
            self._store.observers.failed(verdicts.failed_try(taken, verdict.cause, settled))
        return settled

    def _end_apart(self, taken: LeasedEffect, verdict: Verdict) -> str:
        """Commit that an effect is done, with a large event that is decided on beside the writer."""
        now = self._clock()

        def settle(session: Session) -> None:
            if outbox.settle(session, taken, "done", ready_at=now) is None:
                raise _SettledBefore(outbox.settled_before(session, taken, "done") or "lost")

        def fire(unit: UnitOfWork) -> None:
            if self._commit(unit, verdict.events, f"effect:{taken.handler}", now) is not None:
                raise _ReusedMeanwhile

        try:
            self._store.commit_ahead(taken.user_id, fire, before=settle, always=True)
        except _SettledBefore as before:
            return before.standing
        except _ReusedMeanwhile:
            return self._end(taken, verdict)
        return "done"

    def _bury_fired(self, unit: UnitOfWork, taken: LeasedEffect, reused: EventIdReused, now: datetime) -> str:
        """Make a dead letter of an effect that fired under an id which is another event's."""
        row = unit.session.row("effect_at", user_id=taken.user_id, seq=taken.seq)
        assert row is not None
        told = verdicts.storable(f"it fired an event that can't be taken: {reused}")
        outbox.end(unit.session, row, "dead", now, told)
        if taken.about is None:
            unit.tell_of_dead_effect(taken.user_id, taken.seq, now)
        return "dead"

    def _fired(self, taken: LeasedEffect, answer: object) -> list[Event]:
        return verdicts.events(taken, answer, definition=self._store.definition, read=self._read)

    def _tries(self, handler: str) -> int:
        return self._registry.pattern(handler).tries or self._retrying.tries
