"""A claim's cases: rows by case and claim, many to many, "and none is ever forgotten or overwritten"."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.machine.model.kept import Fields, Kept, Key

UNNAMED = ""


def of_claim(kept: Kept, key: Key) -> dict[str, Fields]:
    """Give a claim's cases, as they were added."""
    return {case: row for (case, claim), row in kept.cases.items() if claim == key}


def with_case(kept: Kept, case: str) -> list[Key]:
    """Give the claims that have a case, also those that nobody detected yet."""
    return [claim for named, claim in kept.cases if named == case]


def add(kept: Kept, case: str, key: Key) -> Fields:
    """Add a case to a claim, "without a state until one is told"."""
    if (case, key) not in kept.cases:
        blank: Fields = {"state": None, "seq": kept.number, "told": False, "paid": {}, "units": 0}
        kept.cases[case, key] = {**blank, "alone": None, "booked": False, "added": kept.next()}
        _becomes_another_s(kept, case, key)
    return kept.cases[case, key]


def name_it(kept: Kept, case: str, key: Key) -> None:
    """ "The next event that names claim and case names it": what was filed without a name is this case."""
    unnamed = kept.cases.pop((UNNAMED, key), None)
    row = add(kept, case, key)
    if unnamed is not None:
        row.update({name: unnamed[name] for name in ("state", "seq", "told")})


def _becomes_another_s(kept: Kept, case: str, key: Key) -> None:
    """ "Where a case on which money was booked, or a verdict told, by the case alone becomes another claim's
    as well, a dead letter says so"."""
    for (named, claim), row in kept.cases.items():
        if named == case != UNNAMED and claim != key and row["alone"] is not None:
            for event in kept.events:
                event["doubt"] = event["doubt"] or event["seq"] == row["alone"]


def mark(row: Fields, state: str, event: Fields, *, alone: bool = False) -> None:
    """Tell a case's state."""
    row.update(state=state, seq=event["seq"])
    if alone:
        row["alone"] = event["seq"]


def filed(kept: Kept, key: Key) -> list[Fields]:
    return [row for row in of_claim(kept, key).values() if row["state"] == "filed"]


def newest(rows: dict[str, Fields], state: str | None = None) -> str | None:
    """Give the case that was told last, of those in a state; of two that one event told, that of the later
    id."""
    told = [
        (row["seq"], case)
        for case, row in rows.items()
        if row["state"] is not None and state in (None, row["state"])
    ]
    return max(told)[1] if told else None


def shown(rows: dict[str, Fields]) -> str | None:
    """ "`amazon_case_id` in status is the newest `filed` case, else the newest told"."""
    case = newest(rows, "filed")
    return (newest(rows) if case is None else case) or None


def told_late(kept: Kept, one: Fields, case: str | None) -> str | None:
    """Tell what a filing told late is of: a case that "only a verdict or a payout has told so far", or
    `UNNAMED` for "a claim whose money came under no case"."""
    rows = of_claim(kept, one["key"])
    named = newest(rows) if case is None else case
    if named is not None and named in rows:
        row = rows[named]
        if row["state"] in ("rejected", "paid") and not row["told"]:
            return named
    is_first = not one["filed_under_no_case"] and not any(row["told"] for row in rows.values())
    is_asked = one["state"] in ("rejected", "paid")
    return UNNAMED if case is None and one["paid_under_no_case"] and is_first and is_asked else None


def file(kept: Kept, one: Fields, case: str | None, event: Fields) -> None:
    """File a case, or one without a name."""
    row = add(kept, case or UNNAMED, one["key"])
    mark(row, "filed", event)
    row["told"] = True


def book(row: Fields, event: Fields, amounts: Any, sign: int, *, alone: bool) -> None:
    """Book money under a case: a payout marks it paid, "a whole reversal of what was paid under it" not."""
    currency, amount, units = amounts
    was_left = is_left(row)
    row["booked"] = True
    row["paid"] = added(row["paid"], currency, sign * amount)
    row["units"] += sign * units
    if sign > 0:
        mark(row, "paid", event)
    elif was_left and not is_left(row):
        mark(row, "rejected", event)
    if alone:
        row["alone"] = event["seq"]


def added(paid: dict[str, Decimal], currency: str, amount: Decimal) -> dict[str, Decimal]:
    """Give what is paid with an amount more or less; "a currency with nothing is left out"."""
    total = {**paid, currency: paid.get(currency, Decimal(0)) + amount}
    return {code: held for code, held in total.items() if held}


def is_left(one: Fields) -> bool:
    """ "Nothing is left where neither money nor units are"."""
    return one["units"] > 0 or any(held > 0 for held in one["paid"].values())
