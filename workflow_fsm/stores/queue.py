"""Group commit: one writer at a time, that commits all the work waiting in one go.

Whoever brings work while nobody writes serves the queue in its own thread (handing it to another would cost a
lone caller a third of its speed); what arrives meanwhile goes into the next commit together. The queue is
fair and bounded, and nobody is answered before its own work is on disk. What was taken in is done, whatever
comes after it; what finds the queue full is refused at once.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any, Generic, TypeVar

from workflow_fsm.core.errors import StoreUnavailable
from workflow_fsm.stores.session import Session

T = TypeVar("T")

MOST_IN_A_COMMIT = 256
"""Work taken into one commit, so that the first of it isn't kept waiting by the last."""
MOST_WAITING = MOST_IN_A_COMMIT
"""Work that may wait: as much as the next commit takes, so that nobody waits for more than two."""
RETRY_AFTER_SECONDS = 1


class Job(Generic[T]):
    """One piece of work; `turn` is released when it is done, or when its bringer is to serve the queue.

    A lock, since an Event makes three things and calls ten to say the same.
    """

    __slots__ = ("done", "error", "result", "turn", "work")

    def __init__(self, work: Callable[[Session], T]) -> None:
        self.work = work
        self.turn = threading.Lock()
        self.turn.acquire()
        self.done = False
        self.result: T | None = None
        self.error: BaseException | None = None


class CommitQueue:
    """Work waiting to be committed. `commit` runs a batch in one transaction.

    It sets each job's `result` or `error`, and raises what fails the batch as a whole. `on_committed` is told
    of each commit: how many jobs were in it, and how many seconds it took.
    """

    def __init__(self, commit: Callable[[Sequence[Job[Any]]], None]) -> None:
        self._commit = commit
        self._waiting: deque[Job[Any]] = deque()
        self._mutex = threading.Lock()
        self._serving = False
        self.on_committed: Callable[[int, float], None] | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def do(self, work: Callable[[Session], T], *, always: bool = False) -> T:
        """Have `work` done and committed; give its result, or raise its error, or its batch's.

        Raises StoreUnavailable where too much is waiting, unless it is to be done `always`.
        """
        job = Job(work)
        with self._mutex:
            if len(self._waiting) >= MOST_WAITING and not always:
                raise StoreUnavailable(
                    f"{MOST_WAITING} others wait to be committed already, and nothing was kept; try again",
                    retry_after=RETRY_AFTER_SECONDS,
                )
            self._waiting.append(job)
            serve = not self._serving
            self._serving = True
        if not serve:
            job.turn.acquire()
        if not job.done:
            self._serve()
        if job.error is not None:
            raise job.error
        return job.result  # type: ignore[return-value]  # None only where T is

    def _serve(self) -> None:
        """Commit what waits, then hand the queue to the next that arrived, or to nobody."""
        with self._mutex:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_IN_A_COMMIT))]
        since = perf_counter()
        try:
            self._commit(batch)
            if self.on_committed is not None:
                self.on_committed(len(batch), perf_counter() - since)
        except BaseException as error:
            for job in batch:
                job.error = job.error or error
        finally:
            with self._mutex:
                following = self._waiting[0] if self._waiting else None
                self._serving = following is not None
            for job in batch:
                job.done = True
                job.turn.release()
            if following is not None:
                following.turn.release()
