"""Unapplied money: what the payouts and reversals that wait bring, added up as they come and go."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from workflow_fsm.core.definition import Definition
from workflow_fsm.core.definition.events import DEFAULT_CURRENCY
from workflow_fsm.core.model.inbox import Standing, StoredEvent
from workflow_fsm.core.values import money
from workflow_fsm.core.values.fields import comparable_value

UNTOLD = ""
"""What money is added up under that tells no currency yet: it is shown under that of the user's claims."""


Told = tuple[str, Decimal]
"""A currency, and a signed amount in it."""


def is_money(definition: Definition, stored: StoredEvent) -> bool:
    """Tell whether an event is a payout or a reversal."""
    trigger = definition.trigger(stored.event.trigger)
    return trigger is not None and bool(trigger.money)


def told_money(definition: Definition, stored: StoredEvent, currency: str = DEFAULT_CURRENCY) -> Told | None:
    """Give the currency and signed amount of a payout or reversal; `currency` where nothing tells its own."""
    trigger = definition.trigger(stored.event.trigger)
    if trigger is None or not trigger.money:
        return None
    amount = Decimal(comparable_value(stored.event.field("amount")))
    known = (share.currency for share in stored.shares if share.currency is not None)
    return stored.event.field("currency") or next(known, currency), trigger.money * amount


def waiting_money(definition: Definition, stored: StoredEvent | None) -> Told | None:
    """Give what an event adds to the money that waits, None where it adds nothing."""
    if stored is None or stored.standing is not Standing.WAITING:
        return None
    return told_money(definition, stored, UNTOLD)


def summed_anew(sums: Mapping[str, Decimal], moved: tuple[Told | None, Told | None]) -> Mapping[str, Decimal]:
    """Give the sums of money that waits, once the first waits no more, and the second does."""
    gone, come = moved
    if gone is not None:
        sums = money.add(sums, gone[0], -gone[1])
    return sums if come is None else money.add(sums, *come)


def shown_under(sums: Mapping[str, Decimal], currency: str) -> Mapping[str, Decimal]:
    """Give the sums as they are shown: what tells no currency under the user's."""
    untold = sums.get(UNTOLD)
    told = {code: amount for code, amount in sums.items() if code != UNTOLD}
    return told if untold is None else money.add(told, currency, untold)
