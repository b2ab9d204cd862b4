"""Held rows: those of a user of whom little is kept, as plain values, with indexes made when asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Values = Mapping[str, Any]

_LEAST, _MOST = -(2**63), 2**63 - 1
"""The whole numbers that SQLite keeps as such."""


class NotAnswered(Exception):
    """Memory doesn't tell; SQLite does."""


class HeldRows:
    """The rows of one user's tables, and what was noted, in the order in which they came."""

    def __init__(self) -> None:
        self.tables: dict[str, list[dict[str, Any]]] = {}
        self.text = 0
        self._indexes: dict[str, dict[Any, list[Values]]] = {}

    def note(self, name: str, table: str, values: dict[str, Any]) -> None:
        """Take what a statement would insert. Raises NotAnswered where SQLite keeps a value otherwise."""
        if name == "place_rows":
            return
        if not all(map(is_plain, values.values())):
            raise NotAnswered
        self.tables.setdefault(table, []).append(values)
        for index, columns in _NOTED.get(table, ()):
            if index in self._indexes:
                key = tuple([values[one] for one in columns])
                self._indexes[index].setdefault(key, []).append(values)

    def all_of(self, table: str) -> Sequence[Values]:
        """Give the rows of a table."""
        return self.tables.get(table, ())

    def by(self, name: str, *key: Any) -> Sequence[Values]:
        """Give the rows of an index that have a key, in their order."""
        index = self._indexes.get(name)
        if index is None:
            index = self._indexes[name] = {}
            table, columns = _INDEXES[name]
            for row in self.all_of(table):
                index.setdefault(tuple([row[one] for one in columns]), []).append(row)
        return index.get(key, ())


def is_plain(value: object) -> bool:
    """Tell whether SQLite takes a value, and compares it as Python does."""
    kind = value.__class__
    if kind is str:
        return value.isascii() or _is_whole(value)  # type: ignore[attr-defined]  # it is text
    return (
        value is None
        or kind is bool
        or (
            kind is int and _LEAST <= value <= _MOST  # type: ignore[operator]  # it is a number
        )
    )


def _is_whole(text: Any) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


_INDEXES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "lifecycle": ("lifecycles", ("id",)),
    "claim": ("lifecycles", ("claim_id",)),
    "act": ("history", ("to_state", "lifecycle")),
    "chain": ("history", ("lifecycle",)),
    "cursor": ("history", ("cursor",)),
    "transition": ("history", ("event_id", "lifecycle")),
    "seq": ("events", ("seq",)),
    "event": ("events", ("event_id",)),
    "alias": ("aliases", ("alias",)),
    "alias_of": ("aliases", ("claim_id",)),
    "case": ("cases", ("claim_id", "sync_id")),
    "sync": ("syncs", ("sync_id",)),
    "head": ("heads", ("lifecycle",)),
    "unread": ("unread", ("seq",)),
    "part": ("parts", ("event_id", "lifecycle")),
    "booking": ("bookings", ("lifecycle",)),
    "payout": ("payouts", ("reimbursement_id",)),
    "concern": ("concerns", ("claim_id", "sync_id")),
    "filed": ("filed", ("lifecycle",)),
    "loose": ("loose", ("case_id",)),
}


_NOTED: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
for _name, (_table, _columns) in _INDEXES.items():
    _NOTED.setdefault(_table, []).append((_name, _columns))
