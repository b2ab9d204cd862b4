"""What an event met: one user's lifecycles, names and events, read when asked for, with changes laid over.

The `Situation` reads through a `Source`, so that a decision sees its own changes, and holds them until they
are committed together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from workflow_fsm.core.definition.cases import Cases, joined, ordered
from workflow_fsm.core.definition.events import DEFAULT_CURRENCY
from workflow_fsm.core.model.inbox import ANY_CHANGE, Money, Standing, StoredEvent, Wait, WaitKind
from workflow_fsm.core.model.kept import KeptCases, KeptEvents, KeptLifecycles
from workflow_fsm.core.model.lifecycle import CaseOwner, Lifecycle, Row
from workflow_fsm.core.model.outbox import Effect, held_until, owed, owed_apart
from workflow_fsm.core.model.source import Seek, Source
from workflow_fsm.core.values import money


class TooMuch(Exception):
    """A decision reads or changes more lifecycles than it may here: nothing of it is to be kept."""


@dataclass(slots=True)
class Changes:
    """What a decision changed, to be committed as one.

    `ids` are further ids of events, by number. `aliases` maps one that was taken away to None. `currencies`
    are those met, with their decimals; `claim_currencies` says how many claims more have each. `rescheduled`
    says from when on what a lifecycle owes to a handler is due, where nobody has begun it.
    """

    lifecycles: dict[int, Lifecycle] = field(default_factory=dict)
    made: set[int] = field(default_factory=set)
    rows: list[Row] = field(default_factory=list)
    events: dict[int, StoredEvent] = field(default_factory=dict)
    received: set[int] = field(default_factory=set)
    replaced: dict[int, int] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)
    aliases: dict[str, str | None] = field(default_factory=dict)
    cases: dict[CaseOwner, Cases] = field(default_factory=dict)
    money: list[Money] = field(default_factory=list)
    currencies: dict[str, int] = field(default_factory=dict)
    claim_currencies: Counter[str] = field(default_factory=Counter)
    effects: dict[int, Effect] = field(default_factory=dict)
    rescheduled: dict[int, dict[str, datetime]] = field(default_factory=dict)
    left: set[int] = field(default_factory=set)


class Situation:
    """One user's lifecycles and events as a decision sees them: the source's, its own changes over them."""

    def __init__(self, user_id: str, source: Source, *, most: int | None = None) -> None:
        """Begin with what a source says; `most` is how much `work` may be done on it, None for any."""
        self.user_id = user_id
        self.work = 0
        self._most = most
        self.changes = Changes()
        self._source = source
        self._cursor = source.cursor()
        self._seen: dict[int, Lifecycle] = {}
        self._claims: dict[str, int] = {}
        self._syncs: dict[str, int] = {}
        self._cases: dict[CaseOwner, Cases] = {}
        self._stored_cases: dict[CaseOwner, Cases] = {}
        self._touched: list[int] = []
        self._names: set[Wait] = set()
        self._events = KeptEvents()
        self._lifecycles = KeptLifecycles()
        self._case_owners = KeptCases()
        self._linked: dict[str, dict[str, None]] = {}
        self._reached: dict[Wait, set[Wait]] = {}
        self._passed: dict[Wait, int] = {}
        self._had_claims: bool | None = None
        self._for_being_in: dict[int, list[int]] = {}

    @property
    def cursor(self) -> int:
        """The last number handed out to this user."""
        return self._cursor

    def next_cursor(self) -> int:
        """Hand out the next number."""
        self._cursor += 1
        return self._cursor

    # -- lifecycles

    def claim(self, name: str) -> Lifecycle | None:
        """Give the claim that a name stands for, an alias too."""
        found = self._claim(name)
        if found is None or found.merged_into is not None:
            claim_id = self.canonical(name)
            found = None if claim_id == name else self._claim(claim_id)
        return found

    def lifecycle(self, lifecycle_id: int) -> Lifecycle | None:
        """Give one lifecycle."""
        return self._seen.get(lifecycle_id) or self._current(self._source.lifecycle(lifecycle_id))

    def sync(self, sync_id: str) -> Lifecycle | None:
        """Give the lifecycle of a sync."""
        made = self._syncs.get(sync_id)
        if made is not None:
            return self._seen[made]
        return self._current(self._source.sync(sync_id))

    def newest_sync(self, state: str) -> Lifecycle | None:
        """Give the newest sync that is in a state and takes part, else the newest of all."""
        found = [self._seen[made] for made in self._syncs.values()]
        waiting = [s for s in found if s.state == state and not s.forked]
        if waiting:
            return max(waiting, key=lambda s: s.id)
        before = self._current(self._source.newest_sync(state))
        if before is not None and before.state == state and not before.forked:
            return before
        if found:
            return max(found, key=lambda s: s.id)
        return self._current(self._source.newest_sync(None))

    def seek(self, wanted: Seek) -> list[Lifecycle]:
        """Give the lifecycles looked for, oldest first; of more than `limit`, the newest."""
        spare = self._lifecycles.taken_from(wanted.states)
        widened = wanted if wanted.limit is None else replace(wanted, limit=wanted.limit + spare)
        told = self._source.seek(widened)
        self._do_work(len(told))
        found = [one for one in map(self._now, told) if one.id not in self.changes.lifecycles]
        found += [self.changes.lifecycles[one] for one in self._lifecycles.within(wanted.states)]
        rows = _by_id(one for one in found if wanted.finds(one))
        return rows if wanted.limit is None else rows[-wanted.limit :]

    def has_claims(self) -> bool:
        """Tell whether the user has a claim."""
        return bool(self._claims) or self._source.has_claims()

    def has_its_first_claim(self) -> bool:
        """Tell, once, that the user has a claim by now, and had none before this decision."""
        if not self._claims or self._had_claims is not None:
            return False
        self._had_claims = self._source.has_claims()
        return not self._had_claims

    def has_syncs(self) -> bool:
        """Tell whether the user has any sync."""
        return bool(self._syncs) or self._source.newest_sync(None) is not None

    def put(self, lifecycle: Lifecycle, *, made: bool = False) -> None:
        """Lay a new or changed lifecycle over the source's. Raises TooMuch."""
        self._do_work(1)
        before = self._seen.get(lifecycle.id)
        self._count_currency(before, -1)
        self._count_currency(lifecycle, 1)
        if before is not None and before.facts is not lifecycle.facts:
            self._reschedule(before, lifecycle)
        self._lifecycles.put(before, lifecycle, made=made)
        self._seen[lifecycle.id] = lifecycle
        self.changes.lifecycles[lifecycle.id] = lifecycle
        if made:
            self.changes.made.add(lifecycle.id)
            index = self._syncs if lifecycle.claim_id is None else self._claims
            index[lifecycle.claim_id or lifecycle.sync_id] = lifecycle.id
        self._touched.append(lifecycle.id)

    def _do_work(self, lifecycles: int) -> None:
        self.work += lifecycles
        if self._most is not None and self.work > self._most:
            raise TooMuch

    def _claim(self, claim_id: str) -> Lifecycle | None:
        made = self._claims.get(claim_id)
        return self._seen[made] if made is not None else self._current(self._source.claim(claim_id))

    def _now(self, lifecycle: Lifecycle) -> Lifecycle:
        return self._seen.setdefault(lifecycle.id, lifecycle)

    def _current(self, lifecycle: Lifecycle | None) -> Lifecycle | None:
        return None if lifecycle is None else self._now(lifecycle)

    # -- names

    def canonical(self, name: str) -> str:
        """Give the claim id that a name stands for: the alias's owner, else the name itself."""
        if name in self.changes.aliases:
            return self.changes.aliases[name] or name
        return self._source.alias(name) or name

    def has_aliases(self) -> bool:
        """Tell whether any claim of the user has an alias."""
        return bool(self.changes.aliases) or self._source.has_aliases(None)

    def aliases_of(self, claim_id: str) -> list[str]:
        """Give the aliases of a claim."""
        changed = self.changes.aliases
        before = [one for one in self._source.aliases_of(claim_id) if changed.get(one, claim_id) == claim_id]
        return list(dict.fromkeys((*before, *self._linked.get(claim_id, ()))))

    def is_merged(self, name: str) -> bool:
        """Tell whether a name was that of a claim of its own, before that was merged into another."""
        found = self._claim(name)
        return found is not None and found.merged_into is not None

    def owner(self, name: str) -> str | None:
        """Give the claim id that a name is taken by: as an alias, as a claim's id, or as one with aliases."""
        claim_id = self.canonical(name)
        if claim_id != name or self.claim(name) is not None:
            return claim_id
        if self._linked.get(name) or self._source.has_aliases(name):
            return name
        return None

    def link(self, alias: str, claim_id: str | None) -> None:
        """Let an alias stand for a claim, or (None) for none any more."""
        concerned = (alias, claim_id, self.canonical(alias))
        self._names.update(Wait(WaitKind.CLAIM, name) for name in concerned if name is not None)
        self._linked.get(self.changes.aliases.get(alias) or "", {}).pop(alias, None)
        self.changes.aliases[alias] = claim_id
        if claim_id is not None:
            self._linked.setdefault(claim_id, {})[alias] = None
            self._move_cases(CaseOwner(alias, ""), CaseOwner(claim_id, ""))

    def _move_cases(self, before: CaseOwner, owner: CaseOwner) -> None:
        """Let what was told of a name's cases be told of the claim that it is a name of."""
        cases = self.cases_of(before)
        if cases:
            self.put_cases(before, {})
            self.put_cases(owner, joined(cases, self.cases_of(owner)))

    def cases_of(self, owner: CaseOwner) -> Cases:
        """Give the cases of a claim or a plain lifecycle."""
        if owner not in self._cases:
            self._cases[owner] = self._stored_cases[owner] = ordered(self._source.cases_of(owner))
        return self._cases[owner]

    def stored_cases_of(self, owner: CaseOwner) -> Cases:
        """Give the cases of one whose cases were read, as they stood then."""
        return self._stored_cases[owner]

    def put_cases(self, owner: CaseOwner, cases: Cases) -> None:
        """Lay changed cases over the source's; those that came or went wake what waits for them."""
        before = self.cases_of(owner)
        if cases == before:
            return
        changed = before.keys() ^ cases.keys()
        self._names.update(Wait(WaitKind.CASE, name) for name in changed if name is not None)
        self._case_owners.put(owner, before, cases)
        self._cases[owner] = self.changes.cases[owner] = cases

    def owners_of(self, case_id: str) -> list[tuple[CaseOwner, Lifecycle | None]]:
        """Give whose a case is, with the lifecycle where there is one."""
        stored = self._source.with_case(case_id)
        found = {owner: self._current(one) for owner, one in stored if owner not in self.changes.cases}
        found |= {owner: self._lifecycle_of(owner) for owner in self._case_owners.owners(case_id)}
        return [(owner, self._lifecycle_of(owner) if one is None else one) for owner, one in found.items()]

    def with_case(self, case_id: str) -> list[Lifecycle]:
        """Give the lifecycles with that case that take part."""
        found = (lifecycle for _, lifecycle in self.owners_of(case_id) if lifecycle is not None)
        return _by_id(one for one in found if not one.forked)

    def is_case_named(self, case_id: str) -> bool:
        """Tell whether anybody has a case, a claim that isn't detected yet among them."""
        return bool(self.owners_of(case_id))

    def with_unnamed_case(self, lifecycles: Collection[Lifecycle]) -> set[int]:
        """Tell which lifecycles have a filing without a name."""
        owners = set(self._source.with_unnamed_case([one.owner for one in lifecycles]))
        changed = self.changes.cases
        return {
            one.id
            for one in lifecycles
            if (None in changed[one.owner] if one.owner in changed else one.owner in owners)
        }

    def _lifecycle_of(self, owner: CaseOwner) -> Lifecycle | None:
        return self.claim(owner.claim_id) if owner.claim_id else self.sync(owner.sync_id)

    # -- effects

    def owe(self, row: Row, lifecycle: Lifecycle, *, internal: bool = False) -> None:
        """Enqueue what a transition owes; what was owed for being in the state before it is void.

        An internal one leaves and enters nothing.
        """
        if not internal:
            self.leave(lifecycle)
        if lifecycle.forked:
            return
        for pattern in self._source.patterns():
            if pattern.fits(row) and not (internal and pattern.on_enter):
                effect = owed(pattern, row, lifecycle, seq=self.next_cursor())
                self.changes.effects[effect.seq] = effect
                if effect.on_enter:
                    self._for_being_in.setdefault(lifecycle.id, []).append(effect.seq)

    def leave(self, lifecycle: Lifecycle) -> None:
        """Make void what is owed for being in a state that the lifecycle leaves, and isn't running yet."""
        self.changes.left.add(lifecycle.id)
        for seq in self._for_being_in.pop(lifecycle.id, ()):
            del self.changes.effects[seq]

    def tell_of(self, about: str, now: datetime) -> None:
        """Enqueue the telling of a dead letter."""
        for pattern in self._source.patterns():
            if pattern.dead_letter:
                self.request(pattern.name, about, now)

    def request(self, handler: str, about: str, now: datetime) -> None:
        """Enqueue an effect that no transition owes."""
        seq = self.next_cursor()
        self.changes.effects[seq] = owed_apart(handler, self.user_id, about, seq=seq, now=now)

    def _reschedule(self, before: Lifecycle, lifecycle: Lifecycle) -> None:
        """Let what is owed be due from when its instant, told anew, says."""
        for pattern in self._source.patterns():
            fact = pattern.not_before
            if fact is None or before.facts.get(fact) == lifecycle.facts.get(fact):
                continue
            held = held_until(pattern, lifecycle)
            if held is not None:
                self.changes.rescheduled.setdefault(lifecycle.id, {})[pattern.name] = held

    # -- events

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

    def waiting(
        self, names: Collection[Wait], looks: Mapping[Wait, int] = MappingProxyType({})
    ) -> list[StoredEvent]:
        """Give the events that wait under one of some names, and the first of each of `looks` that came after
        the number given with it; oldest first."""
        asked = {look: max(after, self._passed.get(look, 0)) for look, after in looks.items()}
        stored = self._source.waiting(names, asked)
        reached = {wait for name in names for wait in self._reached.get(name, ())}
        found = {one.seq: self.current(one) for one in stored}
        found |= {seq: self.changes.events[seq] for seq in self._events.under(reached.union(names))}
        firsts: dict[Wait, StoredEvent] = {}
        for one in stored:
            for wait in one.waits:
                if one.seq > asked.get(wait, one.seq):
                    firsts.setdefault(wait, one)
        for look, after in looks.items():
            first = self._still_under(look, firsts.get(look))
            kept = self._events.first_under(look, after)
            found |= {first.seq: first} if first is not None else {}
            found |= {kept: self.changes.events[kept]} if kept is not None else {}
        return [found[seq] for seq in sorted(found) if found[seq].standing is Standing.WAITING]

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
        self._events.put(stored)
        for wait in stored.waits:
            for name in self._through(wait):
                self._reached.setdefault(name, set()).add(wait)
        if received:
            self.changes.received.add(stored.seq)

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
        """Give the lifecycles that changed since this was last asked, and the names that this concerns."""
        touched = [self._seen[one] for one in dict.fromkeys(self._touched)]
        names = self._names
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
        for one in (self.changes.events[seq] for seq in self._events.telling(name, value)):
            if trigger in (None, one.event.trigger) and one.event.field(name) == value:
                found[one.seq] = one
        return [found[seq] for seq in sorted(found)]

    # -- currencies

    def decimals(self, currency: str) -> int:
        """Give how many decimals a currency has, one that the store has met though ISO 4217 withdrew it, too.

        Raises NotMoney.
        """
        known = self._source.currencies()
        places = money.decimals(currency, known)
        if currency not in known:
            self.changes.currencies[currency] = places
        return places

    def _count_currency(self, lifecycle: Lifecycle | None, more: int) -> None:
        if lifecycle is None or lifecycle.claim_id is None or lifecycle.merged_into is not None:
            return
        currency = lifecycle.facts.get("currency") or DEFAULT_CURRENCY
        self.changes.claim_currencies[currency] += more
        if more > 0 and lifecycle.facts.get("amount") is not None:
            with suppress(money.NotMoney):
                self.decimals(currency)


def _by_id(lifecycles: Iterable[Lifecycle]) -> list[Lifecycle]:
    return sorted(lifecycles, key=lambda one: one.id)
