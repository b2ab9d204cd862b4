"""What waits in one process shares transactions; who is held up, or fails, is left out, and harms nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any

import psycopg
import pytest

from tests.stores.postgres.proxy import Proxy
from tests.stories.acts import status, sync
from workflow_fsm import Observer, Outcome, Settings, StoreUnavailable, Workflow
from workflow_fsm.stores.group_commit.queue import MOST_WAITING
from workflow_fsm.stores.postgres.database import LANES, MOST_CONNECTIONS
from workflow_fsm.stores.unit_of_work import UnitOfWork


class Commits(Observer):
    """Counts how many jobs were in each commit."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def committed(self, jobs: int, seconds: float) -> None:
        self.sizes.append(jobs)


@pytest.fixture
def workflow(postgres_url: str) -> Iterator[Workflow]:
    with Workflow.open(postgres_url, settings=Settings()) as workflow:
        yield workflow


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(MOST_WAITING + LANES) as pool:
        yield pool


@contextmanager
def gathering(workflow: Workflow, pool: ThreadPoolExecutor, waiting: int) -> Iterator[Callable[[], None]]:
    """Keep every lane busy, until as many as are said wait for one; gives what waits for that."""
    begun, go = threading.Barrier(LANES + 1), threading.Event()

    def keep_busy(unit: UnitOfWork) -> None:
        begun.wait(timeout=10)
        assert go.wait(timeout=20)

    def gather() -> None:
        queue = workflow._store._database._queue  # type: ignore[attr-defined]  # Postgres's own
        until = monotonic() + 10
        while len(queue) < waiting and monotonic() < until:
            sleep(0.005)
        assert len(queue) == waiting

    busy = [
        pool.submit(workflow._store.commit, keep_busy, users=[f"busy-{number}"]) for number in range(LANES)
    ]
    begun.wait(timeout=10)
    yield gather
    gather()
    go.set()
    for one in busy:
        one.result(timeout=10)


def statuses(answers: list[Future[Outcome]]) -> list[str]:
    return [answer.result(timeout=20).status for answer in answers]


@pytest.mark.parametrize("users", [1, 20])
def test_those_who_wait_share_a_commit(workflow: Workflow, pool: ThreadPoolExecutor, users: int) -> None:
    """One user's events, one after another, as well as those of many."""
    commits = Commits()
    workflow.observe(commits)
    with gathering(workflow, pool, waiting=20):
        answers = [pool.submit(sync, workflow, f"s{n}", user_id=f"u{n % users}") for n in range(20)]
    assert statuses(answers) == ["applied"] * 20
    assert max(commits.sizes) >= 20 - LANES
    assert sum(commits.sizes) == 20 + LANES
    assert len(workflow.history("u0", limit=100) or ()) == 20 // users
    assert workflow.check().sound


def test_whose_row_another_holds_is_left_out_of_it(
    workflow: Workflow, database: psycopg.Connection[Any], pool: ThreadPoolExecutor
) -> None:
    sync(workflow, user_id="held")
    with database.transaction():
        database.execute("SELECT * FROM users WHERE user_id = 'held' FOR UPDATE")
        with gathering(workflow, pool, waiting=12):
            held = [pool.submit(sync, workflow, f"h{n}", user_id="held") for n in range(4)]
            others = [pool.submit(sync, workflow, user_id=f"other-{n}") for n in range(8)]
        assert statuses(others) == ["applied"] * 8
        assert sync(workflow, user_id="later").status == "applied"
        assert not any(answer.done() for answer in held)
    assert statuses(held) == ["applied"] * 4
    assert len(status(workflow, "held").syncs) == 5


def test_a_crowd_that_waits_for_a_row_leaves_others_connections(
    workflow: Workflow, database: psycopg.Connection[Any], pool: ThreadPoolExecutor
) -> None:
    sync(workflow, user_id="held")
    with database.transaction():
        database.execute("SELECT * FROM users WHERE user_id = 'held' FOR UPDATE")
        held = [pool.submit(sync, workflow, f"h{n}", user_id="held") for n in range(2 * MOST_CONNECTIONS)]
        began = monotonic()
        others = [pool.submit(sync, workflow, user_id=f"other-{n}") for n in range(20)]
        assert statuses(others) == ["applied"] * 20
        assert status(workflow, "held").syncs[0].sync_id == "s1"
        assert monotonic() - began < 3
        assert not any(answer.done() for answer in held)
    assert statuses(held) == ["applied"] * len(held)


def test_whom_another_process_is_making_holds_up_nobody_for_long(
    workflow: Workflow, database: psycopg.Connection[Any], pool: ThreadPoolExecutor
) -> None:
    with database.transaction():
        database.execute(
            "INSERT INTO users (user_id, cursor, updated_at, recovered) VALUES ('new', 0, '', '{}')"
        )
        with gathering(workflow, pool, waiting=5):
            new = pool.submit(sync, workflow, user_id="new")
            others = [pool.submit(sync, workflow, user_id=f"other-{n}") for n in range(4)]
        assert statuses(others) == ["applied"] * 4
        assert not new.done()
    assert statuses([new]) == ["applied"]


def test_what_fails_fails_by_itself(
    workflow: Workflow, database: psycopg.Connection[Any], pool: ThreadPoolExecutor
) -> None:
    """By an error of its own, or by one of the store's that comes up later than it was made."""

    def fail(unit: UnitOfWork) -> None:
        unit.session.run("insert_alias", {"user_id": "failing", "alias": "a", "claim_id": "c"})
        raise LookupError("of its own")

    def clash(unit: UnitOfWork) -> None:
        for _ in range(2):
            unit.session.run("insert_alias", {"user_id": "clashing", "alias": "a", "claim_id": "c"})

    take: Callable[..., Any] = workflow._store.commit
    with gathering(workflow, pool, waiting=10):
        failing = pool.submit(take, fail, users=["failing"])
        clashing = pool.submit(take, clash, users=["clashing"])
        others = [pool.submit(sync, workflow, user_id=f"other-{n}") for n in range(8)]
    assert statuses(others) == ["applied"] * 8
    with pytest.raises(LookupError, match="of its own"):
        failing.result(timeout=10)
    with pytest.raises(psycopg.errors.UniqueViolation):
        clashing.result(timeout=10)
    assert database.execute("SELECT * FROM aliases").fetchall() == []
    users = database.execute("SELECT user_id FROM users ORDER BY user_id").fetchall()
    assert [user_id for (user_id,) in users] == [f"other-{n}" for n in range(8)]


def test_a_shared_commit_that_nobody_answered_is_unavailable_for_all_in_it(
    behind_proxy: tuple[str, Proxy], pool: ThreadPoolExecutor
) -> None:
    url, proxy = behind_proxy
    with Workflow.open(url, settings=Settings()) as workflow:
        sync(workflow, user_id="first")
        with gathering(workflow, pool, waiting=6):
            answers = [pool.submit(sync, workflow, user_id=f"u{n}", event_id="e") for n in range(6)]
        assert statuses(answers) == ["applied"] * 6
        proxy.cut_at = b"commit\0"
        told = [pool.submit(sync, workflow, "s2", user_id=f"u{n}", event_id="e2") for n in range(6)]
        lost = [answer for answer in told if answer.exception(timeout=20) is not None]
        assert proxy.cuts == 1
        assert lost
        for answer in lost:
            with pytest.raises(StoreUnavailable, match="may have been done or not"):
                answer.result()
        again = [sync(workflow, "s2", user_id=f"u{n}", event_id="e2").status for n in range(6)]
        assert again == ["duplicate"] * 6
        assert workflow.check().sound


def test_past_its_bound_whoever_comes_is_refused_and_who_waits_is_answered(
    workflow: Workflow, pool: ThreadPoolExecutor
) -> None:
    with gathering(workflow, pool, waiting=MOST_WAITING) as gather:
        answers = [pool.submit(sync, workflow, user_id=f"u{n}") for n in range(MOST_WAITING)]
        gather()
        with pytest.raises(StoreUnavailable, match="wait to be committed already") as refused:
            sync(workflow, user_id="one-more")
        assert refused.value.retry_after == 1
    assert statuses(answers) == ["applied"] * MOST_WAITING
