"""Order: one lifecycle's effects run one at a time and in turn, other lifecycles' beside them."""

from __future__ import annotations

import threading

from tests.effects.conftest import Open, die_in_what_is_due
from workflow_fsm import Discard, RetryAfter, Transition, Workflow
from workflow_fsm.testing import ManualClock, detected, matched, submitted, synced


def test_effects_of_one_lifecycle_run_in_the_order_of_its_transitions(workflow: Workflow) -> None:
    """ "Effects of one lifecycle run one at a time and in order" """
    order: list[tuple[str | None, int, str]] = []
    workflow.on_transition(name="a")(lambda told: order.append((told.claim_id, told.version, "a")))
    workflow.on_transition(name="b")(lambda told: order.append((told.claim_id, told.version, "b")))
    submitted(workflow)
    workflow.run_effects()
    assert [row for row in order if row[0]] == [("c1", v, name) for v in (2, 3, 4) for name in "ab"]


def test_one_that_pauses_between_tries_holds_up_those_behind_it(
    workflow: Workflow, clock: ManualClock
) -> None:
    """ "one that pauses between tries does" """
    order: list[str] = []

    @workflow.on_transition(target="detected")
    def first(told: Transition) -> None:
        order.append(f"first {told.attempt}")
        if told.attempt == 1:
            raise RetryAfter(60)

    workflow.on_transition(target="matched", name="second")(lambda told: order.append("second"))
    matched(workflow)
    workflow.run_effects()
    assert order == ["first 1"]
    clock.advance(seconds=59)
    assert workflow.run_effects() == 0
    clock.advance(seconds=1)
    workflow.run_effects()
    assert order == ["first 1", "first 2", "second"]


def test_one_that_is_dead_holds_up_nobody(workflow: Workflow) -> None:
    """ "a dead letter doesn't hold up those behind it" """
    order: list[str] = []

    @workflow.on_transition(target="detected")
    def first(told: Transition) -> None:
        raise Discard("no")

    workflow.on_transition(target="matched", name="second")(lambda told: order.append("second"))
    matched(workflow)
    workflow.run_effects()
    assert order == ["second"]


def test_one_that_is_not_due_yet_holds_up_nobody_and_comes_when_it_is(
    workflow: Workflow, clock: ManualClock
) -> None:
    """ "one that isn't due yet and one that is dead hold up nobody" """
    order: list[str] = []
    workflow.on_transition(target="detected", name="later", not_before="eligible_from")(
        lambda told: order.append("later")
    )
    workflow.on_transition(target="matched", name="now")(lambda told: order.append("now"))
    matched(workflow, eligible_from="2026-01-02T12:00:00Z")
    workflow.run_effects()
    assert order == ["now"]
    clock.advance(days=1)
    workflow.run_effects()
    assert order == ["now", "later"]


def test_one_that_is_left_for_another_worker_keeps_its_turn(open_again: Open) -> None:
    """ "in order", whoever has the code"""
    order: list[str] = []
    here, there = open_again(), open_again()
    here.on_transition(target="detected", name="first")(lambda told: order.append("first"))
    there.on_transition(target="matched", name="second")(lambda told: order.append("second"))
    matched(here)
    assert there.run_effects() == 0
    assert here.run_effects() == 1
    assert there.run_effects() == 1
    assert order == ["first", "second"]


def test_other_lifecycles_run_beside_one_that_pauses_and_one_that_runs(
    workflow: Workflow, clock: ManualClock
) -> None:
    """ "other lifecycles run beside them" """
    order: list[str] = []

    @workflow.on_enter("detected")
    def match(told: Transition) -> None:
        order.append(told.claim_id or "")
        if told.claim_id == "c1":
            raise OSError("no")
        if told.claim_id == "c2":
            assert workflow.run_effects() == 1

    for name in ("c1", "c2", "c3"):
        detected(workflow, claim_id=name)
    workflow.run_effects()
    assert order == ["c1", "c2", "c3"]


def test_one_lifecycles_effects_are_never_at_work_at_once_whatever_the_threads(open_again: Open) -> None:
    """ "one at a time", by a real worker of several threads"""
    workflow = open_again()
    at_work: list[str] = []
    clashes: list[str] = []
    done = threading.Semaphore(0)

    @workflow.on_transition()
    def work(told: Transition) -> None:
        key = f"{told.claim_id}/{told.sync_id}"
        if key in at_work:
            clashes.append(key)
        at_work.append(key)
        threading.Event().wait(0.002)
        at_work.remove(key)
        done.release()

    worker = workflow.worker(threads=4)
    worker.start()
    try:
        for number in range(6):
            submitted(workflow, claim_id=f"c{number}")
        assert all(done.acquire(timeout=10) for _ in range(6 * 4))
    finally:
        worker.stop()
    assert clashes == []
    assert workflow.owed() == []


def test_a_later_effect_waits_for_a_holder_that_died_and_then_for_its_turn(
    open_again: Open, clock: ManualClock
) -> None:
    """ "A dead holder's effect is taken over within 30 seconds." In order all the same."""
    order: list[str] = []
    workflow = open_again()

    @workflow.on_transition(target="detected")
    def first(told: Transition) -> None:
        order.append(f"first {told.attempt}")

    workflow.on_transition(target="matched", name="second")(lambda told: order.append("second"))
    matched(workflow)
    die_in_what_is_due(workflow)
    assert [(one.handler, one.state) for one in workflow.owed()] == [("first", "running"), ("second", "owed")]
    assert workflow.run_effects() == 0
    clock.advance(seconds=30)
    workflow.run_effects()
    assert order == ["first 1", "first 2", "second"]


def test_users_do_not_wait_for_each_other(workflow: Workflow) -> None:
    order: list[str] = []

    @workflow.on_enter("synced")
    def work(told: Transition) -> None:
        order.append(told.user_id)
        if told.user_id == "u1":
            raise RetryAfter(5)

    for user in ("u1", "u2", "u1", "u3"):
        synced(workflow, user, sync_id=f"s{len(workflow.owed())}")
    workflow.run_effects()
    assert sorted(order) == ["u1", "u1", "u2", "u3"]
