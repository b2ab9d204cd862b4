"""Left behind: the database that a fork's child finds in place of its parent's, and which says so.

Connections, locks and threads of a parent are of no use in its child: what they were at when it forked goes
on in the parent alone. They are kept as they are, so that nothing of them is closed under the parent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from workflow_fsm.core.errors import WorkflowClosed
from workflow_fsm.stores.session import Database


class LeftBehind:
    """Takes nothing: whatever is asked of it raises WorkflowClosed. It can be closed, which does nothing."""

    clock = None

    def __init__(self, database: Database) -> None:
        self._database = database

    def tell_commits(self, hear: Callable[[int, float], None]) -> None:
        """Tell nothing."""

    def tell_failures(self, hear: Callable[[int, Exception], None]) -> None:
        """Tell nothing."""

    def write(self, *_work: object, **_options: object) -> NoReturn:
        """Raise WorkflowClosed."""
        raise WorkflowClosed(
            "this workflow was opened by the process that this one was forked from, and is that one's alone; "
            "open the store anew here: Workflow.open(…)"
        )

    read = probe = listen = wipe = write

    def notify(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""
