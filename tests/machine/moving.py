"""A clock that stands until a test moves it, and ids that are counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count


class MovingClock:
    """Gives the same instant until it is moved on."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        """Let time pass: `hours=2`."""
        self.now += timedelta(**by)

    def text(self, **prefetch: float) -> str:
        """Spell an instant ahead of now."""
        return (self.now + timedelta(**prefetch)).isoformat()


class CountedIds:
    """Gives ids that grow."""

    def __init__(self, prefix: str = "made") -> None:
        self._prefix = prefix
        self._numbers = count(1)

    def __call__(self) -> str:
        return f"{self._prefix}-{next(self._numbers)}"
