"""A clock in a file: processes read it, and the test that wrote it lets time pass for all, or sets it."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

from workflow_fsm.testing import NOON


class SharedClock:
    """What a machine's processes read of its clock, and of the time that has passed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.exists():
            self._write(NOON, 0.0)

    def __call__(self) -> datetime:
        return self._read()[0]

    def elapsed(self) -> float:
        return self._read()[1]

    def advance(self, seconds: float) -> None:
        now, elapsed = self._read()
        self._write(now + timedelta(seconds=seconds), elapsed + seconds)

    def step(self, **units: float) -> None:
        now, elapsed = self._read()
        self._write(now + timedelta(**units), elapsed)

    def _read(self) -> tuple[datetime, float]:
        now, elapsed = json.loads(self._path.read_text())
        return datetime.fromisoformat(now), elapsed

    def _write(self, now: datetime, elapsed: float) -> None:
        draft = self._path.with_suffix(".draft")
        draft.write_text(json.dumps([now.isoformat(), elapsed]))
        os.replace(draft, self._path)
