"""Days: the events of many users over some days, in the order in which they are posted; the same for a seed.

Pure: chance comes of the seed, time of the arguments. Syncs find claims, evidence is matched to most, and
each claim meets a plot. Some messages come twice, some before those that they should come behind.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from random import Random
from typing import Any

from workflow_fsm.simulate.plots import PLOTS, Plot, Step, Subject

START = datetime(2026, 1, 1, tzinfo=UTC)
"""When days of virtual time begin."""
CURRENCIES = {"USD": 55, "EUR": 20, "GBP": 12, "CAD": 8, "JPY": 5}
CLAIM_TYPES = ("lost_inbound", "damaged_warehouse", "overcharged_fee", "customer_return", "disposed")
AGAIN, SWAPPED, EARLY = 0.04, 0.05, 0.03
"""Shares: of messages that come twice, of claims of which two are swapped, of what is told too early."""
DEADLINE_DAYS = (2, 20, 45, 60)
DAYS_BETWEEN_SYNCS = 5
"""Of many days; on a single one everybody syncs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One event as it is posted: when, and `fields` with its user and its id. `kind` says what it shows."""

    at: datetime
    trigger: str
    fields: Mapping[str, Any]
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What is simulated: so many users, days from a start on, and claims found a day.

    `hour` is how long an hour of a plot takes: a second makes a claim's whole life fit into a day.
    """

    seed: int
    start: datetime
    users: int = 50
    days: int = 1
    claims: int = 100
    hour: timedelta = timedelta(hours=1)

    def messages(self) -> Iterator[Message]:
        """Give the messages in the order in which they are posted."""
        return _Plan(self).run()


class _Plan:
    """The plan of one simulation: what is still to be told, by time and then by number."""

    def __init__(self, simulation: Simulation) -> None:
        self._about = simulation
        self._chance = Random(simulation.seed)
        self._haste = Random(simulation.seed)
        self._due: list[tuple[datetime, int, Message]] = []
        self._numbers = count(1)
        self._claims = count(1)
        self._markets = [self._pick(CURRENCIES) for _ in range(simulation.users)]

    def run(self) -> Iterator[Message]:
        for day in range(self._about.days):
            self._plan(self._about.start + timedelta(days=day))
            tomorrow = self._about.start + timedelta(days=day + 1)
            while self._due and self._due[0][0] < tomorrow:
                yield heapq.heappop(self._due)[2]

    def _plan(self, day: datetime) -> None:
        """Plan the syncs of a day, and what becomes of the claims that they find."""
        about = self._about
        syncs = about.users if about.days == 1 else max(about.users // DAYS_BETWEEN_SYNCS, 1)
        finds = [0] * syncs
        for _ in range(about.claims):
            finds[self._chance.randrange(syncs)] += 1
        for user, many in zip(self._chance.sample(range(about.users), syncs), finds, strict=True):
            self._sync(user, day + self._chance.uniform(0, 8) * about.hour, many)

    def _sync(self, user: int, at: datetime, many: int) -> None:
        number = next(self._numbers)
        sync_id = f"sync-{self._about.seed}-{number}"
        orders = self._chance.randint(20, 900)
        told = {"sync_id": sync_id, "orders_count": orders, "inventory_items": orders // 3}
        self._post(user, at, "sync_complete", told, "sync")
        currency = self._markets[user]
        found = [self._found(currency) for _ in range(many)]
        detected = at + 0.3 * self._about.hour
        entries = [self._entry(claim, detected) for claim in found]
        early = self._chance.random() < EARLY
        at_once = at - 0.1 * self._about.hour if early else detected
        detection = {"sync_id": sync_id, "claims": entries}
        self._post(user, at_once, "detection_complete", detection, "detection" if not early else "too early")
        if entries and self._chance.random() < 0.2:
            corrected = {**entries[0], "deadline_date": _days(detected, self._chance.randint(20, 60))}
            fields = {"sync_id": sync_id, "claims": [corrected], "reason": "the detector knows better"}
            self._post(user, detected + 0.2 * self._about.hour, "detection_complete", fields, "told anew")
        self._matches(user, detected, found)
        for claim in found:
            self._plot(user, detected, claim)

    def _found(self, currency: str) -> Subject:
        name = f"claim-{self._about.seed}-{next(self._claims)}"
        amount = Decimal(self._chance.randint(300, 45_000)) / (1 if currency == "JPY" else 100)
        return Subject(name=name, currency=currency, amount=amount)

    def _entry(self, claim: Subject, at: datetime) -> dict[str, Any]:
        deadline = self._deadline(at)
        return {
            "claim_id": claim.name,
            "claim_type": self._chance.choice(CLAIM_TYPES),
            **claim.money(claim.amount),
            "confidence": round(self._chance.uniform(0.3, 0.99), 2),
            "discovery_date": at.isoformat(),
            "deadline_date": deadline,
        }

    def _deadline(self, at: datetime) -> str:
        """Give a claim's deadline: of a single day, which was the last, some pass within minutes of now."""
        days = self._chance.choice(DEADLINE_DAYS)
        if self._about.days == 1 and days == DEADLINE_DAYS[0]:
            now = self._about.start + timedelta(days=1)
            return (now + timedelta(minutes=self._haste.uniform(0.5, 5))).isoformat()
        return _days(at, days)

    def _matches(self, user: int, at: datetime, found: list[Subject]) -> None:
        """Match evidence to most claims: in one list, or each by itself."""
        matches: list[dict[str, Any]] = [
            {
                "claim_id": claim.name,
                "evidence_document_id": f"{claim.name}-invoice",
                "confidence": round(self._chance.uniform(0.2, 0.99), 2),
                "match_type": self._chance.choice(("exact", "sku", "fuzzy")),
            }
            for claim in found
            if self._chance.random() < 0.85
        ]
        if len(matches) > 1 and self._chance.random() < 0.7:
            listed = {"matches": matches}
            self._post(user, at + 0.5 * self._about.hour, "evidence_matching_complete", listed, "match")
            return
        for match in matches:
            early = self._chance.random() < EARLY
            hours = -0.2 if early else self._chance.uniform(0.2, 0.8)
            kind = "too early" if early else "match"
            fields = {"claim_id": match["claim_id"], "confidence": match["confidence"]}
            self._post(user, at + hours * self._about.hour, "evidence_matching_complete", fields, kind)

    def _plot(self, user: int, at: datetime, claim: Subject) -> None:
        plot: Plot = self._pick(PLOTS)
        steps = list(plot(claim, self._chance))
        kind = plot.__name__
        if len(steps) > 1 and self._chance.random() < SWAPPED:
            steps, kind = _swapped(steps), "out of order"
        for step in steps:
            self._post(user, at + step.hours * self._about.hour, step.trigger, step.fields, kind)

    def _post(self, user: int, at: datetime, trigger: str, fields: Mapping[str, Any], kind: str) -> None:
        number = next(self._numbers)
        told = {
            "user_id": f"seller-{self._about.seed}-{user + 1:03}",
            "event_id": f"simulated-{self._about.seed}-{number}",
            "occurred_at": at.isoformat(),
            **fields,
        }
        self._push(Message(at=at, trigger=trigger, fields=told, kind=kind))
        if self._chance.random() < AGAIN:
            later = at + self._chance.uniform(0.05, 2) * self._about.hour
            self._push(Message(at=later, trigger=trigger, fields=told, kind="again"))

    def _push(self, message: Message) -> None:
        heapq.heappush(self._due, (message.at, next(self._numbers), message))

    def _pick(self, weighted: Mapping[Any, int]) -> Any:
        return self._chance.choices(list(weighted), weights=list(weighted.values()))[0]


def _swapped(steps: list[Step]) -> list[Step]:
    """Have the last two steps come in the wrong order."""
    *before, one, other = steps
    return [
        *before,
        Step(hours=one.hours, trigger=other.trigger, fields=other.fields),
        Step(hours=other.hours, trigger=one.trigger, fields=one.fields),
    ]


def _days(at: datetime, days: int) -> str:
    return (at + timedelta(days=days)).isoformat()
