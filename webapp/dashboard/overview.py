"""The overview: the lifecycle as one picture with its counts, and beside it money, intake and health.

Its figures are samples, so that many who look cost no more than one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response

from webapp.dashboard.attention import ended_by_a_deadline
from webapp.dashboard.pages import Pages
from webapp.dashboard.picture import Picture, picture_of
from webapp.dashboard.samples import Sampled
from webapp.dashboard.standing import Standings
from workflow_fsm.core.definition import Addressing, Definition
from workflow_fsm.core.definition.explain import arrows
from workflow_fsm.core.errors import StoreRefused, StoreUnavailable, WorkerStuck, WorkflowClosed
from workflow_fsm.core.model.inbox import Standing
from workflow_fsm.read.across.by_state import NEAR
from workflow_fsm.workflow import Workflow

STANDINGS = (
    Standing.APPLIED,
    Standing.KNOWN,
    Standing.WAITING,
    Standing.REFUSED,
    Standing.DEAD,
    Standing.DROPPED,
)
"""What becomes of events, in the order in which it is shown."""


def add_to(routes: Blueprint, workflow: Workflow, pages: Pages) -> None:
    """Add the page at the root."""
    standings = Standings(workflow)
    pictures: list[Picture | None] = []
    lost_in = workflow.definition.led_to(workflow.definition.by_addressing(Addressing.TIMER), stays=False)

    def figures() -> dict[str, Any]:
        if not pictures:
            pictures.append(picture_of(workflow.definition))
        sampled = pages.samples.latest()
        return {
            "picture": pictures[0],
            "arrows": arrows(workflow.definition),
            "ended": ended_by_a_deadline(workflow.definition),
            "lost_in": lost_in,
            "by_time": {one.name for one in workflow.definition.by_addressing(Addressing.TIMER)},
            "totals": sampled.totals,
            "backlog": sampled.backlog,
            "states": sampled.states,
            "moved": {} if sampled.flow is None else sampled.flow.moved,
            "near": NEAR.days,
            "checked": sampled.checked,
            "age": sampled.age_seconds,
            "intake": _intake(sampled),
            "money": _money(workflow.definition, sampled, lost_in),
            "health": standings.health,
            "fault": _fault(workflow),
        }

    def overview() -> Response:
        return pages.show("overview.html", figures=pages.shared("overview_figures.html", figures))

    routes.add_url_rule("/", endpoint="dashboard", view_func=overview, merge_slashes=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyFigures:
    """The money of a currency: `at_stake` is what open claims ask, `lost` what those ask that time ended."""

    currency: str
    recovered: float
    at_stake: float
    unapplied: float
    dropped: float
    lost: float


def _money(definition: Definition, sampled: Sampled, lost_in: Collection[str]) -> list[CurrencyFigures]:
    """Give the money by currency, of what is known by now."""
    totals = sampled.totals
    if totals is None:
        return []
    stake: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    for name, one in sampled.states.items():
        if name in lost_in:
            lost.update(one.asked)
        elif not definition.closed(name):
            stake.update(one.asked)
    return [
        CurrencyFigures(
            currency=currency,
            recovered=totals.recovered.get(currency, 0),
            at_stake=stake[currency],
            unapplied=totals.unapplied.get(currency, 0),
            dropped=totals.dropped.get(currency, 0),
            lost=lost[currency],
        )
        for currency in sorted({*totals.recovered, *totals.unapplied, *totals.dropped, *stake, *lost})
    ]


def _intake(sampled: Sampled) -> list[tuple[str, int, int]]:
    """Give what becomes of events: how many did within the last minute, and how many of all."""
    counted: Counter[str] = Counter()
    for (_, standing), many in ({} if sampled.totals is None else sampled.totals.events).items():
        counted[standing] += many
    lately = {} if sampled.flow is None else sampled.flow.intake
    return [(one.value, lately.get(one.value, 0), counted[one.value]) for one in STANDINGS]


def _fault(workflow: Workflow) -> str | None:
    """Say in a sentence what is wrong with store or worker, None where nothing is."""
    try:
        workflow.ready()
    except (StoreUnavailable, StoreRefused, WorkerStuck, WorkflowClosed) as error:
        return str(error)
    return None
