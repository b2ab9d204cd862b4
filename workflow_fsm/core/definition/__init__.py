"""A lifecycle as data: states, triggers, a cell for each of their pairs, and the proof that it holds."""

from workflow_fsm.core.definition.cells import (
    KNOWN,
    NONE,
    REFUSED,
    STAY,
    WAIT,
    Arrow,
    Cell,
    Meeting,
    Question,
    Rest,
    State,
    ask,
    go,
    stay,
)
from workflow_fsm.core.definition.definition import Definition, Taken
from workflow_fsm.core.definition.triggers import (
    Addressing,
    Telling,
    Trigger,
    tells_fields,
    tells_nothing,
)

__all__ = [
    "KNOWN",
    "NONE",
    "REFUSED",
    "STAY",
    "WAIT",
    "Addressing",
    "Arrow",
    "Cell",
    "Definition",
    "Meeting",
    "Question",
    "Rest",
    "State",
    "Taken",
    "Telling",
    "Trigger",
    "ask",
    "go",
    "stay",
    "tells_fields",
    "tells_nothing",
]
