"""Standing: how the worker of this process is, as it was told last; and how each handler stands."""

from __future__ import annotations

from dataclasses import dataclass

from workflow_fsm.read.across.question_shapes import EffectRow
from workflow_fsm.read.figures import Backlog, Totals
from workflow_fsm.read.shapes import OwedEffect, PatternRecord
from workflow_fsm.stores.observers import Observer, WorkerHealth
from workflow_fsm.workflow import Workflow

MOST_OWED = 1000
"""Of how many effects, oldest first, it is said since when they are owed."""


class Standings(Observer):
    """Hears how the worker of this process is; there may be none."""

    def __init__(self, workflow: Workflow) -> None:
        self.health: WorkerHealth | None = None
        workflow.observe(self)

    def watched(self, health: WorkerHealth) -> None:
        """Take down how its threads are."""
        self.health = health


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerStanding:
    """A handler, and how much is owed to it."""

    name: str
    owes: str
    owed: int
    running: int
    due: int
    overdue: int
    done: int
    dead: int
    oldest: str | None
    error: str | None


def handler_standings(
    workflow: Workflow, totals: Totals | None, backlog: Backlog | None
) -> list[HandlerStanding]:
    """Tell of each handler how it stands; what isn't counted yet is 0."""
    patterns = {one.name: one.pattern for one in workflow.handlers()}
    owed: dict[str, list[OwedEffect]] = {}
    for effect in workflow.owed(limit=MOST_OWED):
        owed.setdefault(effect.handler, []).append(effect)
    counted = {} if totals is None else totals.effects
    due = {} if backlog is None else backlog.due
    overdue = {} if backlog is None else backlog.overdue

    def dead(name: str) -> list[EffectRow]:
        """Give one that was given up, where there is any."""
        is_any = counted.get((name, "dead"))
        return list(workflow.effects(handler=name, standing="dead", limit=1)) if is_any else []

    names = sorted({*patterns, *(name for name, _ in counted)})
    return [
        HandlerStanding(
            name=name,
            owes=_told(patterns[name]) if name in patterns else "forgotten",
            owed=counted.get((name, "owed"), 0) + counted.get((name, "taken"), 0),
            running=sum(one.state == "running" for one in owed.get(name, ())),
            due=due.get(name, 0),
            overdue=overdue.get(name, 0),
            done=counted.get((name, "done"), 0),
            dead=counted.get((name, "dead"), 0),
            oldest=min((one.owed_at for one in owed.get(name, ())), default=None),
            error=next((one.error for one in (*owed.get(name, ()), *dead(name)) if one.error), None),
        )
        for name in names
    ]


def _told(pattern: PatternRecord) -> str:
    """Say what owes a handler: `enter matched`, `trigger payout_received, target paid`."""
    told = [
        key.replace("_", " ") if value is True else f"{key.replace('_', ' ')} {value}"
        for key, value in pattern.items()
        if key != "name" and value is not False
    ]
    return ", ".join(told) or "every transition"
