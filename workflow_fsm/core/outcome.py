"""What became of an event, as callers see it: the same in the library and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workflow_fsm.core.records import (
    Candidate,
    DeferredPart,
    EventAnswer,
    FirstStatus,
    OutcomeStatus,
    RefusedPart,
    TransitionRecord,
    UnchangedPart,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The committed answer to one event.

    `status` is `applied`, `deferred`, `unchanged` or `duplicate` (then `first_status` tells what the
    event was answered the first time). `expires_at` is an ISO 8601 instant in UTC, or None where the event
    waits for ever. `reason` says why it waits, `conflicts_with` names the event whose reimbursement it meets.
    """

    status: OutcomeStatus
    event_id: str
    user_id: str
    trigger: str
    transitions: tuple[TransitionRecord, ...] = ()
    unchanged: tuple[UnchangedPart, ...] = ()
    deferred: tuple[DeferredPart, ...] = ()
    refused: tuple[RefusedPart, ...] = ()
    waiting_for: tuple[str, ...] = ()
    expires_at: str | None = None
    candidates: tuple[Candidate, ...] = ()
    reason: str | None = None
    conflicts_with: str | None = None
    first_status: FirstStatus | None = None
    hint: str | None = None

    def as_dict(self) -> EventAnswer:
        """Give the answer as the JSON object that a webhook's sender reads."""
        answer = EventAnswer(
            status=self.status, event_id=self.event_id, user_id=self.user_id, trigger=self.trigger
        )
        if self.first_status is not None:
            answer["first_status"] = self.first_status
        told = self.first_status or self.status
        if told == "deferred":
            answer["waiting_for"] = list(self.waiting_for)
            answer["reason"] = self.reason
            answer["expires_at"] = self.expires_at
            answer["candidates"] = list(self.candidates)
            if self.conflicts_with is not None:
                answer["conflicts_with"] = self.conflicts_with
        else:
            answer["transitions"] = list(self.transitions)
        for name in ("unchanged", "deferred", "refused"):
            rows = getattr(self, name)
            if rows:
                answer[name] = list(rows)
        if self.hint is not None:
            answer["hint"] = self.hint
        return answer

    @classmethod
    def from_dict(cls, answer: Mapping[str, Any]) -> Outcome:
        """Read back what `as_dict` gave."""
        return cls(
            status=answer["status"],
            event_id=answer["event_id"],
            user_id=answer["user_id"],
            trigger=answer["trigger"],
            transitions=tuple(map(TransitionRecord.of, answer.get("transitions", ()))),
            unchanged=tuple(map(UnchangedPart.of, answer.get("unchanged", ()))),
            deferred=tuple(map(DeferredPart.of, answer.get("deferred", ()))),
            refused=tuple(map(RefusedPart.of, answer.get("refused", ()))),
            waiting_for=tuple(answer.get("waiting_for", ())),
            expires_at=answer.get("expires_at"),
            reason=answer.get("reason"),
            conflicts_with=answer.get("conflicts_with"),
            candidates=tuple(map(Candidate.of, answer.get("candidates", ()))),
            first_status=answer.get("first_status"),
            hint=answer.get("hint"),
        )
