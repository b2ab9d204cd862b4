"""Records: JSON objects whose keys read as attributes too; each shape is a class that types what it holds.

A shape stands once, for callers, for type checkers and for the API's description. What that says beyond a
type stands in `Annotated`: a text, `Limits`, or for what others describe `Named`. Here are the shapes of
answers to events; those of what is read are in `read/shapes.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from keyword import kwlist
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Generic,
    Literal,
    Self,
    TypeVar,
    dataclass_transform,
)

if TYPE_CHECKING:
    from typing_extensions import TypeVar as DefaultingTypeVar

    Key = DefaultingTypeVar("Key", bound=str, default=Any)
else:
    Key = TypeVar("Key")

OPTIONAL: Any = object()
"""Stands, in a shape, at a key that a record may lack."""


@dataclass(frozen=True, slots=True)
class Named:
    """A kind of value that something else describes: the fields of events, or the lifecycle."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What JSON Schema says of a kind of value beside its type, in its words."""

    format: str | None = None
    pattern: str | None = None
    minimum: int | None = None
    maximum: int | None = None


Id = Annotated[str, Named("id")]
StateName = Annotated[str, Named("state")]
TriggerName = Annotated[str, Named("trigger")]
Instant = Annotated[str, Limits(format="date-time")]
Hash = Annotated[str, Limits(pattern="^[0-9a-f]{64}$")]
Count = Annotated[int, Limits(minimum=0)]
Ordinal = Annotated[int, Limits(minimum=1)]
Confidence = Annotated[float, Limits(minimum=0, maximum=1)]
Sums = Annotated[
    dict[str, Annotated[str, Limits(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]],
    "Currencies to decimal strings; what is nothing is left out.",
]
LetterKind = Literal["event", "effect"]
FirstStatus = Literal["applied", "unchanged", "deferred"]
OutcomeStatus = Literal["applied", "unchanged", "deferred", "duplicate"]


@dataclass_transform(kw_only_default=True, frozen_default=True, eq_default=False)
class Record(dict[str, Any], Generic[Key]):
    """A JSON object: `record["state"]` and `record.state` are the same.

    `Key` tells type checkers which keys there are; a record of no shape may have any. A key that is a word of
    Python's has a `_` behind it as an attribute: `record.from_` is `record["from"]`.
    """

    __optional_keys__ = frozenset[str]()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        optional = [name for name, value in vars(cls).items() if value is OPTIONAL]
        for name in optional:
            delattr(cls, name)  # else a record that lacks the key would have the attribute
        cls.__optional_keys__ |= frozenset(map(key_of, optional))

    @classmethod
    def of(cls, members: Mapping[str, Any]) -> Self:
        """Take members that are of this shape, such as those of a record that was written as JSON."""
        record = cls.__new__(cls)
        record.update(members)
        return record

    def __dir__(self) -> list[str]:
        """Name what it has, its keys as attributes too: prompts and editors complete them."""
        return sorted({*super().__dir__(), *(_KEYWORDS.get(key, key) for key in self)})

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    if TYPE_CHECKING:

        def __getitem__(self, key: Key, /) -> Any: ...  # type: ignore[override]  # a misspelt key is no key
    else:

        def __getattr__(self, name):
            try:
                return self[name]
            except KeyError:
                if key_of(name) in self:
                    return self[key_of(name)]
                raise AttributeError(
                    f"this record has no {name!r}; it has {', '.join(sorted(self))}"
                ) from None


R = TypeVar("R", bound=Record)


class Page(list[R], Generic[R]):
    """Rows of one page, oldest first; `next_cursor` opens the next page and is None on the last."""

    def __init__(self, rows: Iterable[R], next_cursor: int | None) -> None:
        super().__init__(rows)
        self.next_cursor = next_cursor


_KEYWORDS = {word: f"{word}_" for word in kwlist}
_KEYS = {f"{word}_": word for word in kwlist}


def key_of(name: str) -> str:
    """Give the key of a record that an attribute names."""
    return _KEYS.get(name, name)


class RecordWithKeywords(Record[Key]):
    """A record with a key that is a word of Python's."""

    if not TYPE_CHECKING:

        def __init__(self, **members):
            key = _KEYS.get
            super().__init__({key(name, name): value for name, value in members.items()})


# -- answers to events


class FieldErrorRecord(Record[Literal["field", "reason"]]):
    """A wrong field: its path, and what is wrong."""

    field: str
    reason: str


class Candidate(Record[Literal["claim_id", "sync_id", "state"]]):
    """A lifecycle that an event could be for."""

    claim_id: str | None
    sync_id: Id
    state: StateName


class TransitionRecord(RecordWithKeywords[Literal["claim_id", "sync_id", "from", "to", "version"]]):
    """What an event moved."""

    claim_id: str | None
    sync_id: Id
    from_: StateName | None
    to: StateName
    version: Ordinal


class Difference(Record[Literal["field", "recorded", "told"]]):
    """A field that a known event tells otherwise than is recorded."""

    field: str
    recorded: Any
    told: Any


class UnchangedPart(Record[Literal["claim_id", "sync_id", "state", "differs"]]):
    """A lifecycle that is past what an event, or an entry of its list, told."""

    claim_id: str | None
    sync_id: Id
    state: StateName
    differs: list[Difference] = OPTIONAL


class DeferredPart(Record[Literal["claim_id", "waiting_for", "expires_at"]]):
    """A part of an event that waits."""

    claim_id: str | None
    waiting_for: list[TriggerName]
    expires_at: Instant | None


class RefusedPart(Record[Literal["index", "claim_id", "state", "reason", "allowed", "errors"]]):
    """A part of a list that was refused, or an entry that is bad."""

    index: Count = OPTIONAL
    claim_id: str | None = OPTIONAL
    state: StateName | None
    reason: str
    allowed: list[TriggerName]
    errors: list[FieldErrorRecord]


_EventAnswerKey = (
    Literal["status", "event_id", "user_id", "trigger", "first_status", "waiting_for", "reason"]
    | Literal["conflicts_with", "expires_at", "candidates", "transitions", "unchanged", "deferred"]
    | Literal["refused", "hint"]
)


class EventAnswer(Record[_EventAnswerKey]):
    """An outcome as its sender reads it. Which of the optional keys there are follows from `status`."""

    status: OutcomeStatus
    event_id: Id
    user_id: Id
    trigger: TriggerName
    first_status: FirstStatus = OPTIONAL
    waiting_for: Annotated[list[TriggerName], "Empty where only a person can tell."] = OPTIONAL
    reason: Annotated[str | None, "Why it waits, and what would settle it."] = OPTIONAL
    conflicts_with: Annotated[str, "The event whose reimbursement it meets."] = OPTIONAL
    expires_at: Annotated[Instant | None, "Null for money, which waits for ever."] = OPTIONAL
    candidates: list[Candidate] = OPTIONAL
    transitions: list[TransitionRecord] = OPTIONAL
    unchanged: list[UnchangedPart] = OPTIONAL
    deferred: list[DeferredPart] = OPTIONAL
    refused: list[RefusedPart] = OPTIONAL
    hint: Annotated[str, "A sentence for the people who wrote the sender."] = OPTIONAL


class LinkedAlias(Record[Literal["status"]]):
    """An alias that names a claim now."""

    status: Literal["linked"]


class UnlinkedName(Record[Literal["status"]]):
    """An alias, or a case, that was taken away."""

    status: Literal["unlinked"]
