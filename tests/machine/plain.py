"""A store of dicts: the core alone, driven as the real store drives it, without SQL and without a disk."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from workflow_fsm.core.decision.decide import Arrival, Policy, decide, link, pass_time
from workflow_fsm.core.decision.inbox import Standing, StoredEvent
from workflow_fsm.core.decision.lifecycle import Lifecycle, Row
from workflow_fsm.core.decision.outbox import Pattern
from workflow_fsm.core.decision.situation import Seek, Situation
from workflow_fsm.core.definition import Definition
from workflow_fsm.core.definition.events import read_event
from workflow_fsm.core.errors import WorkflowError
from workflow_fsm.core.outcome import Outcome
from workflow_fsm.core.values import strict_json
from workflow_fsm.testing import CountedIds

Clock = Callable[[], datetime]


@dataclass(slots=True)
class PlainUser:
    """One user's dicts, which answer what a `Source` is asked."""

    number: int = 0
    lifecycles: dict[int, Lifecycle] = field(default_factory=dict)
    events: dict[int, StoredEvent] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)

    def cursor(self) -> int:
        return self.number

    def event(self, event_id: str) -> StoredEvent | None:
        return next((stored for stored in self.events.values() if stored.event_id == event_id), None)

    def latest_like(self, trigger: str, fingerprint: str) -> StoredEvent | None:
        alike = [
            stored
            for stored in self.events.values()
            if (stored.event.trigger, stored.event.fingerprint) == (trigger, fingerprint)
        ]
        return max(alike, key=lambda stored: stored.seq, default=None)

    def with_reimbursement(self, trigger: str, reimbursement_id: str) -> list[StoredEvent]:
        return [
            stored
            for _, stored in sorted(self.events.items())
            if stored.event.trigger == trigger and stored.event.field("reimbursement_id") == reimbursement_id
        ]

    def lifecycle(self, lifecycle_id: int) -> Lifecycle | None:
        return self.lifecycles.get(lifecycle_id)

    def claim(self, claim_id: str) -> Lifecycle | None:
        return next((one for one in self.lifecycles.values() if one.claim_id == claim_id), None)

    def alias(self, name: str) -> str | None:
        return self.aliases.get(name)

    def has_aliases(self, claim_id: str | None) -> bool:
        return bool(self.aliases) if claim_id is None else claim_id in self.aliases.values()

    def sync(self, sync_id: str) -> Lifecycle | None:
        return next((one for one in self._syncs() if one.sync_id == sync_id), None)

    def newest_sync(self, state: str | None) -> Lifecycle | None:
        return next((s for s in self._syncs() if state is None or (s.state == state and not s.forked)), None)

    def with_case(self, case_id: str) -> list[Lifecycle]:
        return [one for one in self.lifecycles.values() if one.case_id == case_id]

    def seek(self, wanted: Seek) -> list[Lifecycle]:
        found = [one for one in self._newest_first() if wanted.finds(one)]
        return found[: wanted.limit]

    def has_claims(self) -> bool:
        return any(one.claim_id is not None for one in self.lifecycles.values())

    def patterns(self) -> tuple[Pattern, ...]:
        return ()

    def waiting(self, names: Collection[str]) -> list[StoredEvent]:
        wanted = {"", *names, *(alias for alias, claim in self.aliases.items() if claim in names)}
        return [
            stored for _, stored in sorted(self.events.items()) if wanted.intersection(stored.waits_under)
        ]

    def standings(self) -> dict[str, int]:
        """Count the stored events by what became of them."""
        told = [stored.standing.value for stored in self.events.values()]
        return {standing: told.count(standing) for standing in sorted(set(told))}

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
        known = self._definition.trigger(trigger)
        assert known is not None
        body = strict_json.normal(fields)
        assert isinstance(body, dict)
        event = read_event(known, body)
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
            due = [one.id for one in user.lifecycles.values() if one.due_at is not None and one.due_at <= now]
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
        changes = situation.changes
        user.number = situation.cursor
        user.lifecycles.update(changes.lifecycles)
        user.rows.extend(changes.rows)
        user.aliases.update(changes.aliases)
        for seq in changes.replaced:
            del user.events[seq]
        user.events.update(changes.events)
        return result
