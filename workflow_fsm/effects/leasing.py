"""Leasing: takes an effect that is ready, extends its lease while it is at work, and lets it go.

Only the attempt that holds the lease may settle an effect, as `engine.py` does.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from functools import partial

from workflow_fsm.core.errors import StoreRefused, StoreUnavailable
from workflow_fsm.core.model.outbox import REQUEST
from workflow_fsm.effects import candidates, outbox, verdicts
from workflow_fsm.effects.candidates import Found, ReadyEffect
from workflow_fsm.effects.leases import LEASE_SECONDS, STEP_SECONDS, Held, LeaseClock
from workflow_fsm.effects.outbox import Due, LeasedEffect
from workflow_fsm.effects.registration.registry import Registry
from workflow_fsm.effects.threads.turns import FREELY, Turn, Turns
from workflow_fsm.stores.repository import patterns
from workflow_fsm.stores.session import Columns, Session
from workflow_fsm.stores.store import Store
from workflow_fsm.stores.unit_of_work import UnitOfWork

log = logging.getLogger(__name__)

OVERLONG_SECONDS = LEASE_SECONDS + STEP_SECONDS
"""Later from now than this no lease ends, if its clock wasn't set."""
_LOOKS = 32
"""How often it looks for something to take where others take what it finds."""


class Leasing:
    """Takes the effects whose handlers are in `registry`, each at most so often as `tries` says.

    `clock` tells what is due, and `leases` whose lease is over. `chance` gives numbers from 0 to 1.
    """

    def __init__(
        self,
        store: Store,
        registry: Registry,
        *,
        tries: Callable[[str], int],
        clock: Callable[[], datetime],
        leases: LeaseClock,
        chance: Callable[[], float],
    ) -> None:
        self._store = store
        self._registry = registry
        self._tries = tries
        self._clock = clock
        self._leases = leases
        self._held = Held(leases.elapsed)
        self._found = Found(chance)

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

    def holding(self, taken: LeasedEffect) -> AbstractContextManager[None]:
        """Know for as long as a block takes that an effect is at work here, so that it isn't taken again."""
        return self._held.held(taken, self.timeout_seconds(taken))

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

    def let_go(self, taken: LeasedEffect) -> None:
        """Let go of one whose handler its caller interrupted, where the store can be written to."""
        try:
            self.release([taken], why="its caller was interrupted")
        except (StoreUnavailable, StoreRefused):
            log.warning("the lease of effect %s of %s runs out by itself", taken.handler, taken.user_id)

    # -- parts

    def _mine(self, session: Session) -> tuple[str, ...]:
        return self._registry.mine(patterns(session))

    def _due(self) -> Due:
        return Due(now=self._clock(), over=self._leases.over())

    def _until(self) -> datetime:
        return self._leases.now() + timedelta(seconds=LEASE_SECONDS)

    def _bury_unheard(self, unit: UnitOfWork, effect: Columns, now: datetime) -> None:
        """Make a dead letter of an effect that was begun as often as it may be, and never ended."""
        tries = effect["attempt"] - effect["forgiven"]
        error = f"begun {tries} times, and the last time never ended: its process died, stopped or hung"
        if effect["error"] is not None:
            error += f"; the time before it said: {effect['error']}"
        outbox.end(unit.session, effect, "dead", now, verdicts.storable(error))
        if effect["about"] in (None, REQUEST):
            unit.tell_of_dead_effect(effect["user_id"], effect["seq"], now)
