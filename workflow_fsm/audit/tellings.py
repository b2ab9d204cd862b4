"""Tellings: what a user's events tell of cases, by whose they are, gathered in one pass over the events."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from workflow_fsm.audit.chain import Values
from workflow_fsm.audit.names import Names
from workflow_fsm.core.definition import Definition, Trigger
from workflow_fsm.core.model.inbox import Share, Standing, StoredEvent
from workflow_fsm.core.model.lifecycle import CaseOwner
from workflow_fsm.core.values import money

Told = tuple[Collection[str], Collection[str]]
"""All claims and all cases that an event ever named."""
Key = tuple[CaseOwner, str | None]
"""Whose, and which case."""


@dataclass(slots=True)
class Telling:
    """What the events that name one case, or none, for one claim tell of it.

    `told` says that a submission may have been for it, `filed` that one was; `added` that an event named the
    claim with it which is no submission.
    """

    told: bool = False
    filed: bool = False
    added: bool = False
    alone: set[int] = field(default_factory=set)
    booked_alone: bool = False
    last: tuple[int, int] = (0, 0)
    last_payout: tuple[int, int] = (0, 0)
    paid: Mapping[str, Decimal] = field(default_factory=dict)
    units: int = 0
    booked: bool = False


class Tellings:
    """What events tell of cases, each claim's by case (`of`).

    `settled` gives a claim's parts of an event by its number, `events` the event with all that it ever named.
    `named` are the cases that any event named with a claim, `added` those that one did which is no
    submission, `loose` those named with a name that no claim has by now. `filed` are the lifecycles that a
    submission was for, `paid` whose claim a payout was for; `moved` holds a row of history by event and
    lifecycle, `cursors` by its cursor.
    """

    def __init__(self, definition: Definition, names: Names, moved: Mapping[tuple[Any, Any], Values]) -> None:
        self._definition = definition
        self._names = names
        self._payouts: dict[str, set[str | None]] = {}
        self.moved = moved
        self.cursors = {row["cursor"]: row for row in moved.values()}
        self.events: dict[int, tuple[StoredEvent, Told]] = {}
        self.of: dict[Key, Telling] = {}
        self.settled: dict[tuple[CaseOwner, int], list[tuple[int, Share]]] = {}
        self.named: set[Key] = set()
        self.added: set[Key] = set()
        self.loose: set[str] = set()
        self.filed: set[int] = set()
        self.paid: set[CaseOwner] = set()

    def read(self, events: Collection[tuple[StoredEvent, Told]]) -> None:
        """Take in what every event tells; their triggers are all known."""
        for stored, _ in events:
            if stored.money is not None and self.trigger(stored).money > 0:
                reimbursement = stored.event.field("reimbursement_id")
                if reimbursement is not None:
                    self._payouts.setdefault(reimbursement, set()).add(stored.money.case_id)
        for stored, told in events:
            self.events[stored.seq] = (stored, told)
            self._add(stored, told)

    def may_be_booked_under(self, stored: StoredEvent) -> Collection[str | None]:
        """Give the cases that an event's money can be under: the one it names, or those of its payout."""
        named = stored.event.field("amazon_case_id")
        if self.trigger(stored).money > 0:
            return {named}
        own = stored.event.field("reimbursement_id")
        original = stored.event.field("original_reimbursement_id") or own
        return {named, *self._payouts.get(original, ())}

    def trigger(self, stored: StoredEvent) -> Trigger:
        """Give the trigger of an event that was read."""
        trigger = self._definition.trigger(stored.event.trigger)
        assert trigger is not None
        return trigger

    def _add(self, stored: StoredEvent, told: Told) -> None:
        trigger = self.trigger(stored)
        case_id = stored.event.field("amazon_case_id")
        claims, cases = told
        for claim in claims:
            owners = {CaseOwner(name, "") for name in (claim, self._names.canonical(claim))}
            for key in ((owner, case) for owner in owners for case in cases):
                self.named.add(key)
                if not trigger.files:
                    self.added.add(key)
            if not self._names.is_claim(claim):
                self.loose.update(cases)
        for share in stored.shares if trigger.files or trigger.rejects or trigger.money else ():
            for lifecycle in share.lifecycles if share.standing is not Standing.REFUSED else ():
                owner = self._names.owner(lifecycle)
                if owner is not None:
                    self.named.add((owner, case_id))
                    self.settled.setdefault((owner, stored.seq), []).append((lifecycle, share))
                    self._tell(stored, trigger, share, lifecycle, owner)

    def _tell(
        self, stored: StoredEvent, trigger: Trigger, share: Share, lifecycle: int, owner: CaseOwner
    ) -> None:
        """Take in what an event tells of a claim's case."""
        applied = share.standing is Standing.APPLIED
        claim = stored.event.field("claim_id")
        if share.claim is None and stored.overlay:
            claim = stored.event.body.get("claim_id")  # settled before a person told whom the rest is for
        case_id = booked = stored.event.field("amazon_case_id")
        if stored.money is not None:
            booked = stored.money.case_id
        telling = self.of.setdefault((owner, booked), Telling())
        settled = applied or share.standing is Standing.KNOWN
        if trigger.files:
            self.filed.add(lifecycle)
            telling.told = True
            telling.filed |= settled and len(share.lifecycles) == 1 and (applied or claim is not None)
        elif case_id is not None and claim is not None:
            telling.added = True
        if trigger.money and not applied:
            return
        if not trigger.files and case_id is not None and claim is None:
            telling.alone.add(stored.seq)
            telling.booked_alone |= trigger.money > 0
        order = self._order(stored, lifecycle)
        if not trigger.money or (trigger.money > 0 and booked is not None):
            telling.last = (max(telling.last[0], order[0]), max(telling.last[1], order[1]))
        if trigger.money > 0:
            self.paid.add(owner)
            telling.last_payout = max(telling.last_payout, order)
        if stored.money is not None and booked is not None:
            telling.booked = True
            telling.paid = money.add(telling.paid, stored.money.currency, stored.money.amount)
            telling.units += stored.money.units

    def _order(self, stored: StoredEvent, lifecycle: int) -> tuple[int, int]:
        """Give when an event was taken, by the user's cursor and by its number."""
        row = self.moved.get((stored.event_id, lifecycle))
        at = stored.settled if row is None else row["cursor"]
        return (at if isinstance(at, int) else 0, stored.seq if isinstance(stored.seq, int) else 0)
