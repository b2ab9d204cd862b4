"""Tellings: what a user's events tell of cases, by whose they are, for some of those at a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from workflow_fsm.audit.of_user.events import Events, Told
from workflow_fsm.audit.of_user.names import Names
from workflow_fsm.audit.scratch import Scratch, Values
from workflow_fsm.core.definition import Trigger
from workflow_fsm.core.model.inbox import Share, Standing, StoredEvent
from workflow_fsm.core.model.lifecycle import ACTS, CaseOwner
from workflow_fsm.core.values import money

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
    """What events tell of cases, each claim's by case (`of`): all that concerns some `owners`.

    `settled` gives a claim's parts of an event by its number. `named` are the cases that any event named
    with a claim, `added` those that one did which is no submission; `paid` is whose claim a payout was for.
    """

    def __init__(self, scratch: Scratch, events: Events, names: Names, owners: Collection[CaseOwner]) -> None:
        self._scratch = scratch
        self._events = events
        self._names = names
        self.owners = owners
        self.of: dict[Key, Telling] = {}
        self.settled: dict[tuple[CaseOwner, int], list[tuple[int, Share]]] = {}
        self.named: set[Key] = set()
        self.added: set[Key] = set()
        self.paid: set[CaseOwner] = set()
        concerned = {
            row["seq"]
            for owner in owners
            for row in scratch.each("concerns_of", claim_id=owner.claim_id, sync_id=owner.sync_id)
        }
        for seq in sorted(concerned, key=_place):
            known = events.told(seq)
            if known is not None:
                self._add(*known)

    def event(self, seq: object) -> tuple[StoredEvent, Told] | None:
        """Give the event of a number with all that it ever named; None where none can be read."""
        return self._events.told(seq)

    def may_be_booked_under(self, stored: StoredEvent) -> Collection[str | None]:
        """Give the cases that an event's money can be under: the one it names, or those of its payout."""
        named = stored.event.field("amazon_case_id")
        if self.trigger(stored).money > 0:
            return {named}
        own = stored.event.field("reimbursement_id")
        original = stored.event.field("original_reimbursement_id") or own
        payouts = self._scratch.each("payouts_of", reimbursement_id=original)
        return {named, *(row["case_id"] for row in payouts)}

    def trigger(self, stored: StoredEvent) -> Trigger:
        """Give the trigger of an event that was read."""
        return self._events.trigger(stored)

    def row_at(self, cursor: object) -> Values | None:
        """Give the transition at a cursor."""
        row = self._scratch.first("row_at", cursor=cursor)
        return None if row is None or row["lifecycle"] == ACTS else row

    def row_by(self, event_id: object, lifecycle: object) -> Values | None:
        """Give the transition of a lifecycle by an event."""
        return self._scratch.first("row_by", event_id=event_id, lifecycle=lifecycle)

    def is_loose(self, case_id: object) -> bool:
        """Tell whether an event named a case with a name that no claim has by now."""
        return self._scratch.first("loose", case_id=case_id) is not None

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
        row = self.row_by(stored.event_id, lifecycle)
        at = stored.settled if row is None else row["cursor"]
        return (at if isinstance(at, int) else 0, stored.seq if isinstance(stored.seq, int) else 0)


def _place(seq: object) -> tuple[bool, Any]:
    """Give where an event stands among others, whatever its number is."""
    return (False, seq) if isinstance(seq, int) else (True, str(seq))
