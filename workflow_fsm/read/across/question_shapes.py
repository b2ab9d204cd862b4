"""Question shapes: the rows of what operators ask across users, and one claim or event as a whole."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from workflow_fsm.core.definition.explain import Explained
from workflow_fsm.core.records import (
    Count,
    Id,
    Instant,
    Ordinal,
    Record,
    Sums,
    TriggerName,
)
from workflow_fsm.read.shapes import ClaimKey, ClaimMembers, HistoryRow, WaitingEvent

MoneyStanding = Literal["recovered", "unapplied", "dropped"]
EffectStanding = Literal["owed", "running", "paused", "dead", "done"]


class ClaimRow(ClaimMembers[ClaimKey | Literal["user_id"]]):
    """A claim, or a plain lifecycle, as status has it, and whose it is."""

    user_id: Id


class CellRecord(Record[Literal["trigger", "verdict", "reason", "leads"]]):
    """What a trigger would meet in a claim's state."""

    trigger: TriggerName
    verdict: Explained
    reason: str
    leads: Annotated[list[TriggerName], "What would lead to where it is allowed, in order."]


_EffectKey = (
    Literal["user_id", "claim_id", "sync_id", "handler", "trigger", "standing", "attempt", "tries", "due_at"]
    | Literal["owed_at", "error", "key"]
)


class EffectRow(Record[_EffectKey]):
    """An effect, and how it stands."""

    user_id: Id
    claim_id: str | None
    sync_id: str | None
    handler: str
    trigger: TriggerName | None
    standing: EffectStanding
    attempt: Annotated[Count, "The number of its latest try, 0 before the first."]
    tries: Annotated[Ordinal, "After how many it is a dead letter."]
    due_at: Annotated[Instant, "Before when it isn't begun; of one that is paused, its next try."]
    owed_at: Instant
    error: Annotated[str | None, "What its last try failed with."]
    key: str


class ClaimDetail(ClaimMembers[ClaimKey | Literal["user_id", "explain", "deferred", "effects", "history"]]):
    """One claim as a whole."""

    user_id: Id
    explain: Annotated[list[CellRecord], "What each trigger would meet."]
    deferred: Annotated[list[WaitingEvent], "The events that wait and name it."]
    effects: Annotated[list[EffectRow], "What was owed for it: done, dead, or still to do."]
    history: list[HistoryRow]


_MoneyKey = (
    Literal["user_id", "claim_id", "amazon_case_id", "reimbursement_id", "line_id", "trigger", "amount"]
    | Literal["currency", "standing", "at", "occurred_at", "event_id"]
)


class MoneyRow(Record[_MoneyKey]):
    """A payout or a reversal: payouts less reversals are what status and metrics say, of each standing."""

    user_id: Id
    claim_id: Annotated[str | None, "Whose it is; of what isn't applied, the claim that it names."]
    amazon_case_id: str | None
    reimbursement_id: str | None
    line_id: str | None
    trigger: TriggerName
    amount: Annotated[str, "Never below nothing: a reversal is told by its trigger."]
    currency: str
    standing: MoneyStanding
    at: Annotated[Instant, "When it came in."]
    occurred_at: Instant | None
    event_id: Id


class UserRow(Record[Literal["user_id", "recovered", "unapplied", "updated_at"]]):
    """A user of whom anything is known."""

    user_id: Id
    recovered: Sums
    unapplied: Sums
    updated_at: Instant


class EventPart(Record[Literal["claim_id", "standing", "reason", "waiting_for", "conflicts_with"]]):
    """What became of a part of an event."""

    claim_id: Annotated[str | None, "As the event names it."]
    standing: Literal["waiting", "applied", "dead", "refused", "known", "dropped"]
    reason: str | None
    waiting_for: list[TriggerName]
    conflicts_with: str | None


_EventKey = (
    Literal["event_id", "user_id", "trigger", "standing", "received_at", "occurred_at", "expires_at"]
    | Literal["actor", "amount", "currency", "said", "laid_over", "answer", "parts", "transitions"]
)


class EventRecord(Record[_EventKey]):
    """An event that arrived: what it said, what it was answered, and what became of it."""

    event_id: Id
    user_id: Id
    trigger: TriggerName
    standing: Literal["waiting", "applied", "dead", "refused", "known", "dropped"]
    received_at: Instant
    occurred_at: Instant | None
    expires_at: Instant | None
    actor: str
    amount: str | None
    currency: str | None
    said: Annotated[dict[str, Any], "Its body."]
    laid_over: Annotated[dict[str, Any], "What a person told of it when it was retried."]
    answer: Annotated[dict[str, Any] | None, "What its sender was answered first."]
    parts: list[EventPart]
    transitions: Annotated[list[HistoryRow], "What it moved."]
