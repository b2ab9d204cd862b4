"""The answer to an event, drafted while its parts are applied: what moved, is known, waits or is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from workflow_fsm.core.decision.idempotency import NEEDS_AN_ID
from workflow_fsm.core.definition import Definition, Trigger
from workflow_fsm.core.definition.events import BadEntry, Part
from workflow_fsm.core.errors import FieldError, NotAllowed
from workflow_fsm.core.model.inbox import Share, Standing, StoredEvent
from workflow_fsm.core.model.lifecycle import Lifecycle, Row
from workflow_fsm.core.model.ways_out import ONCE_CHANGED, SENT_ANEW
from workflow_fsm.core.outcome import Outcome
from workflow_fsm.core.records import (
    Candidate,
    DeferredPart,
    Difference,
    FirstStatus,
    RefusedPart,
    TransitionRecord,
    UnchangedPart,
)
from workflow_fsm.core.values.instants import show_instant

NEW_ID_NEEDED = "a correction needs a new event id"


@dataclass(slots=True)
class AnswerDraft:
    """What became of an event's parts so far, as the answer will tell it."""

    transitions: list[TransitionRecord] = field(default_factory=list)
    unchanged: dict[int, UnchangedPart] = field(default_factory=dict)
    refused: list[RefusedPart] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)

    def add_move(self, row: Row) -> None:
        """Tell of a transition."""
        self.transitions.append(
            TransitionRecord(
                claim_id=row.claim_id,
                sync_id=row.sync_id,
                from_=row.from_state,
                to=row.to_state,
                version=row.version,
            )
        )

    def add_known(self, lifecycle: Lifecycle, differs: Sequence[Difference] = ()) -> None:
        """Tell that a lifecycle knew it, and where it is recorded otherwise."""
        known = UnchangedPart(claim_id=lifecycle.claim_id, sync_id=lifecycle.sync_id, state=lifecycle.state)
        if differs:
            known["differs"] = list(differs)
        self.unchanged[lifecycle.id] = known

    def refuse(
        self,
        definition: Definition,
        lifecycle: Lifecycle | None,
        part: Part,
        reason: str,
        *,
        way_out: str,
        ask: str | None = None,
    ) -> Share:
        """Tell that a part is refused by a lifecycle, or (None) by all that could be meant.

        `ask` is what its sender is asked for, `way_out` what a person can do.
        """
        self.refused.append(
            RefusedPart(
                claim_id=part.claim if lifecycle is None else lifecycle.claim_id,
                state=None if lifecycle is None else lifecycle.state,
                reason=reason if ask is None else f"{reason}: {ask}",
                allowed=[] if lifecycle is None else list(definition.allowed(lifecycle.state)),
                errors=[],
            )
        )
        lifecycles = () if lifecycle is None else (lifecycle.id,)
        return Share(
            claim=part.claim,
            standing=Standing.REFUSED,
            lifecycles=lifecycles,
            index=part.index,
            reason=f"{reason}; {way_out}",
        )

    def refuse_entry(self, part: Part, name: str, fault: str) -> Share:
        """Tell that an entry of a list is refused for one of its fields."""
        index = {} if part.index is None else {"index": part.index}
        self.refused.append(
            RefusedPart(
                **index,
                claim_id=part.claim,
                state=None,
                reason=f"{fault}; {NEW_ID_NEEDED}",
                allowed=[],
                errors=[FieldError(field=name, reason=fault).as_dict()],
            )
        )
        return Share(
            claim=part.claim,
            standing=Standing.REFUSED,
            index=part.index,
            reason=f"{fault}; {ONCE_CHANGED}",
        )

    def refuse_bad_entry(self, entry: BadEntry) -> Share:
        """Tell that an entry of a list is not well formed."""
        what = "; ".join(f"{e.field} {e.reason}".strip() for e in entry.errors)
        reason = f"entry {entry.index} is not well formed: {what}"
        self.refused.append(
            RefusedPart(
                index=entry.index,
                state=None,
                reason=f"{reason}; {NEW_ID_NEEDED}",
                allowed=[],
                errors=[error.as_dict() for error in entry.errors],
            )
        )
        return Share(
            claim=None,
            standing=Standing.REFUSED,
            index=entry.index,
            reason=f"{reason}; {SENT_ANEW}",
        )


_FIELDS = {
    "amount": "amount",
    "claim_type": "claim_type",
    "currency": "currency",
    "deadline_date": "deadline_date",
    "detected_confidence": "confidence",
    "discovery_date": "discovery_date",
    "eligible_from": "eligible_from",
    "evidence": "evidence",
    "evidence_document_id": "evidence_document_id",
    "inventory_items": "inventory_items",
    "match_confidence": "confidence",
    "match_type": "match_type",
    "orders_count": "orders_count",
    "reasoning": "reasoning",
    "rejection_reason": "rejection_reason",
}
"""The fields by which facts are told."""


def differences(facts: Mapping[str, Any], told: Mapping[str, Any]) -> list[Difference]:
    """Show where an event tells otherwise than is recorded."""
    return [
        Difference(
            field=_FIELDS.get(fact, fact), recorded=_shown(fact, facts[fact]), told=_shown(fact, value)
        )
        for fact, value in told.items()
        if fact in _FIELDS and facts.get(fact) not in (None, value)
    ]


def event_dead_letter(stored: StoredEvent) -> str:
    """Give the id of an event as a dead letter, within its user."""
    return f"event:{stored.seq}"


def _shown(fact: str, value: Any) -> Any:
    return float(value) if _FIELDS[fact] == "confidence" else value


def answer_to(stored: StoredEvent, draft: AnswerDraft, trigger: Trigger) -> Outcome | NotAllowed:
    """Tell what became of a new event."""
    waiting = [share for share in stored.shares if share.standing is Standing.WAITING]
    reimbursement = stored.event.field("reimbursement_id")
    money_without_id = trigger.money and stored.event.event_id is None and not reimbursement
    hints = [stored.event.hint, *draft.hints, NEEDS_AN_ID if money_without_id else None]
    hint = " ".join(hint for hint in hints if hint) or None
    status = _status(stored, draft)
    if status == "refused":
        first = draft.refused[0]
        return NotAllowed(
            first.reason,
            event_id=stored.event_id,
            user_id=stored.event.user_id,
            trigger=trigger.name,
            state=first.state,
            allowed=first.allowed,
            candidates=draft.candidates,
            refused=draft.refused if stored.event.listed else (),
            hint=hint,
        )
    expires_at = None if stored.expires_at is None else show_instant(stored.expires_at)
    return Outcome(
        status=status,
        event_id=stored.event_id,
        user_id=stored.event.user_id,
        trigger=trigger.name,
        transitions=tuple(draft.transitions),
        unchanged=tuple(draft.unchanged.values()),
        deferred=tuple(
            DeferredPart(claim_id=share.claim, waiting_for=list(share.waiting_for), expires_at=expires_at)
            for share in waiting
        ),
        refused=tuple(draft.refused),
        waiting_for=tuple(dict.fromkeys(step for share in waiting for step in share.waiting_for)),
        expires_at=expires_at if waiting else None,
        reason=next((share.reason for share in waiting if share.reason is not None), None),
        conflicts_with=next((one.conflicts_with for one in waiting if one.conflicts_with is not None), None),
        candidates=tuple(draft.candidates),
        hint=hint,
    )


def _status(stored: StoredEvent, draft: AnswerDraft) -> FirstStatus | Literal["refused"]:
    """Tell `applied` where anything moved, else `deferred`, else `unchanged`; `refused` if nothing else."""
    standings = {share.standing for share in stored.shares}
    if draft.transitions:
        return "applied"
    if Standing.WAITING in standings:
        return "deferred"
    return "refused" if standings == {Standing.REFUSED} else "unchanged"
