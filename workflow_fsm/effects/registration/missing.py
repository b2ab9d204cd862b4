"""Missing code: says which handlers are owed that this process can't run, as it starts, and once an hour."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from workflow_fsm.effects.registration.registry import Registry
from workflow_fsm.stores.repository import patterns
from workflow_fsm.stores.session import Session, walk
from workflow_fsm.stores.store import Store

log = logging.getLogger(__name__)

APART_SECONDS = 3600.0


class MissingCode:
    """Logs what is owed to handlers that aren't in `registry`; `elapsed` counts seconds."""

    def __init__(self, store: Store, registry: Registry, elapsed: Callable[[], float]) -> None:
        self._store = store
        self._registry = registry
        self._elapsed = elapsed
        self._mutex = threading.Lock()
        self._said_at: float | None = None

    def say(self) -> None:
        """Say it, where that is due. Raises StoreUnavailable; then it stays due."""
        with self._mutex:
            now = self._elapsed()
            if self._said_at is not None and now - self._said_at < APART_SECONDS:
                return
            owed = self._store.read(self._find)
            self._said_at = now
        for handler, many in owed:
            log.warning(
                "%d effect%s of handler %s wait%s, whose code is not here: start a worker that has it; where "
                "there will be none: workflow-fsm handlers drop %s",
                many,
                "" if many == 1 else "s",
                handler,
                "s" if many == 1 else "",
                handler,
            )

    def _find(self, session: Session) -> list[tuple[str, int]]:
        mine = self._registry.mine(patterns(session))
        found = []
        for handler in walk(session, "next_owed_handler", "handler"):
            if handler not in mine:
                counted = session.row("owed_to_handler", handler=handler)
                assert counted is not None
                found.append((handler, counted["many"]))
        return found
