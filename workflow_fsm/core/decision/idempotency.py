"""Idempotency: the same event again, found by its id, its reimbursement, or (without an id) its content.

Decides whether an event is a repeat of a kept one. An id is bound to its content; a refused or dead event
doesn't bind its id, and is judged anew when it comes again.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from workflow_fsm.core.decision import correlation
from workflow_fsm.core.decision.inbox import Standing, StoredEvent
from workflow_fsm.core.decision.lifecycle import Lifecycle
from workflow_fsm.core.decision.situation import Situation
from workflow_fsm.core.definition import Addressing, Definition, Trigger
from workflow_fsm.core.definition.events import Event
from workflow_fsm.core.errors import EventIdReused
from workflow_fsm.core.values import money
from workflow_fsm.core.values.fields import comparable_value

NEEDS_AN_ID = (
    "Without an event id, an equal instalment in a row is taken for a repeat of this one: "
    "send each instalment with an id of its own (webhook-id, Idempotency-Key or event_id)."
)
TAKEN_FOR_A_REPEAT = (
    "It has no event id and says what an earlier event says, so it was taken for that one again; "
    "send a new event with an id of its own (webhook-id, Idempotency-Key or event_id)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """The event that came again; `hint` says by what it was recognised, where the sender should know."""

    stored: StoredEvent
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """A refused or dead event that comes again: it is judged anew and replaces `stored`."""

    stored: StoredEvent


def find_repeat(
    definition: Definition, situation: Situation, trigger: Trigger, event: Event
) -> Repeat | Again | None:
    """Find the kept event that this one repeats.

    Raises EventIdReused where its id, or its reimbursement, belongs to an event with other content.
    """
    again: Again | None = None
    if event.event_id is not None:
        stored = situation.event(event.event_id)
        if stored is not None and stored.binds:
            return Repeat(stored=_same_content(stored, event))
        again = Again(stored=stored) if stored is not None else None
    if trigger.money and event.field("reimbursement_id") is not None:
        stored = _reimbursed(situation, event)
        if stored is not None:
            return Repeat(stored=stored)
    if event.event_id is None:
        return _same_again(definition, situation, trigger, event)
    return again


def reimbursed_already(situation: Situation, stored: StoredEvent, lifecycle: Lifecycle) -> StoredEvent | None:
    """Give the applied event of the same trigger and reimbursement on that lifecycle, if there is one."""
    reimbursement = stored.event.field("reimbursement_id")
    if reimbursement is None:
        return None
    for other in situation.with_reimbursement(stored.event.trigger, reimbursement):
        if other.seq != stored.seq and other.money is not None and lifecycle.id in _lifecycles(other):
            return other
    return None


def says_the_same_money(first: StoredEvent, event: Event) -> bool:
    """Tell whether amount and currency are equal, a currency that isn't told left out."""
    currency = first.money.currency if first.money is not None else first.event.field("currency")
    told = event.field("currency")
    if None not in (currency, told) and currency != told:
        return False
    return _value(event) == _value(first.event)


def _same_content(stored: StoredEvent, event: Event) -> StoredEvent:
    if stored.event.trigger != event.trigger:
        reason = f"event id {stored.event_id!r} belongs to a {stored.event.trigger}"
    elif stored.event.fingerprint != event.fingerprint:
        reason = f"event id {stored.event_id!r} belongs to an event with other content"
    else:
        return stored
    raise EventIdReused(
        f"{reason}; send a new or corrected event under an id of its own",
        event_id=stored.event_id,
        user_id=event.user_id,
        trigger=event.trigger,
    )


def _reimbursed(situation: Situation, event: Event) -> StoredEvent | None:
    reimbursement = event.field("reimbursement_id")
    for stored in reversed(situation.with_reimbursement(event.trigger, reimbursement)):
        if not _for_the_same(situation, stored, event):
            continue
        if says_the_same_money(stored, event):
            return stored
        raise EventIdReused(
            f"reimbursement {reimbursement!r} came before as event {stored.event_id!r}, with another amount "
            "or currency; send a new reimbursement under an id of its own",
            event_id=stored.event_id,
            user_id=event.user_id,
            trigger=event.trigger,
        )
    return None


def _for_the_same(situation: Situation, stored: StoredEvent, event: Event) -> bool:
    """Tell whether two events of one reimbursement are for the same claim, or case."""
    first, second = stored.event, event
    claims = [
        None if one.field("claim_id") is None else situation.canonical(one.field("claim_id"))
        for one in (first, second)
    ]
    if None not in claims:
        return bool(claims[0] == claims[1])
    cases = [one.field("amazon_case_id") for one in (first, second)]
    targets = _lifecycles(stored), _target(situation, claims[1], cases[1])
    if targets[0] and targets[1] is not None:
        return targets[1] in targets[0]
    if None not in cases:
        return bool(cases[0] == cases[1])
    return (claims[0] is None and cases[0] is None) or (claims[1] is None and cases[1] is None)


def _target(situation: Situation, claim: str | None, case: str | None) -> int | None:
    if claim is not None:
        lifecycle = situation.claim(claim)
        return None if lifecycle is None else lifecycle.id
    found = situation.with_case(case) if case is not None else []
    return found[0].id if len(found) == 1 else None


def _same_again(
    definition: Definition, situation: Situation, trigger: Trigger, event: Event
) -> Repeat | Again | None:
    """Judge an event without an id by the latest of equal content."""
    stored = situation.latest_like(event.trigger, event.fingerprint)
    if stored is None:
        return None
    if not stored.binds:
        return Again(stored=stored)
    hint = TAKEN_FOR_A_REPEAT
    if stored.standing is Standing.WAITING:
        return Repeat(stored=stored, hint=hint)
    for lifecycle_id in _lifecycles(stored):
        lifecycle = situation.lifecycle(lifecycle_id)
        if lifecycle is not None and lifecycle.cursor > stored.settled:
            return None
    if _could_be_for_others(definition, situation, trigger, event, since=stored.settled):
        return None
    return Repeat(stored=stored, hint=hint)


def _could_be_for_others(
    definition: Definition, situation: Situation, trigger: Trigger, event: Event, *, since: int
) -> bool:
    """Tell whether an event that names nobody would now be for lifecycles that it wasn't for then.

    Never asked of money: two equal instalments in a row need an id.
    """
    if trigger.money:
        return False
    if trigger.addressing is Addressing.DETECTION:
        sync = situation.newest_sync(definition.first_state())
        return event.field("sync_id") is None and sync is not None and sync.cursor > since
    if trigger.addressing is Addressing.SYNC or event.listed or event.field("claim_id") is not None:
        return False
    return correlation.could_move(definition, situation, trigger, event, since=since)


def _lifecycles(stored: StoredEvent) -> set[int]:
    return {lifecycle for share in stored.shares for lifecycle in share.lifecycles}


def _value(event: Event) -> Decimal:
    amount = event.field("amount")
    assert isinstance(amount, money.Amount)
    return Decimal(comparable_value(amount))
