"""Crew: a worker's threads, each watched; for one that died or hangs another stands in, up to a bound."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from itertools import count
from time import monotonic

from workflow_fsm.effects.outbox import LeasedEffect
from workflow_fsm.stores.observers import WorkerHealth

log = logging.getLogger(__name__)

MOST_REPLACED = 16
"""Threads that died, or hang at this moment, for which others stand in."""


class Member:
    """One thread: the effect that it is at, since when, and whether another stands in for it."""

    def __init__(self, name: str, work: Callable[[Member], None]) -> None:
        self.taken: LeasedEffect | None = None
        self.since = 0.0
        self.hangs = False
        self.replaced = False
        self.ended = False
        self._work = work
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def died(self) -> bool:
        """Whether its thread is no more, and wasn't to end."""
        return not self.ended and self.thread.ident is not None and not self.thread.is_alive()

    def _run(self) -> None:
        try:
            self._work(self)
            self.ended = True
        except BaseException as error:  # whoever watches says so, and has another stand in
            self.error: BaseException | None = error


class Crew:
    """So many threads that `work`; `let_go` is told of what one was at for which another stands in."""

    def __init__(
        self,
        work: Callable[[Member], None],
        threads: int,
        let_go: Callable[[Member, LeasedEffect], None],
        *,
        most: int = MOST_REPLACED,
    ) -> None:
        self._work = work
        self._threads = threads
        self._let_go = let_go
        self._most = most
        self._numbers = count()
        self._mutex = threading.Lock()
        self._died = 0
        self._replaced = 0
        self._failing: str | None = None
        self._members: list[Member] = []

    def start(self) -> None:
        """Start the threads."""
        for _ in range(self._threads):
            self._join()

    def take(self, member: Member, taken: LeasedEffect) -> None:
        """Note what a thread begins."""
        with self._mutex:
            member.taken, member.since = taken, monotonic()

    def leave(self, member: Member) -> bool:
        """Note that a thread has ended what it was at; tell whether another has taken its place meanwhile."""
        with self._mutex:
            member.taken, member.hangs = None, False
            return member.replaced

    def at_work(self) -> list[tuple[LeasedEffect, float]]:
        """Give what runs, and since when; not what hangs."""
        with self._mutex:
            return [
                (one.taken, one.since) for one in self._members if one.taken is not None and not one.hangs
            ]

    def held(self) -> list[LeasedEffect]:
        """Give what runs or hangs."""
        with self._mutex:
            return [one.taken for one in self._members if one.taken is not None]

    def watch(self, is_in_time: Callable[[LeasedEffect, float], bool]) -> None:
        """See which threads died or hang, and have others stand in for them as far as the bound allows."""
        with self._mutex:
            self._members = [one for one in self._members if not (one.ended or (one.died and one.replaced))]
            for one in self._members:
                one.hangs = one.taken is not None and not is_in_time(one.taken, one.since)
            down = [one for one in self._members if (one.died or one.hangs) and not one.replaced]
            replaced = [(one, one.taken) for one in down if self._may_be_replaced(one)]
        for one, taken in replaced:
            self._stand_in_for(one, taken)
        self._say(len(down) - len(replaced))

    def wait_until(self, until: float) -> None:
        """Wait for the threads to end, until an instant of the monotonic clock; not for those that hang."""
        with self._mutex:
            members = [one for one in self._members if not one.hangs]
        for one in members:
            if one.thread.is_alive() and one.thread is not threading.current_thread():
                one.thread.join(max(0.0, until - monotonic()))

    def health(self) -> WorkerHealth:
        """Tell how the threads are."""
        with self._mutex:
            alive = [one for one in self._members if one.thread.is_alive()]
            hung = sum(one.hangs for one in alive)
            missing = sum((one.died or one.hangs) and not one.replaced for one in self._members)
            return WorkerHealth(
                threads=self._threads,
                working=len(alive) - hung,
                hung=hung,
                missing=missing,
                replaced=self._replaced,
                failing=self._failing if missing else None,
            )

    # -- parts

    def _join(self) -> None:
        member = Member(f"effects-{next(self._numbers)}", self._work)
        with self._mutex:
            self._members.append(member)
        member.thread.start()

    def _may_be_replaced(self, member: Member) -> bool:
        hanging = sum(one.hangs and one.replaced for one in self._members)
        if self._died + hanging >= self._most:
            return False
        member.replaced = True
        self._died += member.died
        self._replaced += 1
        return True

    def _stand_in_for(self, member: Member, taken: LeasedEffect | None) -> None:
        self._join()
        if member.died:
            log.error("a worker's thread died, and another stands in for it", exc_info=member.error)
        elif taken is not None:
            log.error(
                "handler %s for user %s, claim %s, runs past its timeout_seconds; its thread can't be ended, "
                "and another stands in for it",
                taken.handler,
                taken.user_id,
                taken.claim_id,
            )
        if taken is not None:
            self._let_go(member, taken)

    def _say(self, missing: int) -> None:
        if not missing:
            self._failing = None
            return
        with self._mutex:
            handlers = sorted({one.taken.handler for one in self._members if one.hangs and one.taken})
        names = f" (in {', '.join(handlers)})" if handlers else ""
        was, self._failing = (
            self._failing,
            f"{missing} of {self._threads} threads that do effects died or hang{names}, and {self._most} "
            "others were replaced already; restart the process, and give what its handlers call a timeout",
        )
        if was is None:
            log.error("%s", self._failing)
