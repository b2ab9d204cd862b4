"""Weeks: what was paid and reversed in each, by currency, of what was booked within them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from workflow_fsm.stores.session import Columns, Session, walk


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekMoney:
    """The money of a week, which is named by its Monday: what payouts brought, and reversals took back.

    Sums are in the currency's major unit, of what came in within the week and is booked by now.
    """

    monday: date
    paid: float
    reversed: float

    @property
    def net(self) -> float:
        """What is left."""
        return self.paid - self.reversed


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyWeeks:
    """A currency's weeks, oldest first, and how many payouts and reversals were booked in them."""

    currency: str
    booked: int
    weeks: Sequence[WeekMoney]


def money_by_week(session: Session, now: datetime, *, weeks: int) -> list[CurrencyWeeks]:
    """Add up the last weeks, this one too, of each currency with money in them; most booked first.

    It reads what was booked in them: not for every request.
    """
    this = now.date() - timedelta(days=now.weekday())
    mondays = [this - timedelta(weeks=number) for number in reversed(range(weeks))]
    currencies = list(walk(session, "next_currency_booked", "currency"))
    asked = {"since": mondays[0].isoformat()}
    session.prefetch(("money_by_day", {**asked, "currency": one}) for one in currencies)
    found = [
        _by_week(one, session.rows("money_by_day", currency=one, **asked), mondays) for one in currencies
    ]
    return sorted((one for one in found if one.booked), key=lambda one: (-one.booked, one.currency))


def _by_week(currency: str, days: Sequence[Columns], mondays: Sequence[date]) -> CurrencyWeeks:
    sums: Mapping[date, list[float]] = {monday: [0.0, 0.0] for monday in mondays}
    booked = 0
    for row in days:
        try:
            day = date.fromisoformat(row["day"])
        except ValueError:
            continue  # `check` names it
        of_week = sums.get(day - timedelta(days=day.weekday()))
        if of_week is not None:
            booked += row["many"]
            of_week[0] += row["paid"]
            of_week[1] += row["reversed"]
    return CurrencyWeeks(
        currency=currency,
        booked=booked,
        weeks=[WeekMoney(monday=monday, paid=paid, reversed=taken) for monday, (paid, taken) in sums.items()],
    )
