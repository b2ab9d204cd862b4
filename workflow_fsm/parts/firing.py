"""Events in: read, fired one by one or many in one commit, and decided on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, overload

from workflow_fsm.core.decision.decide import Arrival, decide
from workflow_fsm.core.definition import Addressing
from workflow_fsm.core.definition.arguments import must_be_one_of
from workflow_fsm.core.definition.events import Event
from workflow_fsm.core.definition.reading import read_event
from workflow_fsm.core.errors import (
    EventIdReused,
    EventTooLarge,
    FieldError,
    InvalidEvent,
    RowUnreadable,
    WorkflowError,
)
from workflow_fsm.core.model.directory import TooMuch
from workflow_fsm.core.model.situation import Situation
from workflow_fsm.core.outcome import Outcome
from workflow_fsm.core.values import strict_json
from workflow_fsm.parts.store_handle import StoreHandle
from workflow_fsm.read.rehearsal import rehearse
from workflow_fsm.stores.unit_of_work import UnitOfWork

MOST_TOGETHER = 5000
"""How many claims the events of one commit read together, or change, so that nobody waits long for them."""
LEAST_TOGETHER = 100
"""How many of these any of them may, however many the others took."""


class Firing(StoreHandle):
    """Events that are fired; a part of `Workflow`."""

    @overload
    def fire(
        self, trigger: str, *, user_id: str, event_id: str | None = None, dry_run: bool, **fields: Any
    ) -> Outcome: ...

    @overload
    def fire(self, trigger: str, *, user_id: str, event_id: str | None = None, **fields: Any) -> Outcome: ...

    def fire(
        self,
        trigger: str,
        *,
        user_id: str,
        event_id: str | None = None,
        dry_run: bool = False,
        **fields: Any,
    ) -> Outcome:
        """Take one event: when this returns, it is committed. With `dry_run` its outcome is told, and nothing
        is kept.

        `fields` are the trigger's, as the webhooks name them (a float is read as a JSON number is). Raises
        InvalidEvent and EventTooLarge (nothing was kept), NotAllowed (kept as refused), EventIdReused.
        """
        event = self.read(trigger, plain({**fields, "user_id": user_id, "event_id": event_id}))
        if dry_run:
            outcome = rehearse(self._store, self._arrival(event), self._policy)
        else:
            (outcome,) = self.submit([event], actor="library")
        if isinstance(outcome, WorkflowError):
            raise outcome
        return outcome

    def fire_many(self, events: Sequence[Mapping[str, Any]]) -> list[Outcome | WorkflowError]:
        """Take many events, each a mapping with its `trigger` beside its fields, in one commit.

        Gives their outcomes in order, with the error that `fire` would have raised in its place.
        """
        read: list[Event | WorkflowError] = []
        for fields in events:
            if not isinstance(fields, Mapping):
                reason = f"must be a mapping of a trigger and its fields, not {type(fields).__name__}"
                read.append(InvalidEvent([FieldError(field="", reason=reason)]))
                continue
            rest = {name: value for name, value in fields.items() if name != "trigger"}
            try:
                read.append(self.read(fields.get("trigger"), plain(rest)))
            except (InvalidEvent, EventTooLarge) as error:
                read.append(error)
        return self.submit(read, actor="library")

    def read(
        self,
        trigger: object,
        fields: Mapping[str, Any],
        *,
        ids: Sequence[tuple[str, str]] = (),
    ) -> Event:
        """Read a body as an event, without firing it. Raises InvalidEvent with every wrong field, and
        EventTooLarge.

        `fields` are JSON values as `strict_json.loads` or `strict_json.normal` give them. `ids` are those
        that came beside the body, each with the name of what brought it; they go before the body's own.
        """
        known = self.definition.trigger(trigger) if isinstance(trigger, str) else None
        if known is None or known.timer:
            names = [one.name for one in self.definition.triggers if not one.timer]
            if trigger is None:
                reason = f"is required: one of {', '.join(names)}"
            elif known is not None:
                reason = f"{known.name} is fired by time alone"
            else:
                reason = must_be_one_of(trigger, names)
            raise InvalidEvent([FieldError(field="trigger", reason=reason)])
        try:
            return read_event(known, fields, ids=ids, currencies=self._store.currencies)
        except (InvalidEvent, EventTooLarge) as error:
            self._store.observers.answered(known.name, error.code)
            raise

    def submit(self, events: Sequence[Event | WorkflowError], *, actor: str) -> list[Outcome | WorkflowError]:
        """Take events that were read already, in one commit, in the name of `actor`.

        Gives their outcomes in order; an error that is handed in comes back in its place.
        """
        if not any(isinstance(event, Event) for event in events):
            return [event for event in events if isinstance(event, WorkflowError)]
        now = self._clock()
        if len(events) == 1 and isinstance(events[0], Event):
            outcomes = [self._submit_one(events[0], actor, now)]
        else:
            outcomes = self._submit_together(events, actor, now)
        self._store.observers.hear(events, outcomes)
        return outcomes

    # -- parts

    def _submit_one(self, event: Event, actor: str, now: datetime) -> Outcome | WorkflowError:
        """Take one event: in its turn, or, where it is large, decided on beside the others."""
        deciding = self._deciding(Arrival(event=event, actor=actor, at=now, new_id=self._ids))

        def decide_here(unit: UnitOfWork) -> Outcome | WorkflowError:
            return unit.change(event.user_id, now, deciding, event=event)

        try:
            is_large = self._is_large(event)
            return self._store.commit_for(event.user_id, decide_here, events=[event], is_large=is_large)
        except EventTooLarge as error:
            return error

    def _submit_together(
        self, events: Sequence[Event | WorkflowError], actor: str, now: datetime
    ) -> list[Outcome | WorkflowError]:
        """Take many events in one commit; what is too large for it is kept out of it, with a sentence."""

        def decide_each(unit: UnitOfWork) -> list[Outcome | WorkflowError]:
            outcomes: list[Outcome | WorkflowError] = []
            for event in events:
                if isinstance(event, WorkflowError):
                    outcomes.append(event)
                    continue
                arrival = Arrival(event=event, actor=actor, at=now, new_id=self._ids)
                left = MOST_TOGETHER - unit.work
                if left <= 0 and self._is_large(event):
                    outcomes.append(_too_large_together())
                    continue
                deciding, most = self._deciding(arrival), max(left, LEAST_TOGETHER)
                try:
                    outcomes.append(unit.change(event.user_id, now, deciding, event=event, most=most))
                except TooMuch:
                    outcomes.append(_too_large_together())
                except (EventTooLarge, RowUnreadable) as error:
                    outcomes.append(error)
            return outcomes

        return self._store.commit(decide_each, events=[event for event in events if isinstance(event, Event)])

    def _is_large(self, event: Event) -> bool:
        """Tell whether an event shows that it is, or may be, for many claims."""
        trigger = self.definition.trigger(event.trigger)
        assert trigger is not None
        named = any(part.claim is not None for part in event.parts)
        return len(event.parts) > LEAST_TOGETHER or (trigger.addressing is Addressing.EVERY and not named)

    def _commit(
        self, unit: UnitOfWork, events: Sequence[Event], actor: str, now: datetime
    ) -> EventIdReused | None:
        """Take events inside a unit; give the error of the first under another's id, which is kept so."""
        reused: EventIdReused | None = None
        for event in events:
            arrival = Arrival(event=event, actor=actor, at=now, new_id=self._ids)
            outcome = unit.change(event.user_id, now, self._deciding(arrival), event=event)
            if isinstance(outcome, EventIdReused):
                reused = reused or outcome
        return reused

    def _arrival(self, event: Event) -> Arrival:
        return Arrival(event=event, actor="library", at=self._clock(), new_id=self._ids)

    def _deciding(self, arrival: Arrival) -> Callable[[Situation], Outcome | WorkflowError]:
        return lambda situation: decide(self.definition, situation, arrival, self._policy)


def _too_large_together() -> EventTooLarge:
    return EventTooLarge(
        f"the events of one commit read and change {MOST_TOGETHER} claims at most, and this one would take "
        "more than is left of them; nothing of it was kept: send it by itself, not with others",
        most=MOST_TOGETHER,
    )


def plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Take values from Python as they would have been read from JSON. Raises InvalidEvent."""
    try:
        plain = strict_json.normal(dict(fields))
    except strict_json.Malformed as error:
        raise InvalidEvent([FieldError(field=error.where, reason=error.reason)]) from error
    assert isinstance(plain, dict)
    return plain
