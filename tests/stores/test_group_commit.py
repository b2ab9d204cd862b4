"""The commit queue with several lanes: no work is lost or done twice, no lane either, no user is in two."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from random import Random
from time import sleep
from typing import Any

import pytest

from workflow_fsm.stores.group_commit.queue import CommitQueue, LeftOut
from workflow_fsm.stores.group_commit.turns import Job
from workflow_fsm.stores.session import Scope

LANES = 3
THREADS = 24
TIMES = 60


def give(told: tuple[int, int], _session: object) -> tuple[int, int]:
    return told


@pytest.fixture
def switching() -> Iterator[None]:
    """Let threads change places far more often than they do by themselves."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("switching")
def test_whatever_happens_to_a_batch_each_job_ends_once_and_every_lane_comes_back() -> None:
    chance, mutex = Random(1), threading.Lock()
    busy: Counter[str] = Counter()
    most_of_one: list[int] = []
    most_lanes: list[int] = []

    def commit(jobs: Iterable[Job[Any]]) -> None:
        batch = list(jobs)
        users = {job.scope.user_id for job in batch if job.scope is not None}
        with mutex:
            busy.update(users)
            most_of_one.append(max(busy.values()))
            most_lanes.append(len(busy))
        sleep(chance.random() / 2000)
        for job in batch:
            if chance.random() < 0.05:
                job.error = LeftOut()
            else:
                job.result = job.work(None)  # type: ignore[arg-type]  # it asks the session nothing
        with mutex:
            busy.subtract(users)
        if chance.random() < 0.02:
            raise OSError

    queue = CommitQueue(commit, lanes=LANES)
    ends: Counter[str] = Counter()

    def bring(thread: int) -> None:
        for time in range(TIMES):
            mine = (thread, time)
            scope = Scope(user_id=f"u{(thread + time) % 7}", expected=())
            try:
                assert queue.do(partial(give, mine), scope=scope) == mine
                end = "done"
            except (LeftOut, OSError) as error:
                end = type(error).__name__
            with mutex:
                ends[end] += 1

    with ThreadPoolExecutor(THREADS) as pool:
        for future in [pool.submit(bring, thread) for thread in range(THREADS)]:
            future.result(timeout=30)

    assert sum(ends.values()) == THREADS * TIMES
    assert ends.keys() == {"done", "LeftOut", "OSError"}
    assert set(most_of_one) == {1}
    assert max(most_lanes) > 1
    assert len(queue) == 0
    assert queue._idle_lanes == LANES


def test_what_came_while_another_was_committed_is_committed_next_though_nobody_comes_after_it() -> None:
    begun, came = threading.Event(), threading.Event()

    def commit(jobs: Iterable[Job[Any]]) -> None:
        for job in jobs:
            begun.set()
            came.wait(10)
            job.result = job.work(None)  # type: ignore[arg-type]  # it asks the session nothing

    queue = CommitQueue(commit)
    threads = [
        threading.Thread(target=queue.do, args=(partial(give, (one, 0)),), daemon=True) for one in (1, 2)
    ]
    threads[0].start()
    assert begun.wait(10)
    threads[1].start()
    while not len(queue):
        sleep(0.001)
    came.set()
    for thread in threads:
        thread.join(timeout=10)
    assert not any(thread.is_alive() for thread in threads)
