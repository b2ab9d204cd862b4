"""Acts on dead letters: each is done in one commit, with its row in the user's chain of acts, and listed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from workflow_fsm.core.decision.dead_letters import (
    DROPPED,
    RESTORED,
    RETRIED,
    drop_event,
    record_act,
    restore_event,
    retry_event,
    told_with,
)
from workflow_fsm.core.decision.decide import Policy
from workflow_fsm.core.definition import Definition
from workflow_fsm.core.errors import DeadLetterUnknown, WorkflowError
from workflow_fsm.core.model.inbox import StoredEvent
from workflow_fsm.core.model.situation import Situation
from workflow_fsm.core.outcome import Outcome
from workflow_fsm.core.records import EventAnswer
from workflow_fsm.effects import outbox
from workflow_fsm.read.dead_letters import DeadLetterId, last_drop
from workflow_fsm.read.letter_shapes import Act, RevivedEffect
from workflow_fsm.stores.event_mapping import stored_event_of
from workflow_fsm.stores.session import Session
from workflow_fsm.stores.store import Store
from workflow_fsm.stores.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """Who acts on which dead letter, when and why."""

    letter: DeadLetterId
    actor: str
    reason: str | None
    at: datetime


def retry(
    unit: UnitOfWork,
    definition: Definition,
    acting: Acting,
    overlay: Mapping[str, Any] | None,
    policy: Policy,
) -> EventAnswer | RevivedEffect | WorkflowError:
    """Judge an event anew, with what is laid over it, or owe an effect anew.

    With None it is one of many that nobody looked at: what was laid over it stays. Gives the event's outcome
    as an answer, or as the error that an event would be refused with. Raises DeadLetterUnknown, InvalidEvent,
    EventIdReused.
    """
    laid = overlay or {}
    if acting.letter.kind == "effect":
        settled = _revive(unit, acting, "owed", RETRIED)
        return RevivedEffect(status="void" if settled == "void" else "owed")

    def change(situation: Situation) -> EventAnswer | WorkflowError:
        stored = _dead_event(unit.session, definition, acting.letter)
        outcome = retry_event(definition, situation, stored, overlay=overlay, now=acting.at, policy=policy)
        _record(
            unit.session,
            situation,
            RETRIED,
            acting,
            reason=told_with(laid, acting.reason),
            claim_id=laid.get("claim_id"),
            event_id=stored.event_id,
        )
        return outcome.as_dict() if isinstance(outcome, Outcome) else outcome

    return unit.change(acting.letter.user_id, acting.at, change)


def drop_in(store: Store, definition: Definition, acting: Acting) -> None:
    """End a dead letter, in a commit of its own. Raises DeadLetterUnknown."""
    store.commit_for(acting.letter.user_id, lambda unit: drop(unit, definition, acting))


def drop(unit: UnitOfWork, definition: Definition, acting: Acting) -> None:
    """End a dead letter. Raises DeadLetterUnknown."""
    if acting.letter.kind == "effect":
        _revive(unit, acting, "dropped", DROPPED)
        return

    def change(situation: Situation) -> None:
        stored = _dead_event(unit.session, definition, acting.letter)
        drop_event(definition, situation, stored, acting.at)
        _record(unit.session, situation, DROPPED, acting, reason=acting.reason, event_id=stored.event_id)

    unit.change(acting.letter.user_id, acting.at, change)


def restore(unit: UnitOfWork, definition: Definition, acting: Acting) -> None:
    """Bring a dropped dead letter back. Raises DeadLetterUnknown."""
    letter = acting.letter
    if letter.kind == "effect":
        if not outbox.restore(unit.session, letter.user_id, letter.seq):
            raise _not_dropped(unit.session, letter)
        _record_alone(unit, RESTORED, acting)
        return

    def change(situation: Situation) -> None:
        stored = _dropped_event(unit.session, definition, letter)
        restore_event(definition, situation, stored, acting.at)
        _record(unit.session, situation, RESTORED, acting, reason=acting.reason, event_id=stored.event_id)

    unit.change(letter.user_id, acting.at, change)


def list_acts(session: Session, user_id: str, *, cursor: int, limit: int) -> list[Act]:
    """List what was done with a user's dead letters, oldest first, after `cursor`."""
    return [
        Act(
            act=row["trigger"],
            letter=row["to_state"],
            cursor=row["cursor"],
            version=row["version"],
            claim_id=row["claim_id"],
            event_id=row["event_id"],
            at=row["at"],
            actor=row["actor"],
            reason=row["reason"],
            hash=row["hash"],
        )
        for row in session.rows("acts", user_id=user_id, cursor=cursor, limit=limit)
    ]


# -- parts


def _revive(unit: UnitOfWork, acting: Acting, standing: str, act: str) -> str:
    letter = acting.letter
    settled = outbox.revive(unit.session, letter.user_id, letter.seq, standing, acting.at)
    if settled is None:
        raise _gone(letter)
    unit.enqueued = unit.enqueued or standing == "owed"
    _record_alone(unit, act, acting)
    return settled


def _dead_event(session: Session, definition: Definition, letter: DeadLetterId) -> StoredEvent:
    row = session.row("event_at", user_id=letter.user_id, seq=letter.seq)
    if row is None or row["letter"] is None:
        raise _gone(letter, replaced=row is None)
    return stored_event_of(definition, row)


def _dropped_event(session: Session, definition: Definition, letter: DeadLetterId) -> StoredEvent:
    row = session.row("event_at", user_id=letter.user_id, seq=letter.seq)
    stored = None if row is None else stored_event_of(definition, row)
    if stored is None or not stored.is_dropped:
        raise _not_dropped(session, letter, replaced=row is None)
    return stored


def _not_dropped(session: Session, letter: DeadLetterId, *, replaced: bool = False) -> DeadLetterUnknown:
    """Say why there is nothing to restore."""
    why = "it wasn't dropped"
    if last_drop(session, letter.user_id, f"{letter.kind}:{letter.seq}") is not None:
        why = _REPLACED if replaced else "it was restored meanwhile"
    return DeadLetterUnknown(f"there is no dropped dead letter {str(letter)!r}: {why}")


_REPLACED = "its event was sent again since, and the new try has taken its place"


def _record_alone(unit: UnitOfWork, act: str, acting: Acting) -> None:
    """Record an act that changes nothing else of the user's situation."""
    unit.change(
        acting.letter.user_id,
        acting.at,
        lambda situation: _record(unit.session, situation, act, acting, reason=acting.reason),
    )


def _record(
    session: Session,
    situation: Situation,
    act: str,
    acting: Acting,
    *,
    reason: str | None,
    claim_id: str | None = None,
    event_id: str | None = None,
) -> None:
    last = session.row("last_act", user_id=acting.letter.user_id)
    record_act(
        situation,
        act,
        last=None if last is None else (last["version"], last["hash"]),
        event_id=event_id,
        claim_id=claim_id,
        about=f"{acting.letter.kind}:{acting.letter.seq}",
        actor=acting.actor,
        reason=reason,
        now=acting.at,
    )


def _gone(letter: DeadLetterId, *, replaced: bool = False) -> DeadLetterUnknown:
    why = f"{_REPLACED}, or there never was one" if replaced else "it was retried or dropped meanwhile"
    return DeadLetterUnknown(f"there is no dead letter {str(letter)!r}: {why}")
