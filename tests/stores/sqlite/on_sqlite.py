"""Stores on SQLite files, and processes that open them: what the tests of that store begin with."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.machine.ledger import Ledger
from workflow_fsm import Settings, Workflow, claim_lifecycle
from workflow_fsm.stores.sqlite.database import SQLite
from workflow_fsm.stores.store import Store

DEFAULTS = Settings.from_environment({})


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def opened(path: Path, *, busy_seconds: float = 5.0) -> Workflow:
    """Open a store that waits so long for other processes' writes."""
    store = Store(SQLite(str(path), busy_seconds=busy_seconds), claim_lifecycle())
    return Workflow(store, settings=DEFAULTS)


def sync(workflow: Workflow, number: int, user_id: str = "u") -> str:
    outcome = workflow.fire("sync_complete", user_id=user_id, sync_id=f"s{number}", event_id=f"e{number}")
    return outcome.status


def kept_in(path: Path, user_id: str = "u") -> list[str]:
    """Read the ids of a user's events out of a file, past the code."""
    return [row["event_id"] for row in Ledger(path).rows("events", user_id)]


class Child:
    """A Python process on our packages, spoken to line by line."""

    def __init__(self, code: str, *arguments: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def say(self, line: str = "go") -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        """Wait for its end, which must be a good one."""
        _, errors = self.process.communicate(timeout=30)
        assert self.process.returncode == 0, errors


Start = Callable[..., Child]
