"""Turns: whose work goes into the next commit, so that users share the one writer's time, not its turns.

What a user's work takes is a debt of theirs. Each commit lets all debts go down by what it took divided by
those who wanted it, their fair share. Whose debt is more than a little goes behind all others'.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from time import perf_counter
from typing import Any, Generic, TypeVar

from workflow_fsm.stores.session import Scope, Session

T = TypeVar("T")

LITTLE_SECONDS = 0.02
"""What a user's work may have taken beyond their share before it goes behind others'."""
COMMIT_SECONDS = 0.2
"""For how long a commit goes on to the next work: whoever is in it waits for all of it."""
PASSED_OVER_SECONDS = 1.0
"""How long a user may be passed over for others; then a piece of their work goes first."""


class Job(Generic[T]):
    """One piece of work; its bringer waits for a `turn`: it is `done`, or it `leads` the next commit.

    `users` are those whose time it takes. With `apart` it is known to take long, and has a commit to itself.
    One that is `repeatable` may be done once more, where what it did was undone for another's fault.
    One that leads has a `batch`, with what of it was `committed`, whether that is known to be `kept`, and the
    users that are `held` for it. One is `gone` whose bringer was interrupted: nobody waits for it, or would
    lead by it.
    A lock, since an Event makes three things and calls ten to say the same.
    """

    __slots__ = (
        "alone",
        "apart",
        "batch",
        "committed",
        "done",
        "error",
        "gone",
        "held",
        "kept",
        "leads",
        "repeatable",
        "result",
        "scope",
        "since",
        "turn",
        "users",
        "work",
    )

    def __init__(
        self,
        work: Callable[[Session], T],
        scope: Scope | None = None,
        *,
        users: Sequence[str] = (),
        apart: bool = False,
        repeatable: bool = False,
    ) -> None:
        self.work = work
        self.scope = scope
        self.users = users
        self.apart = self.alone = apart
        self.repeatable = repeatable
        self.since = 0.0
        self.turn = threading.Lock()
        self.turn.acquire()
        self.done = False
        self.leads = False
        self.batch: Sequence[Job[Any]] = ()
        self.committed: Sequence[Job[Any]] = ()
        self.held: frozenset[str] = frozenset()
        self.kept = False
        self.gone = False
        self.result: T | None = None
        self.error: BaseException | None = None

    def wake(self) -> None:
        """Give its bringer a turn, if it wasn't given one that it has yet to take."""
        if self.turn.locked():
            self.turn.release()


class FairTurns:
    """The turns of one writer, by a clock of seconds; for one thread at a time."""

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        self._clock = clock
        self._debts: dict[str, float] = {}
        self._taken_at: dict[str, float] = {}
        self._wanted: set[str] = set()
        self._since = self._ended = clock()

    def begin(self, waiting: Iterable[Job[Any]]) -> None:
        """Begin a commit for those who wait; what nobody wanted before it is everybody's."""
        self._since = self._clock()
        self._let_go(self._since - self._ended)
        self._wanted = {user for job in waiting for user in job.users}

    def take(self, waiting: Sequence[Job[Any]]) -> Iterator[Job[Any]]:
        """Give what goes into this commit, one behind the other; each is done when the next is asked for.

        In the order of arrival go those whose users owe little; where nobody else waits, those who owe most
        the last. Nothing more goes in once the commit has taken its time.
        """
        order, owing = self._ordered(waiting)
        taken = 0
        for job in order:
            if taken and (job.apart or not (owing or job is order[0] or self._owes(job) <= LITTLE_SECONDS)):
                continue
            job.alone = job.apart or len(waiting) == 1
            before = self._clock()
            yield job
            after = self._clock()
            taken += 1
            for user in job.users:
                self._debts[user] = self._debts.get(user, 0.0) + (after - before) / len(job.users)
                self._taken_at[user] = before
            if job.apart or after - self._since >= COMMIT_SECONDS:
                return

    def end(self, waiting: Iterable[Job[Any]]) -> None:
        """End a commit; those who wait by now have wanted its time as well."""
        self._ended = self._clock()
        self._wanted.update(user for job in waiting for user in job.users)
        self._let_go((self._ended - self._since) / max(1, len(self._wanted)))

    def _ordered(self, waiting: Sequence[Job[Any]]) -> tuple[Sequence[Job[Any]], bool]:
        """Give what may go in, in order, and tell whether it may though its users owe."""
        if len(self._wanted) == 1:
            return waiting, True
        if not self._debts:
            return waiting, False
        owing = [job for job in waiting if self._owes(job) > LITTLE_SECONDS]
        if not owing:
            return waiting, False
        if len(owing) == len(waiting):
            return sorted(owing, key=self._owes), True
        first = min(owing, key=self._passed_over_since)
        is_overdue = self._passed_over_since(first) <= self._since - PASSED_OVER_SECONDS
        held = set(owing)
        return [first] * is_overdue + [job for job in waiting if job not in held], False

    def _owes(self, job: Job[Any]) -> float:
        return max((self._debts.get(user, 0.0) for user in job.users), default=0.0)

    def _passed_over_since(self, job: Job[Any]) -> float:
        return max(job.since, *(self._taken_at.get(user, job.since) for user in job.users))

    def _let_go(self, seconds: float) -> None:
        if self._debts:
            self._debts = {user: debt - seconds for user, debt in self._debts.items() if debt > seconds}
            self._taken_at = {user: at for user, at in self._taken_at.items() if user in self._debts}
