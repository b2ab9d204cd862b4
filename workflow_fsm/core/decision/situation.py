"""What an event met: one user's lifecycles and events, read when asked for, with changes laid over.

`Source` is what a store must answer, for one user and inside one transaction. The `Situation` reads through
it, so that a decision sees its own changes, and holds them until they are committed together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from workflow_fsm.core.decision.inbox import Money, StoredEvent
from workflow_fsm.core.decision.lifecycle import Lifecycle, Row
from workflow_fsm.core.decision.outbox import Effect, Pattern, owed, owed_apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Seek:
    """Which lifecycles that still take part to look for, newest first.

    `unless_case` rules out those with another case id; `since` asks for a transition after that cursor.
    """

    states: tuple[str, ...]
    sync_id: str | None = None
    unless_case: str | None = None
    since: int = 0
    limit: int | None = None

    def finds(self, lifecycle: Lifecycle) -> bool:
        """Tell whether this lifecycle is one that is looked for."""
        return (
            not lifecycle.forked
            and lifecycle.state in self.states
            and self.sync_id in (None, lifecycle.sync_id)
            and (self.unless_case is None or lifecycle.case_id in (None, self.unless_case))
            and lifecycle.cursor > self.since
        )


class Source(Protocol):
    """What a store answers of one user, as it stands in the transaction."""

    def cursor(self) -> int:
        """Give the last number handed out, 0 for an unknown user."""

    def event(self, event_id: str) -> StoredEvent | None:
        """Give the event of that id."""

    def latest_like(self, trigger: str, fingerprint: str) -> StoredEvent | None:
        """Give the latest event of that trigger and content."""

    def with_reimbursement(self, trigger: str, reimbursement_id: str) -> list[StoredEvent]:
        """Give the events of that trigger and reimbursement id, oldest first."""

    def lifecycle(self, lifecycle_id: int) -> Lifecycle | None:
        """Give one lifecycle."""

    def claim(self, claim_id: str) -> Lifecycle | None:
        """Give the claim of that id (aliases are not looked at)."""

    def alias(self, name: str) -> str | None:
        """Give the claim id that an alias stands for."""

    def has_aliases(self, claim_id: str | None) -> bool:
        """Tell whether any alias stands for that claim id (None: for any)."""

    def sync(self, sync_id: str) -> Lifecycle | None:
        """Give the lifecycle of a sync."""

    def newest_sync(self, state: str | None) -> Lifecycle | None:
        """Give the user's newest sync, or the newest in a state (forked ones left out then)."""

    def with_case(self, case_id: str) -> list[Lifecycle]:
        """Give the lifecycles with that case id."""

    def seek(self, wanted: Seek) -> list[Lifecycle]:
        """Give the lifecycles looked for, newest first."""

    def has_claims(self) -> bool:
        """Tell whether the user has a claim."""

    def waiting(self, names: Collection[str]) -> list[StoredEvent]:
        """Give, oldest first, the waiting events with a part that names no claim, or one of `names`.

        A name stands for its aliases too.
        """

    def patterns(self) -> Sequence[Pattern]:
        """Give the handlers that transitions owe."""


@dataclass(slots=True)
class Changes:
    """What a decision changed, to be committed as one."""

    lifecycles: dict[int, Lifecycle] = field(default_factory=dict)
    made: set[int] = field(default_factory=set)
    rows: list[Row] = field(default_factory=list)
    events: dict[int, StoredEvent] = field(default_factory=dict)
    received: set[int] = field(default_factory=set)
    replaced: list[int] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)
    money: list[Money] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    left: set[int] = field(default_factory=set)


class Situation:
    """One user's lifecycles and events as a decision sees them: the source's, its own changes over them."""

    def __init__(self, user_id: str, source: Source) -> None:
        self.user_id = user_id
        self.changes = Changes()
        self._source = source
        self._cursor = source.cursor()
        self._seen: dict[int, Lifecycle] = {}
        self._claims: dict[str, int] = {}
        self._syncs: dict[str, int] = {}
        self._touched: list[int] = []
        self._linked: set[str] = set()

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
        if found is None:
            claim_id = self.canonical(name)
            found = None if claim_id == name else self._claim(claim_id)
        return found

    def canonical(self, name: str) -> str:
        """Give the claim id that a name stands for: the alias's owner, else the name itself."""
        return self.changes.aliases.get(name) or self._source.alias(name) or name

    def has_aliases(self) -> bool:
        """Tell whether any claim of the user has an alias."""
        return bool(self.changes.aliases) or self._source.has_aliases(None)

    def owner(self, name: str) -> str | None:
        """Give the claim id that a name is taken by: as an alias, as a claim's id, or as one with aliases."""
        claim_id = self.canonical(name)
        if claim_id != name or self.claim(name) is not None:
            return claim_id
        if name in self.changes.aliases.values() or self._source.has_aliases(name):
            return name
        return None

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

    def with_case(self, case_id: str) -> list[Lifecycle]:
        """Give the lifecycles with that case id that take part."""
        found = {one.id: self._now(one) for one in self._source.with_case(case_id)} | self.changes.lifecycles
        return _by_id(one for one in found.values() if one.case_id == case_id and not one.forked)

    def seek(self, wanted: Seek) -> list[Lifecycle]:
        """Give the lifecycles looked for, oldest first; of more than `limit`, the newest."""
        spare = len(self.changes.lifecycles)
        widened = wanted if wanted.limit is None else replace(wanted, limit=wanted.limit + spare)
        found = {one.id: self._now(one) for one in self._source.seek(widened)} | self.changes.lifecycles
        rows = _by_id(one for one in found.values() if wanted.finds(one))
        return rows if wanted.limit is None else rows[-wanted.limit :]

    def has_claims(self) -> bool:
        """Tell whether the user has a claim."""
        return bool(self._claims) or self._source.has_claims()

    def has_syncs(self) -> bool:
        """Tell whether the user has any sync."""
        return bool(self._syncs) or self._source.newest_sync(None) is not None

    def put(self, lifecycle: Lifecycle, *, made: bool = False) -> None:
        """Lay a new or changed lifecycle over the source's."""
        self._seen[lifecycle.id] = lifecycle
        self.changes.lifecycles[lifecycle.id] = lifecycle
        if made:
            self.changes.made.add(lifecycle.id)
            index = self._syncs if lifecycle.claim_id is None else self._claims
            index[lifecycle.claim_id or lifecycle.sync_id] = lifecycle.id
        self._touched.append(lifecycle.id)

    def link(self, alias: str, claim_id: str) -> None:
        """Let an alias stand for a claim."""
        self.changes.aliases[alias] = claim_id
        self._linked.update((alias, claim_id))

    # -- effects

    def owe(self, row: Row, lifecycle: Lifecycle) -> None:
        """Enqueue what a transition owes; what was owed for being in the state before it is void."""
        self.leave(lifecycle)
        if lifecycle.forked:
            return
        for pattern in self._source.patterns():
            if pattern.fits(row):
                self.changes.effects.append(owed(pattern, row, lifecycle, seq=self.next_cursor()))

    def leave(self, lifecycle: Lifecycle) -> None:
        """Make void what is owed for being in a state that the lifecycle leaves, and isn't running yet."""
        self.changes.left.add(lifecycle.id)
        self.changes.effects = [
            effect
            for effect in self.changes.effects
            if effect.lifecycle != lifecycle.id or not effect.on_enter
        ]

    def tell_of(self, about: str, now: datetime) -> None:
        """Enqueue the telling of a dead letter."""
        for pattern in self._source.patterns():
            if pattern.dead_letter:
                self.request(pattern.name, about, now)

    def request(self, handler: str, about: str, now: datetime) -> None:
        """Enqueue an effect that no transition owes."""
        seq = self.next_cursor()
        self.changes.effects.append(owed_apart(handler, self.user_id, about, seq=seq, now=now))

    # -- events

    def event(self, event_id: str) -> StoredEvent | None:
        """Give the event of that id."""
        return self._source.event(event_id)

    def latest_like(self, trigger: str, fingerprint: str) -> StoredEvent | None:
        """Give the latest event of that trigger and content."""
        return self._source.latest_like(trigger, fingerprint)

    def with_reimbursement(self, trigger: str, reimbursement_id: str) -> list[StoredEvent]:
        """Give the events of that trigger and reimbursement id, oldest first."""
        found = {stored.seq: stored for stored in self._source.with_reimbursement(trigger, reimbursement_id)}
        for stored in self.changes.events.values():
            if stored.event.trigger == trigger and stored.event.field("reimbursement_id") == reimbursement_id:
                found[stored.seq] = stored
        return [found[seq] for seq in sorted(found)]

    def waiting(self, names: Collection[str]) -> list[StoredEvent]:
        """Give the waiting events with a nameless part, or one that names one of `names`, oldest first."""
        linked = {alias for alias, claim_id in self.changes.aliases.items() if claim_id in names}
        found = (self.current(stored) for stored in self._source.waiting({*names, *linked}))
        return [stored for stored in found if stored.waits_under]

    def current(self, stored: StoredEvent) -> StoredEvent:
        """Give the event as it stands now."""
        return self.changes.events.get(stored.seq, stored)

    def keep(self, stored: StoredEvent, *, received: bool = False) -> None:
        """Keep a new or changed event."""
        self.changes.events[stored.seq] = stored
        if received:
            self.changes.received.add(stored.seq)

    def touched_since_last(self) -> tuple[list[Lifecycle], set[str]]:
        """Give the lifecycles that changed since this was last asked, and the names of claims concerned."""
        touched = [self._seen[one] for one in dict.fromkeys(self._touched)]
        names = self._linked | {one.claim_id for one in touched if one.claim_id is not None}
        self._touched, self._linked = [], set()
        return touched, names

    def _claim(self, claim_id: str) -> Lifecycle | None:
        made = self._claims.get(claim_id)
        return self._seen[made] if made is not None else self._current(self._source.claim(claim_id))

    def _now(self, lifecycle: Lifecycle) -> Lifecycle:
        return self._seen.setdefault(lifecycle.id, lifecycle)

    def _current(self, lifecycle: Lifecycle | None) -> Lifecycle | None:
        return None if lifecycle is None else self._now(lifecycle)


def _by_id(lifecycles: Iterable[Lifecycle]) -> list[Lifecycle]:
    return sorted(lifecycles, key=lambda one: one.id)
