"""The overview: the lifecycle as one picture with its counts, and beside it money, intake and health.

Its figures are samples, so that many who look cost no more than one.
"""

from __future__ import annotations

from collections import Counter

from flask import Blueprint, Response

from webapp.dashboard.pages import Pages
from webapp.dashboard.picture import Picture, picture_of
from webapp.dashboard.standing import Standings
from webapp.routes.sampling import Sampler
from workflow_fsm.core.definition.explain import arrows
from workflow_fsm.core.errors import StoreRefused, StoreUnavailable, WorkerStuck, WorkflowClosed
from workflow_fsm.read.figures import Totals
from workflow_fsm.workflow import Workflow

REST_SECONDS = 1.0
"""For how long a sample is shown at least."""


def add_to(routes: Blueprint, workflow: Workflow, pages: Pages) -> None:
    """Add the page at the root."""
    totals = Sampler(lambda: workflow.totals(), rest_seconds=REST_SECONDS)
    backlog = Sampler(lambda: workflow.backlog(), rest_seconds=REST_SECONDS)
    standings = Standings(workflow)
    pictures: list[Picture | None] = []

    def overview() -> Response:
        if not pictures:
            pictures.append(picture_of(workflow.definition))
        held, left = totals.latest(), backlog.latest()
        if held.value is None or left.value is None:
            raise StoreUnavailable("the store can't be read just now; load the page again in a moment")
        return pages.show(
            "overview.html",
            picture=pictures[0],
            arrows=arrows(workflow.definition),
            totals=held.value,
            backlog=left.value,
            age=max(held.age_seconds, left.age_seconds),
            events=_events(held.value),
            currencies=_currencies(held.value),
            asked={},
            checked=None,
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
