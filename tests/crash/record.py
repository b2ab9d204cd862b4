"""A record that no death takes back: lines of JSON, each appended to a file by one write."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workflow_fsm import Transition


@dataclass(frozen=True, slots=True)
class Record:
    """Shared by the processes of a test."""

    path: Path

    def add(self, what: str, **facts: Any) -> None:
        """Append a line; it is there for good when this returns."""
        line = json.dumps({"what": what, **facts}) + "\n"
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)

    def add_work(self, what: str, told: Transition, handler: str) -> None:
        """Append what a handler did: an effect's side effect."""
        self.add(
            what,
            key=told.key,
            handler=handler,
            user=told.user_id,
            claim=told.claim_id,
            version=told.version,
            attempt=told.attempt,
            process=os.getpid(),
        )

    def lines(self, *what: str) -> list[dict[str, Any]]:
        """Give the lines of these kinds, in the order in which they were written."""
        if not self.path.exists():
            return []
        told = [json.loads(line) for line in self.path.read_text().splitlines()]
        return [line for line in told if line["what"] in what]
