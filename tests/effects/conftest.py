"""What stories about effects start from: a clock and workflow for tests, and processes that die."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.effects.dead_letters import kill, refuse
from workflow_fsm import Settings, Workflow
from workflow_fsm.testing import ManualClock, clock_fixture, matched, open_workflow, paid

__all__ = ["clock_fixture"]

Open = Callable[..., Workflow]


def die_in_what_is_due(workflow: Workflow) -> None:
    """Take the effect that is due and run its handler, as a process does that dies before it settles that."""
    taken = workflow._engine.leasing.lease()
    assert taken is not None
    workflow._engine.run(taken)


@pytest.fixture
def workflow(store_url: str, clock: ManualClock) -> Iterator[Workflow]:
    """A workflow on a real store and the test's clock."""
    with open_workflow(store_url, clock=clock) as opened:
        yield opened


@pytest.fixture
def open_again(store_url: str, clock: ManualClock) -> Iterator[Open]:
    """Opens workflows on one store, each as another process would."""
    with ExitStack() as stack:

        def open_it(settings: Settings | None = None) -> Workflow:
            return stack.enter_context(open_workflow(store_url, clock=clock, settings=settings))

        yield open_it


@pytest.fixture
def all_kinds(workflow: Workflow, clock: ManualClock) -> Workflow:
    """A workflow with a dead letter of every kind, each a day after the one before."""
    kill(workflow)
    workflow.fire("payout_received", user_id="u2", claim_id="gone", amount="5.00", event_id="money")
    clock.advance(days=1)
    matched(workflow, "u1", "c0")
    workflow.run_effects()
    clock.advance(days=1)
    workflow.fire("claim_submitted", user_id="u3", claim_id="never", event_id="early")
    paid(workflow, "u1", "c1", amount="1.00")
    clock.advance(days=1)
    refuse(workflow)
    clock.advance(days=10)
    workflow.tick()
    return workflow
