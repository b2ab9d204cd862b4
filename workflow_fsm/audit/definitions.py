"""Definitions, audited: each row of history is held against that under which it was written.

A row that tells none was written by a version that records none: it may be what any of them allows. The
same goes for what is told without one: when a timer is due, and which fields an event has.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from datetime import datetime

from workflow_fsm.audit.report import Tally
from workflow_fsm.core.decision.moves import due_at
from workflow_fsm.core.definition import Definition, Trigger
from workflow_fsm.core.errors import RowUnreadable
from workflow_fsm.core.model.inbox import StoredEvent
from workflow_fsm.core.model.lifecycle import Lifecycle
from workflow_fsm.stores.definitions import recorded
from workflow_fsm.stores.event_mapping import event_and_fingerprint_of
from workflow_fsm.stores.session import Columns, Session, Statement


class Definitions:
    """The definition that a store is opened with, and all that it was worked under."""

    def __init__(self, current: Definition) -> None:
        self.current = current
        self._met: set[int] = set()
        self._by_id: dict[int, Definition] = {}
        self._triggers: dict[str, list[Trigger]] = {}
        self._know()

    def expected(self) -> Sequence[Statement]:
        """Give what `meet` will ask, as far as that is known."""
        return [("definition_ids", {}), *([] if self._met else [("definitions", {})])]

    def meet(self, session: Session, tally: Tally) -> None:
        """Read those that came since, and complain of those that can't be read."""
        ids = {row["id"] for row in session.rows("definition_ids")}
        if ids <= self._met:
            return
        for one in recorded(session):
            if one.id not in self._met:
                try:
                    self._by_id[one.id] = one.read()
                except ValueError as error:
                    tally.fault("", "definitions", one.id, str(error))
        self._met |= ids
        self._know()

    def _know(self) -> None:
        """Look up the triggers that any of them has or had, the current one's first, then the newest's."""
        self._all = [self.current, *reversed(self._by_id.values())]
        self._triggers = {}
        for definition in self._all:
            for trigger in definition.triggers:
                known = self._triggers.setdefault(trigger.name, [])
                if all(trigger.table.fields != one.table.fields for one in known):
                    known.append(trigger)
        gone = [known[0] for name, known in self._triggers.items() if self.current.trigger(name) is None]
        self.reading = self.current.reading_also(gone)

    # -- history

    def under(self, row: Columns) -> Collection[Definition]:
        """Give those under which a row of history may have been written; none, where that isn't recorded."""
        if row["definition"] is None:
            return self._all
        known = self._by_id.get(row["definition"])
        return () if known is None else (known,)

    def trigger(self, row: Columns) -> Trigger | None:
        """Give the trigger of a row of history."""
        told = (one.trigger(row["trigger"]) for one in self.under(row))
        return next((one for one in told if one is not None), None)

    def has_arrow(self, row: Columns) -> bool:
        """Tell whether an arrow leads as a row of history does."""
        state, trigger = row["from_state"], row["trigger"]
        return any(
            arrow.leads_to(state) == row["to_state"]
            for one in self.under(row)
            if one.has_arrow(state, trigger)
            for arrow in one.cell(state, trigger).arrows
        )

    def is_internal(self, row: Columns) -> bool:
        """Tell whether a row of history leaves and enters nothing."""
        told = row["from_state"], row["trigger"], row["to_state"]
        return any(one.is_internal(*told) for one in self.under(row) or self._all)

    # -- lifecycles and events

    def dues(self, lifecycle: Lifecycle) -> Iterator[datetime | None]:
        """Give when timers may have been due to move a lifecycle, when it was written last."""
        for one in self._all:
            yield due_at(one, lifecycle.state, lifecycle.facts)

    def may_fork(self, state: str) -> bool:
        """Tell whether a sync in a state may have found claims."""
        return any(one.forked_state() == state for one in self._all)

    def read_event(self, row: Columns) -> tuple[StoredEvent, str]:
        """Read an event by the fields that its trigger has, or had when it came. Raises RowUnreadable."""
        others = self._triggers.get(row["trigger"], ())[1:]
        if not others:
            return event_and_fingerprint_of(self.reading, row)
        found: tuple[StoredEvent, str] | None = None
        with suppress(RowUnreadable):
            found = event_and_fingerprint_of(self.reading, row)
            if found[1] == row["fingerprint"]:
                return found
        for trigger in others:
            with suppress(RowUnreadable):
                earlier = event_and_fingerprint_of(self.current.reading_also([trigger]), row)
                if earlier[1] == row["fingerprint"]:
                    return earlier
        return found or event_and_fingerprint_of(self.reading, row)
