"""A store of dicts: the core alone, driven as the real store drives it, without SQL and without a disk."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from workflow_fsm.core.decision.decide import Arrival, Policy, decide, pass_time
from workflow_fsm.core.decision.names import link
from workflow_fsm.core.definition import Definition
from workflow_fsm.core.definition.cases import Case, Cases
from workflow_fsm.core.definition.events import Event
from workflow_fsm.core.definition.reading import read_event
from workflow_fsm.core.errors import WorkflowError
from workflow_fsm.core.model.inbox import Standing, StoredEvent, Wait, WaitKind
from workflow_fsm.core.model.lifecycle import CaseOwner, Lifecycle, Row
from workflow_fsm.core.model.outbox import Pattern
from workflow_fsm.core.model.situation import Situation
from workflow_fsm.core.model.source import Seek
from workflow_fsm.core.outcome import Outcome
from workflow_fsm.core.values import strict_json
from workflow_fsm.testing import CountedIds

EMPTY: Mapping[Wait, int] = {}
Clock = Callable[[], datetime]


@dataclass(slots=True)
class PlainUser:
    """One user's dicts, which answer what a `Source` is asked."""

    number: int = 0
    lifecycles: dict[int, Lifecycle] = field(default_factory=dict)
    events: dict[int, StoredEvent] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    cases: dict[CaseOwner, Cases] = field(default_factory=dict)
    met: dict[str, int] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)

    def copy(self) -> PlainUser:
        """Give one who stands here too, and goes on alone: what the dicts hold is never changed in place."""
        return PlainUser(
            number=self.number,
            lifecycles=dict(self.lifecycles),
            events=dict(self.events),
            ids=dict(self.ids),
            aliases=dict(self.aliases),
            cases=dict(self.cases),
            met=dict(self.met),
            rows=list(self.rows),
        )

    def cursor(self) -> int:
        return self.number

    def event(self, event_id: str) -> StoredEvent | None:
        further = self.events.get(self.ids.get(event_id, 0))
        named = (stored for stored in self.events.values() if stored.event_id == event_id)
        return next(named, further)

    def event_at(self, seq: int) -> StoredEvent | None:
        return self.events.get(seq)

    def latest_like(self, trigger: str, fingerprint: str) -> StoredEvent | None:
        alike = self._alike(trigger, fingerprint, is_reuse=False)
        return alike[-1] if alike else None

    def reuses(self, trigger: str, fingerprint: str) -> list[StoredEvent]:
        return self._alike(trigger, fingerprint, is_reuse=True)

    def _alike(self, trigger: str, fingerprint: str, *, is_reuse: bool) -> list[StoredEvent]:
        return [
            stored
            for stored in self._oldest_first()
            if (stored.event.trigger, stored.event.fingerprint) == (trigger, fingerprint)
            and (stored.was_reuse if is_reuse else not stored.is_reuse)
        ]

    def with_reimbursement(self, trigger: str, reimbursement_id: str) -> list[StoredEvent]:
        return [
            stored
            for stored in self._oldest_first()
            if stored.event.trigger == trigger and stored.event.field("reimbursement_id") == reimbursement_id
        ]

    def with_line(self, trigger: str, reimbursement_id: str, line_id: str) -> list[StoredEvent]:
        found = self.with_reimbursement(trigger, reimbursement_id)
        return [stored for stored in found if stored.line in (None, line_id)]

    def taking_back(self, reimbursement_id: str) -> list[StoredEvent]:
        return [
            stored
            for stored in self._oldest_first()
            if stored.event.field("original_reimbursement_id") == reimbursement_id
        ]

    def waiting(self, names: Collection[Wait], looks: Mapping[Wait, int] = EMPTY) -> list[StoredEvent]:
        wanted = set(names)
        oldest_first = self._oldest_first()
        under = [(one.seq, one.waits) for one in oldest_first] if looks else []
        firsts: set[int | None] = set()
        for look, after in looks.items():
            firsts.add(next((seq for seq, waits in under if seq > after and look in waits), None))
        for kind, name in names:
            if kind == WaitKind.CLAIM:
                wanted |= {Wait(WaitKind.CLAIM, alias) for alias in self.aliases_of(name)}
            owners = {WaitKind.CLAIM: CaseOwner(name, ""), WaitKind.SYNC: CaseOwner("", name)}
            for case in self.cases.get(owners.get(WaitKind(kind), CaseOwner("", "")), {}):
                wanted |= {Wait(WaitKind.CASE, case)} if case else set()
        return [
            stored
            for stored in oldest_first
            if stored.standing is Standing.WAITING
            and (stored.seq in firsts or any(not wanted.isdisjoint(share.waits) for share in stored.shares))
        ]

    def lifecycle(self, lifecycle_id: int) -> Lifecycle | None:
        return self.lifecycles.get(lifecycle_id)

    def claim(self, claim_id: str) -> Lifecycle | None:
        return next((one for one in self.lifecycles.values() if one.claim_id == claim_id), None)

    def sync(self, sync_id: str) -> Lifecycle | None:
        return next((one for one in self._syncs() if one.sync_id == sync_id), None)

    def newest_sync(self, state: str | None) -> Lifecycle | None:
        return next((s for s in self._syncs() if state is None or (s.state == state and not s.forked)), None)

    def seek(self, wanted: Seek) -> list[Lifecycle]:
        found = [one for one in self._newest_first() if wanted.finds(one)]
        return found[: wanted.limit]

    def has_claims(self) -> bool:
        return any(one.claim_id is not None for one in self.lifecycles.values())

    def anything_waits(self) -> bool:
        return any(stored.waits for stored in self.events.values())

    def alias(self, name: str) -> str | None:
        return self.aliases.get(name)

    def has_aliases(self, claim_id: str | None) -> bool:
        return bool(self.aliases) if claim_id is None else claim_id in self.aliases.values()

    def aliases_of(self, claim_id: str) -> list[str]:
        return [alias for alias, owner in self.aliases.items() if owner == claim_id]

    def cases_of(self, owner: CaseOwner) -> list[Case]:
        return list(self.cases.get(owner, {}).values())

    def with_case(self, case_id: str) -> list[tuple[CaseOwner, Lifecycle | None]]:
        return [
            (owner, self.claim(owner.claim_id) if owner.claim_id else self.sync(owner.sync_id))
            for owner, cases in self.cases.items()
            if case_id in cases
        ]

    def with_unnamed_case(self, owners: Collection[CaseOwner]) -> list[CaseOwner]:
        return [owner for owner in owners if None in self.cases.get(owner, {})]

    def patterns(self) -> tuple[Pattern, ...]:
        return ()

    def currencies(self) -> Mapping[str, int]:
        return self.met

    def standings(self) -> dict[str, int]:
        """Count the stored events by what became of them."""
        told = [stored.standing.value for stored in self.events.values()]
        return {standing: told.count(standing) for standing in sorted(set(told))}

    def commit(self, situation: Situation) -> None:
        """Take over what a decision changed."""
        changes = situation.changes
        self.number = situation.cursor
        self.lifecycles.update(changes.lifecycles)
        self.rows.extend(changes.rows)
        for alias, claim_id in changes.aliases.items():
            self.aliases.pop(alias, None)
            self.aliases |= {} if claim_id is None else {alias: claim_id}
        self.cases.update(changes.cases)
        self.met.update(changes.currencies)
        for seq, by in changes.replaced.items():
            del self.events[seq]
            self.ids = {event_id: by if held == seq else held for event_id, held in self.ids.items()}
        self.events.update(changes.events)
        self.ids.update(changes.ids)

    def _oldest_first(self) -> list[StoredEvent]:
        return [stored for _, stored in sorted(self.events.items())]

    def _newest_first(self) -> list[Lifecycle]:
        return [self.lifecycles[one] for one in sorted(self.lifecycles, reverse=True)]

    def _syncs(self) -> list[Lifecycle]:
        return [one for one in self._newest_first() if one.claim_id is None]


class Plain:
    """Users by their ids, and the three things that happen to them: events, links and the passing of time."""

    def __init__(self, definition: Definition, clock: Clock) -> None:
        self.users: dict[str, PlainUser] = {}
        self._definition = definition
        self._clock = clock
        self._new_id = CountedIds()

    def user(self, user_id: str) -> PlainUser:
        """Give the dicts of one user."""
        return self.users.setdefault(user_id, PlainUser())

    def fire(self, trigger: str, **fields: Any) -> Outcome | WorkflowError:
        """Take one event; what `Workflow.fire` would raise is given back."""
        return self.take(self.read(trigger, **fields))

    def read(self, trigger: str, **fields: Any) -> Event:
        """Read an event as it came."""
        known = self._definition.trigger(trigger)
        assert known is not None
        body = strict_json.normal(fields)
        assert isinstance(body, dict)
        return read_event(known, body)

    def take(self, event: Event) -> Outcome | WorkflowError:
        """Take an event that was read."""
        arrival = Arrival(event=event, actor="test", at=self._clock(), new_id=self._new_id)
        result: Outcome | WorkflowError = self._change(
            event.user_id, lambda situation: decide(self._definition, situation, arrival, Policy())
        )
        return result

    def link(self, user_id: str, claim_id: str, alias: str) -> None:
        """Let an alias name a claim."""
        now = self._clock()
        self._change(
            user_id,
            lambda situation: link(self._definition, situation, claim_id=claim_id, alias=alias, now=now),
        )

    def tick(self) -> int:
        """Let time pass for everybody."""
        now = self._clock()
        done = 0
        for user_id, user in self.users.items():
            over = [
                (one.due_at, one.id)
                for one in user.lifecycles.values()
                if one.due_at is not None and one.due_at <= now
            ]
            due = [lifecycle_id for _, lifecycle_id in sorted(over)]
            expired = [stored for stored in user.events.values() if stored.standing is Standing.WAITING]
            done += self._change(
                user_id,
                lambda situation, due=due, expired=expired: pass_time(  # type: ignore[misc]
                    self._definition, situation, now, due=due, expired=expired
                ),
            )
        return done

    def _change(self, user_id: str, work: Callable[[Situation], Any]) -> Any:
        user = self.user(user_id)
        situation = Situation(user_id, user)
        result = work(situation)
        user.commit(situation)
        return result
