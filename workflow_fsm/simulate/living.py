"""Living through it: many days in one process, against virtual time, on a store of its own.

The same seed leaves the same history, down to the root of its check: the clock, the ids and the chance are
the simulation's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from workflow_fsm.audit.report import Report
from workflow_fsm.core.errors import WorkflowError
from workflow_fsm.settings import Settings
from workflow_fsm.simulate.days import Message, Simulation
from workflow_fsm.testing.clock import CountedIds, ManualClock
from workflow_fsm.workflow import Workflow

SLICE = timedelta(hours=1)
"""How long events are gathered for one commit, and time passes at once."""
Progress = Callable[[int], None]
"""Told how many days have passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """What was lived through: how many messages, by what became of them, and what a check says in the end."""

    messages: int
    outcomes: Mapping[str, int]
    timers: int
    report: Report


def live(url: str, simulation: Simulation, progress: Progress = lambda days: None) -> Lived:
    """Live through a simulation on the store at a URL, and check it."""
    clock = ManualClock(simulation.start)
    outcomes: Counter[str] = Counter()
    messages = timers = 0
    with Workflow.open(
        url, settings=Settings(), clock=clock, ids=CountedIds(), chance=lambda: 0.5
    ) as workflow:
        waiting: list[Message] = []
        for message in simulation.messages():
            if message.at >= clock() + SLICE:
                outcomes.update(_post(workflow, waiting))
                waiting = []
                timers += _pass(workflow, clock, message.at)
                progress((clock() - simulation.start).days)
            waiting.append(message)
            messages += 1
        outcomes.update(_post(workflow, waiting))
        timers += _pass(workflow, clock, simulation.start + timedelta(days=simulation.days))
        progress(simulation.days)
        return Lived(messages=messages, outcomes=outcomes, timers=timers, report=workflow.check())


def _post(workflow: Workflow, waiting: list[Message]) -> list[str]:
    """Post what was gathered, in one commit; give what became of each."""
    told = workflow.fire_many([{**one.fields, "trigger": one.trigger} for one in waiting])
    return [one.code if isinstance(one, WorkflowError) else one.status for one in told]


def _pass(workflow: Workflow, clock: ManualClock, at: datetime) -> int:
    """Let time pass to the slice that an instant is in; give how many timers that fired."""
    while clock() + SLICE <= at:
        clock.advance(SLICE)
    done = 0
    while many := workflow.tick():
        done += many
    return done
