"""By state: how many claims are in each, since when, what they ask, and which of it ends soon.

Read a kind at a time, claims of one state, decision and currency, from an index that has all that is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from workflow_fsm.core.definition import Definition
from workflow_fsm.core.values.instants import show_instant
from workflow_fsm.read.across.claims import kinds
from workflow_fsm.read.across.claims_asked import ClaimsAsked
from workflow_fsm.stores.session import Session

NEAR = timedelta(days=7)
"""A deadline within that is near."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateFigures:
    """Claims in a state: how many, since when the one is there that has been there longest, what they ask.

    `due` of them have a deadline that is past or within seven days, and ask `due_asked`. Money is by
    currency, in its major unit.
    """

    many: int
    since: str | None
    asked: Mapping[str, float]
    due: int
    due_asked: Mapping[str, float]


def count_by_state(session: Session, definition: Definition, now: datetime) -> dict[str, StateFigures]:
    """Count the claims and plain lifecycles in every state. It reads all of an index."""
    soon = show_instant(now + NEAR)
    asked = [*kinds(session, definition, ClaimsAsked())]
    first = {"at": "", "until": "~", "due_from": "", "due_before": "~", "limit": 1}
    session.prefetch(("claims_by_entry", {**kind, **first}) for kind in asked)
    session.prefetch(("figures_of_kind", {**kind, "soon": soon}) for kind in asked)
    figures: dict[str, StateFigures] = {}
    for one in definition.states:
        many = due = 0
        since: list[str] = []
        sums: dict[str, float] = {}
        due_sums: dict[str, float] = {}
        for kind in asked:
            row = session.row("figures_of_kind", **kind, soon=soon) if kind["state"] == one.name else None
            if row is None or not row["many"]:
                continue
            many, due = many + row["many"], due + row["due"]
            since += [told["place"] for told in session.rows("claims_by_entry", **kind, **first)]
            for added, amount in ((sums, row["amount"]), (due_sums, row["due_amount"])):
                if amount:
                    added[kind["currency"]] = added.get(kind["currency"], 0.0) + amount
        figures[one.name] = StateFigures(
            many=many, since=min(since, default=None), asked=sums, due=due, due_asked=due_sums
        )
    return figures
