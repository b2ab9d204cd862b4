"""The stages of a webhook: what begins one is there by its name, and together they are all that it took."""

from __future__ import annotations

import threading
from itertools import chain
from pathlib import Path
from time import sleep

import pytest

from tests.bench.stages.counter import CountedLock, Counter, Stage
from tests.bench.stages.measured import Counted, measure
from tests.bench.stages.wrapped import WRAPPED, found

CONNECTIONS = (1, 16)


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Counted]:
    """What webhooks took at some connections, from a service that keeps them in a file."""
    home: Path = tmp_path_factory.mktemp("stages")
    return {one.connections: one for one in measure(home, CONNECTIONS, 1.0)}


@pytest.mark.parametrize("name", list(chain(*WRAPPED.values())))
def test_what_begins_a_stage_is_there_by_its_name(name: str) -> None:
    assert all(callable(it) for _, _, it in found(name))


def test_a_name_that_nothing_has_is_told() -> None:
    with pytest.raises(LookupError, match=r"Repository\.nothing"):
        list(found("workflow_fsm.stores.repository:Repository.nothing"))


@pytest.mark.parametrize("connections", CONNECTIONS)
def test_each_stage_of_a_webhook_takes_some_of_its_time(
    counted: dict[int, Counted], connections: int
) -> None:
    waits = (Stage.WAIT, Stage.WAKE)  # which nobody does who commits by themselves
    spent = counted[connections].processor
    assert not [stage.name for stage in Stage if spent[stage] <= 0 and stage not in waits]


def test_the_stages_add_up_to_what_a_sender_waits_for(counted: dict[int, Counted]) -> None:
    one = counted[1]
    assert 0.6 <= (sum(one.wall) - one.wall[Stage.RECEIVE]) * one.counting.a_second / 1e6 <= 1.05


@pytest.mark.parametrize("connections", CONNECTIONS)
def test_the_stages_add_up_to_what_the_process_had_of_a_processor(
    counted: dict[int, Counted], connections: int
) -> None:
    one = counted[connections]
    assert 0.75 <= sum(one.processor) / one.counting.processor <= 1.15


@pytest.mark.parametrize("connections", CONNECTIONS)
def test_what_no_stage_names_is_a_small_part(counted: dict[int, Counted], connections: int) -> None:
    one = counted[connections]
    assert one.processor[Stage.REST] <= 0.25 * sum(one.processor)


def test_a_stage_inside_another_is_taken_off_the_outer() -> None:
    counter = Counter()
    inner = counter.counting(Stage.READ, sleep)

    def outer() -> None:
        sleep(0.02)
        inner(0.05)

    counter.counting(Stage.DECIDE, outer)()
    told = counter.told()
    assert told["wall"][Stage.DECIDE] >= 20e6
    assert told["wall"][Stage.READ] >= 50e6
    assert told["wall"][Stage.DECIDE] + told["wall"][Stage.READ] == sum(told["wall"])
    assert [told["times"][stage] for stage in (Stage.DECIDE, Stage.READ)] == [1, 1]


def test_a_stage_that_fails_is_left_and_its_error_goes_on() -> None:
    counter = Counter()
    with pytest.raises(ZeroDivisionError):
        counter.counting(Stage.READ, lambda: 1 / 0)()
    assert not counter.here().inside


def test_waiting_for_a_lock_ends_where_it_is_released_and_waking_begins() -> None:
    counter = Counter()
    lock = CountedLock(threading.Lock(), counter)
    lock.acquire()
    threading.Timer(0.5, lock.release).start()
    lock.acquire()
    wall = counter.told()["wall"]
    assert 0 < wall[Stage.WAKE] < wall[Stage.WAIT]
