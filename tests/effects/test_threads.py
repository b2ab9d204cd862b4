"""A worker's threads: none is lost for good, none is one handler's alone, and who asks is told of them."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import pytest

from workflow_fsm import Observer, Settings, Transition, WorkerHealth, WorkerStuck, Workflow
from workflow_fsm.effects.worker import Worker
from workflow_fsm.testing import detected, matched, synced


@pytest.fixture
def real(store_url: str) -> Callable[[], Workflow]:
    """Opens workflows on one store and the machine's own clock."""
    return lambda: Workflow.open(store_url, settings=Settings(tries=1))


@contextmanager
def working(worker: Worker) -> Iterator[Worker]:
    worker.start()
    try:
        yield worker
    finally:
        worker.stop(within_seconds=3)


def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until something holds."""
    end = monotonic() + seconds
    while not holds():
        assert monotonic() < end
        sleep(0.05)


def wait_for(event: threading.Event) -> None:
    event.wait(60)


def wait_at(barrier: threading.Barrier) -> None:
    barrier.wait()


class Ear(Observer):
    def __init__(self) -> None:
        self.last: WorkerHealth | None = None

    def watched(self, health: WorkerHealth) -> None:
        self.last = health


# -- fairness


@pytest.mark.parametrize("threads", [2, 4])
def test_one_handler_never_takes_the_last_thread(real: Callable[[], Workflow], threads: int) -> None:
    """ "24 calls to a service that never answers keep the alert about it waiting" """
    never, told, begun = threading.Event(), threading.Event(), threading.Semaphore(0)
    at_once: list[int] = []
    running = threading.Semaphore(0)
    with real() as workflow:

        @workflow.on_enter("detected")
        def call(_: Transition) -> None:
            begun.release()
            running.release()
            never.wait(30)

        workflow.on_enter("matched", name="alert")(lambda _: told.set())
        for number in range(24):
            detected(workflow, user_id=f"u{number}")
        with working(workflow.worker(threads=threads)):
            for _ in range(threads - 1):
                assert begun.acquire(timeout=10)
            matched(workflow, user_id="another")
            assert told.wait(10)
            sleep(0.7)  # longer than an idle thread rests
            at_once.append(sum(one.state == "running" for one in workflow.owed()))
            never.set()
            until(lambda: workflow.owed() == [])
    assert at_once == [threads - 1]


def test_a_handler_that_is_alone_has_all_threads_and_a_single_thread_does_everything(
    real: Callable[[], Workflow],
) -> None:
    met = threading.Barrier(3, timeout=10)
    with real() as workflow:
        workflow.on_enter("synced", name="work")(lambda _: wait_at(met))
        for number in range(3):
            synced(workflow, user_id=f"u{number}")
        with working(workflow.worker(threads=3)):
            until(lambda: workflow.owed() == [])
        assert workflow.dead_letters() == []

        workflow.on_enter("detected", name="other")(lambda _: None)
        detected(workflow, user_id="u9")
        met = threading.Barrier(1)
        with working(workflow.worker(threads=1)):
            until(lambda: workflow.owed() == [])


# -- what hangs, and what dies


def test_a_thread_that_hangs_past_its_timeout_is_replaced_and_ends_when_it_can(
    real: Callable[[], Workflow], caplog: pytest.LogCaptureFixture
) -> None:
    """ "Threads that died or hang past `timeout_seconds` are replaced" """
    never, done = threading.Event(), threading.Event()
    with real() as workflow:
        ear = Ear()
        workflow.observe(ear)
        workflow.on_transition(target="detected", timeout_seconds=0.5, name="hang")(lambda _: wait_for(never))
        workflow.on_enter("synced", name="good")(lambda _: done.set())
        for number in range(4):
            detected(workflow, user_id=f"u{number}")
        with (
            caplog.at_level(logging.ERROR, "workflow_fsm"),
            working(workflow.worker(threads=2)) as worker,
        ):
            until(lambda: worker.health.hung >= 3)
            synced(workflow, user_id="another")
            assert done.wait(20)
            assert (worker.health.working, worker.health.missing) == (2, 0)
            workflow.ready()
            never.set()
            until(lambda: worker.health.hung == 0)
            until(lambda: worker.health.working == 2)
        assert ear.last is not None
        assert ear.last.replaced >= 3
    assert any(
        one.getMessage().startswith("handler hang for user u") and "claim c1" in one.getMessage()
        for one in caplog.records
    )


def test_past_the_bound_it_is_said_and_the_process_is_not_ready(
    real: Callable[[], Workflow], caplog: pytest.LogCaptureFixture
) -> None:
    """ "up to a bound past which the process says so and is unready, so that a supervisor restarts it" """
    never = threading.Event()
    with real() as workflow:
        workflow.on_enter("synced", timeout_seconds=0.2, name="hang")(lambda _: wait_for(never))
        for number in range(5):
            synced(workflow, user_id=f"u{number}")
        with (
            caplog.at_level(logging.ERROR, "workflow_fsm"),
            working(workflow.worker(threads=1, most_replaced=2)) as worker,
        ):
            workflow.ready()
            until(lambda: worker.health.missing == 1)
            with pytest.raises(
                WorkerStuck, match=r"1 of 1 threads .* hang \(in hang\), and 2 others"
            ) as told:
                workflow.ready()
            assert told.value.code == "worker-stuck"
            assert (worker.health.hung, worker.health.replaced) == (3, 2)
            assert sum(str(told.value) == one.getMessage() for one in caplog.records) == 1
            never.set()
            until(lambda: worker.health.missing == 0)
            workflow.ready()
        workflow.ready()


class Bomb(logging.Handler):
    """Ends whoever logs a failed try for the first time, and that it failed."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 2

    def emit(self, record: logging.LogRecord) -> None:
        if threading.current_thread().name.startswith("effects-") and self.left:
            self.left -= 1
            raise SystemExit


def test_a_thread_that_died_is_replaced(real: Callable[[], Workflow]) -> None:
    """By what nobody awaits: a handler of the application's log that raises SystemExit."""
    done = threading.Event()
    bomb = Bomb()
    log = logging.getLogger("workflow_fsm")
    log.addHandler(bomb)
    try:
        with real() as workflow:

            @workflow.on_enter("synced", tries=3)
            def bad(_: Transition) -> None:
                raise OSError

            workflow.on_enter("detected", name="good")(lambda _: done.set())
            synced(workflow)
            with working(workflow.worker(threads=1)) as worker:
                until(lambda: worker.health.replaced == 1)
                detected(workflow, user_id="u2")
                assert done.wait(20)
                assert (worker.health.working, worker.health.missing) == (1, 0)
    finally:
        log.removeHandler(bomb)


STUCK = """
import threading

def register(workflow):
    @workflow.on_enter("synced", timeout_seconds=0.2)
    def hang(transition):
        threading.Event().wait(60)
"""


def test_a_worker_s_process_that_is_stuck_ends_so_that_it_is_started_again(
    sqlite_url: str, tmp_path: Path
) -> None:
    (tmp_path / "stuck_handlers.py").write_text(STUCK)
    with Workflow.open(sqlite_url, settings=Settings()) as workflow:
        workflow.on_enter("synced", name="hang")(lambda _: None)
        for number in range(24):
            synced(workflow, user_id=f"u{number}")
    ended = subprocess.run(
        [sys.executable, "-m", "workflow_fsm", "worker"],
        cwd=tmp_path,
        env={"WORKFLOW_DATABASE_URL": sqlite_url, "WORKFLOW_HANDLERS": "stuck_handlers", "PATH": "/usr/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 70, ended.stderr
    assert "threads that do effects died or hang (in hang), and 16 others were replaced" in ended.stderr
