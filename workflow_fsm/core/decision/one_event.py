"""One event, as all who decide on a part of it see it: what it is, what it met, and when."""

from __future__ import annotations

from datetime import datetime

from workflow_fsm.core.definition import Definition, Trigger
from workflow_fsm.core.model.inbox import StoredEvent
from workflow_fsm.core.model.situation import Situation


class OneEvent:
    """What is decided on: an event that is `stored`, in a situation, under a definition, now."""

    def __init__(
        self,
        definition: Definition,
        situation: Situation,
        trigger: Trigger,
        stored: StoredEvent,
        now: datetime,
    ) -> None:
        self._definition = definition
        self._situation = situation
        self._trigger = trigger
        self._stored = stored
        self._event = stored.event
        self._now = now
        self._first = not stored.shares
