"""A worker: threads that take effects and do them, a heart that extends their leases, and the clock.

It wakes at once for a commit of its own process, and of any on PostgreSQL; within a second for others.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Self

from workflow_fsm.core.errors import (
    RowUnreadable,
    StoreRefused,
    StoreUnavailable,
    WorkerStuck,
    WorkflowClosed,
)
from workflow_fsm.effects.engine import Engine
from workflow_fsm.effects.leases import LEASE_SECONDS
from workflow_fsm.effects.outbox import LeasedEffect
from workflow_fsm.effects.threads.crew import MOST_REPLACED, Crew, Member
from workflow_fsm.effects.threads.turns import Turns
from workflow_fsm.effects.verdicts import Verdict
from workflow_fsm.stores.observers import WorkerHealth
from workflow_fsm.stores.session import Listening

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
"""How often an idle worker looks for what other processes committed."""
TICK_SECONDS = 1.0
BEAT_SECONDS = LEASE_SECONDS / 4
WATCH_SECONDS = 1.0
"""How often it looks whether its threads live, and don't hang."""
DOWN_SECONDS = 1.0
"""How long it leaves a store alone that was unavailable."""


class WakeUp:
    """Wakes idle workers: rung by each commit of this process that may have made something ready."""

    def __init__(self) -> None:
        # Entered by itself: a Condition is entered by Python's own code, which an interruption could leave
        # with the lock held.
        self._mutex = threading.Lock()
        self._changed = threading.Condition(self._mutex)
        self._rung = 0

    def ring(self) -> None:
        """Wake whoever waits."""
        with self._mutex:
            self._rung += 1
            self._changed.notify_all()

    def heard(self) -> int:
        """Give how often it was rung so far."""
        return self._rung

    def wait(self, since: int, seconds: float) -> None:
        """Wait until it is rung again after `since`, or for so many seconds."""
        with self._mutex:
            self._changed.wait_for(lambda: self._rung != since, timeout=seconds)


class Worker:
    """Does effects in `threads` threads until it is stopped; `tick` is called about every second.

    `ready` raises StoreUnavailable where the store can't be written to.
    """

    def __init__(
        self,
        engine: Engine,
        wake_up: WakeUp,
        *,
        ready: Callable[[], None],
        tick: Callable[[], int],
        listen: Callable[[Callable[[], None]], Listening],
        watched: Callable[[WorkerHealth], None],
        threads: int,
        most_replaced: int = MOST_REPLACED,
    ) -> None:
        self.threads = threads
        self.refused: StoreRefused | None = None
        """Why it stopped by itself: a newer version has made the store one that this can't work on."""
        self._engine = engine
        self._wake_up = wake_up
        self._ready = ready
        self._tick = tick
        self._listen = listen
        self._listening: Listening | None = None
        self._started = self._left = False
        self._idle = 0
        self._stopping = threading.Event()
        self._stopped = threading.Event()
        self._mutex = threading.Lock()
        self._suspecting: Member | None = None
        self._watched = watched
        self._turns = Turns(threads)
        self._crew = Crew(self._work, threads, self._let_go, most=most_replaced)
        self._clock = threading.Thread(target=self._keep_time, name="effects-clock", daemon=True)
        self._heart = threading.Thread(target=self._beat, name="effects-heart", daemon=True)

    def __enter__(self) -> Self:
        """Start it; it is stopped behind the block."""
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the threads; a worker is started once. Raises RuntimeError where it was started before."""
        with self._mutex:
            if self._started:
                raise RuntimeError(
                    "this worker was started before, and a worker is started once; make another: "
                    "workflow.worker()"
                )
            self._started = True
        self._listening = self._listen(self._wake_up.ring)
        self._crew.start()
        for thread in (self._clock, self._heart):
            thread.start()

    def leave_behind(self) -> None:
        """Be a worker that has ended, in a fork's child: its threads and their locks are the parent's."""
        self._started = self._left = True
        self._mutex = threading.Lock()
        self._crew = Crew(self._work, self.threads, self._let_go)

    def stop(self, *, within_seconds: float = 10.0) -> None:
        """Stop: wait for what runs, up to a bound, then let the leases of the rest go."""
        if self._left:
            return
        self._stopping.set()
        self._wake_up.ring()
        until = monotonic() + within_seconds
        self._crew.wait_until(until)
        if self._clock.is_alive():
            self._clock.join(max(0.0, until - monotonic()))
        self._stopped.set()
        if self._listening is not None:
            self._listening.close()
        if self._heart.is_alive():
            self._heart.join()
        self._watched(self._crew.health())
        left = self._crew.held()
        if left:
            try:
                self._engine.leasing.release(left)
            except (StoreUnavailable, StoreRefused, WorkflowClosed):
                log.warning("the leases of %d effects run out by themselves", len(left))

    @property
    def health(self) -> WorkerHealth:
        """How its threads are."""
        return self._crew.health()

    def check(self) -> None:
        """Return where it can go on, or was stopped. Raises WorkerStuck, and StoreRefused."""
        if self.refused is not None:
            raise self.refused
        if self._left or self._stopping.is_set() or self._heart.ident is None:
            return
        if not (self._heart.is_alive() and self._clock.is_alive()):
            raise WorkerStuck("a thread that effects need died; restart the process")
        failing = self._crew.health().failing
        if failing is not None:
            raise WorkerStuck(failing)

    def _work(self, me: Member) -> None:
        while not self._stopping.is_set() and not me.replaced:
            heard = self._wake_up.heard()
            try:
                if not self._take_and_do(me):
                    self._rest(heard)
            except StoreUnavailable as error:
                log.warning("effects wait for the store: %s", error)
                self._await_store()
            except BaseException as error:
                if self._is_refused(error):
                    return
                log.exception("a worker's thread failed, and goes on")
                self._stopping.wait(DOWN_SECONDS)

    def _await_store(self) -> None:
        """Leave effects alone until the store can be written to.

        Else each look would begin one more that nobody does: a commit of unknown fate may have leased it.
        """
        while not self._stopping.wait(DOWN_SECONDS):
            try:
                return self._ready()
            except StoreUnavailable:
                continue
            except (StoreRefused, WorkflowClosed):
                return  # which whoever looks for effects is told, too

    def _is_refused(self, error: BaseException) -> bool:
        """Take nothing more where the store is none any more that this version can work on; tell whether."""
        if isinstance(error, WorkflowClosed):
            self._stopping.set()
            return True
        if not isinstance(error, StoreRefused) or isinstance(error, RowUnreadable):
            return False
        with self._mutex:
            is_news, self.refused = self.refused is None, error
        if is_news:
            log.error("effects are left to newer versions: %s", error)
        self._stopping.set()
        self._wake_up.ring()
        return True

    def _rest(self, heard: int) -> None:
        """Wait to be woken, for a while, and let others know meanwhile."""
        self._count_idle(1)
        try:
            self._wake_up.wait(heard, LOOK_SECONDS)
        finally:
            self._count_idle(-1)

    def _count_idle(self, more: int) -> None:
        with self._mutex:
            self._idle += more
            if self._listening is not None and not self._stopped.is_set():
                self._listening.idle(self._idle > 0)

    def _take_and_do(self, me: Member) -> bool:
        """Take an effect and do it; tell whether one was ready.

        One process does at most one at a time in which a process died before: else the innocent ones that run
        beside a deadly one would die with it each time, and be buried with it.
        """
        with self._mutex:
            alone = self._suspecting is None
            if alone:
                self._suspecting = me
        try:
            taken = self._engine.leasing.lease(suspects=alone, turns=self._turns)
            if taken is None:
                return False
            if not taken.suspect:
                self._suspect_no_more(me)
            self._do(me, taken)
            return True
        finally:
            self._suspect_no_more(me)

    def _suspect_no_more(self, me: Member) -> None:
        with self._mutex:
            if self._suspecting is me:
                self._suspecting = None

    def _let_go(self, member: Member, taken: LeasedEffect) -> None:
        """Count a thread that another stands in for no more: what it does counts for nothing."""
        self._suspect_no_more(member)
        self._end_turn(taken)

    def _end_turn(self, taken: LeasedEffect) -> None:
        if self._turns.give_back(taken.handler):
            self._wake_up.ring()

    def _do(self, me: Member, taken: LeasedEffect) -> None:
        self._crew.take(me, taken)
        try:
            with self._engine.leasing.holding(taken):
                outcome = self._settle(taken, self._engine.run(taken))
        finally:
            if not self._crew.leave(me):
                self._end_turn(taken)
        if outcome in ("dead", "lost"):
            log.warning("effect %s of %s is %s", taken.handler, taken.user_id, outcome)

    def _settle(self, taken: LeasedEffect, verdict: Verdict) -> str:
        """Commit what became of an effect. While its lease lasts a store that is unavailable is waited for.

        Its handler has done its work: it would do it again, only since nobody could write that down.
        """
        until = monotonic() + LEASE_SECONDS
        while True:
            try:
                return self._engine.settle(taken, verdict)
            except StoreUnavailable as error:
                log.warning("effect %s of %s waits to be settled: %s", taken.handler, taken.user_id, error)
                if monotonic() > until or self._stopping.wait(DOWN_SECONDS):
                    raise

    def _beat(self) -> None:
        """Watch the threads; extend the leases of what runs, as long as its handler's timeout allows."""
        next_beat = monotonic()
        while not self._stopped.wait(min(WATCH_SECONDS, max(0.0, next_beat - monotonic()))):
            try:
                self._crew.watch(self._is_in_time)
                self._watched(self._crew.health())
            except BaseException:
                with suppress(BaseException):
                    log.exception("a worker's threads could not be watched")
            if monotonic() < next_beat:
                continue
            next_beat = max(next_beat + BEAT_SECONDS, monotonic())
            living = [taken for taken, since in self._crew.at_work() if self._is_in_time(taken, since)]
            try:
                if living:
                    self._engine.leasing.extend(living)
                self._engine.leasing.cut_overlong()
                self._engine.say_what_is_missing()
            except StoreUnavailable as error:
                log.warning("leases could not be extended: %s", error)
            except BaseException as error:
                if self._is_refused(error):
                    return
                with suppress(BaseException):
                    log.exception("leases could not be extended")

    def _is_in_time(self, taken: LeasedEffect, since: float) -> bool:
        timeout = self._engine.leasing.timeout_seconds(taken)
        return timeout is None or monotonic() - since < timeout

    def _keep_time(self) -> None:
        while not self._stopping.wait(TICK_SECONDS):
            try:
                while self._tick() and not self._stopping.is_set():
                    pass
            except StoreUnavailable as error:
                log.warning("timers wait for the store: %s", error)
            except BaseException as error:
                if self._is_refused(error):
                    return
                with suppress(BaseException):
                    log.exception("the clock's thread failed, and goes on")
