"""Timers: what is due by time alone, and waits that are over, in commits that others pass between."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from time import monotonic

from workflow_fsm.core.decision.decide import pass_time
from workflow_fsm.core.errors import StoreUnavailable, WorkflowError
from workflow_fsm.core.model.directory import TooMuch
from workflow_fsm.core.model.situation import Situation
from workflow_fsm.parts.store_handle import StoreHandle
from workflow_fsm.stores.store import MOST_IN_TURN, Overdue
from workflow_fsm.stores.unit_of_work import UnitOfWork

log = logging.getLogger(__name__)

TIMERS_A_COMMIT = 100
"""Timers and waits that one commit ends at most."""
SECONDS_A_COMMIT = 0.1
"""For how long a commit goes on to the next timer: what one brings about may be much, and others wait."""
_CANT_PASS = (WorkflowError, AssertionError, ArithmeticError, LookupError, TypeError, ValueError)
"""What a user's rows, once damaged, may raise where time passes for them."""


class Timers(StoreHandle):
    """Time that passes; a part of `Workflow`."""

    def _pass_time(self, limit: int) -> int:
        """Fire the timers that are due, end waits that are over, `limit` of each at most; give how many."""
        now = self._clock()
        overdue = self._store.overdue(now, limit)
        done = at = 0
        while at < len(overdue):
            passed, many = self._pass(overdue[at : at + TIMERS_A_COMMIT], now)
            done, at = done + passed, at + many
        return done

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
