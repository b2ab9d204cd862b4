"""Moves: a lifecycle's next state, its row of history, and the instant at which a timer would move it on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from workflow_fsm.core.definition import Addressing, Definition, Meeting, Taken, Trigger
from workflow_fsm.core.model.inbox import StoredEvent
from workflow_fsm.core.model.lifecycle import GENESIS, Lifecycle, Row
from workflow_fsm.core.model.situation import Situation
from workflow_fsm.core.values.fields import REASON
from workflow_fsm.core.values.instants import read_instant
from workflow_fsm.core.values.value_types import dataclass

TIMER = "timer"
"""The actor of a transition that time brought about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervention:
    """What a person did that moved a lifecycle, without an event: who, and what it was."""

    actor: str
    reason: str


def begin(
    definition: Definition,
    situation: Situation,
    sync_id: str,
    trigger: Trigger,
    stored: StoredEvent,
    now: datetime,
) -> Row:
    """Begin the lifecycle of a sync; give its first row, to which the claims that fork from it will chain."""
    told = trigger.told(stored.event.fields, {})
    taken = definition.answer(None, trigger.name, Meeting(facts={}, told=told))
    assert isinstance(taken, Taken)
    cursor = situation.cursor + 1
    blank = Lifecycle(
        id=cursor,
        claim_id=None,
        sync_id=sync_id,
        state=taken.target,
        version=0,
        entered_at=now,
        cursor=cursor,
        head=GENESIS,
        origin=GENESIS,
    )
    return move(definition, situation, blank, taken, trigger, told, now=now, stored=stored)


def branch(situation: Situation, sync: Lifecycle, claim_id: str, state: str, now: datetime) -> Lifecycle:
    """Make a claim that forks from a sync: its history begins with the sync's first row."""
    return Lifecycle(
        id=situation.cursor + 1,
        claim_id=claim_id,
        sync_id=sync.sync_id,
        state=state,
        version=1,
        entered_at=now,
        cursor=sync.cursor,
        head=sync.origin,
        origin=sync.origin,
        parent=sync.id,
        entered=sync.cursor,
    )


def move(
    definition: Definition,
    situation: Situation,
    lifecycle: Lifecycle,
    taken: Taken,
    trigger: Trigger,
    told: Mapping[str, Any],
    *,
    now: datetime,
    stored: StoredEvent | None,
    forked: bool = False,
    act: Intervention | None = None,
) -> Row:
    """Move a lifecycle along an arrow that was taken; give the row of history that says so.

    `stored` is the event that moved it, None for a timer and for what a person did (`act`). A lifecycle that
    the situation doesn't hold yet (its id is the next cursor) is made.
    """
    target = taken.target
    cursor = situation.next_cursor()
    version = lifecycle.version + 1
    row = Row.chained(
        lifecycle.head,
        user_id=situation.user_id,
        cursor=cursor,
        lifecycle=lifecycle.id,
        claim_id=lifecycle.claim_id,
        sync_id=lifecycle.sync_id,
        version=version,
        trigger=trigger.name,
        from_state=lifecycle.state if lifecycle.version else None,
        to_state=target,
        event_id=None if stored is None else stored.event_id,
        at=now,
        occurred_at=None if stored is None else stored.event.occurred_at,
        actor=_actor(stored, act),
        reason=_reason(trigger, stored, act),
    )
    facts = {**lifecycle.facts, **told}
    moved = Lifecycle(  # spelled out: `replace` takes three times as long
        id=lifecycle.id,
        claim_id=lifecycle.claim_id,
        sync_id=lifecycle.sync_id,
        state=target,
        version=version,
        entered_at=lifecycle.entered_at if taken.internal else now,
        cursor=cursor,
        head=row.hash,
        origin=row.hash if version == 1 else lifecycle.origin,
        parent=lifecycle.parent,
        forked=forked or lifecycle.forked,
        facts=facts,
        paid=lifecycle.paid,
        units=lifecycle.units,
        due_at=due_at(definition, target, facts),
        entered=lifecycle.entered if taken.internal else cursor,
        merged_into=lifecycle.merged_into,
    )
    situation.changes.rows.append(row)
    situation.put(moved, made=lifecycle.id == cursor)
    situation.owe(row, moved, internal=taken.internal)
    return row


def _actor(stored: StoredEvent | None, act: Intervention | None) -> str:
    if act is not None:
        return act.actor
    return TIMER if stored is None else stored.actor


def _reason(trigger: Trigger, stored: StoredEvent | None, act: Intervention | None) -> str | None:
    """Give why: what a person or the event says, be `reason` a name of a field of the trigger's own."""
    if act is not None:
        return act.reason
    field = trigger.table.by_name.get(REASON.name)
    reason = None if stored is None or field is None else stored.event.field(field.name)
    return reason if isinstance(reason, str) else None


def due_at(definition: Definition, state: str, facts: Mapping[str, Any]) -> datetime | None:
    """Give the instant at which a timer would move a lifecycle on, None where none would."""
    instants = [
        read_instant(facts[timer.due])
        for timer in definition.by_addressing(Addressing.TIMER)
        if timer.due is not None
        and facts.get(timer.due) is not None
        and definition.has_arrow(state, timer.name)
    ]
    return min(instants, default=None)
