"""How long an effect pauses, told by moving the clock until it is ready."""

from __future__ import annotations

from workflow_fsm import Workflow
from workflow_fsm.core.values.instants import show_instant
from workflow_fsm.testing import ManualClock


def pause(workflow: Workflow, clock: ManualClock) -> float:
    """Let the one effect owed become ready; give how many seconds that took."""
    (one,) = workflow.owed()
    seconds = 0.0
    while one.ready_at > show_instant(clock.now):
        clock.advance(seconds=0.5)
        seconds += 0.5
    return seconds
