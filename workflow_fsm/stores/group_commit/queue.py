"""Group commit: whoever finds a lane free commits all the work waiting, in one go.

It does so in its own thread (handing it to another would cost a lone thread a third of its speed); what
arrives meanwhile goes into the next commit together. SQLite has one lane, as it has one writer: a commit of
its takes what `turns.py` says, and the rest waits for the next. With several lanes no two are busy with one
user: that user's work waits, and is committed together.

The queue is fair and bounded, and nobody is answered before its own work is on disk. What was taken in is
done, whatever comes after it; what finds the queue full is refused at once, and what finds it half full of
the same user's. A thread that is interrupted, by a signal or a time limit, leaves its lane to the next;
others whose work it was committing are told.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from time import perf_counter
from typing import Any, TypeVar

from workflow_fsm.core.errors import StoreUnavailable
from workflow_fsm.stores.group_commit.turns import FairTurns, Job
from workflow_fsm.stores.session import Scope, Session

T = TypeVar("T")

MOST_IN_A_COMMIT = 256
"""Work taken into one commit, so that the first of it isn't kept waiting by the last."""
MOST_WAITING = MOST_IN_A_COMMIT
"""Work that may wait: as much as the next commit may take."""
MOST_WAITING_OF_ONE = MOST_WAITING // 2
"""Work that may wait of one user, so that others find a place."""
RETRY_AFTER_SECONDS = 1
TRIES_TO_LEAVE = 100
"""How often a thread that is interrupted again and again tries to leave the queue as it should."""
_NOBODY: frozenset[str] = frozenset()


class LeftOut(Exception):
    """Set as the error of work that was left out of a commit, so that its bringer does it by itself."""


class CommitQueue:
    """Work waiting to be committed. `commit` runs a batch in one transaction.

    It is handed jobs one behind the other, and asks for the next when one is done; of each it sets `result`
    or `error` (LeftOut, where it was left out), and it raises what fails the batch as a whole. `on_committed`
    is told of each commit: how many jobs were in it, and how many seconds it took; `on_failed` of each that
    failed as a whole: how many jobs waited for it, and why.
    """

    def __init__(
        self,
        commit: Callable[[Iterable[Job[Any]]], None],
        *,
        lanes: int = 1,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        self._commit = commit
        self._turns = FairTurns(clock) if lanes == 1 else None
        self._clock = clock
        self._idle_lanes = lanes
        self._busy = _NOBODY
        self._waiting: deque[Job[Any]] = deque()
        self._mutex = threading.Lock()
        self.on_committed: Callable[[int, float], None] | None = None
        self.on_failed: Callable[[int, Exception], None] | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def do(
        self,
        work: Callable[[Session], T],
        *,
        scope: Scope | None = None,
        users: Sequence[str] = (),
        always: bool = False,
        apart: bool = False,
        repeatable: bool = False,
    ) -> T:
        """Have `work` done and committed; give its result, or raise its error, or its batch's.

        `users` are those whose time it takes; `apart`, it has a commit to itself where there is one lane;
        `repeatable`, it may be done once more where what it did was undone.
        Raises StoreUnavailable where too much is waiting, unless it is to be done `always`.
        """
        job = Job(work, scope, users=users, apart=apart, repeatable=repeatable)
        try:
            with self._mutex:
                if len(self._waiting) >= MOST_WAITING_OF_ONE and not always:
                    self._refuse_too_much(users)
                job.since = self._clock()
                self._waiting.append(job)
                if self._idle_lanes and self._is_free(job):
                    self._lead(job)
            while not job.done or job.leads:
                job.turn.acquire()
                self._serve(job)
        except BaseException:
            self._leave(job)
            raise
        if job.error is not None:
            raise job.error
        return job.result  # type: ignore[return-value]  # None only where T is

    def _refuse_too_much(self, users: Sequence[str]) -> None:
        """Raise StoreUnavailable where too much waits, of all or of a user's."""
        whose, many = "others", len(self._waiting)
        if many < MOST_WAITING:
            whose, many = f"others of {' and '.join(users)}", sum(job.users == users for job in self._waiting)
            if not users or many < MOST_WAITING_OF_ONE:
                return
        raise StoreUnavailable(
            f"{many} {whose} wait to be committed already, and nothing was kept; try again",
            retry_after=RETRY_AFTER_SECONDS,
        )

    def _serve(self, leader: Job[Any]) -> None:
        """Where a job leads, commit what waits, then hand the lane to the next that arrived, or to nobody.

        Raises what interrupts it; the others of its batch are told that nobody knows what was kept.
        """
        if not leader.leads:
            return
        try:
            with self._mutex:
                leader.batch = [job for job in self._waiting if self._is_free(job)][:MOST_IN_A_COMMIT]
                taken = set(leader.batch)
                leader.kept = False
                leader.held = frozenset(job.scope.user_id for job in leader.batch if job.scope is not None)
                self._busy = self._busy | leader.held
                self._waiting = deque(job for job in self._waiting if job not in taken)
                if self._turns is not None:
                    self._turns.begin(leader.batch)
            since = self._clock()
            if leader.batch:
                self._commit(self._taken(leader))
            leader.kept = True
            many = sum(not isinstance(job.error, LeftOut) for job in leader.committed)
            if many and self.on_committed is not None:
                self.on_committed(many, self._clock() - since)
        except Exception as error:
            leader.committed = leader.committed or leader.batch
            for job in leader.committed:
                job.error = job.error or error
            if self.on_failed is not None:
                self.on_failed(len(leader.committed), error)
        finally:
            self._end(leader)

    def _taken(self, leader: Job[Any]) -> Iterator[Job[Any]]:
        """Give what goes into a commit, and note it."""
        for job in leader.batch if self._turns is None else self._turns.take(leader.batch):
            leader.committed = [*leader.committed, job]
            yield job

    def _end(self, leader: Job[Any]) -> None:
        """Have a leader give up its lane, and wake whom that concerns; where it is interrupted, begin anew.

        Interruptions come with calls: what one assignment says is done as a whole or not at all. What of its
        batch didn't go into the commit waits on, before the others.
        """
        with self._mutex:
            batch, committed = leader.batch, leader.committed
            if batch:
                taken, done = set(batch), set(committed)
                left = [job for job in batch if job not in done and not job.gone]
                waiting = deque([*left, *(job for job in self._waiting if job not in taken)])
                self._waiting, leader.batch = waiting, ()
                if self._turns is not None:
                    self._turns.end(self._waiting)
            self._busy, leader.held = self._busy - leader.held, _NOBODY
            if leader.leads:
                leader.leads, self._idle_lanes = False, self._idle_lanes + 1
            if self._idle_lanes:
                following = next((job for job in self._waiting if not job.leads and self._is_free(job)), None)
                if following is not None:
                    self._lead(following)
            for job in committed:
                if not leader.kept:
                    job.error = job.error or _interrupted()
                job.done = True
                job.wake()
            leader.committed = ()

    def _leave(self, job: Job[Any]) -> None:
        """Take out work whose bringer was interrupted, unless it is under way, and let the others go on.

        Another interruption of this is one with the first, which goes on to the bringer.
        """
        for _ in range(TRIES_TO_LEAVE):
            try:
                self._end(job)
                with self._mutex:
                    job.gone = True
                    self._waiting = deque(one for one in self._waiting if one is not job)
                self._end(job)  # it may have been put back, and have been the next to lead
                with self._mutex:
                    for leader in [one for one in self._waiting if one.leads]:
                        leader.wake()
                return
            except BaseException:
                continue

    def _is_free(self, job: Job[Any]) -> bool:
        return job.scope is None or job.scope.user_id not in self._busy

    def _lead(self, job: Job[Any]) -> None:
        job.leads, self._idle_lanes = True, self._idle_lanes - 1
        job.wake()


def _interrupted() -> StoreUnavailable:
    return StoreUnavailable(
        "whoever committed this for all that waited was interrupted, and nobody knows whether it was kept; "
        "try again, by the same id",
        retry_after=RETRY_AFTER_SECONDS,
    )
