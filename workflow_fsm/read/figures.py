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
from workflow_fsm.core.errors import RowUnreadable
from workflow_fsm.core.model.inbox import Standing
from workflow_fsm.core.model.outbox import STANDINGS
from workflow_fsm.core.model.unapplied import told_money
from workflow_fsm.core.values.instants import read_instant, show_instant
from workflow_fsm.read.stubs import stubs
from workflow_fsm.stores.event_mapping import stored_event_of
from workflow_fsm.stores.session import Session

log = logging.getLogger(__name__)

UNTOLD_CURRENCY = "XXX"
"""Under which money is added up that tells no currency yet: ISO 4217's code for none."""
MOST_READ = 10_000
"""Of how many events of a trigger the money is read, oldest first: what they bring stands in no index."""
_EVER = "~"
LATE_SECONDS = 60.0
"""What has been due for longer is overdue: workers take up within seconds what they are able to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What somebody should act on, 0 where there is nothing.

    Of the effects not done, `due` are ready and nobody is at them, `overdue` have been so for over a minute,
    both by handler; `timers_overdue` are deadlines and waits whose end passed a minute ago, and nobody acted.
    `dead_letters` are by kind: `event`, `effect`, and apart from those `money`, payouts and reversals that
    wait. `waiting_money` is by trigger and currency, of at most 10,000 events of each trigger;
    `oldest_waiting_money_seconds` is for how long the oldest has waited.
    """

    due: Mapping[str, int]
    overdue: Mapping[str, int]
    timers_overdue: int
    oldest_waiting_seconds: float
    dead_letters: Mapping[str, int]
    waiting_money: Mapping[tuple[str, str], float]
    oldest_waiting_money_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """All that the store holds. Every trigger, state and standing has its figure, 0 where there is none.

    `events` counts by trigger and standing, `effects` by handler and standing. Money is by currency, in its
    major unit (`XXX`: none is told yet): `recovered`, `unapplied`, which waits, and `dropped` by a person, of
    at most 10,000 events of each trigger.
    """

    events: Mapping[tuple[str, str], int]
    effects: Mapping[tuple[str, str], int]
    lifecycles: Mapping[str, int]
    recovered: Mapping[str, float]
    unapplied: Mapping[str, float]
    dropped: Mapping[str, float]


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
    waiting_money: Mapping[tuple[str, str], float]
    oldest_waiting_money_seconds: float
    lifecycles: Mapping[str, int]
    recovered: Mapping[str, float]
    unapplied: Mapping[str, float]
    dropped: Mapping[str, float]


def count(session: Session, definition: Definition, now: datetime) -> Figures:
    """Count everything, as it stands in a session."""
    return Figures(
        **asdict(count_backlog(session, definition, now)), **asdict(count_totals(session, definition))
    )


def count_backlog(
    session: Session, definition: Definition, now: datetime, *, with_money: bool = True
) -> Backlog:
    """Count what somebody should act on, as it stands in a session; `with_money`, what money waits, too."""
    at, late = show_instant(now), show_instant(now - timedelta(seconds=LATE_SECONDS))
    names = [row["name"] for row in session.rows("handlers")]
    due = session.rows("figures_of_due_effects", now=at, late=late)
    rest = session.row("figures_of_the_rest", late=late)
    assert rest is not None
    waiting = _oldest_waiting(session)
    paying = [one.name for one in definition.triggers if one.money]
    by_trigger = [session.row("figures_of_waiting", trigger=one) for one in paying]
    payouts = sum(row["many"] for row in by_trigger if row is not None)
    since = [_instant(row["received_at"]) for row in by_trigger if row is not None and row["many"]]
    added = paying if with_money else ()
    money = {one: _add_up(session, definition, "money_waiting", one, Standing.WAITING) for one in added}
    return Backlog(
        due=dict.fromkeys(names, 0) | {row["handler"]: row["due"] for row in due},
        overdue=dict.fromkeys(names, 0) | {row["handler"]: row["overdue"] for row in due},
        timers_overdue=rest["late_deadlines"] + rest["late_expiries"],
        oldest_waiting_seconds=0.0 if waiting is None else max(0.0, (now - waiting).total_seconds()),
        dead_letters={
            "event": max(0, rest["dead_events"] - payouts),
            "effect": rest["dead_effects"],
            "money": payouts,
        },
        waiting_money={
            (trigger, currency): abs(amount)
            for trigger, sums in money.items()
            for currency, amount in sums.items()
        },
        oldest_waiting_money_seconds=max(
            [0.0, *((now - one).total_seconds() for one in since if one is not None)]
        ),
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
    dropped: dict[str, float] = {}
    for trigger in definition.triggers:
        if trigger.money:
            sums = _add_up(session, definition, "money_dropped", trigger.name, Standing.DROPPED)
            dropped |= {code: dropped.get(code, 0.0) + amount for code, amount in sums.items()}
    for stub in stubs(session):  # so that no total falls where a user is forgotten
        for name, told in stub.events.items():
            for standing, many in told.items():
                events[name, standing] = events.get((name, standing), 0) + many
        for currency, held in stub.money.items():
            recovered[currency] = recovered.get(currency, 0.0) + float(held["recovered"])
            dropped[currency] = dropped.get(currency, 0.0) + float(held["dropped"])
    if unread:
        log.error("the money of %d users can't be read and isn't counted; `check` names them", unread)
    return Totals(
        events=events,
        effects=effects,
        lifecycles={state.name: states.get(state.name, 0) for state in definition.states},
        recovered=recovered,
        unapplied={row["currency"]: float(row["amount"]) for row in session.rows("figures_of_unapplied")},
        dropped=dropped,
    )


def _add_up(
    session: Session, definition: Definition, statement: str, trigger: str, standing: Standing
) -> dict[str, float]:
    """Add up by currency the money of the oldest events that a statement gives, of those that can be read."""
    asked = {"trigger": trigger, "until": _EVER, "at": "", "after_user": "", "after_seq": 0}
    sums: dict[str, float] = {}
    for row in session.rows(statement, **asked, limit=MOST_READ):
        try:
            stored = stored_event_of(definition, row)
        except RowUnreadable:
            continue  # `check` names it
        told = told_money(definition, stored, UNTOLD_CURRENCY) if stored.standing is standing else None
        if told is not None:
            currency, amount = told
            sums[currency] = sums.get(currency, 0.0) + float(amount)
    return sums


def _instant(text: str) -> datetime | None:
    try:
        return read_instant(text)
    except ValueError:
        return None  # `_oldest_waiting` tells of it


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
