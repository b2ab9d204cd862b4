"""What all parts of a `Workflow` share: the store, its definition, the settings, the clock and the ids."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from weakref import WeakSet

from workflow_fsm.core.decision.decide import Policy
from workflow_fsm.effects.worker import Worker
from workflow_fsm.parts.readiness import Readiness
from workflow_fsm.read.flow import FlowCounter
from workflow_fsm.settings import Settings
from workflow_fsm.stores.store import Store

Clock = Callable[[], datetime]
"""Gives the present instant, aware."""
Ids = Callable[[], str]
"""Gives an id that was never given."""


class StoreHandle:
    """A store that was opened, and what it is worked on with."""

    def __init__(self, store: Store, *, settings: Settings, clock: Clock, ids: Ids) -> None:
        self.definition = store.definition
        self.settings = settings
        self._store = store
        self._readiness = Readiness(store.probe)
        self._flow = FlowCounter()
        self._workers: WeakSet[Worker] = WeakSet()
        self._clock = clock
        self._ids = ids
        self._policy = Policy(defer=settings.defer)
