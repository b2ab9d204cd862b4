"""Report: what an audit counts and complains of, and the report that it makes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from workflow_fsm.core.errors import RowUnreadable
from workflow_fsm.core.model.inbox import Standing
from workflow_fsm.core.values import money
from workflow_fsm.core.values.strict_json import EXACT

MOST_FAULTS = 1000
"""Faults that a report lists; further ones are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something wrong: `table` and `key` name a row of the user's (by its primary key besides the user).

    What concerns the whole store has no user, table or key.
    """

    user_id: str
    table: str
    key: str
    reason: str

    def as_dict(self) -> dict[str, str]:
        """Give the JSON object that a report shows."""
        return {"user_id": self.user_id, "table": self.table, "key": self.key, "reason": self.reason}


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """The money in one currency; `payouts` are those received less those reversed, applied or not."""

    currency: str
    payouts: Decimal
    recovered: Decimal
    unapplied: Decimal
    dropped: Decimal

    @property
    def adds_up(self) -> bool:
        """Whether every payout is recovered, unapplied or dropped."""
        return self.payouts == EXACT.add(EXACT.add(self.recovered, self.unapplied), self.dropped)

    def as_dict(self) -> dict[str, str]:
        """Give the JSON object that a report shows, amounts as decimal strings."""
        sums = {
            "payouts_less_reversals": self.payouts,
            "recovered": self.recovered,
            "unapplied": self.unapplied,
            "dropped": self.dropped,
        }
        booked = {self.currency: max(-int(one.as_tuple().exponent) for one in sums.values())}
        return {name: money.text_in(amount, self.currency, booked) for name, amount in sums.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What an audit found. `root` is one hash over the heads of all chains, by user and lifecycle.

    `events` counts those `received` by their standing. `faults` lists the first thousand of `found`. Another
    check can go on from the root of one that was `recorded`.

    `events`, `received` and `money` are those of `forgotten` users, too. Those `forgetting` are being
    forgotten, or that was interrupted; they count as forgotten already.
    """

    root: str
    users: int
    lifecycles: int
    rows: int
    received: int
    events: Mapping[str, int]
    money: tuple[Balance, ...]
    faults: tuple[Fault, ...]
    found: int
    forgotten: int = 0
    forgetting: tuple[str, ...] = ()
    recorded: bool = False

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.found

    def expecting(self, root: str) -> Report:
        """Give the report with one more fault where its root is not the one expected."""
        if root == self.root:
            return self
        reason = (
            f"the root is {self.root}, and {root} was expected: events were taken since, a user was "
            "forgotten, or a chain's end was cut off"
        )
        fault = Fault(user_id="", table="", key="", reason=reason)
        return replace(self, faults=(fault, *self.faults), found=self.found + 1)

    def as_dict(self) -> dict[str, Any]:
        """Give the report as a JSON object."""
        return {
            "sound": self.sound,
            "root": self.root,
            "users": self.users,
            "lifecycles": self.lifecycles,
            "rows": self.rows,
            "forgotten": self.forgotten,
            "forgetting": list(self.forgetting),
            "received": self.received,
            "events": dict(self.events),
            "money": {balance.currency: balance.as_dict() for balance in self.money},
            "faults": [fault.as_dict() for fault in self.faults],
            "faults_found": self.found,
        }


@dataclass(slots=True)
class Tally:
    """What was counted and found, over all users."""

    lifecycles: int = 0
    rows: int = 0
    received: int = 0
    standings: Counter[str] = field(default_factory=Counter)
    sums: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    found: int = 0
    forgotten: int = 0
    forgetting: list[str] = field(default_factory=list)

    def report(self, *, root: str, users: int) -> Report:
        """Make the report, once what was counted adds up, or else is a fault too."""
        balances = tuple(self._balances())
        for balance in balances:
            if not balance.adds_up:
                told = ", ".join(f"{name} {amount}" for name, amount in balance.as_dict().items())
                self.fault("", "", "", f"the money in {balance.currency} does not add up: {told}")
        counted = sum(self.standings.values())
        if counted != self.received:
            self.fault("", "", "", f"{self.received} events were received, and {counted} have a standing")
        return Report(
            root=root,
            users=users,
            lifecycles=self.lifecycles,
            rows=self.rows,
            received=self.received,
            events={standing.value: self.standings[standing.value] for standing in Standing},
            money=balances,
            faults=tuple(self.faults),
            found=self.found,
            forgotten=self.forgotten,
            forgetting=tuple(self.forgetting),
        )

    def fault(self, user_id: str, table: str, key: object, reason: str) -> None:
        """Note that something is wrong with a row of a user's, or once, with the whole store."""
        fault = Fault(user_id=user_id, table=table, key=str(key), reason=reason)
        if not user_id and fault in self.faults:
            return
        self.found += 1
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(fault)

    def take(self, other: Tally) -> None:
        """Take over what another counted and found."""
        self.lifecycles += other.lifecycles
        self.rows += other.rows
        self.received += other.received
        self.standings += other.standings
        self.forgotten += other.forgotten
        self.forgetting += other.forgetting
        for currency, sums in other.sums.items():
            for name, amount in sums.items():
                self.add(currency, amount, name)
        for fault in other.faults:
            self.fault(fault.user_id, fault.table, fault.key, fault.reason)
        self.found += other.found - len(other.faults)

    def add(self, currency: str, amount: Decimal, *names: str) -> None:
        """Add an amount to some of a currency's sums."""
        sums = self.sums.setdefault(currency, {})
        for name in names:
            sums[name] = EXACT.add(sums.get(name, Decimal(0)), amount)

    def _balances(self) -> Iterator[Balance]:
        names = ("payouts", "recovered", "unapplied", "dropped")
        for currency, sums in sorted(self.sums.items()):
            yield Balance(currency=currency, **{name: sums.get(name, Decimal(0)) for name in names})


def unread(error: Exception) -> str:
    """Say that a row can't be read, and what is wrong with it."""
    reason = error.reason if isinstance(error, RowUnreadable) else f"{type(error).__name__}: {error}"
    return f"it can't be read ({reason})"


def text_of(value: Any) -> str:
    """Give a column's text, from its bytes."""
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)
