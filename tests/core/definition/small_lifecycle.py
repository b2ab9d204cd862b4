"""A small lifecycle of two states, and of variants with one part changed, for tests of definitions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workflow_fsm import Definition
from workflow_fsm.core.definition import (
    KNOWN,
    WAIT,
    Addressing,
    Cell,
    Question,
    State,
    Trigger,
    go,
)

Rows = Mapping[str | None, tuple[Cell | None, ...]]
START = Trigger(name="start", addressing=Addressing.SYNC)
STEP = Trigger(name="step", addressing=Addressing.ONE)
MONEY = Trigger(name="pay", addressing=Addressing.ONE, money=1)
TIMER = Trigger(name="late", addressing=Addressing.TIMER, due="deadline")
STATES = (State(name="open"), State(name="done", closed=True))
ROWS: Rows = {
    None: (go("open"), WAIT, WAIT, None),
    "open": (KNOWN, go("done"), go("done"), go("done")),
    "done": (KNOWN, KNOWN, go("done"), KNOWN),
}
SIZE = Question(name="how big?", answers=("small", "big"), ask=lambda meeting: str(meeting.told["size"]))


def small(**changes: Any) -> Definition:
    """Build a small lifecycle, one part of it changed."""
    parts: dict[str, Any] = {
        "name": "small",
        "states": STATES,
        "triggers": (START, STEP, MONEY, TIMER),
        "cells": ROWS,
    }
    return Definition(**{**parts, **changes})


def row(state: str | None, place: int, cell: Cell | None) -> Rows:
    """Give the rows with one cell changed."""
    cells = list(ROWS[state])
    cells[place] = cell
    return {**ROWS, state: tuple(cells)}
