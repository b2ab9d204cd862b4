"""Cases, audited: each row against the events that can have told it, and the money that was booked under it.

A case is added by an event that names the claim with it, told by a submission, a verdict or a payout, and
taken away (`unlink`) without a trace: so one that is missing is a fault only where money is under it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from workflow_fsm.audit.of_user.events import Told
from workflow_fsm.audit.of_user.money import differ
from workflow_fsm.audit.of_user.names import Names
from workflow_fsm.audit.of_user.tellings import Key, Telling, Tellings
from workflow_fsm.audit.report import text_of
from workflow_fsm.audit.scratch import Values
from workflow_fsm.core.definition.cases import Case, CaseState
from workflow_fsm.core.model.inbox import Share, Standing, StoredEvent
from workflow_fsm.core.model.lifecycle import CaseOwner
from workflow_fsm.core.values import money
from workflow_fsm.core.values.instants import read_instant, show_instant
from workflow_fsm.stores.columns import sums_text
from workflow_fsm.stores.mapping import case_of
from workflow_fsm.stores.session import Columns

_CLOCKS = timedelta(days=1)
"""How far the clocks of two writers may be apart."""
_ANY_STATE: frozenset[str | None] = frozenset((None, *CaseState))


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """What a user's row tells of all that is kept: the last number handed out, and when it was last written.

    There are `gaps` where numbers were handed out that nothing has any more, as of events sent again.
    """

    cursor: int
    updated_at: datetime
    gaps: bool

    @classmethod
    def of(cls, user: Columns | None, *, highest: int, many: int) -> Keeper:
        """Read it from the user's row; what can't be read is held against nothing.

        So `many` numbers were handed out to what is there, up to the `highest`.
        """
        cursor = highest
        updated_at = datetime.max.replace(tzinfo=UTC) - _CLOCKS
        if user is not None and isinstance(user["cursor"], int):
            cursor = user["cursor"]
        with suppress(ValueError):
            updated_at = read_instant(text_of(user["updated_at"])) if user is not None else updated_at
        return cls(cursor=cursor, updated_at=updated_at, gaps=many < cursor)


class Cases:
    """Cases of some of a user's claims, beside what events tell of them."""

    def __init__(self, tellings: Tellings, names: Names) -> None:
        self._told = tellings
        self._names = names

    def missing(self, found: Collection[Key]) -> Iterator[tuple[str, str]]:
        """Name the cases under which money was booked and that aren't `found`."""
        for (owner, case_id), telling in self._told.of.items():
            if telling.booked and owner in self._told.owners and (owner, case_id) not in found:
                yield (
                    f"{case_id}/{owner.claim_id or owner.sync_id}",
                    "it is missing, and money was booked under it",
                )

    def undoubted(self, stored: StoredEvent) -> Iterator[str]:
        """Say where an event is in doubt that can't be: one taken by a case alone, whose doubt names both."""
        if stored.doubt is None:
            return
        case_id = stored.event.field("amazon_case_id")
        owners = {owner for one in stored.lifecycles if (owner := self._names.owner(one)) is not None}
        tellings = [self._told.of.get((owner, case_id)) for owner in owners]
        alone = any(one is not None and stored.seq in one.alone for one in tellings)
        names = [owner.claim_id or owner.sync_id for owner in owners]
        if not alone or case_id not in stored.doubt or not any(name in stored.doubt for name in names):
            yield "its doubt does not name the case by which alone it was taken, and the claim"

    def misbooked(self, stored: StoredEvent) -> Iterator[str]:
        """Say where an event's money is under a case that it can't be under."""
        if stored.money is not None and stored.money.case_id not in self._told.may_be_booked_under(stored):
            yield f"its money is under case {stored.money.case_id!r}, which it is not for"

    # -- one row

    def misfits(self, row: Values, keeper: Keeper) -> Iterator[str]:
        """Say what a case's row tells that can't be."""
        owner = CaseOwner(row["claim_id"], row["sync_id"])
        is_there = bool(self._names.lifecycles(owner))
        if bool(owner.claim_id) == bool(owner.sync_id) or (owner.sync_id and not is_there):
            yield f"it is of claim {owner.claim_id!r} and of sync {owner.sync_id!r}, which can't be"
            return
        case = case_of(row)
        telling = self._told.of.get((owner, case.case_id)) or Telling()
        yield from _unbooked(case, telling)
        yield from self._untold(case, row["told"], owner, telling)
        yield from self._not_alone(case, telling)
        origin = self._told.row_at(case.seq)
        if origin is not None and self._names.owner(origin["lifecycle"]) == owner:
            return  # a first edition's claim was shown with it, and its last transition stands for that
        named = (owner, case.case_id) in self._told.named or self._told.is_loose(case.case_id)
        if case.case_id is not None and not keeper.gaps and not named:
            yield "no event names it with this claim"
        event = self._told.event(case.seq)
        if event is not None:
            yield from self._unlike_its_event(case, owner, keeper, *event)
        elif not keeper.gaps or case.state not in (None, CaseState.REJECTED) or case.seq > keeper.cursor:
            yield f"its seq is {case.seq!r}, which is the number of no event"

    def _untold(self, case: Case, told: object, owner: CaseOwner, telling: Telling) -> Iterator[str]:
        """Say where nobody can have filed a case that was, or somebody filed one that wasn't."""
        if told not in (0, 1):
            yield f"its told is {told!r}, which can't be"
            return
        if case.state is None and case.told:
            yield "a submission told it, and it has no state"
        unnamed = self._told.of.get((owner, None)) or Telling()
        if case.told and not (telling.told or unnamed.told or self._told.row_at(case.seq)):
            yield "its told is 1, and no submission told it"
        if not case.told and case.case_id is None:
            yield "its told is 0, and only a submission tells one without a name"
        added = telling.added or (owner, case.case_id) in self._told.added
        if not case.told and telling.filed and not added:
            yield "its told is 0, and a submission told it"

    def _not_alone(self, case: Case, telling: Telling) -> Iterator[str]:
        """Say where the last event that was taken by the case alone can't be the one that is told."""
        if case.alone is not None and case.alone not in telling.alone:
            yield f"its alone is {case.alone!r}, which is no event that was taken by the case alone"
        if case.alone is None and telling.booked_alone:
            yield "its alone is empty, and money was taken by the case alone"
        last = None if case.alone is None else self._told.event(case.alone)
        took_back = last is not None and self._told.trigger(last[0]).money < 0
        if case.seq in telling.alone and case.alone != case.seq and not took_back:
            event = self._told.event(case.seq)
            trigger = None if event is None else self._told.trigger(event[0])
            if trigger is not None and (trigger.rejects or trigger.money > 0):
                yield f"its alone is {case.alone!r}, and event {case.seq} was taken by the case alone"

    def _unlike_its_event(
        self, case: Case, owner: CaseOwner, keeper: Keeper, stored: StoredEvent, told: Told
    ) -> Iterator[str]:
        """Say where a case is not as the event left it that told it last."""
        settled = self._told.settled.get((owner, case.seq), [])
        states = self._states(case, stored, owner, [share for _, share in settled])
        if not settled and not self._names_it(case, owner, stored, told):
            yield f"its seq is {case.seq}, an event that does not name it with this claim"
        elif case.state not in states:
            yield f"its state is {case.state!r}, which event {case.seq} did not tell"
        elif case.state is not None and not self._fits_order(case, owner, stored):
            yield f"its state is {case.state!r}, and a payout was booked under it last"
        rows = [row for one, _ in settled if (row := self._told.row_by(stored.event_id, one)) is not None]
        at, received = show_instant(case.at), show_instant(stored.received_at)
        if case.state is not None and rows:
            if at not in {received, *(row["at"] for row in rows)}:
                yield f"its at is {at!r}, and its event moved the claim at {rows[0]['at']!r}"
        elif (
            not stored.received_at - _CLOCKS
            <= case.at
            <= max(keeper.updated_at, stored.received_at) + _CLOCKS
        ):
            yield f"its at is {at!r}, and its event came at {received!r}"

    def _names_it(self, case: Case, owner: CaseOwner, stored: StoredEvent, told: Told) -> bool:
        """Tell whether an event that was for none of a claim's lifecycles named the claim with the case."""
        claims, cases = told
        if case.case_id is None or case.case_id not in cases:
            return False
        if any(owner.claim_id in (claim, self._names.canonical(claim)) for claim in claims):
            return True
        loose = any(not self._names.is_claim(claim) for claim in claims)
        return loose and not self._would_be_booked(owner, stored)

    def _would_be_booked(self, owner: CaseOwner, stored: StoredEvent) -> bool:
        """Tell whether an event that waits is a payout which a claim would have taken when it came.

        So it didn't name that claim, by a name that was taken away since either.
        """
        return (
            stored.standing is Standing.WAITING
            and self._told.trigger(stored).money > 0
            and stored.event.field("reimbursement_id") is None
            and stored.event.field("currency") is not None
            and any(one < stored.seq for one in self._names.lifecycles(owner))
        )

    def _states(
        self, case: Case, stored: StoredEvent, owner: CaseOwner, shares: Collection[Share]
    ) -> Collection[str | None]:
        """Give the states in which a case can be that an event told last."""
        trigger = self._told.trigger(stored)
        named = stored.event.field("amazon_case_id") if stored.money is None else stored.money.case_id
        if not shares or named not in (None, case.case_id):
            return (None,)
        applied = any(one.standing is Standing.APPLIED for one in shares)
        states: set[str | None] = set()
        if trigger.files:
            states = {CaseState.FILED}
            if named is None and owner in self._told.paid:
                states |= {CaseState.PAID, CaseState.REJECTED}
        elif trigger.rejects:
            states = {CaseState.REJECTED}
            if not applied and stored.event.field("claim_id") is not None:
                states.add(None)
        elif trigger.money > 0 and applied and named is not None:
            states = {CaseState.PAID}
        elif trigger.money < 0 and applied:
            states = {CaseState.REJECTED} if _took_the_last(case, stored) else set(_ANY_STATE)
        else:
            return (None,)
        if any(len(one.lifecycles) > 1 or one.standing is Standing.WAITING for one in shares):
            states.add(None)
        return states

    def _fits_order(self, case: Case, owner: CaseOwner, stored: StoredEvent) -> bool:
        """Tell whether a case that was taken back in part is paid still, where a payout came last before."""
        if self._told.trigger(stored).money >= 0 or case.is_empty or case.state == CaseState.PAID:
            return True
        if case.units < 0 or any(amount < 0 for amount in case.paid.values()):
            return True
        telling, unnamed = (self._told.of.get((owner, one)) or Telling() for one in (case.case_id, None))
        paid = telling.last_payout
        later = any(one.last[0] > paid[0] or one.last[1] > paid[1] for one in (telling, unnamed))
        return later or paid == (0, 0)


def _took_the_last(case: Case, stored: StoredEvent) -> bool:
    """Tell whether the reversal that was booked last under a case left nothing of what was there."""
    assert stored.money is not None
    before = money.add(case.paid, stored.money.currency, -stored.money.amount)
    return case.is_empty and not replace(case, paid=before, units=case.units - stored.money.units).is_empty


def _unbooked(case: Case, telling: Telling) -> Iterator[str]:
    """Say where other money is under a case than events booked there."""
    if differ(case.paid, telling.paid) or case.units != telling.units:
        reason = f"{sums_text(case.paid)} and {case.units} units are booked under it, and the events say "
        yield f"{reason}{sums_text(telling.paid)} and {telling.units}"
