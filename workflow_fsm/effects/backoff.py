"""Backoff: how long an effect pauses before its next try. Pure: chance comes in as a number."""

from __future__ import annotations

LONGEST_PAUSE_SECONDS = 3600.0


def pause_seconds(attempt: int, *, first: float, chance: float) -> float:
    """Give the pause after the failed `attempt` (1 for the first), in seconds.

    Exponential with full jitter: evenly between 0 and `first` doubled with each attempt, at most an hour;
    `chance` is from 0 to 1.
    """
    return chance * min(LONGEST_PAUSE_SECONDS, first * 2.0 ** min(attempt - 1, 30))
