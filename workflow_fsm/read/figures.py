"""Figures: everything in the store counted, all users together, for whoever watches over it.

Decides what counts as late. The backlog, what somebody should act on, is counted in indexes that hold nothing
else: it costs as much as there is to do. Totals are counted in small indexes from end to end, so that callers
should keep what they got for a while.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from workflow_fsm.core.definition import Definition
from workflow_fsm.core.model.inbox import Standing
from workflow_fsm.core.model.outbox import STANDINGS
from workflow_fsm.core.values.instants import read_instant, show_instant
from workflow_fsm.read.stubs import stubs
from workflow_fsm.stores.session import Session

log = logging.getLogger(__name__)

LATE_SECONDS = 60.0
"""What has been due for longer is overdue: workers take up within seconds what they are able to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What somebody should act on, 0 where there is nothing.

    Of the effects not done, `due` are ready and nobody is at them, `overdue` have been so for over a minute,
    both by handler; `timers_overdue` are deadlines and waits whose end passed a minute ago, and nobody acted.
    `dead_letters` are by kind.
    """

    due: Mapping[str, int]
    overdue: Mapping[str, int]
    timers_overdue: int
    oldest_waiting_seconds: float
    dead_letters: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """All that the store holds. Every trigger, state and standing has its figure, 0 where there is none.

    `events` counts by trigger and standing, `effects` by handler and standing. `recovered` is by currency, in
    its major unit.
    """

    events: Mapping[tuple[str, str], int]
    effects: Mapping[tuple[str, str], int]
    lifecycles: Mapping[str, int]
    recovered: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the store holds: the backlog and the totals together."""

    events: Mapping[tuple[str, str], int]
    effects: Mapping[tuple[str, str], int]
    due: Mapping[str, int]
    overdue: Mapping[str, int]
    timers_overdue: int
    oldest_waiting_seconds: float
    dead_letters: Mapping[str, int]
    lifecycles: Mapping[str, int]
    recovered: Mapping[str, float]


def count(session: Session, definition: Definition, now: datetime) -> Figures:
    """Count everything, as it stands in a session."""
    return Figures(**asdict(count_backlog(session, now)), **asdict(count_totals(session, definition)))


def count_backlog(session: Session, now: datetime) -> Backlog:
    """Count what somebody should act on, as it stands in a session."""
    at, late = show_instant(now), show_instant(now - timedelta(seconds=LATE_SECONDS))
    names = [row["name"] for row in session.rows("handlers")]
    due = session.rows("figures_of_due_effects", now=at, late=late)
    rest = session.row("figures_of_the_rest", late=late)
    assert rest is not None
    waiting = _oldest_waiting(session)
    return Backlog(
        due=dict.fromkeys(names, 0) | {row["handler"]: row["due"] for row in due},
        overdue=dict.fromkeys(names, 0) | {row["handler"]: row["overdue"] for row in due},
        timers_overdue=rest["late_deadlines"] + rest["late_expiries"],
        oldest_waiting_seconds=0.0 if waiting is None else max(0.0, (now - waiting).total_seconds()),
        dead_letters={"event": rest["dead_events"], "effect": rest["dead_effects"]},
    )


def count_totals(session: Session, definition: Definition) -> Totals:
    """Count all that there is, as it stands in a session."""
    names = [row["name"] for row in session.rows("handlers")]
    events = {
        (trigger.name, standing.value): 0
        for trigger in definition.triggers
        if not trigger.timer
        for standing in Standing
    }
    events |= {(row["trigger"], row["standing"]): row["many"] for row in session.rows("figures_of_events")}
    effects = {(name, standing): 0 for name in names for standing in STANDINGS}
    effects |= {(row["handler"], row["standing"]): row["many"] for row in session.rows("figures_of_effects")}
    states = {row["state"]: row["many"] for row in session.rows("figures_of_lifecycles")}
    recovered = {row["currency"]: float(row["amount"]) for row in session.rows("figures_of_money")}
    unread = recovered.pop("", 0)
    for stub in stubs(session):  # so that no total falls where a user is forgotten
        for trigger, told in stub.events.items():
            for standing, many in told.items():
                events[trigger, standing] = events.get((trigger, standing), 0) + many
        for currency, sums in stub.money.items():
            recovered[currency] = recovered.get(currency, 0.0) + float(sums["recovered"])
    if unread:
        log.error("the money of %d users can't be read and isn't counted; `check` names them", unread)
    return Totals(
        events=events,
        effects=effects,
        lifecycles={state.name: states.get(state.name, 0) for state in definition.states},
        recovered=recovered,
    )


def _oldest_waiting(session: Session) -> datetime | None:
    """Give since when the event waits that has waited longest; what is no instant is passed over."""
    after = ""
    while (row := session.row("oldest_waiting", after=after)) is not None and row["received_at"] is not None:
        after = row["received_at"]
        try:
            return read_instant(after)
        except ValueError:
            log.error("an event waits since %r, which is no instant; `check` names it", after)
    return None
