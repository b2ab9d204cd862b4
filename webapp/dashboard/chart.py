"""Charts: what was recovered and reversed a week, as bars that SVG draws; the table beside says the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from workflow_fsm.read.across.weeks import CurrencyWeeks, WeekMoney

WIDTH, HEIGHT = 440, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 6, 10, 22
_GAP = 0.25
"""The share of a week's width that stays free."""
_A_LABEL = 4
"""Of how many weeks one is named below."""
_STEPS = (1, 2, 2.5, 5, 10)
_UNITS = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A week's bar, upwards of what was paid or downwards of what was reversed."""

    week: WeekMoney
    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A text at a place of an axis."""

    text: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A currency's bars; `zero` is how far down nothing is, `marks` are sums, `days` name weeks."""

    currency: str
    bars: Sequence[Bar]
    zero: float
    marks: Sequence[Mark]
    days: Sequence[Mark]


def chart_of(told: CurrencyWeeks) -> Chart:
    """Draw a currency's weeks."""
    most = _round_up(max(one.paid for one in told.weeks))
    least = _round_up(max(one.reversed for one in told.weeks))
    if not most and not least:
        most = 1.0
    room = HEIGHT - _TOP - _BOTTOM
    scale = room / (most + least)
    zero = _TOP + most * scale
    step = (WIDTH - _LEFT - _RIGHT) / len(told.weeks)
    bars = []
    days = []
    for number, week in enumerate(told.weeks):
        x = _LEFT + number * step
        for kind, amount in (("paid", week.paid), ("reversed", week.reversed)):
            height = amount * scale
            if height > 0:
                y = zero - height if kind == "paid" else zero
                bars.append(
                    Bar(
                        week=week,
                        kind=kind,
                        x=round(x + step * _GAP / 2, 1),
                        y=round(y, 1),
                        width=round(step * (1 - _GAP), 1),
                        height=round(max(height, 1.0), 1),
                    )
                )
        if (len(told.weeks) - 1 - number) % _A_LABEL == 0:
            days.append(Mark(text=_day(week.monday), at=round(x + step / 2, 1)))
    sums = [most, most / 2, 0.0, -least] if most else [0.0, -least]
    return Chart(
        currency=told.currency,
        bars=bars,
        zero=round(zero, 1),
        marks=[
            Mark(text=_short(one), at=round(zero - one * scale, 1))
            for one in dict.fromkeys(sums)
            if one >= 0 or least * scale > _TOP
        ],
        days=days,
    )


def _round_up(amount: float) -> float:
    """Give the next sum that is easily read, 0 for nothing."""
    if amount <= 0:
        return 0.0
    size = 10.0 ** math.floor(math.log10(amount))
    return next(step * size for step in _STEPS if step * size >= amount)


def _short(amount: float) -> str:
    """Write a sum of an axis: `2.5 k`."""
    size, unit = next(((size, f" {unit}") for size, unit in _UNITS if abs(amount) >= size), (1.0, ""))
    return f"{amount / size:g}{unit}".replace("-", "\N{MINUS SIGN}")


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"
