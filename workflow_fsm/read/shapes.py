"""Shapes of what people and programs read: status and history, effects and handlers, who was forgotten."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from workflow_fsm.core.records import (
    OPTIONAL,
    Candidate,
    Confidence,
    Count,
    Hash,
    Id,
    Instant,
    Key,
    Named,
    Ordinal,
    Record,
    RecordWithKeywords,
    StateName,
    Sums,
    TriggerName,
)

Counts = Annotated[dict[str, int], Named("counts")]
"""How many lifecycles are in each state; where none is, it is left out."""

# -- status and history

ClaimKey = (
    Literal["claim_id", "aliases", "sync_id", "state", "version", "entered_at", "allowed", "claim_type"]
    | Literal["amount", "currency", "confidence", "decision", "amazon_case_id", "cases"]
    | Literal["rejection_reason", "paid", "units", "deadline_date", "eligible_from", "overdue"]
    | Literal["merged_into", "facts"]
)


class CaseRecord(Record[Literal["amazon_case_id", "state", "at"]]):
    """A filing of a claim with the marketplace."""

    amazon_case_id: Annotated[str | None, "Null for a filing whose case nobody has named."]
    state: Annotated[Literal["filed", "rejected", "paid"] | None, "Null while nobody has told one."]
    at: Instant


class ClaimMembers(Record[Key]):
    """What is told of a claim, or a plain lifecycle, wherever it is shown."""

    claim_id: Annotated[str | None, "Null for a plain lifecycle."]
    aliases: list[Id]
    sync_id: Id
    state: StateName
    version: Ordinal
    entered_at: Instant
    allowed: Annotated[list[TriggerName], "The triggers with an arrow in its state, timers left out."]
    claim_type: str | None
    amount: Annotated[str | None, "Detection's estimate, with its currency's decimals."]
    currency: str | None
    confidence: Confidence | None
    decision: Literal["auto_submit", "ask_user", "review"] | None
    amazon_case_id: Annotated[str | None, "The newest case that is filed, else the newest told."]
    cases: list[CaseRecord]
    rejection_reason: str | None
    paid: Sums
    units: Annotated[int, "What was reimbursed in kind."]
    deadline_date: Instant | None
    eligible_from: Instant | None
    overdue: Annotated[bool, "Its deadline passed before it was filed."]
    merged_into: Annotated[str | None, "The claim that it is a name of by now; it takes no further part."]
    facts: Annotated[dict[str, Any], "What a variant's triggers told; of a variant only."] = OPTIONAL


class Claim(ClaimMembers[ClaimKey]):
    """A claim, or a plain lifecycle, as it stands."""


class Sync(Record[Literal["sync_id", "state", "claims_found", "entered_at"]]):
    """A sync that found claims."""

    sync_id: Id
    state: StateName
    claims_found: Count | None
    entered_at: Instant


_WaitingKey = (
    Literal["event_id", "trigger", "claim_id", "amount", "currency", "waiting_for", "reason", "candidates"]
    | Literal["conflicts_with", "received_at", "expires_at"]
)


class WaitingEvent(Record[_WaitingKey]):
    """An event that waits, or a part of one."""

    event_id: Id
    trigger: TriggerName
    claim_id: str | None
    amount: str | None
    currency: str | None
    waiting_for: list[TriggerName]
    reason: str | None
    candidates: list[Candidate]
    conflicts_with: Annotated[str | None, "The event whose reimbursement it meets."]
    received_at: Instant
    expires_at: Instant | None


_StatusKey = (
    Literal["user_id", "state", "counts", "recovered", "unapplied", "claims", "syncs", "deferred"]
    | Literal["next_cursor", "updated_at"]
)


class Status(Record[_StatusKey]):
    """Where a user stands."""

    user_id: Id
    state: Annotated[StateName | None, "The least advanced open lifecycle's."]
    counts: Counts
    recovered: Sums
    unapplied: Annotated[Sums, "Payouts that wait, less reversals that wait."]
    claims: list[Claim]
    syncs: list[Sync]
    deferred: list[WaitingEvent]
    next_cursor: Annotated[int | str | None, "Opens the next page of all three lists; null on the last."]
    updated_at: Instant


_HistoryKey = (
    Literal["cursor", "claim_id", "sync_id", "version", "trigger", "from", "to", "event_id", "amount"]
    | Literal["currency", "at", "occurred_at", "actor", "reason", "hash"]
)


class HistoryRow(RecordWithKeywords[_HistoryKey]):
    """A transition, as history keeps it."""

    cursor: Ordinal
    claim_id: str | None
    sync_id: Id
    version: Ordinal
    trigger: TriggerName
    from_: StateName | None
    to: StateName
    event_id: Annotated[str | None, "Null where a timer, or a person, acted."]
    amount: Annotated[str | None, "What it booked, or took back."]
    currency: str | None
    at: Instant
    occurred_at: Instant | None
    actor: Annotated[str, "Who moved it: `webhook`, `timer`, `effect:NAME`, …"]
    reason: Annotated[str | None, "Why, where its sender told."]
    hash: Annotated[Hash, "Of this row and the one before it in its chain."]


# -- effects and handlers

_OwedEffectKey = (
    Literal["handler", "user_id", "claim_id", "sync_id", "trigger", "state", "here", "attempt", "owed_at"]
    | Literal["due_at", "ready_at", "key", "error"]
)


class OwedEffect(Record[_OwedEffectKey]):
    """Work that is owed and not done; `here` says whether this process has its handler."""

    handler: str
    user_id: Id
    claim_id: str | None
    sync_id: Id | None
    trigger: TriggerName | None
    state: Literal["running", "owed"]
    here: bool
    attempt: int
    owed_at: Instant
    due_at: Instant
    ready_at: Instant
    key: str
    error: str | None


_PatternKey = (
    Literal["name", "enter", "dead_letter", "request", "trigger", "source", "target", "not_before"]
    | Literal["tries", "pause_seconds", "timeout_seconds"]
)


class PatternRecord(Record[_PatternKey]):
    """What owes a handler; a key that says nothing is left out."""

    name: str
    enter: str = OPTIONAL
    dead_letter: bool = OPTIONAL
    request: bool = OPTIONAL
    trigger: str = OPTIONAL
    source: str = OPTIONAL
    target: str = OPTIONAL
    not_before: str = OPTIONAL
    tries: int = OPTIONAL
    pause_seconds: float = OPTIONAL
    timeout_seconds: float = OPTIONAL


class HandlerRecord(Record[Literal["name", "pattern"]]):
    """A handler that the store knows."""

    name: str
    pattern: PatternRecord


class HandlerLoad(Record[Literal["name", "pattern", "owed", "running", "oldest", "last_error"]]):
    """A handler, how much is owed to it and since when; it has no pattern once it is dropped."""

    name: str
    pattern: PatternRecord | None
    owed: int
    running: int
    oldest: Instant | None
    last_error: str | None


class DroppedHandler(Record[Literal["dropped", "void"]]):
    """Whether a handler was known before it was dropped, and how many effects are void now."""

    dropped: bool
    void: int


# -- users who were forgotten


class ErasedMoney(Record[Literal["payouts_less_reversals", "recovered", "dropped"]]):
    """The money of a user who was forgotten, in a currency; what waited then counts as dropped."""

    payouts_less_reversals: str
    recovered: str
    dropped: str


_ForgottenKey = Literal[
    "status", "id", "at", "actor", "reason", "rows", "kept", "events", "money", "root", "faults"
]


class Forgotten(Record[_ForgottenKey]):
    """What is left of a user who was forgotten: a stub, by which counts and totals stay true."""

    status: Literal["forgotten"]
    id: Annotated[str, "Made for the stub; it tells nothing of the user."]
    at: Instant
    actor: str
    reason: str
    rows: Annotated[int, "How many were erased, of the user's own row aside."]
    kept: Annotated[dict[str, int], "Tables to how many rows of each were erased."]
    events: Annotated[dict[str, int], "Standings to how many events had each."]
    money: Annotated[dict[str, ErasedMoney], "By currency."]
    root: Annotated[Hash, "What a check of that user alone printed just before."]
    faults: Annotated[int, "How many faults that check found."]
