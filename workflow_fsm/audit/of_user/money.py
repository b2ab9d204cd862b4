"""Money, audited: what each payout and reversal brought, in which currency, and with which decimals.

Every amount is held with its currency's decimals, so sums are compared as they are written: 14 is not 14.00.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from operator import index

from workflow_fsm.audit.report import Tally
from workflow_fsm.audit.scratch import Complain, Scratch
from workflow_fsm.core.definition import Definition
from workflow_fsm.core.definition.events import DEFAULT_CURRENCY, UNITS
from workflow_fsm.core.definition.facts import PAID_WITHOUT_CASE, TAKEN_BACK_AT
from workflow_fsm.core.model.inbox import Money, Standing, StoredEvent
from workflow_fsm.core.model.lifecycle import Lifecycle
from workflow_fsm.core.model.unapplied import summed_anew, told_money, waiting_money
from workflow_fsm.core.values import money
from workflow_fsm.core.values.strict_json import EXACT
from workflow_fsm.stores.columns import MOST_DECIMALS, sums_text
from workflow_fsm.stores.session import Columns


class Currencies:
    """The currencies that a store has met, with their decimals, and those in which it was seen to book."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._missing: set[str] = set()

    def meet(self, rows: Sequence[Columns], tally: Tally) -> None:
        """Take in the rows of a snapshot; complain of those, not seen before, whose decimals can't be."""
        for row in rows:
            currency, decimals = row["currency"], row["decimals"]
            if currency in self._places:
                continue
            self._places[currency] = decimals
            listed = isinstance(currency, str) and money.is_listed(currency)
            if not _are_decimals(decimals) or (listed and decimals != money.decimals(currency)):
                tally.fault("", "currencies", currency, f"its decimals are {decimals!r}, which can't be")

    def misfits(self, booked: Money) -> Iterator[str]:
        """Say where booked money has other decimals than its currency; note a currency that is missing."""
        currency = booked.currency
        if currency not in self._places:
            if not money.is_listed(currency):
                yield f"its currency is {currency!r}, which the store never met"
                return
            self._missing.add(currency)
        places = money.decimals(currency) if money.is_listed(currency) else self._places[currency]
        has = -int(booked.amount.as_tuple().exponent)
        if _are_decimals(places) and has != places:
            yield f"its amount has {has} decimals, and {currency} has {places}"

    def miss(self, currencies: Iterable[str]) -> None:
        """Note that currencies are missing."""
        self._missing.update(currencies)

    def missing(self) -> Iterator[tuple[str, str]]:
        """Name the currencies in which money is booked, and that the store says it never met."""
        for currency in sorted(self._missing):
            yield currency, "it is missing, and money is booked in it"


class Bookings:
    """What a user's events brought to each lifecycle."""

    def __init__(
        self,
        definition: Definition,
        tally: Tally,
        currencies: Currencies,
        shown: str,
        scratch: Scratch,
        complain: Complain,
    ) -> None:
        self._definition = definition
        self._tally = tally
        self._currencies = currencies
        self._shown = shown
        self._scratch = scratch
        self._complain = complain
        self._total: dict[str, Decimal] = {}
        self.unapplied: Mapping[str, Decimal] = {}
        """What waits, by the currency that it tells."""

    def add(self, stored: StoredEvent) -> Iterator[str]:
        """Add up what a payout or reversal brought; say where it contradicts itself."""
        told = told_money(self._definition, stored, self._shown)
        trigger = self._definition.trigger(stored.event.trigger)
        if told is not None and not isinstance(told[0], str):
            yield f"it waits in {told[0]!r}, which is no currency"
            return
        if told is None or trigger is None or stored.standing is not Standing.APPLIED:
            if stored.money is not None:
                yield "it says that it moved money, which no such event does"
            if told is not None and stored.standing is Standing.WAITING:
                self._tally.add(*told, "payouts", "unapplied")
                waits = waiting_money(self._definition, stored)
                self.unapplied = summed_anew(self.unapplied, (None, waits))
            elif told is not None and stored.standing is Standing.DROPPED:
                self._tally.add(*told, "payouts", "dropped")
            return
        booked = stored.money
        if booked is None:
            yield "it was applied, and does not say what money it moved"
            return
        if not isinstance(booked.currency, str):
            yield f"its currency is {booked.currency!r}, which is none"
            return
        sign = trigger.money
        amount = abs(booked.amount)
        fits = money_fits(told[1], amount) and booked.amount == sign * amount
        if not fits or stored.event.field("currency") not in (None, booked.currency):
            moved = f"{money.text(booked.amount)} {booked.currency}"
            yield f"it says that it moved {moved}, and its body does not"
        yield from self._currencies.misfits(booked)
        if booked.units != sign * (stored.event.field(UNITS.name) or 0):
            yield f"it says that it moved {booked.units} units, and its body does not"
        self._tally.add(booked.currency, booked.amount, "payouts")
        lifecycles = [one for share in stored.shares for one in share.lifecycles]
        if len(lifecycles) != 1:
            yield f"its money went to {len(lifecycles)} lifecycles instead of one"
        for one in lifecycles[:1]:
            self._scratch.note(
                "put_booking",
                lifecycle=one,
                seq=stored.seq,
                event_id=stored.event_id,
                currency=booked.currency,
                amount=str(booked.amount),
                units=index(booked.units),
                sign=sign,
                has_case=stored.event.field("amazon_case_id") is not None,
                has_original=stored.event.field("original_reimbursement_id") is not None,
            )
            self._total = money.add(self._total, booked.currency, booked.amount)

    def without_what_none_moves(self, stored: StoredEvent) -> StoredEvent:
        """Give an event without money that it can't have moved, so that nothing more is said of that."""
        trigger = self._definition.trigger(stored.event.trigger)
        moves = trigger is not None and trigger.money and stored.standing is Standing.APPLIED
        if stored.money is None or (moves and isinstance(stored.money.currency, str)):
            return stored
        return replace(stored, money=None)

    def total(self) -> dict[str, Decimal]:
        """Give what was brought to all lifecycles."""
        return self._total

    def misfits(self, lifecycle: Lifecycle) -> Iterator[str]:
        """Say where a lifecycle tells other money than was brought to it."""
        paid: dict[str, Decimal] = {}
        units = 0
        without_case: set[int] = set()
        taken_back: dict[int, str] = {}
        for row in self._scratch.each("bookings_of", lifecycle=lifecycle.id):
            paid = money.add(paid, row["currency"], Decimal(row["amount"]))
            units += row["units"]
            if not row["has_case"]:
                without_case.add(row["sign"])
            if row["sign"] < 0 and not row["has_original"]:
                taken_back[row["seq"]] = row["event_id"]
        if differ(lifecycle.paid, paid):
            yield f"its paid is {sums_text(lifecycle.paid)}, and {sums_text(paid)} was applied to it"
            self._name_the_changed(lifecycle, paid)
        if lifecycle.units != units:
            yield f"its units are {lifecycle.units!r}, and {units!r} were applied to it"
        payouts = 1 in without_case
        told = lifecycle.facts.get(PAID_WITHOUT_CASE)
        if payouts and PAID_WITHOUT_CASE not in lifecycle.facts:
            yield f"its {PAID_WITHOUT_CASE} is not told, and money came under no case"
        elif told not in (None, True) or (told and not without_case):
            yield f"its {PAID_WITHOUT_CASE} is {told!r}, and no such money came"
        elif payouts and told is None and not self._was_filed(lifecycle):
            yield f"its {PAID_WITHOUT_CASE} was taken back, which only a submission does"
        seq = lifecycle.facts.get(TAKEN_BACK_AT)
        if seq is not None and seq not in taken_back:
            rows = (
                self._scratch.first("row_by", event_id=event_id, lifecycle=lifecycle.id)
                for event_id in taken_back.values()
            )
            if seq not in {row["cursor"] for row in rows if row is not None}:
                yield f"its {TAKEN_BACK_AT} is {seq!r}, which is no reversal of its that named no payout"

    def _name_the_changed(self, lifecycle: Lifecycle, paid: Mapping[str, Decimal]) -> None:
        """Complain of the one event that, in another currency, would make right what a lifecycle was paid."""
        for code in lifecycle.paid:
            paid = money.add(paid, code, -lifecycle.paid[code])
        apart = {code: sum_ for code, sum_ in paid.items() if sum_}
        if len(apart) != 2 or EXACT.add(*apart.values()):
            return
        rows = self._scratch.each("bookings_of", lifecycle=lifecycle.id)
        alike = [row for row in rows if apart.get(row["currency"]) == Decimal(row["amount"])]
        if len(alike) == 1:
            code = alike[0]["currency"]
            (told,) = apart.keys() - {code}
            self._complain(
                "events", alike[0]["seq"], f"its currency is {code}, and its claim was paid in {told}"
            )

    def _was_filed(self, lifecycle: Lifecycle) -> bool:
        """Tell whether a submission was for a lifecycle."""
        return self._scratch.first("filed", lifecycle=lifecycle.id) is not None


def counted_currency(lifecycle: Lifecycle) -> str | None:
    """Give the currency under which a user's row counts a claim, None where it counts none."""
    if lifecycle.claim_id is None or lifecycle.merged_into is not None:
        return None
    return str(lifecycle.facts.get("currency") or DEFAULT_CURRENCY)


def misfits_of_user(currencies: Mapping[str, int], told: Mapping[str, int]) -> Iterator[str]:
    """Say where a user's row counts other currencies of claims than the claims have."""
    found = {code: many for code, many in currencies.items() if many}
    if found != dict(told):
        yield f"currencies is {found!r}, and its claims have {dict(told)!r}"


def differ(one: Mapping[str, Decimal], other: Mapping[str, Decimal]) -> bool:
    """Tell whether sums of money differ, in their decimals too."""
    return {code: str(sum_) for code, sum_ in one.items()} != {
        code: str(sum_) for code, sum_ in other.items()
    }


def money_fits(said: Decimal, amount: Decimal) -> bool:
    """Tell whether an amount is what was said, noise of a number aside."""
    return abs(said).quantize(amount) == amount


def _are_decimals(value: object) -> bool:
    return isinstance(value, int) and 0 <= value <= MOST_DECIMALS
