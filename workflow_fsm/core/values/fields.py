"""The kinds of fields that events carry: how a JSON value of each is read, and what it is compared as.

Decides which values are well formed. Which trigger has which fields stands in `events.py`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any

from workflow_fsm.core.values import money
from workflow_fsm.core.values.instants import read_instant, show_instant


class Kind(StrEnum):
    """What a field's value has to be."""

    ID = "id"
    IDS = "ids"
    TEXT = "text"
    COUNT = "count"
    CONFIDENCE = "confidence"
    PAYOUT = "payout"
    ESTIMATE = "estimate"
    CURRENCY = "currency"
    INSTANT = "instant"
    ANY = "any"
    ENTRIES = "entries"


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of a trigger: its canonical `name`, other names it may come under, and its kind.

    `entry` holds the fields of a list's entries. `or_count` allows the alias of a list to carry a plain
    count, which is kept under that alias. `several` allows a list to name one claim more than once.
    """

    name: str
    kind: Kind
    required: bool = False
    aliases: tuple[str, ...] = ()
    entry: tuple[Field, ...] = ()
    or_count: bool = False
    several: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The canonical name, then the aliases."""
        return (self.name, *self.aliases)

    @cached_property
    def entries(self) -> FieldTable:
        """The fields of a list's entries, by name."""
        return FieldTable(self.entry)


class FieldTable:
    """Fields by every name that they may come under."""

    def __init__(self, fields: Iterable[Field]) -> None:
        self.fields = tuple(fields)
        self.by_name = {name: field for field in self.fields for name in field.names}
        self.required = tuple(field for field in self.fields if field.required)
        self.lists = tuple(field for field in self.fields if field.kind is Kind.ENTRIES)


USER = Field(name="user_id", kind=Kind.ID, required=True)
EVENT_ID = Field(name="event_id", kind=Kind.ID)
OCCURRED_AT = Field(name="occurred_at", kind=Kind.INSTANT)
COMMON = (USER, EVENT_ID, OCCURRED_AT)
"""What every trigger takes beside its own fields."""
REASON = Field(name="reason", kind=Kind.TEXT)
"""Why it was sent, kept in history: what every trigger takes, unless a field of its own goes by that name."""


MOST_OF_AN_ID = 255
"""How many characters an id may have."""
_NEAR = 0.75
"""How alike two names must be for one to be a slip of the other: `claim` and `claim_id`, `curency` and
`currency`."""
_PLAIN = (str, int)
"""What most values are: they are kept, and compared, as they stand."""


def read_value(kind: Kind, raw: Any) -> Any:
    """Read one JSON value of a kind: a str, int, Decimal, Amount, datetime, tuple of str, or JSON.

    Raises ValueError with a sentence that says what the value has to be.
    """
    return _READERS[kind](raw)


def show_value(value: Any) -> Any:
    """Give the JSON that a read value is kept as; reading it again gives the value."""
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, datetime):
        return show_instant(value)
    if isinstance(value, money.Amount):
        return plain_decimal(value.value) if value.exact else value.value
    if isinstance(value, tuple):
        return list(value)
    return value


def comparable_value(value: Any) -> Any:
    """Give the JSON by which a read value is compared: the spelling of its numbers left out."""
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, money.Amount):
        return plain_decimal(value.value if value.exact else _without_noise(value.value))
    if isinstance(value, Decimal):
        return plain_decimal(value)
    return show_value(value)


def plain_decimal(value: Decimal) -> str:
    """Write a decimal with no exponent and no trailing zeros: `12.5`, `100`, `0`."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def read_entries(field: Field, raw: Any) -> list[Any]:
    """Read a list field's outside: a JSON array. Raises ValueError where it is none."""
    if not isinstance(raw, list):
        more = f"; a plain count goes in {field.aliases[0]}" if field.or_count else ""
        raise ValueError(f"must be a list of objects, not {_name_of(raw)}{more}")
    return raw


def listed_name(name: str, fields: Mapping[str, Field]) -> str | None:
    """Give the listed name that a name stands for: one dressed up (`userId`), or a slip away (`curency`)."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("-", "_").lower()
    if snake in fields:
        return snake if snake != name else None
    return nearest(snake, tuple(fields))


def nearest(name: str, names: Iterable[str], *, alike: float = _NEAR) -> str | None:
    """Give the name that one is a slip away from; `alike` says how near, from 0 to 1."""
    return _nearest(name, tuple(names), alike)


@lru_cache(maxsize=1024)  # senders send the same few
def _nearest(name: str, names: tuple[str, ...], alike: float) -> str | None:
    near = get_close_matches(name, names, n=1, cutoff=alike)
    return near[0] if near else None


def _read_id(raw: Any) -> str:
    if not isinstance(raw, str):
        raise ValueError(f"must be a string of 1 to {MOST_OF_AN_ID} characters, not {_name_of(raw)}")
    if not 1 <= len(raw) <= MOST_OF_AN_ID:
        raise ValueError(f"must have 1 to {MOST_OF_AN_ID} characters, and has {len(raw)}")
    if raw.isascii() and raw.isprintable():
        if raw[0] == " " or raw[-1] == " ":
            raise ValueError("must not begin or end with a blank")
        return raw
    if any(unicodedata.category(character) == "Cc" for character in raw):
        raise ValueError("must not hold control characters")
    if raw != raw.strip():
        raise ValueError("must not begin or end with a blank")
    return raw


def _read_ids(raw: Any) -> tuple[str, ...]:
    if not isinstance(raw, list):
        raise ValueError(f"must be a list of strings, not {_name_of(raw)}")
    return tuple(dict.fromkeys(_read_id(item) for item in raw))


def _read_text(raw: Any) -> str:
    if not isinstance(raw, str):
        raise ValueError(f"must be a string, not {_name_of(raw)}")
    return raw


def _read_count(raw: Any) -> int:
    if not isinstance(raw, int) or isinstance(raw, bool) or raw < 0:
        raise ValueError(f"must be a whole number, 0 or more, not {_name_of(raw)}")
    if raw >= 10**15:
        raise ValueError("must be below 10^15")
    return raw


_DECIMAL = re.compile(r"-?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


def _read_confidence(raw: Any) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, int | Decimal | str):
        raise ValueError(f"must be a number from 0 to 1, not {_name_of(raw)}")
    if isinstance(raw, str) and (len(raw) > 100 or not _DECIMAL.fullmatch(raw)):
        raise ValueError("must be a number from 0 to 1, or a decimal string of one")
    try:
        value = Decimal(raw)
    except InvalidOperation:
        raise ValueError("must be a number from 0 to 1, or a decimal string of one") from None
    if not 0 <= value <= 1:
        raise ValueError("must be a number from 0 to 1")
    return Decimal(plain_decimal(value))


def _read_instant(raw: Any) -> datetime:
    if not isinstance(raw, str):
        raise ValueError(f"must be an ISO 8601 instant with an offset, not {_name_of(raw)}")
    return read_instant(raw)


def _read_currency(raw: Any) -> str:
    if not isinstance(raw, str):
        raise ValueError(f"must be an ISO 4217 code, not {_name_of(raw)}")
    return money.currency(raw)


def _read_any(raw: Any) -> Any:
    return raw


def _without_noise(value: Decimal) -> Decimal:
    """Drop the float noise of a JSON number whose currency isn't told yet: 2 decimals, else 3, else 4."""
    for places in (2, 3, 4):
        unit = Decimal(1).scaleb(-places)
        rounded = Decimal(round(value / unit)) * unit
        if abs(value - rounded) * 1000 <= unit:
            return rounded
    return value


def _name_of(raw: Any) -> str:
    if raw is None:
        return "null"
    if isinstance(raw, bool):
        return "a boolean"
    names: dict[type, str] = {str: "a string", list: "a list", dict: "an object", int: "a number"}
    return names.get(type(raw), "a number")


_READERS: dict[Kind, Callable[[Any], Any]] = {
    Kind.ID: _read_id,
    Kind.IDS: _read_ids,
    Kind.TEXT: _read_text,
    Kind.COUNT: _read_count,
    Kind.CONFIDENCE: _read_confidence,
    Kind.PAYOUT: money.amount,
    Kind.ESTIMATE: money.amount,
    Kind.CURRENCY: _read_currency,
    Kind.INSTANT: _read_instant,
    Kind.ANY: _read_any,
}
