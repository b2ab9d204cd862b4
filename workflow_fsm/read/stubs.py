"""Stubs: what stands in the place of users who were forgotten, so that what was counted stays true.

A stub doesn't tell who it was: its id is made, and nothing in it is made of the user's. What waited when the
user was forgotten counts as dropped, since nobody can settle it any more.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from workflow_fsm.core.model.inbox import Standing
from workflow_fsm.core.values import money
from workflow_fsm.core.values.instants import show_instant
from workflow_fsm.core.values.strict_json import EXACT
from workflow_fsm.read.shapes import ErasedMoney, Forgotten
from workflow_fsm.stores.columns import instant_of, object_of, reads, sums_of, sums_text
from workflow_fsm.stores.session import Columns, Session

COLUMNS = ("id", "at", "actor", "reason", "cursor", "kept", "events", "money", "faults", "root")
_SUMS = ("payouts", "recovered", "dropped")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stub:
    """A user who was forgotten: the rows by table, the events by trigger and standing, the money by currency.

    `cursor` is the number that was handed out last, and `root` what a check of that user alone printed then,
    with so many `faults`. Of the money each currency has what was paid less what was reversed, what of that
    was recovered, and what was dropped.
    """

    id: str
    at: str
    actor: str
    reason: str
    cursor: int
    kept: Mapping[str, int]
    events: Mapping[str, Mapping[str, int]]
    money: Mapping[str, Mapping[str, Decimal]]
    faults: int
    root: str

    def row(self) -> dict[str, Any]:
        """Give what its row is made of."""
        plain = ("at", "actor", "reason", "cursor", "faults", "root")
        return {
            "stub": self.id,
            **{name: getattr(self, name) for name in plain},
            "kept": json.dumps(dict(self.kept), sort_keys=True),
            "events": json.dumps({name: dict(told) for name, told in self.events.items()}, sort_keys=True),
            "money": json.dumps({name: json.loads(sums_text(told)) for name, told in self.money.items()}),
        }

    def standings(self) -> dict[str, int]:
        """Give how many events had each standing."""
        told = {standing.value: 0 for standing in Standing}
        for standings in self.events.values():
            for standing, many in standings.items():
                told[standing] += many
        return {standing: many for standing, many in told.items() if many}

    def told(self) -> Forgotten:
        """Give what is told of it."""
        return Forgotten(
            status="forgotten",
            id=self.id,
            at=self.at,
            actor=self.actor,
            reason=self.reason,
            rows=sum(self.kept.values()),
            kept=dict(self.kept),
            events=self.standings(),
            money={
                currency: ErasedMoney(
                    payouts_less_reversals=money.text(told["payouts"]),
                    recovered=money.text(told["recovered"]),
                    dropped=money.text(told["dropped"]),
                )
                for currency, told in sorted(self.money.items())
            },
            root=self.root,
            faults=self.faults,
        )


@reads("forgotten", "id")
def stub_of(row: Columns) -> Stub:
    """Read a stub. Raises RowUnreadable."""
    kept = {str(table): _count(many) for table, many in object_of(json.loads(row["kept"])).items()}
    events = {
        str(trigger): {Standing(standing).value: _count(many) for standing, many in object_of(told).items()}
        for trigger, told in object_of(json.loads(row["events"])).items()
    }
    sums = {}
    for currency, told in object_of(json.loads(row["money"])).items():
        sums[str(currency)] = sums_of(json.dumps(told))
        if sums[currency].keys() != set(_SUMS):
            raise ValueError(f"its money in {currency} is told by {', '.join(sums[currency])}")
    return Stub(
        id=row["id"],
        at=show_instant(instant_of(row["at"])),
        actor=row["actor"],
        reason=row["reason"],
        cursor=_count(row["cursor"]),
        kept=kept,
        events=events,
        money=sums,
        faults=_count(row["faults"]),
        root=row["root"],
    )


def digest(row: Columns) -> str:
    """Give the hash of all that a stub's row tells, which a root of the store is over."""
    told = json.dumps([row[name] for name in COLUMNS], separators=(",", ":"))
    return hashlib.sha256(told.encode()).hexdigest()


def stubs(session: Session) -> list[Stub]:
    """Give every stub. Raises RowUnreadable."""
    return [stub_of(row) for row in session.rows("forgotten")]


def balanced(
    currency: str, *, recovered: Decimal, dropped: Decimal, payouts: Decimal | None = None
) -> dict[str, Decimal]:
    """Give a currency's sums, all with as many decimals.

    What was paid is what was recovered and dropped, where rows don't tell it.
    """
    total = EXACT.add(recovered, dropped) if payouts is None else payouts
    sums = {"payouts": total, "recovered": recovered, "dropped": dropped}
    booked = {currency: max(-int(one.as_tuple().exponent) for one in sums.values())}
    return {name: Decimal(money.text_in(amount, currency, booked)) for name, amount in sums.items()}


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is no number of what there was")
    return value
