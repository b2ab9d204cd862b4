"""What needs attention: the first of each kind, nearest deadline and oldest first, each with its act.

Which states wait for somebody the definition says: those that a deadline still ends, and those into which the
marketplace's no leads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response

from webapp.dashboard.pages import Pages
from workflow_fsm.core.definition import Addressing, Definition
from workflow_fsm.read.across.question_shapes import ClaimRow
from workflow_fsm.read.letter_shapes import DeadLetterRecord
from workflow_fsm.workflow import Workflow

SHOWN = 10
"""How many of each kind are shown; the rest are a link away."""
LOOKED_AT = 100
"""Of how many dead letters of a kind, oldest first, reasons are counted."""
NEAR = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Dead letters that have one reason."""

    kind: str
    trigger: str | None
    handler: str | None
    reason: str
    many: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """Claims that want something of a person: which, why, and the filter that gives all of them."""

    title: str
    why: str
    claims: list[ClaimRow]
    states: tuple[str, ...]
    filters: dict[str, str]


def add_to(routes: Blueprint, workflow: Workflow, pages: Pages) -> None:
    """Add the page of what needs attention."""

    def attention() -> Response:
        letters = [*workflow.dead_letters(kind="event", limit=LOOKED_AT)]
        failed = [*workflow.dead_letters(kind="effect", limit=LOOKED_AT)]
        paying = {one.name for one in workflow.definition.triggers if one.money}
        return pages.show(
            "attention.html",
            concerns=[one for one in _concerns(workflow) if one.claims],
            money=[one for one in letters if one.trigger in paying][:SHOWN],
            groups=_groups([*(one for one in letters if one.trigger not in paying), *failed]),
            looked_at=LOOKED_AT,
            rest=[one for one in letters if one.trigger not in paying][:SHOWN],
            failed=failed[:SHOWN],
        )

    routes.add_url_rule(
        "/dashboard/attention", endpoint="dashboard_attention", view_func=attention, merge_slashes=False
    )


def _groups(letters: Iterable[DeadLetterRecord]) -> list[Group]:
    """Count dead letters by what they are and their reason, most of one first."""
    counted = Counter((one.kind, one.trigger, one.handler, one.reason) for one in letters)
    return [
        Group(
            kind=kind, trigger=trigger if kind == "event" else None, handler=handler, reason=reason, many=many
        )
        for (kind, trigger, handler, reason), many in counted.most_common(SHOWN)
    ]


def _concerns(workflow: Workflow) -> Iterator[Concern]:
    definition, now = workflow.definition, workflow._clock()
    before = ended_by_a_deadline(definition)
    soon = (now + NEAR).isoformat()
    yield Concern(
        title="Overdue",
        why="the deadline passed before the claim was filed",
        claims=list(workflow.claims(overdue=True, sort="deadline", limit=SHOWN)),
        states=(),
        filters={"overdue": "1", "sort": "deadline"},
    )
    yield Concern(
        title=f"Due within {NEAR.days} days",
        why="it expires at its deadline, if it isn't filed by then",
        claims=_few(workflow, before, due_before=soon),
        states=before,
        filters={"due": str(NEAR.days), "sort": "deadline"},
    )
    for decision, title, why in (
        (
            "ask_user",
            "To ask the user about",
            "the evidence matches, not surely enough to file it unasked",
        ),
        ("review", "To review", "the evidence hardly matches"),
    ):
        yield Concern(
            title=title,
            why=why,
            claims=_few(workflow, before, decision=decision),
            states=before,
            filters={"decision": decision, "sort": "deadline"},
        )
    refused = tuple(sorted(_refused(definition), key=definition.rank))
    yield Concern(
        title="Rejected",
        why="the marketplace said no; file it again, or let it rest",
        claims=_few(workflow, refused),
        states=refused,
        filters={"sort": "deadline"},
    )


def _few(workflow: Workflow, states: Iterable[str], **asked: Any) -> list[ClaimRow]:
    """Give the first claims in some states, those with the nearest deadline first."""
    found = [
        one for state in states for one in workflow.claims(state=state, sort="deadline", limit=SHOWN, **asked)
    ]
    return sorted(found, key=lambda one: one.deadline_date or "~")[:SHOWN]


def ended_by_a_deadline(definition: Definition) -> tuple[str, ...]:
    """Give the states that a timer ends."""
    timers = definition.by_addressing(Addressing.TIMER)
    states = {state for one in timers for state in definition.arrow_states(one.name)}
    return tuple(sorted(states, key=definition.rank))


def _refused(definition: Definition) -> set[str]:
    """Give the states into which the marketplace's no leads."""
    led = definition.led_to([one for one in definition.triggers if one.rejects], stays=False)
    return {one for one in led if not definition.closed(one)}
