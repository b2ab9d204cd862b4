"""A lifecycle and the rows of its history: values, and the chain of hashes that makes history evidence.

A row's hash covers every column of the row and the hash of the row before it in its lifecycle, so that no
byte of it can change unnoticed. The first row of a chain follows `GENESIS`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import field, fields
from datetime import datetime
from decimal import Decimal
from operator import itemgetter
from types import MappingProxyType
from typing import Any, NamedTuple

from workflow_fsm.core.values.instants import show_instant
from workflow_fsm.core.values.json_writer import json_writer
from workflow_fsm.core.values.value_types import dataclass

GENESIS = "0" * 64
ACTS = 0
_EMPTY: Mapping[str, Any] = MappingProxyType({})


class CaseOwner(NamedTuple):
    """Whose cases: a claim's (by its id, also one that isn't detected yet), or a plain lifecycle's, by its
    sync."""

    claim_id: str
    sync_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """Where one claim (or, while `claim_id` is None, one sync) stands.

    `id` is unique within the user and grows with age. `cursor` is its latest transition's, `head` that row's
    hash, `origin` the hash of the sync's first row, from which claims fork; `parent` is that sync's id. A
    `forked` sync takes no further part, nor does a claim that was merged into another. `facts` holds plain
    JSON values (money as a decimal string, instants as text); `paid` maps a currency to a decimal that isn't
    0, `units` is what came in kind. `due_at` is when a timer would move it. `entered` is the cursor of the
    transition by which it entered its state: an internal one leaves it, and grows `cursor` alone.
    """

    id: int
    claim_id: str | None
    sync_id: str
    state: str
    version: int
    entered_at: datetime
    cursor: int
    head: str
    origin: str
    parent: int | None = None
    forked: bool = False
    facts: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)
    paid: Mapping[str, Decimal] = field(default_factory=lambda: _EMPTY)
    units: int = 0
    due_at: datetime | None = None
    entered: int = 0
    merged_into: str | None = None

    @property
    def owner(self) -> CaseOwner:
        """Whose its cases are."""
        return CaseOwner("", self.sync_id) if self.claim_id is None else CaseOwner(self.claim_id, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One transition, as history keeps it. `event_id` is None where a timer acted.

    What a person does with a dead letter is a row as well, with its `reason`, in a chain of the user's own
    (`lifecycle` is `ACTS`): it moves nothing.
    """

    user_id: str
    cursor: int
    lifecycle: int
    claim_id: str | None
    sync_id: str
    version: int
    trigger: str
    from_state: str | None
    to_state: str
    event_id: str | None
    at: datetime
    occurred_at: datetime | None
    actor: str
    reason: str | None
    hash: str = ""

    @classmethod
    def chained(cls, previous: str, **columns: Any) -> Row:
        """Make the row that follows a row whose hash is `previous`; `columns` are all but the hash."""
        at, occurred_at = columns["at"], columns["occurred_at"]
        told = {
            **columns,
            "at": show_instant(at),
            "occurred_at": None if occurred_at is None else show_instant(occurred_at),
        }
        return cls(**columns, hash=chain(previous, _in_order(told)))


COLUMNS = tuple(column.name for column in fields(Row) if column.name != "hash")
"""The columns that a row's hash covers, in its order."""
_in_order = itemgetter(*COLUMNS)


def chain(previous: str, columns: Sequence[str | int | None]) -> str:
    """Give the SHA-256 (hex) of a row behind `previous`; `columns` are in the order of `Row`."""
    return hashlib.sha256(_write([previous, *columns]).encode()).hexdigest()


_write = json_writer()
