"""Clocks that are set, or wrong: an effect runs once at a time, and a dead holder's is taken over in time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import sleep

import pytest

from tests.crash.life import ClockAhead
from tests.effects.clocks import SharedClock
from tests.effects.conftest import Open, die_in_what_is_due
from tests.stores.sqlite.on_sqlite import Child
from tests.webapp.services import until
from workflow_fsm import Settings, Transition, Workflow
from workflow_fsm.effects.leases import LEASE_SECONDS, STEP_SECONDS, LeaseClock
from workflow_fsm.testing import ManualClock, detected, open_workflow

# -- in one process, and in others that were there before


@pytest.mark.parametrize("step", [timedelta(hours=1), timedelta(days=-1), timedelta(hours=-1)])
def test_a_clock_that_is_set_begins_nothing_twice(
    open_again: Open, clock: ManualClock, step: timedelta
) -> None:
    attempts: list[int] = []
    workflow, other = open_again(), open_again()

    def work(told: Transition) -> None:
        attempts.append(told.attempt)
        clock.step(step)
        assert workflow.run_effects() == 0
        assert other.run_effects() == 0
        assert [one.state for one in other.owed()] == ["running"]

    for one in (workflow, other):
        one.on_enter("detected", name="work")(work)
    detected(workflow)
    assert other.owed("nobody") == []  # it has looked at the clock before
    assert workflow.run_effects() == 1
    assert (attempts, workflow.owed()) == ([1], [])


@pytest.mark.parametrize("step", [timedelta(hours=1), timedelta(hours=-1), timedelta(days=-400)])
@pytest.mark.parametrize("when", ["before it dies", "after it has died"])
def test_a_dead_holders_effect_is_taken_over_in_time_however_the_clock_is_set(
    open_again: Open, clock: ManualClock, step: timedelta, when: str
) -> None:
    """ "A dead holder's effect is taken over within 30 seconds." """
    attempts: list[int] = []
    first, second = open_again(), open_again()

    def work(told: Transition) -> None:
        attempts.append(told.attempt)
        if told.attempt == 1 and when == "before it dies":
            clock.step(step)

    for workflow in (first, second):
        workflow.on_enter("detected", name="work")(work)
    detected(first)
    assert second.owed("nobody") == []  # it has looked at the clock before
    die_in_what_is_due(first)
    if when == "after it has died":
        clock.step(step)
    assert second.run_effects() == 0
    clock.advance(seconds=10)
    assert second.run_effects() == 0
    clock.advance(seconds=11)
    assert second.run_effects() == 1
    assert (attempts, second.owed(), second.dead_letters()) == ([1, 2], [], [])


def test_a_process_that_was_stopped_past_its_lease_does_not_begin_its_own_work_again(
    open_again: Open, clock: ManualClock
) -> None:
    attempts: list[int] = []
    workflow, other = open_again(), open_again()

    def work(told: Transition) -> None:
        attempts.append(told.attempt)
        clock.advance(seconds=60)
        assert workflow.run_effects() == 0
        assert other.run_effects() == 0  # it was extended as it was found

    for one in (workflow, other):
        one.on_enter("detected", name="work")(work)
    detected(workflow)
    assert workflow.run_effects() == 1
    assert (attempts, workflow.owed()) == ([1], [])


def test_a_handler_that_hangs_past_its_timeout_is_begun_again_in_its_own_process(
    open_again: Open, clock: ManualClock
) -> None:
    attempts: list[int] = []
    workflow = open_again()

    @workflow.on_enter("detected", timeout_seconds=5)
    def work(told: Transition) -> None:
        attempts.append(told.attempt)
        if told.attempt == 1:
            clock.advance(seconds=30)
            assert workflow.run_effects() == 1

    detected(workflow)
    workflow.run_effects()
    assert (attempts, workflow.owed()) == ([1, 2], [])


def test_what_runs_when_its_claim_moves_on_is_its_holders_whatever_the_clock_says(
    open_again: Open, clock: ManualClock
) -> None:
    """What it fires meets the table; it was void where the clock had been set forward."""
    workflow = open_again()
    outcomes: list[str] = []

    @workflow.on_enter("detected")
    def work(told: Transition) -> None:
        clock.step(hours=1)
        outcomes.append(workflow.fire("payout_received", user_id="u1", claim_id="c1", amount="1.00").status)

    detected(workflow)
    assert workflow.run_effects() == 1
    assert (outcomes, workflow.owed(), workflow.dead_letters()) == (["applied"], [], [])
    assert workflow.check().sound


# -- between hosts


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(hours=-1)])
def test_hosts_whose_clocks_differ_go_by_the_servers(postgres_url: str, ahead: timedelta) -> None:
    attempts: list[int] = []
    with (
        Workflow.open(postgres_url, settings=Settings()) as workflow,
        Workflow.open(postgres_url, settings=Settings(), clock=ClockAhead(ahead)) as elsewhere,
    ):

        def work(told: Transition) -> None:
            attempts.append(told.attempt)
            assert elsewhere.run_effects() == 0
            assert [one.state for one in elsewhere.owed()] == ["running"]

        for one in (workflow, elsewhere):
            one.on_enter("detected", name="work")(work)
        detected(workflow)
        assert workflow.run_effects() == 1
        assert attempts == [1]
        assert workflow._store.clock is not None
        assert abs(workflow._store.clock() - datetime.now(UTC)) < timedelta(seconds=5)  # noqa: TID251


# -- the clock itself


def test_a_servers_clock_is_read_now_and_then_and_goes_on_between() -> None:
    server, host = ManualClock(), ManualClock()
    reads: list[datetime] = []

    def read() -> datetime:
        reads.append(server())
        return server()

    leases = LeaseClock(read, host.elapsed, apart_seconds=5.0)
    begun = leases.now()
    for _ in range(9):
        host.advance(seconds=1)
        server.advance(seconds=1)
        leases.refresh()
    assert leases.now() == leases.over() == begun + timedelta(seconds=9)
    assert len(reads) == 2


def test_a_clock_that_was_set_forward_is_believed_once_a_lease_could_have_been_extended() -> None:
    clock = ManualClock()
    leases = LeaseClock(clock, clock.elapsed)
    begun = leases.over()
    clock.step(hours=1)
    assert leases.over() == begun
    assert leases.now() == begun + timedelta(hours=1)
    clock.advance(seconds=LEASE_SECONDS - 1)
    assert leases.over() == begun + timedelta(seconds=LEASE_SECONDS - 1)
    clock.advance(seconds=1)
    assert leases.over() == leases.now() == clock()
    clock.step(hours=-2)
    assert leases.over() == leases.now() == clock()
    clock.step(seconds=STEP_SECONDS)  # as clocks are corrected by
    assert leases.over() == clock()


# -- real processes, and a clock that they share

WORK = """
import os, sys
from pathlib import Path
from time import sleep
from tests.effects.clocks import SharedClock
from workflow_fsm import Settings, Workflow

url, clock, record, go = sys.argv[1:]
with Workflow.open(url, settings=Settings(), clock=SharedClock(Path(clock))) as workflow:

    @workflow.on_enter("detected")
    def work(told):
        with open(record, "a") as lines:
            lines.write(f"{os.getpid()} {told.attempt}\\n")
        while told.attempt == 1 and not Path(go).exists():
            sleep(0.02)

    worker = workflow.worker(threads=2)
    worker.start()
    print("working", flush=True)
    sys.stdin.readline()
    worker.stop()
"""


class Machine:
    """Worker processes on one store, and the clock that they read."""

    def __init__(self, url: str, folder: Path) -> None:
        self.clock = SharedClock(folder / "clock.json")
        self.go = folder / "go"
        self._record = folder / "record"
        self._record.touch()
        self._url = url
        self._children: list[Child] = []

    def start(self) -> Child:
        child = Child(WORK, self._url, self.clock._path, self._record, self.go)
        self._children.append(child)
        assert child.hear() == "working"
        return child

    def begun(self) -> list[tuple[int, int]]:
        """Tell by which process, and as which attempt, the effect was begun."""
        lines = [line.split() for line in self._record.read_text().splitlines()]
        return [(int(process), int(attempt)) for process, attempt in lines]

    def remove(self) -> None:
        for child in self._children:
            if child.process.poll() is None:
                child.process.kill()
            child.process.communicate()


@pytest.fixture
def machine(store_url: str, tmp_path: Path) -> Iterator[Machine]:
    made = Machine(store_url, tmp_path)
    yield made
    made.remove()


@pytest.fixture
def owing(store_url: str) -> Callable[[], Workflow]:
    """Opens the store beside them, and knows their handler's name."""
    return lambda: open_workflow(store_url)


def test_two_workers_of_a_machine_whose_clock_is_set_forward_begin_nothing_twice(
    machine: Machine, owing: Callable[[], Workflow]
) -> None:
    first, second = machine.start(), machine.start()
    with owing() as workflow:
        detected(workflow)
        until(lambda: len(machine.begun()) == 1)
        machine.clock.step(hours=1)
        sleep(1.5)  # each looks twice a second
        assert len(machine.begun()) == 1
        machine.go.touch()
        until(lambda: workflow.owed() == [])
        assert [attempt for _, attempt in machine.begun()] == [1]
    for child in (first, second):
        child.say()
        child.end()


def test_a_killed_workers_effect_is_taken_over_though_the_clock_is_set_back(
    machine: Machine, owing: Callable[[], Workflow]
) -> None:
    first = machine.start()
    with owing() as workflow:
        detected(workflow)
        until(lambda: len(machine.begun()) == 1)
        second = machine.start()
        first.process.kill()
        machine.clock.step(hours=-1)
        sleep(6)  # a heart beats every five seconds, by no clock that is set
        assert len(machine.begun()) == 1
        machine.clock.advance(21)
        until(lambda: len(machine.begun()) == 2)
        assert machine.begun() == [(first.process.pid, 1), (second.process.pid, 2)]
        until(lambda: workflow.owed() == [])
    second.say()
    second.end()
