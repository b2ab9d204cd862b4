"""Limits: how many rows are asked for at most, checked alike wherever somebody may say it."""

from __future__ import annotations

from workflow_fsm.core.errors import FieldError, InvalidEvent

MOST_A_PAGE = 1000
"""Rows of one page at most."""


def checked_limit(limit: object, most: int | None = None) -> int:
    """Give a limit that is a whole number from 1, to `most` where there is one. Raises InvalidEvent."""
    if type(limit) is not int or limit < 1 or (most is not None and limit > most):
        must = "a whole number, 1 or more" if most is None else f"a whole number from 1 to {most}"
        raise InvalidEvent([FieldError(field="limit", reason=f"is {limit!r}; it must be {must}")])
    return limit
