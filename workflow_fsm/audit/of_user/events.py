"""Events, audited: each read once, held against itself and the acts, and noted with what it tells of others.

Few are remembered as they were read; what else is asked for again is read again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from workflow_fsm.audit.definitions import Definitions
from workflow_fsm.audit.of_user import overlays
from workflow_fsm.audit.of_user.money import Bookings
from workflow_fsm.audit.of_user.names import Names
from workflow_fsm.audit.of_user.overlays import Acts
from workflow_fsm.audit.report import Tally, unread
from workflow_fsm.audit.scratch import Complain, Scratch, Values
from workflow_fsm.core.definition import Trigger
from workflow_fsm.core.model.inbox import Standing, StoredEvent
from workflow_fsm.core.model.lifecycle import CaseOwner
from workflow_fsm.core.values import money
from workflow_fsm.core.values.instants import show_instant
from workflow_fsm.stores.columns import shown

Told = tuple[Collection[str], Collection[str]]
"""All claims and all cases that an event ever named."""
_REMEMBERED = 2_000
"""So many events, with their parts, are remembered."""
_STANDINGS = frozenset(standing.value for standing in Standing)


class Events:
    """A user's events."""

    def __init__(
        self,
        scratch: Scratch,
        definitions: Definitions,
        bookings: Bookings,
        names: Names,
        acts: Acts,
        complain: Complain,
    ) -> None:
        self._scratch = scratch
        self._definitions = definitions
        self._definition = definitions.reading
        self._bookings = bookings
        self._names = names
        self._acts = acts
        self._complain = complain
        self._room = _REMEMBERED
        self._known: dict[Any, StoredEvent] = {}
        self._moves: dict[Any, tuple[str, frozenset[int]]] = {}

    def read(self, tally: Tally) -> None:
        """Read every event, count it, and compare what it says twice."""
        for row in self._scratch.each("events_of"):
            tally.received += 1
            if row["standing"] in _STANDINGS:
                tally.standings[row["standing"]] += 1
            try:
                stored, fingerprint = self._definitions.read_event(row)
                for reason in self._contradictions(stored, row, fingerprint):
                    self._fault(row["seq"], reason)
                for reason in self._bookings.add(stored):
                    self._fault(row["seq"], reason)
                stored = self._bookings.without_what_none_moves(stored)
                self._note(stored)
            except Exception as error:  # whatever a damaged row does to its reader
                self._fault(row["seq"], unread(error))
                self._scratch.note("put_unread", seq=row["seq"])
                continue
            self._hold_against_acts(stored)
        for row in self._scratch.each("events_twice"):
            self._fault(row["seq"], f"another event has its number, or its id {row['event_id']!r}")

    def told(self, seq: object) -> tuple[StoredEvent, Told] | None:
        """Give the event of a number with all that it ever named; None where none can be read."""
        stored = self.at(seq)
        if stored is None or self._definition.trigger(stored.event.trigger) is None:
            return None
        return stored, overlays.names_told(self._acts, stored)

    def at(self, seq: object) -> StoredEvent | None:
        """Give the event of a number; None where none can be read."""
        known = self._known.get(seq)
        if known is not None:
            return known
        row = self._scratch.first("event_at", seq=seq)
        if row is None or self._scratch.first("is_unread", seq=seq) is not None:
            return None
        return self._bookings.without_what_none_moves(self._definitions.read_event(row)[0])

    def moved(self, event_id: object, trigger: object, lifecycle: object) -> bool | None:
        """Tell whether an event says that by a trigger it moved a lifecycle; None where there is no event.

        All is believed of one that can't be read.
        """
        known = self._moves.get(event_id)
        if known is not None:
            return known[0] == trigger and lifecycle in known[1]
        event = self._scratch.first("event", event_id=event_id, lifecycle=lifecycle)
        if event is None:
            return None
        return bool(event["is_unread"] or (event["moved"] and event["trigger"] == trigger))

    def trigger(self, stored: StoredEvent) -> Trigger:
        """Give the trigger of an event that was read, and has one."""
        trigger = self._definition.trigger(stored.event.trigger)
        assert trigger is not None
        return trigger

    def hold(self, stored: StoredEvent, reasons: Callable[[StoredEvent], Iterator[str]]) -> None:
        """Complain of an event for reasons that are looked for."""
        try:
            for reason in reasons(stored):
                self._fault(stored.seq, reason)
        except Exception as error:  # whatever a damaged row does to its reader
            self._fault(stored.seq, unread(error))

    def _fault(self, seq: object, reason: str) -> None:
        self._complain("events", seq, reason)

    def _contradictions(self, stored: StoredEvent, row: Values, fingerprint: str) -> Iterator[str]:
        if stored.event.user_id != row["user_id"]:
            yield f"its body is of user {stored.event.user_id!r}"
        if fingerprint != row["fingerprint"]:
            yield "its content is not what its fingerprint was made of"
        known = self._definition.trigger(stored.event.trigger) is not None
        for name, told in _told_twice(stored, is_known=known):
            if told != row[name]:
                yield f"its {name} is {row[name]!r}, where the rest of it says {told!r}"
        for share in stored.shares:
            for one in share.lifecycles:
                if not self._names.is_there(one):
                    yield f"it was for lifecycle {one!r}, which is not there"

    def _hold_against_acts(self, stored: StoredEvent) -> None:
        """Find what only a person can have done to an event, and no act tells; or the other way round."""
        dropped = any(one.standing is Standing.DROPPED for one in stored.shares)
        if dropped and not self._acts.dropped(f"event:{stored.seq}"):
            self._fault(stored.seq, "it was dropped, and no act says by whom")
        self.hold(stored, lambda one: overlays.misfits(self._definition, self._acts, one))

    def _note(self, stored: StoredEvent) -> None:
        """Note what an event tells of lifecycles, waits and cases; remember it while there is room."""
        seq = stored.seq
        self._scratch.note_all("put_part", _parts(stored))
        for kind, name in stored.waits:
            self._scratch.note("put_wait", kind=kind, name=name, seq=seq)
        if stored.doubt is not None:
            self._scratch.note("put_doubted", seq=seq)
        trigger = self._definition.trigger(stored.event.trigger)
        if trigger is not None:
            for owner in self._concerned(stored, trigger):
                self._scratch.note("put_concern", claim_id=owner.claim_id, sync_id=owner.sync_id, seq=seq)
        self._room -= 1 + len(stored.shares) + len(stored.event.parts)
        if self._room > 0:
            self._known[seq] = stored
            applied = (one for one in stored.shares if one.standing is Standing.APPLIED)
            moved = frozenset(lifecycle for one in applied for lifecycle in one.lifecycles)
            self._moves[stored.event_id] = (stored.event.trigger, moved)

    def _concerned(self, stored: StoredEvent, trigger: Trigger) -> set[CaseOwner]:
        """Give whose cases an event tells of."""
        owners: set[CaseOwner] = set()
        claims, cases = overlays.names_told(self._acts, stored)
        for claim in claims if cases else ():
            owners |= {CaseOwner(claim, ""), CaseOwner(self._names.canonical(claim), "")}
            if not self._names.is_claim(claim):
                for case_id in cases:
                    self._scratch.note("put_loose", case_id=case_id)
        if not (trigger.files or trigger.rejects or trigger.money):
            return owners
        for share in stored.shares:
            for lifecycle in share.lifecycles if share.standing is not Standing.REFUSED else ():
                owner = self._names.owner(lifecycle)
                if owner is not None:
                    owners.add(owner)
                    if trigger.files:
                        self._scratch.note("put_filed", lifecycle=lifecycle)
        reimbursement = stored.event.field("reimbursement_id")
        if stored.money is not None and trigger.money > 0 and reimbursement is not None:
            booked = stored.money.case_id
            self._scratch.note("put_payout", reimbursement_id=reimbursement, case_id=booked)
        return owners


def _parts(stored: StoredEvent) -> Iterator[dict[str, Any]]:
    for number, share in enumerate(stored.shares):
        for lifecycle in share.lifecycles or (None,):
            yield {
                "event_id": stored.event_id,
                "seq": stored.seq,
                "number": number,
                "lifecycle": lifecycle,
                "standing": share.standing.value,
                "claim": share.claim,
            }


def _told_twice(stored: StoredEvent, *, is_known: bool) -> Iterator[tuple[str, Any]]:
    """Give what of an event stands in a column of its own as well."""
    booked, letter = stored.money, stored.letter
    yield "standing", stored.standing.value
    yield "amount", None if booked is None else money.text(booked.amount)
    yield "currency", None if booked is None else booked.currency
    yield "letter", letter
    yield "letter_at", None if letter is None else show_instant(stored.letter_at)
    yield "dropped", int(stored.is_dropped)
    if is_known:
        yield "id_given", 1 if stored.event.ids else 0
        yield "units", 0 if booked is None else booked.units
        yield "reimbursement_id", stored.event.field("reimbursement_id")
        yield "line_id", stored.line
        yield "original_id", stored.event.field("original_reimbursement_id")
        yield "occurred_at", shown(stored.event.occurred_at)
