"""What an event met: one user's lifecycles, names and events, read when asked for, with changes laid over."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType

from workflow_fsm.core.model.directory import Directory
from workflow_fsm.core.model.inbox import ANY_CHANGE, Standing, StoredEvent, Wait, WaitKind
from workflow_fsm.core.model.kept import KeptEvents
from workflow_fsm.core.model.lifecycle import Lifecycle
from workflow_fsm.core.model.source import Source


class Situation(Directory):
    """One user's lifecycles and events as a decision sees them: the source's, its own changes over them."""

    def __init__(self, user_id: str, source: Source, *, most: int | None = None) -> None:
        """Begin with what a source says; `most` is how much `work` may be done on it, None for any."""
        super().__init__(user_id, source, most=most)
        self._events = KeptEvents()
        self._stayed: dict[int, StoredEvent] = {}
        self._reached: dict[Wait, set[Wait]] = {}
        self._passed: dict[Wait, int] = {}

    def event(self, event_id: str) -> StoredEvent | None:
        """Give the event that has that id."""
        found = self._source.event(event_id)
        return None if found is None else self.current(found)

    def event_at(self, seq: int) -> StoredEvent | None:
        """Give the event of that number."""
        return self.changes.events.get(seq) or self._source.event_at(seq)

    def latest_like(self, trigger: str, fingerprint: str) -> StoredEvent | None:
        """Give the latest event of that trigger and content that was no conflict of ids."""
        return self._source.latest_like(trigger, fingerprint)

    def reuses(self, trigger: str, fingerprint: str) -> list[StoredEvent]:
        """Give those of that trigger and content that were kept as conflicts of ids."""
        return self._source.reuses(trigger, fingerprint)

    def with_reimbursement(self, trigger: str, reimbursement_id: str) -> list[StoredEvent]:
        """Give the events of that trigger and reimbursement id, oldest first."""
        stored = self._source.with_reimbursement(trigger, reimbursement_id)
        return self._with_changed(stored, "reimbursement_id", reimbursement_id, trigger=trigger)

    def with_line(self, trigger: str, reimbursement_id: str, line_id: str) -> list[StoredEvent]:
        """Give those of them that tell that line, or none, oldest first."""
        stored = self._source.with_line(trigger, reimbursement_id, line_id)
        found = self._with_changed(stored, "reimbursement_id", reimbursement_id, trigger=trigger)
        return [one for one in found if one.line in (None, line_id)]

    def taking_back(self, reimbursement_id: str) -> list[StoredEvent]:
        """Give the events that name that reimbursement as their original, oldest first."""
        stored = self._source.taking_back(reimbursement_id)
        return self._with_changed(stored, "original_reimbursement_id", reimbursement_id)

    def anything_waits(self) -> bool:
        """Tell whether any event of the user's waits, or has waited in this decision."""
        return self._events.ever_waited or self._source.anything_waits()

    def waiting(
        self, names: Collection[Wait], looks: Mapping[Wait, int] = MappingProxyType({})
    ) -> list[StoredEvent]:
        """Give the events that wait under one of some names, and the first of each of `looks` that came after
        the number given with it; oldest first."""
        asked = {look: max(after, self._passed.get(look, 0)) for look, after in looks.items()}
        stored = self._source.waiting(names, asked) if self._source.anything_waits() else []
        found = {one.seq: self.current(one) for one in stored}
        found |= {one.seq: one for one in self.waiting_still(names)}
        firsts: dict[Wait, StoredEvent] = {}
        for one in stored:
            for wait in one.waits:
                if one.seq > asked.get(wait, one.seq):
                    firsts.setdefault(wait, one)
        for look, after in looks.items():
            first = self._still_under(look, firsts.get(look))
            kept = self._events.first_under(look, after)
            found |= {first.seq: first} if first is not None else {}
            found |= {kept: self._kept(kept)} if kept is not None else {}
        return [found[seq] for seq in sorted(found) if found[seq].standing is Standing.WAITING]

    def waiting_still(self, names: Collection[Wait]) -> list[StoredEvent]:
        """Give, oldest first, those of them that this decision has changed or judged so far.

        That is all who are to be judged again, once `waiting` gave everybody under these names.
        """
        reached = {wait for name in names for wait in self._reached.get(name, ())}
        found = map(self._kept, sorted(set(self._events.under(reached.union(names)))))
        return [one for one in found if one.standing is Standing.WAITING]

    def _still_under(self, look: Wait, first: StoredEvent | None) -> StoredEvent | None:
        """Give the first of the store's under a look that waits under it still, from a `first` on."""
        while first is not None and look not in self.current(first).waits:
            self._passed[look] = first.seq
            first = next(iter(self._source.waiting((), {look: first.seq})), None)
        return None if first is None else self.current(first)

    def current(self, stored: StoredEvent) -> StoredEvent:
        """Give the event as it stands now."""
        return self.changes.events.get(stored.seq, stored)

    def keep(self, stored: StoredEvent, *, received: bool = False) -> None:
        """Keep a new or changed event."""
        self.changes.events[stored.seq] = stored
        self._note(stored)
        if received:
            self.changes.received.add(stored.seq)

    def leave_waiting(self, stored: StoredEvent) -> None:
        """Know an event that was judged, and waits on as it did."""
        self._stayed[stored.seq] = stored
        self._note(stored)

    def _note(self, stored: StoredEvent) -> None:
        self._events.put(stored)
        for wait in stored.waits:
            for name in self._through(wait):
                self._reached.setdefault(name, set()).add(wait)

    def _kept(self, seq: int) -> StoredEvent:
        """Give one that was changed or judged, as it stands now."""
        return self.changes.events.get(seq) or self._stayed[seq]

    def _through(self, wait: Wait) -> Iterator[Wait]:
        """Give the names through which what waits under one is reached, too: whose alias or case it is."""
        if wait.kind == WaitKind.CLAIM:
            claim = self.claim(wait.name)
            if claim is not None and claim.claim_id not in (None, wait.name):
                yield Wait(WaitKind.CLAIM, claim.claim_id)
            elif claim is None and self.canonical(wait.name) != wait.name:
                yield Wait(WaitKind.CLAIM, self.canonical(wait.name))
        elif wait.kind == WaitKind.CASE:
            for owner, _ in self.owners_of(wait.name):
                claim_id, sync_id = owner
                yield Wait(WaitKind.CLAIM, claim_id) if claim_id else Wait(WaitKind.SYNC, sync_id)

    def take_the_place(self, stored: StoredEvent, replaced: Iterable[StoredEvent]) -> None:
        """Let an event stand in the place of others, with all ids that these had."""
        for other in replaced:
            self.changes.replaced[other.seq] = stored.seq
            self.add_ids(stored, (other.event_id,))

    def add_ids(self, stored: StoredEvent, ids: Iterable[str]) -> None:
        """Let an event have further ids, those that no other has."""
        for one in ids:
            if one != stored.event_id:
                other = self.event(one)
                if other is None or other.seq in self.changes.replaced:
                    self.changes.ids[one] = stored.seq

    def wake(self, wait: Wait) -> None:
        """Have what waits under a name judged again."""
        self._names.add(wait)

    def touched_since_last(self) -> tuple[list[Lifecycle], set[Wait]]:
        """Give the lifecycles that changed since this was last asked, and the names that this concerns.

        Where nothing waits it concerns nobody.
        """
        touched = [self._seen[one] for one in dict.fromkeys(self._touched)]
        names = self._names
        if not (touched or names) or not self.anything_waits():
            self._touched, self._names = [], set()
            return touched, set()
        for one in touched:
            names.add(ANY_CHANGE)
            names.add(
                Wait(WaitKind.CLAIM, one.claim_id) if one.claim_id else Wait(WaitKind.SYNC, one.sync_id)
            )
            cases = self.changes.cases.get(one.owner, {})
            names.update(Wait(WaitKind.CASE, name) for name in cases if name is not None)
        claims = [wait.name for wait in names if wait.kind == WaitKind.CLAIM] if self._linked else ()
        names.update(
            Wait(WaitKind.CLAIM, one) for claim_id in claims for one in self._linked.get(claim_id, ())
        )
        self._touched, self._names = [], set()
        return touched, names

    def _with_changed(
        self, stored: Iterable[StoredEvent], name: str, value: str, *, trigger: str | None = None
    ) -> list[StoredEvent]:
        found = {one.seq: self.current(one) for one in stored}
        for one in map(self._kept, self._events.telling(name, value)):
            if trigger in (None, one.event.trigger) and one.event.field(name) == value:
                found[one.seq] = one
        return [found[seq] for seq in sorted(found)]
