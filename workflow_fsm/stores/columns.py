"""Columns: how JSON, money and instants stand in one, and what is said of a row whose columns can't be read.

Whatever a damaged row does to its reader is said here as RowUnreadable.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TypeVar

from workflow_fsm.core.errors import RowUnreadable
from workflow_fsm.core.values import money
from workflow_fsm.core.values.instants import read_instant, show_instant
from workflow_fsm.core.values.json_writer import json_writer
from workflow_fsm.core.values.strict_json import EXACT
from workflow_fsm.stores.session import Columns

MOST_DECIMALS = 18
"""More than a currency has."""


P = ParamSpec("P")


R = TypeVar("R")


def unreadable(table: str, row: Columns, key: str, error: Exception) -> RowUnreadable:
    """Say which row can't be read, and what is wrong with it; `key` names the columns of its key."""
    if isinstance(error, RowUnreadable):
        return error
    reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    shown = "/".join(str(_column(row, name)) for name in key.split())
    return RowUnreadable(reason, table=table, key=shown, user_id=_column(row, "user_id"))


def reads(table: str, key: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function that reads a row, its last argument, raise RowUnreadable for one that is damaged."""

    def around(read: Callable[P, R]) -> Callable[P, R]:
        @wraps(read)
        def reading(*args: P.args, **named: P.kwargs) -> R:
            try:
                return read(*args, **named)
            except Exception as error:  # whatever a damaged row does to its reader
                row: Any = args[-1]
                raise unreadable(table, row, key, error) from error

        return reading

    return around


def _column(row: Columns, name: str) -> Any:
    try:
        return row[name]
    except (IndexError, KeyError):
        return None


write_json = json_writer()


def sums_text(sums: Mapping[str, Decimal]) -> str:
    """Write sums of money by currency as JSON: decimal strings, with the decimals that they have."""
    return json.dumps({code: money.text(amount) for code, amount in sums.items()}) if sums else "{}"


def unapplied_text(sums: Mapping[str, Decimal]) -> str:
    """Write sums of money that waits: in as few digits as say it, as they come and go with any decimals."""
    return sums_text({code: amount.normalize(EXACT) for code, amount in sums.items()})


def sums_of(text: str) -> dict[str, Decimal]:
    """Read sums of money back. Raises ValueError where a sum is none, or they aren't by currency."""
    if text == "{}":
        return {}
    return {code: amount_of(amount) for code, amount in object_of(json.loads(text)).items()}


def json_of(text: str) -> Any:
    """Read JSON, its numbers exactly."""
    return _exactly(text) if text.__class__ is str else json.loads(text, parse_float=Decimal)


_exactly = json.JSONDecoder(parse_float=Decimal).decode
"""Made once: `json.loads` makes a decoder each time that it is told how."""


def object_of(value: Any) -> dict[str, Any]:
    """Give a JSON object. Raises ValueError for what is none."""
    if not isinstance(value, dict):
        raise ValueError(f"a JSON object was expected, and {type(value).__name__} found")
    return value


def object_or_none(value: Any) -> dict[str, Any] | None:
    """Give a JSON object, or None for null. Raises ValueError."""
    return None if value is None else object_of(value)


def amount_of(text: str) -> Decimal:
    """Read money from a decimal string. Raises ValueError for what is none."""
    try:
        amount = Decimal(text)
    except (ArithmeticError, TypeError):
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise ValueError(f"{text!r} is no amount of money")
    return amount


def shown(at: datetime | None) -> str | None:
    """Write an instant, or null for none."""
    return None if at is None else show_instant(at)


@lru_cache(maxsize=1024)  # a row, its event and its case tell one instant many times over
def instant_of(text: str) -> datetime:
    """Read an instant that we wrote. Raises ValueError for what is none."""
    return datetime.fromisoformat(text) if text.endswith("Z") else read_instant(text)


def instant_or_none(text: str | None) -> datetime | None:
    """Read an instant, None from null. Raises ValueError."""
    return None if text is None else instant_of(text)
