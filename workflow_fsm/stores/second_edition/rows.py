"""Rows of a first edition's store: how they are asked for, and whose cases a lifecycle's are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from workflow_fsm.core.model.lifecycle import CaseOwner

Row = Mapping[str, Any]

Run = Callable[[str, Mapping[str, Any]], Sequence[Row]]
"""Runs SQL with `:name` parameters, and gives the rows."""


def owner_of(lifecycle: Row) -> CaseOwner:
    """Tell whose the cases of a lifecycle are: its claim's, or its sync's."""
    if lifecycle["claim_id"] is None:
        return CaseOwner("", lifecycle["sync_id"])
    return CaseOwner(lifecycle["claim_id"], "")
