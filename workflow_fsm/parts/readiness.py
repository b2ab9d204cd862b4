"""Readiness: whether a store can be written to just now, asked of it once for all who ask.

One write is tried at a time, in a thread of its own, so that a disk or a server that hangs keeps nobody; its
answer is shared for a moment, so that a crowd of probes costs what one does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic

from workflow_fsm.core.errors import StoreUnavailable

SHARED_SECONDS = 1.0
"""How long an answer stands."""
WITHIN_SECONDS = 3.0
"""How long an answer is waited for."""


class Readiness:
    """Tries `probe`, which writes to a store, and tells whoever asks how that went."""

    def __init__(self, probe: Callable[[], None]) -> None:
        self._probe = probe
        self._mutex = (
            threading.Lock()
        )  # entered by itself: a Condition is entered by Python's own code, which
        self._changed = threading.Condition(self._mutex)  # an interruption could leave with the lock held
        self._since: float | None = None
        self._stands_until = 0.0
        self._error: Exception | None = None

    def check(self) -> None:
        """Return where the store can be written to. Raises StoreUnavailable."""
        with self._mutex:
            if self._since is None and monotonic() >= self._stands_until:
                self._since = monotonic()
                threading.Thread(target=self._try, name="readiness", daemon=True).start()
            if self._since is not None:
                left = self._since + WITHIN_SECONDS - monotonic()
                if not self._changed.wait_for(lambda: self._since is None, timeout=max(0.0, left)):
                    raise StoreUnavailable(
                        f"the store has not answered a write for {WITHIN_SECONDS:g} seconds; "
                        "see to its disk, or its server",
                        retry_after=2,
                    )
            error = self._error
        if isinstance(error, StoreUnavailable):
            raise StoreUnavailable(str(error), retry_after=error.retry_after) from error
        if error is not None:
            raise error

    def forget(self) -> None:
        """Let no earlier answer stand."""
        with self._mutex:
            self._stands_until = 0.0

    def _try(self) -> None:
        error: Exception | None = None
        try:
            self._probe()
        except Exception as fault:
            error = fault
        with self._mutex:
            self._since, self._error = None, error
            self._stands_until = monotonic() + SHARED_SECONDS
            self._changed.notify_all()
