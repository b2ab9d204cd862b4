"""A lifecycle as data: states, triggers, a cell for each of their pairs, and the proof that it holds."""

from workflow_fsm.core.definition.cells import (
    KNOWN,
    NONE,
    REFUSED,
    WAIT,
    Addressing,
    Arrow,
    Cell,
    Meeting,
    Question,
    Rest,
    State,
    Telling,
    Trigger,
    ask,
    go,
    tells_nothing,
)
from workflow_fsm.core.definition.definition import Definition

__all__ = [
    "KNOWN",
    "NONE",
    "REFUSED",
    "WAIT",
    "Addressing",
    "Arrow",
    "Cell",
    "Definition",
    "Meeting",
    "Question",
    "Rest",
    "State",
    "Telling",
    "Trigger",
    "ask",
    "go",
    "tells_nothing",
]
