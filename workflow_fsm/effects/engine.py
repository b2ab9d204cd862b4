"""Effects, one at a time: takes one under a lease, runs its handler, and commits what became of it.

Only the attempt that holds the lease may settle an effect; the events that a handler fires are committed in
the commit that marks it done. Threads and waiting are `worker.py`'s.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from workflow_fsm.core.definition.events import Event
from workflow_fsm.core.errors import EventIdReused, EventTooLarge, StoreRefused, StoreUnavailable
from workflow_fsm.core.model.directory import TooMuch
from workflow_fsm.core.model.outbox import REQUEST
from workflow_fsm.effects import candidates, outbox, verdicts
from workflow_fsm.effects.backoff import pause_seconds
from workflow_fsm.effects.candidates import Found, ReadyEffect
from workflow_fsm.effects.handler import Discard, RetryAfter, tell
from workflow_fsm.effects.leases import LEASE_SECONDS, STEP_SECONDS, Held, LeaseClock
from workflow_fsm.effects.outbox import Due, LeasedEffect
from workflow_fsm.effects.registration.missing import MissingCode
from workflow_fsm.effects.registration.registry import Registry
from workflow_fsm.effects.threads.turns import FREELY, Turn, Turns
from workflow_fsm.effects.verdicts import Reader, Verdict
from workflow_fsm.stores.repository import patterns
from workflow_fsm.stores.session import Columns, Session
from workflow_fsm.stores.store import MOST_IN_TURN, Store
from workflow_fsm.stores.unit_of_work import UnitOfWork

log = logging.getLogger(__name__)

OVERLONG_SECONDS = LEASE_SECONDS + STEP_SECONDS
"""Later from now than this no lease ends, if its clock wasn't set."""
_LOOKS = 32
"""How often it looks for something to take where others take what it finds."""
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
    """Takes and settles the effects whose handlers are in `registry`.

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
        self._leases = leases
        self._held = Held(leases.elapsed)
        self._chance = chance
        self._read = read
        self._commit = commit
        self._found = Found(chance)
        self._missing = MissingCode(store, registry, leases.elapsed)

    def say_what_is_missing(self) -> None:
        """Log which handlers are owed whose code isn't here: the first time, and once an hour."""
        self._missing.say()

    def lease(self, *, suspects: bool = True, turns: Turns = FREELY) -> LeasedEffect | None:
        """Lease the effect that has been ready longest, None where none is.

        Without `suspects`, none whose holder died in it. Of the `turns` one is taken for its handler, and is
        given back by whoever has done it.
        One that was begun as often as it may be tried, and never settled, has killed its process each time:
        it is buried instead.
        """
        self._leases.refresh()
        held: set[str] = set()
        for _ in range(_LOOKS):
            taken = self._lease_one(held, suspects=suspects, turns=turns)
            if taken is not None:
                return taken
            found = self._store.read(partial(self._look, suspects=suspects, held=held, turns=turns))
            if not found:
                return None
            self._found.put(found)
        return None

    def _look(
        self, session: Session, *, suspects: bool, held: Collection[str], turns: Turns
    ) -> list[ReadyEffect]:
        mine = turns.open(self._mine(session))
        return candidates.find(session, mine, self._due(), suspects=suspects, but_of=held)

    def _lease_one(self, held: set[str], *, suspects: bool, turns: Turns) -> LeasedEffect | None:
        """Lease the first of those found that is ready still, in turn, and whose user is free; else None.

        Users whom somebody else has locked are added to `held`.
        """

        def lease(unit: UnitOfWork) -> LeasedEffect | None:
            due = self._due()
            now, until = due.now, self._until()
            candidate: ReadyEffect | None = first
            while candidate is not None:
                if candidate.user_id not in held and turn.is_for(candidate.handler):
                    is_free, effect = candidates.lock(unit.session, candidate, due, suspects=suspects)
                    if effect is not None and effect["handler"] not in self._mine(unit.session):
                        effect = None
                    if effect is not None and not self._is_passed_over(unit, effect, now, until):
                        definition = self._store.definition
                        return outbox.lease(unit.session, definition, effect, now=now, until=until)
                    if not is_free:
                        held.add(candidate.user_id)
                    if effect is None:
                        self._found.shuffle()
                candidate = self._found.next()
            return None

        first = self._found.next()
        turn = Turn(turns, self._registry.names)
        taken = None
        try:
            taken = None if first is None else self._store.commit(lease)
        finally:
            if taken is None:
                turn.end()
        return taken

    def _is_passed_over(self, unit: UnitOfWork, effect: Columns, now: datetime, until: datetime) -> bool:
        """Pass over what isn't to be begun, and write down why; tell whether it was so.

        One whose lease is over while its handler runs here, since this process was stopped or couldn't write,
        is extended: it is at work, and beginning it again beside that could only do harm. One that isn't to
        be done any more is ended.
        """
        at_work = self._held.find(effect["user_id"], effect["seq"], effect["attempt"])
        if at_work is not None:
            outbox.extend(unit.session, at_work, until)
        elif effect["is_left"]:
            outbox.end(unit.session, effect, "void", now)
        elif effect["attempt"] - effect["forgiven"] >= self._tries(effect["handler"]):
            self._bury_unheard(unit, effect, now)
        else:
            return False
        return True

    def do(self, taken: LeasedEffect, *, raising: bool = False) -> str:
        """Run a taken effect's handler in its caller's thread and settle it; tell how it stands, as `settle`.

        Where it is `raising`, what the handler raised is raised once that is settled. Raises
        KeyboardInterrupt in any case where that met the handler: the caller's program is to end. The effect
        is owed again at once then, and that was no try.
        """
        with self.holding(taken):
            verdict = self.run(taken)
            if isinstance(verdict.cause, KeyboardInterrupt):
                self._let_go(taken)
                raise verdict.cause
            settled = self.settle(taken, verdict)
        if raising and verdict.cause is not None:
            raise verdict.cause
        return settled

    def holding(self, taken: LeasedEffect) -> AbstractContextManager[None]:
        """Know for as long as a block takes that an effect is at work here, so that it isn't taken again."""
        return self._held.held(taken, self.timeout_seconds(taken))

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

    def extend(self, taken: Sequence[LeasedEffect]) -> None:
        """Hold the leases of running effects longer."""
        self._leases.refresh()
        until = self._until()

        def extend(unit: UnitOfWork) -> None:
            for one in sorted(taken, key=lambda one: (one.user_id, one.seq)):
                outbox.extend(unit.session, one, until)

        # No user is locked: one whose row is held must not cost others their leases.
        self._store.commit(extend, always=True)

    def cut_overlong(self) -> None:
        """Cut the leases of any process that end later than any can: their clock was set back, or wrong.

        A living holder extends its own; of a dead one the effect is taken over as soon as of any.
        """
        self._leases.refresh()
        latest = self._leases.now() + timedelta(seconds=OVERLONG_SECONDS)
        names, until = self._registry.names, self._until()
        overlong = self._store.read(lambda session: outbox.find_overlong(session, names, latest))

        def cut(unit: UnitOfWork) -> None:
            for one in sorted(overlong, key=lambda one: (one["user_id"], one["seq"])):
                outbox.cut(unit.session, one, until)

        if overlong:
            self._store.commit(cut, always=True)

    def over(self) -> datetime:
        """Give the instant up to which leases are over."""
        self._leases.refresh()
        return self._leases.over()

    def release(self, taken: Sequence[LeasedEffect], *, why: str = "its worker stopped") -> None:
        """Let leases go, so that another may take the effects up at once; a stop costs them no try."""
        now = self._clock()

        def release(unit: UnitOfWork) -> None:
            for one in taken:
                outbox.settle(unit.session, one, "owed", ready_at=now, error=why, forgiven=True)

        self._store.commit(release, users=[one.user_id for one in taken], always=True)

    def timeout_seconds(self, taken: LeasedEffect) -> float | None:
        """Give how long a handler may run before its lease isn't extended any more."""
        return self._registry.pattern(taken.handler).timeout_seconds

    # -- parts

    def _mine(self, session: Session) -> tuple[str, ...]:
        return self._registry.mine(patterns(session))

    def _due(self) -> Due:
        return Due(now=self._clock(), over=self._leases.over())

    def _until(self) -> datetime:
        return self._leases.now() + timedelta(seconds=LEASE_SECONDS)

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

    def _let_go(self, taken: LeasedEffect) -> None:
        try:
            self.release([taken], why="its caller was interrupted")
        except (StoreUnavailable, StoreRefused):
            log.warning("the lease of effect %s of %s runs out by itself", taken.handler, taken.user_id)

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

    def _bury_unheard(self, unit: UnitOfWork, effect: Columns, now: datetime) -> None:
        """Make a dead letter of an effect that was begun as often as it may be, and never ended."""
        tries = effect["attempt"] - effect["forgiven"]
        error = f"begun {tries} times, and the last time never ended: its process died, stopped or hung"
        if effect["error"] is not None:
            error += f"; the time before it said: {effect['error']}"
        outbox.end(unit.session, effect, "dead", now, verdicts.storable(error))
        if effect["about"] in (None, REQUEST):
            unit.tell_of_dead_effect(effect["user_id"], effect["seq"], now)

    def _fired(self, taken: LeasedEffect, answer: object) -> list[Event]:
        return verdicts.events(taken, answer, definition=self._store.definition, read=self._read)

    def _tries(self, handler: str) -> int:
        return self._registry.pattern(handler).tries or self._retrying.tries
