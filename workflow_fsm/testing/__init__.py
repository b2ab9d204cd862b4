"""For engineers' tests: a clock that you move, ids that repeat, stories that bring a claim somewhere.

As a pytest plugin (`pytest_plugins = ["workflow_fsm.testing"]`) it gives the fixtures `clock` and `workflow`,
and those that the latter is made of: `workflow_definition`, `workflow_settings`, `workflow_ids`. Without
pytest all else of it is there.
"""

from importlib.util import find_spec

from workflow_fsm.testing.clock import NOON, CountedIds, ManualClock
from workflow_fsm.testing.stories import (
    USER,
    Entry,
    detect,
    detect_plainly,
    detected,
    expired,
    find,
    match,
    matched,
    paid,
    pay,
    reject,
    rejected,
    submit,
    submitted,
    sync,
    synced,
    take_back,
)
from workflow_fsm.testing.workflows import MOST_EFFECTS, TestWorkflow, open_workflow, transition

if find_spec("pytest") is not None:
    from workflow_fsm.testing.fixtures import (
        clock_fixture,
        workflow_definition,
        workflow_fixture,
        workflow_ids,
        workflow_settings,
    )

__all__ = [
    "MOST_EFFECTS",
    "NOON",
    "USER",
    "CountedIds",
    "Entry",
    "ManualClock",
    "TestWorkflow",
    "clock_fixture",
    "detect",
    "detect_plainly",
    "detected",
    "expired",
    "find",
    "match",
    "matched",
    "open_workflow",
    "paid",
    "pay",
    "reject",
    "rejected",
    "submit",
    "submitted",
    "sync",
    "synced",
    "take_back",
    "transition",
    "workflow_definition",
    "workflow_fixture",
    "workflow_ids",
    "workflow_settings",
]
