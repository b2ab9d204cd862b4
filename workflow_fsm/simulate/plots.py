"""Plots: what may become of one claim, as steps at so many hours from its detection.

A plot is one thing that happens in this trade: paid in parts, refused and filed again, taken back. Which one
a claim meets is chance's; a plot itself takes chance as an argument, and gives the same steps for the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

REASONS = (
    "No proof of delivery",
    "The unit was found",
    "The deadline for this case has passed",
    "The invoice can't be read",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The claim that a plot is about: its ids begin with `name`, its money is in a currency."""

    name: str
    currency: str
    amount: Decimal

    def money(self, amount: Decimal) -> dict[str, str]:
        """Give an amount as a body tells it."""
        return {"amount": str(self.rounded(amount)), "currency": self.currency}

    def rounded(self, amount: Decimal) -> Decimal:
        """Give an amount that the currency can hold, and more than nothing."""
        least = Decimal(1) if self.currency == "JPY" else Decimal("0.01")
        return max(amount.quantize(least), least)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One event of a plot, so many hours after the claim was detected."""

    hours: float
    trigger: str
    fields: Mapping[str, Any]


Plot = Callable[[Subject, Random], Iterator[Step]]


def paid(claim: Subject, chance: Random) -> Iterator[Step]:
    """It is filed, and paid."""
    yield _filed(claim, 1, "a")
    yield _payout(claim, chance.uniform(20, 60), claim.amount, "a")


def paid_less(claim: Subject, chance: Random) -> Iterator[Step]:
    """It is filed, and paid less than was estimated; nobody names the currency."""
    yield _filed(claim, 1, "a")
    share = Decimal(chance.randint(60, 95)) / 100
    step = _payout(claim, chance.uniform(20, 60), claim.amount * share, "a")
    told = {name: value for name, value in step.fields.items() if name != "currency"}
    yield Step(hours=step.hours, trigger=step.trigger, fields=told)


def paid_in_parts(claim: Subject, chance: Random) -> Iterator[Step]:
    """It is paid in two instalments."""
    yield _filed(claim, 2, "a")
    for number in (1, 2):
        yield _payout(claim, 20.0 * number + chance.uniform(0, 9), claim.amount / 2, "a", str(number))


def paid_by_lines(claim: Subject, chance: Random) -> Iterator[Step]:
    """One reimbursement of two lines pays it."""
    yield _filed(claim, 2, "a")
    hours = chance.uniform(24, 48)
    for line, share in (("sku-a", Decimal("0.7")), ("sku-b", Decimal("0.3"))):
        yield _payout(claim, hours, claim.amount * share, "a", line=line)


def paid_in_kind(claim: Subject, chance: Random) -> Iterator[Step]:
    """Units come back in place of money."""
    yield _filed(claim, 2, "a")
    fields = {**_named(claim), "amount": 0, "reimbursement_id": f"{claim.name}-r"}
    units = {"quantity_reimbursed_inventory": chance.randint(1, 4)}
    yield Step(hours=chance.uniform(24, 72), trigger="payout_received", fields={**fields, **units})


def paid_unasked(claim: Subject, chance: Random) -> Iterator[Step]:
    """The marketplace pays before anybody has filed."""
    fields = {**_named(claim), **claim.money(claim.amount), "reimbursement_id": f"{claim.name}-r"}
    yield Step(hours=chance.uniform(3, 30), trigger="payout_received", fields=fields)


def rejected(claim: Subject, chance: Random) -> Iterator[Step]:
    """It is filed, and refused for good."""
    yield _filed(claim, 1, "a")
    yield _verdict(claim, chance.uniform(10, 40), "a", chance)


def filed_again(claim: Subject, chance: Random) -> Iterator[Step]:
    """It is refused, filed again under another case, and paid under that."""
    yield _filed(claim, 1, "a")
    yield _verdict(claim, chance.uniform(8, 20), "a", chance)
    yield _filed(claim, 30, "b")
    yield _payout(claim, chance.uniform(50, 90), claim.amount, "b")


def filed_twice(claim: Subject, chance: Random) -> Iterator[Step]:
    """It has two cases at once: one is refused, the other pays."""
    yield _filed(claim, 1, "a")
    yield _filed(claim, 3, "b")
    yield _verdict(claim, chance.uniform(8, 20), "a", chance)
    yield _payout(claim, chance.uniform(30, 60), claim.amount, "b")


def taken_back_in_part(claim: Subject, chance: Random) -> Iterator[Step]:
    """It is paid, and a part is taken back."""
    yield from paid(claim, chance)
    yield _reversal(claim, chance.uniform(70, 99), claim.amount / 4)


def taken_back(claim: Subject, chance: Random) -> Iterator[Step]:
    """It is paid, and all is taken back."""
    yield from paid(claim, chance)
    yield _reversal(claim, chance.uniform(70, 99), claim.amount)


def taken_back_too_early(claim: Subject, chance: Random) -> Iterator[Step]:
    """The reversal is told before its payout, and waits for it."""
    yield _filed(claim, 1, "a")
    hours = chance.uniform(20, 40)
    yield _reversal(claim, hours, claim.amount / 2)
    yield _payout(claim, hours + 6, claim.amount, "a")


def rejected_too_early(claim: Subject, chance: Random) -> Iterator[Step]:
    """The verdict, which names no case, is told before the filing, and waits for it."""
    fields = {**_named(claim), "rejection_reason": chance.choice(REASONS)}
    yield Step(hours=2, trigger="claim_rejected", fields=fields)
    yield _filed(claim, chance.uniform(5, 9), "a")


def in_conflict(claim: Subject, chance: Random) -> Iterator[Step]:
    """One reimbursement is told with two amounts: the second waits for a person."""
    yield _filed(claim, 1, "a")
    hours = chance.uniform(20, 40)
    yield _payout(claim, hours, claim.amount, "a")
    yield _payout(claim, hours + 3, claim.amount + 1, "a", told="again")


def nobodys(claim: Subject, chance: Random) -> Iterator[Step]:
    """Money comes under a case that nobody has, and waits."""
    fields = {
        **claim.money(claim.amount / 3),
        "amazon_case_id": f"{claim.name}-whose",
        "reimbursement_id": f"{claim.name}-r",
    }
    yield Step(hours=chance.uniform(20, 60), trigger="payout_received", fields=fields)


def left_alone(claim: Subject, chance: Random) -> Iterator[Step]:
    """Nobody does anything, and its deadline passes."""
    yield from ()


PLOTS: Mapping[Plot, int] = {
    paid: 30,
    paid_less: 8,
    paid_in_parts: 6,
    paid_by_lines: 5,
    paid_in_kind: 3,
    paid_unasked: 5,
    rejected: 10,
    filed_again: 7,
    filed_twice: 4,
    taken_back_in_part: 4,
    taken_back: 3,
    taken_back_too_early: 2,
    rejected_too_early: 2,
    in_conflict: 1,
    nobodys: 2,
    left_alone: 8,
}
"""Every plot, with how often it happens among a hundred."""


def _named(claim: Subject) -> dict[str, Any]:
    return {"claim_id": claim.name}


def _case(claim: Subject, case: str) -> dict[str, str]:
    return {"amazon_case_id": f"{claim.name}-case-{case}"}


def _filed(claim: Subject, hours: float, case: str) -> Step:
    return Step(hours=hours, trigger="claim_submitted", fields={**_named(claim), **_case(claim, case)})


def _verdict(claim: Subject, hours: float, case: str, chance: Random) -> Step:
    fields = {**_named(claim), **_case(claim, case), "rejection_reason": chance.choice(REASONS)}
    return Step(hours=hours, trigger="claim_rejected", fields=fields)


def _payout(
    claim: Subject,
    hours: float,
    amount: Decimal,
    case: str,
    part: str = "",
    *,
    line: str | None = None,
    told: str | None = None,
) -> Step:
    fields = {
        **_named(claim),
        **_case(claim, case),
        **claim.money(amount),
        "reimbursement_id": f"{claim.name}-r{part}",
        **({} if line is None else {"sku": line}),
        **({} if told is None else {"report": told}),
    }
    return Step(hours=hours, trigger="payout_received", fields=fields)


def _reversal(claim: Subject, hours: float, amount: Decimal) -> Step:
    fields = {**_named(claim), **claim.money(amount), "original_reimbursement_id": f"{claim.name}-r"}
    return Step(hours=hours, trigger="payout_reversed", fields=fields)
