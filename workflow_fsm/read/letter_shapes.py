"""Shapes of dead letters, and of what was done about them."""

from __future__ import annotations

from typing import Annotated, Literal

from workflow_fsm.core.records import (
    OPTIONAL,
    Candidate,
    Count,
    Hash,
    Id,
    Instant,
    LetterKind,
    Record,
    Sums,
    TriggerName,
)

_DeadLetterKey = (
    Literal["id", "kind", "user_id", "claim_id", "trigger", "amount", "currency", "handler", "reason"]
    | Literal["error", "attempts", "at", "event_id", "candidates", "conflicts_with"]
)


class DeadLetterRecord(Record[_DeadLetterKey]):
    """What can't go on by itself: an event, or an effect."""

    id: Annotated[str, "Opaque."]
    kind: LetterKind
    user_id: Id
    claim_id: str | None
    trigger: TriggerName | None
    amount: str | None
    currency: str | None
    handler: str | None
    reason: Annotated[str, "What is true of this one, and what would settle it."]
    error: Annotated[str | None, "A handler's last traceback."]
    attempts: Count | None
    at: Instant
    event_id: str | None
    candidates: list[Candidate]
    conflicts_with: Annotated[str | None, "The event whose reimbursement it meets."]


class SettledLetter(Record[Literal["kind", "user_id", "event_id", "reason"]]):
    """What is told of a dead letter that is none any more by the time that its handler runs."""

    kind: LetterKind
    user_id: Id
    event_id: str | None = OPTIONAL
    reason: str


class RevivedEffect(Record[Literal["status"]]):
    """An effect is owed again; `void` where its claim has left the state that owes it."""

    status: Literal["owed", "void"]


class DroppedLetter(Record[Literal["status"]]):
    """A dead letter that is ended, until it is restored."""

    status: Literal["dropped"]


class RestoredLetter(Record[Literal["status"]]):
    """A dropped dead letter that was brought back."""

    status: Literal["restored"]


_Money = Annotated[Sums, "Payouts less reversals among these."]
_RetriedKey = Literal["matched", "money", "settled", "settled_money", "waiting", "failed", "became"]


class RetriedLetters(Record[_RetriedKey]):
    """How many dead letters matched, their money, and what became of them."""

    matched: Count
    money: _Money
    settled: Annotated[Count, "How many are none any more."]
    settled_money: _Money
    waiting: Annotated[Count, "How many wait again."]
    failed: Annotated[Count, "How many failed again, or were left to be looked at."]
    became: Annotated[
        dict[str, int], "How many have become what: `applied`, `unchanged`, `deferred`, `owed`, `void`, …"
    ]


class DroppedLetters(Record[Literal["matched", "money", "dropped", "failed"]]):
    """How many dead letters matched, their money, and how many were dropped."""

    matched: Count
    money: _Money
    dropped: Count
    failed: Annotated[Count, "How many somebody else settled meanwhile."]


_ActKey = (
    Literal["act", "letter", "cursor", "version", "claim_id", "event_id", "at", "actor", "reason"]
    | Literal["hash"]
)


class Act(Record[_ActKey]):
    """What was done about a dead letter, by whom and why; `letter` is `event:SEQ` or `effect:SEQ`."""

    act: Literal["deadletter_retried", "deadletter_dropped", "deadletter_restored"]
    letter: str
    cursor: int
    version: int
    claim_id: str | None
    event_id: str | None
    at: Instant
    actor: str
    reason: str | None
    hash: Hash
