"""A user's row is the lock: a user's events stand in line, others' never wait, losers are tried again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest

from tests.stories.acts import find, pay, status, sync
from workflow_fsm import Outcome, Settings, StoreUnavailable, Workflow
from workflow_fsm.stores.postgres.database import Postgres
from workflow_fsm.stores.unit_of_work import UnitOfWork

Open = Callable[[], Workflow]


@pytest.fixture
def opened(postgres_url: str) -> Iterator[Open]:
    """Opens workflows on one database, each as another process would."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(Workflow.open(postgres_url, settings=Settings()))


def deadlocks(database: psycopg.Connection[Any]) -> int:
    database.execute("SELECT pg_sleep(0.1), pg_stat_clear_snapshot()")
    row = database.execute(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    ).fetchone()
    assert row is not None
    return int(row[0])


def test_who_holds_a_user_holds_up_that_user_alone(opened: Open, database: psycopg.Connection[Any]) -> None:
    workflow = opened()
    sync(workflow, user_id="u1")
    with ThreadPoolExecutor(1) as pool:
        with database.transaction():
            database.execute("SELECT * FROM users WHERE user_id = 'u1' FOR UPDATE")
            late = pool.submit(sync, workflow, "s2", user_id="u1")
            for number in range(20):
                assert sync(workflow, user_id=f"other-{number}").status == "applied"
            assert status(workflow, "u1").syncs[0].sync_id == "s1"
            assert not late.done()
        assert late.result(timeout=10).status == "applied"


def test_cursors_of_a_user_commit_in_their_order(opened: Open) -> None:
    """A reader that goes on behind the last cursor it saw misses no row."""
    several = [opened(), opened()]
    find(several[0], "c1")
    seen: list[int] = []
    done = threading.Event()

    def follow() -> None:
        reader = opened()
        while True:
            ending = done.is_set()
            rows = reader.history("u1", cursor=seen[-1] if seen else 0)
            seen.extend(row.cursor for row in rows or ())
            if ending:
                return

    with ThreadPoolExecutor(9) as pool:
        follower = pool.submit(follow)
        list(pool.map(lambda n: pay(several[n % 2], "c1", "1.00", event_id=f"p{n}"), range(80)))
        done.set()
        follower.result(timeout=20)
    rows = several[0].history("u1", limit=1000)
    assert rows is not None
    assert seen == [row.cursor for row in rows]
    assert len(seen) == 83  # the sync twice, the claim, and eighty payouts


def test_batches_that_name_users_in_any_order_never_wait_for_each_other(
    opened: Open, database: psycopg.Connection[Any]
) -> None:
    several = [opened(), opened()]
    before = deadlocks(database)
    users = [f"u{number}" for number in range(10)]

    def batch(number: int) -> list[Any]:
        order = users if number % 2 else users[::-1]
        events = [{"trigger": "sync_complete", "user_id": user, "sync_id": f"s{number}"} for user in order]
        return several[number % 2].fire_many(events)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(batch, range(24)))
    assert all(isinstance(one, Outcome) and one.status == "applied" for answer in answers for one in answer)
    assert deadlocks(database) == before
    assert several[0].check().rows == 240


def test_a_new_user_is_made_once_by_whoever_is_first(opened: Open) -> None:
    several = [opened(), opened()]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: sync(several[n % 2], f"s{n % 4}", event_id=f"e{n % 4}"), range(8)))
    assert sorted(one.status for one in answers) == ["applied"] * 4 + ["duplicate"] * 4
    assert several[0].check().sound


def test_the_loser_of_a_deadlock_is_done_again(opened: Open, database: psycopg.Connection[Any]) -> None:
    workflow = opened()
    before = deadlocks(database)
    both = threading.Barrier(2)
    begun: list[str] = []
    won = threading.Event()

    def take(first: str, second: str) -> None:
        def work(unit: UnitOfWork) -> None:
            begun.append(first)
            if len(begun) > 2:  # else it may have its first row again before the winner has that
                assert won.wait(timeout=10)
            unit.lock([first])
            if len(begun) <= 2:
                both.wait(timeout=10)
            unit.lock([second])

        workflow._store.commit(work)
        won.set()

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(take, "a", "b"), pool.submit(take, "b", "a")]:
            future.result(timeout=20)
    assert len(begun) == 3
    assert deadlocks(database) == before + 1


def test_who_loses_again_and_again_is_told_to_come_later(opened: Open, postgres_url: str) -> None:
    workflow = opened()
    begun: list[int] = []

    def lose(unit: UnitOfWork) -> None:
        begun.append(len(begun))
        raise psycopg.errors.SerializationFailure("could not serialize access")

    with pytest.raises(StoreUnavailable, match="lost to other transactions") as caught:
        workflow._store.commit(lose)
    assert caught.value.retry_after == 1
    assert len(begun) == 8
    assert sync(workflow).status == "applied"


def test_a_user_whom_somebody_holds_for_too_long_is_unavailable(
    postgres_url: str, database: psycopg.Connection[Any]
) -> None:
    """A role's own lock_timeout is heeded."""
    with Workflow.open(f"{postgres_url}&options=-clock_timeout%3D50ms", settings=Settings()) as workflow:
        sync(workflow)
        with database.transaction():
            database.execute("SELECT * FROM users FOR UPDATE")
            with pytest.raises(StoreUnavailable, match="another transaction holds the user's row"):
                sync(workflow, "s2")
        assert sync(workflow, "s2").status == "applied"


def test_a_fault_of_the_work_itself_is_no_fault_of_the_store(opened: Open) -> None:
    workflow = opened()
    sync(workflow)

    def twice(unit: UnitOfWork) -> None:
        unit.session.run("insert_alias", {"user_id": "u1", "alias": "a", "claim_id": "c"})
        unit.session.run("insert_alias", {"user_id": "u1", "alias": "a", "claim_id": "c"})

    with pytest.raises(psycopg.IntegrityError):
        workflow._store.commit(twice)
    assert sync(workflow, "s2").status == "applied"
    assert workflow.check().sound


def test_readers_see_one_snapshot_and_wait_for_nobody(
    opened: Open, database: psycopg.Connection[Any]
) -> None:
    workflow = opened()
    sync(workflow)
    reads: list[int] = []

    def read(session: Any) -> None:
        reads.append(len(session.rows("syncs_page", user_id="u1", cursor=0, limit=10)))
        sync(workflow, "s2")
        reads.append(len(session.rows("syncs_page", user_id="u1", cursor=0, limit=10)))

    workflow._store.read(read)
    with database.transaction():
        database.execute("SELECT * FROM users WHERE user_id = 'u1' FOR UPDATE")
        assert len(status(workflow).syncs) == 2
    assert reads == [1, 1]


def test_more_callers_than_connections_all_have_their_turn(postgres_url: str, clock: Any) -> None:
    with Workflow.open(postgres_url, settings=Settings()) as workflow:
        database = workflow._store._database
        assert isinstance(database, Postgres)
        with ThreadPoolExecutor(40) as pool:
            answers = list(pool.map(lambda n: sync(workflow, f"s{n}", user_id=f"u{n % 7}"), range(200)))
        assert {one.status for one in answers} == {"applied"}
        assert database._connections._pool.get_stats()["pool_max"] == 10


def test_a_lease_is_extended_whoever_holds_its_user(opened: Open, database: psycopg.Connection[Any]) -> None:
    workflow = opened()
    workflow.on_enter("synced", name="slow")(lambda transition: None)
    sync(workflow)
    taken = workflow._engine.leasing.lease()
    assert taken is not None
    before = database.execute("SELECT ready_at FROM effects").fetchall()
    with database.transaction():
        database.execute("SELECT * FROM users FOR UPDATE")
        workflow._engine.leasing.extend([taken])
    assert database.execute("SELECT ready_at FROM effects").fetchall() > before


def test_two_that_take_at_once_never_hold_two_effects_of_one_lifecycle(opened: Open) -> None:
    """Even where the first is due for the one whose clock is ahead, and not yet for the other."""
    several = [opened() for _ in range(4)]
    for name in ("first", "second", "third"):
        for one in several:
            one.on_transition(target="synced", name=name)(lambda transition: None)
    for number in range(15):
        sync(several[0], user_id=f"u{number}")
    held: list[tuple[str, int]] = []

    def work(workflow: Workflow) -> None:
        while (taken := workflow._engine.leasing.lease()) is not None:
            held.append((taken.user_id, 1))
            assert sum(more for user, more in list(held) if user == taken.user_id) == 1
            held.append((taken.user_id, -1))
            assert workflow._engine.do(taken) == "done"

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(work, one) for one in several]:
            future.result(timeout=30)
    work(several[0])  # what was passed over, since others were at it
    assert len(held) == 2 * 45


def test_whoever_holds_a_user_with_much_to_do_holds_up_no_effect_of_others(
    opened: Open, database: psycopg.Connection[Any]
) -> None:
    workflow = opened()
    workflow.on_transition(target="synced", name="noted")(lambda transition: None)
    for number in range(40):
        sync(workflow, f"s{number}", user_id="held")
    sync(workflow, user_id="other")
    with database.transaction():
        database.execute("SELECT * FROM users WHERE user_id = 'held' FOR UPDATE")
        assert workflow.run_effects() == 1
        assert {one["user_id"] for one in workflow.owed()} == {"held"}
    assert workflow.run_effects() == 40


def test_what_another_process_took_since_it_was_found_is_taken_once(opened: Open) -> None:
    ours, theirs = opened(), opened()
    done: list[str] = []
    for one in (ours, theirs):
        one.on_transition(target="synced", name="noted")(lambda transition: done.append(transition.user_id))
    for number in range(20):
        sync(ours, user_id=f"u{number:02}")
    first = ours._engine.leasing.lease()  # and found what theirs takes meanwhile
    assert theirs.run_effects() == 19
    assert ours.run_effects() == 0
    assert first is not None
    assert ours._engine.do(first) == "done"
    assert sorted(done) == [f"u{number:02}" for number in range(20)]


def test_a_dropped_handler_takes_back_what_it_was_owed_by_every_user(opened: Open) -> None:
    workflow = opened()
    workflow.on_transition(target="synced", name="noted")(lambda transition: None)
    for number in range(30):
        sync(workflow, f"s{number}", user_id=f"u{number % 7}")
    assert workflow.drop_handler("noted").void == 30
    assert workflow.owed() == []
    assert workflow.check().sound


def test_a_user_whose_row_is_gone_since_is_made_anew(opened: Open, database: psycopg.Connection[Any]) -> None:
    """As where a backup was restored under a process that goes on."""
    workflow = opened()
    sync(workflow)
    sync(workflow, "s2")
    for table in ("users", "lifecycles", "history", "events", "event_ids"):
        database.execute(f"DELETE FROM {table}".encode())  # noqa: S608  # of ours
    assert sync(workflow, "s3").status == "applied"
    assert workflow.check().rows == 1
