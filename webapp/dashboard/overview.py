"""The overview: the lifecycle as one picture with its counts, and beside it money, intake and health.

Its figures are samples, so that many who look cost no more than one.
"""

from __future__ import annotations

from collections import Counter

from flask import Blueprint, Response

from webapp.dashboard.pages import Pages
from webapp.dashboard.picture import Picture, picture_of
from webapp.dashboard.standing import Standings
from workflow_fsm.core.definition.explain import arrows
from workflow_fsm.core.errors import StoreRefused, StoreUnavailable, WorkerStuck, WorkflowClosed
from workflow_fsm.read.figures import Totals
from workflow_fsm.workflow import Workflow


def add_to(routes: Blueprint, workflow: Workflow, pages: Pages) -> None:
    """Add the page at the root."""
    standings = Standings(workflow)
    pictures: list[Picture | None] = []

    def overview() -> Response:
        if not pictures:
            pictures.append(picture_of(workflow.definition))
        sampled = pages.samples.latest()
        return pages.show(
            "overview.html",
            picture=pictures[0],
            arrows=arrows(workflow.definition),
            totals=sampled.totals,
            backlog=sampled.backlog,
            asked=sampled.asked,
            checked=sampled.checked,
            age=sampled.age_seconds,
            events=None if sampled.totals is None else _events(sampled.totals),
            currencies=[] if sampled.totals is None else _currencies(sampled.totals),
            health=standings.health,
            fault=_fault(workflow),
        )

    routes.add_url_rule("/", endpoint="dashboard", view_func=overview, merge_slashes=False)


def _events(totals: Totals) -> dict[str, int]:
    """Count the events of all triggers, by what became of them."""
    counted: Counter[str] = Counter()
    for (_, standing), many in totals.events.items():
        counted[standing] += many
    return dict(counted)


def _currencies(totals: Totals) -> list[str]:
    return sorted({*totals.recovered, *totals.unapplied, *totals.dropped})


def _fault(workflow: Workflow) -> str | None:
    """Say in a sentence what is wrong with store or worker, None where nothing is."""
    try:
        workflow.ready()
    except (StoreUnavailable, StoreRefused, WorkerStuck, WorkflowClosed) as error:
        return str(error)
    return None
