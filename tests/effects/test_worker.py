"""A worker: threads that wake for what is committed, here or elsewhere, and stop without losing anything."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import pytest

from workflow_fsm import Settings, Transition, Workflow
from workflow_fsm.effects.worker import WakeUp
from workflow_fsm.testing import detected, matched, submitted
from workflow_fsm.workflow import utc_now


@pytest.fixture
def real(tmp_path: Path) -> Callable[[], Workflow]:
    """Opens workflows on one file and the machine's own clock, each as another process would."""
    return lambda: Workflow.open(f"sqlite:///{tmp_path / 'claims.db'}", settings=Settings())


def test_an_idle_worker_wakes_at_once_for_a_commit_of_its_own_process(
    real: Callable[[], Workflow],
) -> None:
    """ "An idle worker wakes within 50 ms of a commit in its own process" (here within 250: machines are
    shared; the usual delay is a few)"""
    begun = threading.Event()
    with real() as workflow:
        workflow.on_enter("detected", name="work")(lambda told: begun.set())
        worker = workflow.worker(threads=2)
        worker.start()
        try:
            delays = []
            for number in range(5):
                threading.Event().wait(0.1)  # long enough for the worker to be idle again
                detected(workflow, claim_id=f"c{number}")
                committed = perf_counter()
                assert begun.wait(5)
                delays.append(perf_counter() - committed)
                begun.clear()
        finally:
            worker.stop()
    assert sorted(delays)[2] < 0.25


def test_an_idle_worker_wakes_within_a_second_for_a_commit_elsewhere(
    real: Callable[[], Workflow],
) -> None:
    """ "and within a second of one elsewhere" """
    begun = threading.Event()
    with real() as working, real() as firing:
        working.on_enter("detected", name="work")(lambda told: begun.set())
        worker = working.worker(threads=1)
        worker.start()
        try:
            threading.Event().wait(0.1)
            detected(firing)
            committed = perf_counter()
            assert begun.wait(5)
            delay = perf_counter() - committed
        finally:
            worker.stop()
    assert delay < 2


def test_a_worker_lets_time_pass_and_does_what_that_owes(real: Callable[[], Workflow]) -> None:
    """ "`workflow.tick()`, which the worker calls"; "Timers act within 5 seconds of their time." """
    expired = threading.Event()
    with real() as workflow:
        workflow.on_enter("expired", name="tell")(lambda told: expired.set())
        worker = workflow.worker(threads=1)
        worker.start()
        try:
            detected(workflow, deadline_date=utc_now().isoformat())
            assert expired.wait(5)
        finally:
            worker.stop()


def test_stopping_waits_for_what_runs(real: Callable[[], Workflow]) -> None:
    """ "Stopping waits for what runs, up to a bound" """
    begun, go_on = threading.Event(), threading.Event()
    with real() as workflow:

        @workflow.on_enter("matched")
        def submit(told: Transition) -> None:
            begun.set()
            go_on.wait(5)

        matched(workflow)
        worker = workflow.worker(threads=1)
        worker.start()
        assert begun.wait(5)
        threading.Timer(0.2, go_on.set).start()
        stopped = perf_counter()
        worker.stop(within_seconds=5)
        assert perf_counter() - stopped < 4
        assert workflow.owed() == []


def test_stopping_lets_the_lease_of_what_does_not_end_go(real: Callable[[], Workflow]) -> None:
    """ "then lets the lease go": another takes it up at once, and the one that was left changes nothing"""
    begun, go_on = threading.Event(), threading.Event()
    ended = threading.Event()
    attempts: list[int] = []
    with real() as workflow, real() as other:

        @workflow.on_enter("matched")
        def submit(told: Transition) -> None:
            begun.set()
            go_on.wait(5)
            ended.set()

        other.on_enter("matched", name="submit")(lambda told: attempts.append(told.attempt))
        matched(workflow)
        worker = workflow.worker(threads=1)
        worker.start()
        assert begun.wait(5)
        stopped = perf_counter()
        worker.stop(within_seconds=0.1)
        assert perf_counter() - stopped < 2
        assert [(one.state, one.error) for one in other.owed()] == [("owed", "its worker stopped")]
        assert (other.run_effects(), attempts) == (1, [2])
        go_on.set()
        assert ended.wait(5)
        assert (other.owed(), other.dead_letters()) == ([], [])


def test_an_idle_worker_stops_at_once_and_twice(real: Callable[[], Workflow]) -> None:
    with real() as workflow:
        never = workflow.worker()
        worker = workflow.worker()
        worker.start()
        begun = perf_counter()
        worker.stop()
        worker.stop()
        never.stop()
        assert perf_counter() - begun < 2


def test_a_handler_that_fails_or_exits_ends_no_thread_of_its_worker(real: Callable[[], Workflow]) -> None:
    done = threading.Event()
    with real() as workflow:

        @workflow.on_enter("detected", tries=1)
        def bad(told: Transition) -> None:
            raise SystemExit if told.claim_id == "c1" else OSError

        workflow.on_enter("submitted", name="good")(lambda told: done.set())
        worker = workflow.worker(threads=1)
        worker.start()
        try:
            for name in ("c1", "c2"):
                detected(workflow, claim_id=name)
            submitted(workflow, claim_id="c3")
            assert done.wait(5)
        finally:
            worker.stop()
        assert {one.reason for one in workflow.dead_letters()} == {"OSError", "SystemExit"}


def test_two_workers_on_one_file_do_each_effect_once(real: Callable[[], Workflow]) -> None:
    """ "each key's effect done, order kept" """
    done: list[tuple[str | None, int]] = []
    enough = threading.Semaphore(0)

    def work(told: Transition) -> None:
        done.append((told.claim_id, told.version))
        enough.release()

    with real() as first, real() as second:
        for workflow in (first, second):
            workflow.on_transition(name="work")(work)
        workers = [workflow.worker(threads=2) for workflow in (first, second)]
        for number in range(10):
            submitted(first, claim_id=f"c{number}")
        for worker in workers:
            worker.start()
        try:
            assert all(enough.acquire(timeout=10) for _ in range(40))
        finally:
            for worker in workers:
                worker.stop()
        assert first.owed() == []
    for number in range(10):
        assert [version for name, version in done if name == f"c{number}"] == [2, 3, 4]


def test_who_was_rung_between_a_look_and_the_rest_does_not_sleep() -> None:
    wake_up = WakeUp()
    heard = wake_up.heard()
    wake_up.ring()  # what came while the worker looked at what came before
    since = perf_counter()
    wake_up.wait(heard, seconds=20)
    assert perf_counter() - since < 10
