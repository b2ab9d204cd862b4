"""Group commit: whoever finds a lane free commits all the work waiting, in one go.

It does so in its own thread (handing it to another would cost a lone thread a third of its speed); what
arrives meanwhile goes into the next commit together. SQLite has one lane, as it has one writer. With several,
no two are busy with one user: that user's work waits, and is committed together.

The queue is fair and bounded, and nobody is answered before its own work is on disk. What was taken in is
done, whatever comes after it; what finds the queue full is refused at once. A thread that is interrupted, by
a signal or a time limit, leaves its lane to the next; others whose work it was committing are told.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any, Generic, TypeVar

from workflow_fsm.core.errors import StoreUnavailable
from workflow_fsm.stores.session import Scope, Session

T = TypeVar("T")

MOST_IN_A_COMMIT = 256
"""Work taken into one commit, so that the first of it isn't kept waiting by the last."""
MOST_WAITING = MOST_IN_A_COMMIT
"""Work that may wait: as much as the next commit takes, so that nobody waits for more than two."""
RETRY_AFTER_SECONDS = 1
TRIES_TO_LEAVE = 100
"""How often a thread that is interrupted again and again tries to leave the queue as it should."""
_NOBODY: frozenset[str] = frozenset()


class LeftOut(Exception):
    """Set as the error of work that was left out of a commit, so that its bringer does it by itself."""


class Job(Generic[T]):
    """One piece of work; its bringer waits for a `turn`: it is `done`, or it `leads` the next commit.

    A lock, since an Event makes three things and calls ten to say the same.
    """

    __slots__ = ("batch", "done", "error", "leads", "result", "scope", "turn", "users", "work")

    def __init__(self, work: Callable[[Session], T], scope: Scope | None = None) -> None:
        self.work = work
        self.scope = scope
        self.turn = threading.Lock()
        self.turn.acquire()
        self.done = False
        self.leads = False
        self.batch: Sequence[Job[Any]] = ()
        self.users = _NOBODY
        self.result: T | None = None
        self.error: BaseException | None = None

    def wake(self) -> None:
        """Give its bringer a turn, if it wasn't given one that it has yet to take."""
        if self.turn.locked():
            self.turn.release()


class CommitQueue:
    """Work waiting to be committed. `commit` runs a batch in one transaction.

    It sets each job's `result` or `error` (LeftOut, where it was left out), and raises what fails the batch
    as a whole. `on_committed` is told of each commit: how many jobs were in it, and how many seconds it took.
    """

    def __init__(self, commit: Callable[[Sequence[Job[Any]]], None], *, lanes: int = 1) -> None:
        self._commit = commit
        self._idle_lanes = lanes
        self._busy = _NOBODY
        self._waiting: deque[Job[Any]] = deque()
        self._mutex = threading.Lock()
        self.on_committed: Callable[[int, float], None] | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def do(self, work: Callable[[Session], T], *, scope: Scope | None = None, always: bool = False) -> T:
        """Have `work` done and committed; give its result, or raise its error, or its batch's.

        Raises StoreUnavailable where too much is waiting, unless it is to be done `always`.
        """
        job = Job(work, scope)
        try:
            with self._mutex:
                if len(self._waiting) >= MOST_WAITING and not always:
                    raise StoreUnavailable(
                        f"{MOST_WAITING} others wait to be committed already, and nothing was kept; "
                        "try again",
                        retry_after=RETRY_AFTER_SECONDS,
                    )
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

    def _serve(self, leader: Job[Any]) -> None:
        """Where a job leads, commit what waits, then hand the lane to the next that arrived, or to nobody.

        Raises what interrupts it; the others of its batch are told that nobody knows what was kept.
        """
        if not leader.leads:
            return
        try:
            with self._mutex:
                batch = [job for job in self._waiting if self._is_free(job)][:MOST_IN_A_COMMIT]
                taken = set(batch)
                leader.batch = batch
                leader.users = frozenset(job.scope.user_id for job in batch if job.scope is not None)
                self._busy = self._busy | leader.users
                self._waiting = deque(job for job in self._waiting if job not in taken)
            since = perf_counter()
            if batch:
                self._commit(batch)
            many = sum(not isinstance(job.error, LeftOut) for job in batch)
            if many and self.on_committed is not None:
                self.on_committed(many, perf_counter() - since)
        except Exception as error:
            for job in leader.batch:
                job.error = job.error or error
        except BaseException:
            for job in leader.batch:
                job.error = job.error or _interrupted()
            raise
        finally:
            self._end(leader)

    def _end(self, leader: Job[Any]) -> None:
        """Have a leader give up its lane, and wake whom that concerns; where it is interrupted, begin anew.

        Interruptions come with calls: what one assignment says is done as a whole or not at all.
        """
        with self._mutex:
            batch = leader.batch
            if batch and self._waiting:
                taken = set(batch)
                self._waiting = deque(job for job in self._waiting if job not in taken)
            self._busy, leader.users = self._busy - leader.users, _NOBODY
            if leader.leads:
                leader.leads, self._idle_lanes = False, self._idle_lanes + 1
            if self._idle_lanes:
                following = next((job for job in self._waiting if not job.leads and self._is_free(job)), None)
                if following is not None:
                    self._lead(following)
            for job in batch:
                job.done = True
                job.wake()
            leader.batch = ()

    def _leave(self, job: Job[Any]) -> None:
        """Take out work whose bringer was interrupted, unless it is under way, and let the others go on.

        Another interruption of this is one with the first, which goes on to the bringer.
        """
        for _ in range(TRIES_TO_LEAVE):
            try:
                with self._mutex:
                    self._waiting = deque(one for one in self._waiting if one is not job)
                self._end(job)
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
