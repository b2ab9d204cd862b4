"""What a handler is given and may answer: a `Transition` in; `Fire`, `Discard`, `RetryAfter` out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from workflow_fsm.core.values.instants import read_instant
from workflow_fsm.effects.outbox import NO_CLAIM, LeasedEffect
from workflow_fsm.read.letter_shapes import DeadLetterRecord, SettledLetter
from workflow_fsm.read.shapes import Claim


class _ReadWhenAsked:
    """A value without its `event`, until somebody asks for that."""

    __slots__ = ("_said",)

    if not TYPE_CHECKING:

        def __getattr__(self, name):
            """Read what the event said. Raises RowUnreadable."""
            if name != "event":
                raise AttributeError(f"a {type(self).__name__} has no {name!r}")
            object.__setattr__(self, "event", self._said())
            return self.event


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition(_ReadWhenAsked):
    """The transition that owes the work.

    `event` is what the event said, in values that JSON has (empty for a timer's), and is read once it is
    asked for: one that found many claims is that of many transitions. `amount`, a decimal text,
    and `currency` are what this transition booked, or took back; None where it is about no money. `claim` is
    the claim as it stood when this attempt began, in the shape of a status answer's. `key` is the same over
    all tries: hand it on as an idempotency key. `attempt` counts from 1. `at` is when the transition was
    committed.
    """

    user_id: str
    claim_id: str | None
    sync_id: str
    from_state: str | None
    to_state: str
    trigger: str
    version: int
    at: datetime
    amount: str | None = None
    currency: str | None = None
    event: Mapping[str, Any] = field(default_factory=dict)
    claim: Claim = field(default_factory=NO_CLAIM)
    key: str = ""
    attempt: int = 1

    @classmethod
    def telling(cls, said: Callable[[], Mapping[str, Any]], **told: Any) -> Self:
        """Make one whose `event` is what `said` gives, once it is asked for."""
        made = cls(**told)
        object.__setattr__(made, "_said", said)
        object.__delattr__(made, "event")
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """What can't go on by itself, as the list of dead letters shows it."""

    letter: DeadLetterRecord | SettledLetter
    key: str = ""
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for by `Workflow.request`, as its handler is given it."""

    user_id: str
    key: str = ""
    attempt: int = 1


class Fire:
    """An event that a handler answers with: committed in the commit that marks its effect done.

    Without `claim_id`, a list or `sync_id` it is for the transition's own lifecycle; its event id is the
    effect's key unless it brings one. It is always the same user's.
    """

    __slots__ = ("fields", "trigger")

    def __init__(self, trigger: str, /, **fields: Any) -> None:
        self.trigger = trigger
        self.fields = fields

    def __repr__(self) -> str:
        told = "".join(f", {name}={value!r}" for name, value in self.fields.items())
        return f"Fire({self.trigger!r}{told})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Fire):
            return NotImplemented
        return (self.trigger, self.fields) == (other.trigger, other.fields)

    __hash__ = None  # type: ignore[assignment]  # holds a dict, as a value that is compared but no key


class Discard(Exception):
    """Raised by a handler that gives up at once: the effect is a dead letter with this reason."""


class RetryAfter(Exception):
    """Raised by a handler that knows when to try again: after seconds, or a timedelta, if a try is left.

    `seconds` is how many.
    """

    def __init__(self, seconds: float | timedelta, reason: str = "") -> None:
        told = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
        self.seconds = max(0.0, float(told))
        super().__init__(reason or f"asked to be tried again after {self.seconds:g} seconds")

    def __reduce__(self) -> tuple[Any, ...]:
        """Be copied and pickled, which by its text alone it could not."""
        return type(self), (self.seconds, str(self)), self.__dict__


Answer = Fire | list[Fire] | tuple[Fire, ...] | None
Handler = Callable[[Transition], Answer]
DeadLetterHandler = Callable[[DeadLetter], Answer]
RequestHandler = Callable[[Request], Answer]


def tell(taken: LeasedEffect) -> Transition | DeadLetter | Request:
    """Give what the handler of an effect is told."""
    if taken.about is not None:
        return DeadLetter(letter=taken.about, key=taken.key, attempt=taken.attempt)
    row = taken.transition
    if row is None:
        return Request(user_id=taken.user_id, key=taken.key, attempt=taken.attempt)
    return Transition.telling(
        taken.said,
        user_id=taken.user_id,
        claim_id=row.claim_id,
        sync_id=row.sync_id,
        from_state=row.from_,
        to_state=row.to,
        trigger=row.trigger,
        version=row.version,
        at=read_instant(row.at),
        amount=row.amount,
        currency=row.currency,
        claim=taken.claim,
        key=taken.key,
        attempt=taken.attempt,
    )
