"""Users, money and effects: lists a page at a time, with the sums that they are a part of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, get_args

from flask import Blueprint, Response

from webapp.dashboard.chart import HEIGHT, WIDTH, Chart, chart_of
from webapp.dashboard.pages import Pages, asked, is_renewed
from webapp.dashboard.samples import Shared
from webapp.dashboard.standing import HandlerStanding, handler_standings
from webapp.http.problems import Problem
from workflow_fsm.core.definition import Definition
from workflow_fsm.core.values import money
from workflow_fsm.read.across.question_shapes import EffectStanding, MoneyRow, MoneyStanding
from workflow_fsm.read.across.sheets import csv_pieces
from workflow_fsm.read.across.weeks import CurrencyWeeks, WeekMoney
from workflow_fsm.read.figures import Totals
from workflow_fsm.workflow import Workflow

A_PAGE = 50
MOST_CHARTS = 6
"""Of how many currencies weeks are shown; of another where it is asked for."""
STANDINGS: tuple[MoneyStanding, ...] = get_args(MoneyStanding)
_ASKED_OF_MONEY = ("user_id", "currency", "since", "until", "standing")
_ASKED_OF_EFFECTS = ("handler", "standing", "user_id")


def add_to(routes: Blueprint, workflow: Workflow, pages: Pages) -> None:
    """Add the lists, and the page of one user."""

    def users() -> Response:
        told = asked("q", "cursor")
        found = workflow.users(**told, limit=A_PAGE)
        return pages.show("users.html", rows=list(found), next_cursor=found.next_cursor, told=told)

    def user() -> Response:
        told = asked("user_id", "cursor")
        user_id = told.get("user_id", "")
        found = workflow.status(user_id, limit=A_PAGE, cursor=told.get("cursor")) if user_id else None
        if found is None:
            raise Problem("unknown-user", f"Nothing is known of the user {user_id!r}.", user_id=user_id)
        return pages.show("user.html", user=found)

    def plotted(currency: str | None) -> dict[str, Any]:
        totals = pages.samples.latest().totals
        return {"weeks": _weeks(pages.samples.weeks(), totals, currency), "drawn": (WIDTH, HEIGHT)}

    def booked() -> Response:
        told = asked(*_ASKED_OF_MONEY, "cursor")
        found = None if is_renewed() else workflow.money(**told, limit=A_PAGE)
        rows = list(found or ())
        return pages.show(
            "money.html",
            rows=rows,
            next_cursor=None if found is None else found.next_cursor,
            told=told,
            standings=STANDINGS,
            totals=pages.samples.latest().totals,
            plotted=pages.shared(
                "money_weeks.html", lambda: plotted(told.get("currency")), told.get("currency")
            ),
            added=_added(workflow.definition, rows),
            filters={name: told[name] for name in _ASKED_OF_MONEY if name in told},
        )

    def sheet() -> Response:
        found = workflow.money(**asked(*_ASKED_OF_MONEY), limit=None)
        return Response(
            (piece.encode() for piece in csv_pieces("money", found)),
            content_type="text/csv; charset=utf-8; header=present",
            headers={"Content-Disposition": 'attachment; filename="money.csv"'},
        )

    handlers = Shared()

    def standings() -> list[HandlerStanding]:
        sampled = pages.samples.latest()
        return handler_standings(workflow, sampled.totals, sampled.backlog)

    def effects() -> Response:
        told = asked(*_ASKED_OF_EFFECTS, "cursor")
        found = None if is_renewed() else workflow.effects(**told, limit=A_PAGE)
        return pages.show(
            "effects.html",
            handlers=handlers.latest((), standings),
            rows=list(found or ()),
            next_cursor=None if found is None else found.next_cursor,
            told=told,
            standings=get_args(EffectStanding),
            filters={name: told[name] for name in _ASKED_OF_EFFECTS if name in told},
        )

    for path, endpoint, view in (
        ("users", "users", users),
        ("user", "user", user),
        ("money", "money", booked),
        ("money.csv", "money_csv", sheet),
        ("effects", "effects", effects),
    ):
        routes.add_url_rule(
            f"/dashboard/{path}", endpoint=f"dashboard_{endpoint}", view_func=view, merge_slashes=False
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyShown:
    """A currency's weeks as a chart, and what they add up to with all `earlier`: what is `recovered`."""

    chart: Chart
    weeks: Sequence[WeekMoney]
    earlier: float
    recovered: float


def _weeks(
    told: list[CurrencyWeeks] | None, totals: Totals | None, currency: str | None
) -> list[CurrencyShown] | None:
    """Give the currencies with most booked, or one that is asked for; None while they aren't read yet."""
    if told is None or totals is None:
        return None
    wanted = told[:MOST_CHARTS]
    if currency is not None:
        wanted = [one for one in told if one.currency == currency.upper()]
    shown = []
    for one in wanted:
        recovered = totals.recovered.get(one.currency, 0.0)
        earlier = recovered - sum(week.net for week in one.weeks)
        shown.append(
            CurrencyShown(chart=chart_of(one), weeks=one.weeks, earlier=earlier, recovered=recovered)
        )
    return shown


def _added(definition: Definition, rows: Iterable[MoneyRow]) -> list[tuple[str, str, str]]:
    """Add up the rows of a page: payouts less reversals, by currency and standing."""
    sums: dict[tuple[str, str], Decimal] = {}
    for row in rows:
        trigger = definition.trigger(row.trigger)
        sign = 0 if trigger is None else trigger.money
        key = (row.currency, row.standing)
        sums[key] = sums.get(key, Decimal(0)) + sign * Decimal(row.amount)
    return [(currency, standing, money.text(amount)) for (currency, standing), amount in sorted(sums.items())]
