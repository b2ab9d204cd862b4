"""Waiting events as readers are shown them: what each waits for, who could be meant, what money it brings."""

from __future__ import annotations

from decimal import Decimal

from workflow_fsm.core.decision.correlation import (
    Nobody,
    Several,
    To,
    Unknown,
    address,
    candidates,
    likeliest,
    show_candidates,
)
from workflow_fsm.core.definition import Addressing, Definition, Rest
from workflow_fsm.core.definition.events import DEFAULT_CURRENCY
from workflow_fsm.core.model.inbox import Share, StoredEvent
from workflow_fsm.core.model.situation import Situation
from workflow_fsm.core.records import Candidate, Record
from workflow_fsm.core.values import money
from workflow_fsm.core.values.fields import comparable_value
from workflow_fsm.core.values.instants import show_instant
from workflow_fsm.read.shapes import WaitingEvent
from workflow_fsm.stores.repository import Repository


def show_waiting(
    definition: Definition, situation: Situation, stored: StoredEvent, share: Share, source: Repository
) -> WaitingEvent:
    """Show a part of an event that waits."""
    waiting_for, several = meant_by(definition, situation, stored, share)
    amount, currency = shown_money(definition, stored, source)
    return WaitingEvent(
        event_id=stored.event_id,
        trigger=stored.event.trigger,
        claim_id=share.claim,
        amount=amount,
        currency=currency,
        waiting_for=list(waiting_for),
        reason=share.reason,
        candidates=list(several),
        conflicts_with=share.conflicts_with,
        received_at=show_instant(stored.received_at),
        expires_at=None if stored.expires_at is None else show_instant(stored.expires_at),
    )


def meant_by(
    definition: Definition, situation: Situation, stored: StoredEvent, share: Share
) -> tuple[tuple[str, ...], tuple[Candidate, ...]]:
    """Give the triggers that a part waits for, as things stand, and who could be meant by it.

    Of a part that is refused or dead: who could be meant, were it judged anew.
    """
    trigger = definition.trigger(stored.event.trigger)
    part = next((part for part in stored.event.parts if part.claim == share.claim), None)
    if trigger is None or part is None or share.conflicts_with is not None:
        return share.waiting_for, ()
    if trigger.addressing in (Addressing.SYNC, Addressing.DETECTION):
        return share.waiting_for, ()
    match address(definition, situation, trigger, stored.event, part):
        case Nobody(rest=Rest.REFUSED, asked=asked) if len(asked) > 1:
            return (), show_candidates(asked)
        case Nobody(waiting_for=way):
            return way, ()
        case Several(lifecycles=several) if several:
            return (), show_candidates(likeliest(definition, situation, stored.event, several))
        case Several():
            return (), candidates(definition, situation, trigger, stored.event)
        case Unknown(waiting_for=way):
            return way, candidates(definition, situation, trigger, stored.event)
        case To(lifecycles=found) if part.claim is None and not share.lifecycles:
            return share.waiting_for, show_candidates(found)
        case To():
            return share.waiting_for, ()


def told_money(
    definition: Definition, stored: StoredEvent, currency: str = DEFAULT_CURRENCY
) -> tuple[str, Decimal] | None:
    """Give the currency and signed amount of a payout or reversal; `currency` where nothing tells its own."""
    trigger = definition.trigger(stored.event.trigger)
    if trigger is None or not trigger.money:
        return None
    amount = Decimal(comparable_value(stored.event.field("amount")))
    known = (share.currency for share in stored.shares if share.currency is not None)
    return stored.event.field("currency") or next(known, currency), trigger.money * amount


def shown_money(
    definition: Definition, stored: StoredEvent, source: Repository
) -> tuple[str | None, str | None]:
    """Give an event's amount as text, above nothing, and its currency; two Nones where it brings no money."""
    told = told_money(definition, stored, source.shown_currency)
    if told is None:
        return None, None
    currency, amount = told
    return _text_in(abs(amount), currency, source), currency


def unapplied(definition: Definition, waiting: list[StoredEvent], source: Repository) -> Record:
    """Add up the payouts that wait, less the reversals that wait."""
    sums: dict[str, Decimal] = {}
    for stored in waiting:
        told = told_money(definition, stored, source.shown_currency)
        if told is not None:
            sums = money.add(sums, *told)
    return Record({code: _text_in(amount, code, source) for code, amount in sums.items()})


def _text_in(amount: Decimal, currency: str, source: Repository) -> str:
    """Show money with its currency's decimals: those that the store knows, where no list has it any more."""
    return money.text_in(amount, currency, {} if money.is_listed(currency) else source.currencies())
