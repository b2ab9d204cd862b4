"""Instants: ISO 8601 with an offset in, UTC with microseconds out, so that text sorts as time does."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

_SHAPE = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?([Zz]|[+-]\d{2}(:?\d{2})?)", re.ASCII
)


@lru_cache(maxsize=1024)  # rows of one commit hold one instant many times over
def read_instant(text: str) -> datetime:
    """Read an instant such as `2026-03-01T12:00:00+01:00`; give it in UTC.

    Raises ValueError with a sentence where `text` is no instant or has no offset. Fractions finer
    than a microsecond are cut off.
    """
    if not _SHAPE.fullmatch(text):
        raise ValueError("must be an ISO 8601 instant with an offset, such as 2026-03-01T12:00:00Z")
    text = re.sub(r"([.,]\d{6})\d+", r"\1", text.upper())
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"is no instant that a calendar has: {error}") from error


@lru_cache(maxsize=1024)  # one event shows one instant many times over
def show_instant(at: datetime) -> str:
    """Write an aware datetime as 27 characters, `2026-03-01T11:00:00.000000Z`."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
