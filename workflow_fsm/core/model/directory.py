"""Directory: a user's lifecycles by their ids, names and cases, and what they owe, with changes laid over.

It reads through a `Source`, so that a decision sees its own changes, and holds them until they are committed
together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import datetime

from workflow_fsm.core.definition.cases import Cases, joined, ordered
from workflow_fsm.core.definition.events import DEFAULT_CURRENCY
from workflow_fsm.core.model.changes import Changes
from workflow_fsm.core.model.inbox import Wait, WaitKind
from workflow_fsm.core.model.kept import KeptCases, KeptLifecycles
from workflow_fsm.core.model.lifecycle import CaseOwner, Lifecycle, Row
from workflow_fsm.core.model.outbox import held_until, owed, owed_apart
from workflow_fsm.core.model.source import Seek, Source
from workflow_fsm.core.values import money
from workflow_fsm.core.values.value_types import replace


class TooMuch(Exception):
    """A decision reads, changes or judges more than it may here: nothing of it is to be kept."""


class Directory:
    """One user's lifecycles as a decision sees them: the source's, its own changes over them."""

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
        self._lifecycles = KeptLifecycles()
        self._case_owners = KeptCases()
        self._linked: dict[str, dict[str, None]] = {}
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
        self.do_work(len(told))
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
        self.do_work(1)
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

    def do_work(self, many: int) -> None:
        """Count lifecycles that are read together, or changed, or events that are judged. Raises TooMuch."""
        self.work += many
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
