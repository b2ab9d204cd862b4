"""Recorded: a definition as a store keeps it, to judge later what was written under it.

All of it is kept but its functions: what a question asks and what a trigger tells. One that is read back was
proved when it was built, and isn't proved again; it judges rows, and moves nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NoReturn

from workflow_fsm.core.definition.cells import (
    Arrow,
    Cell,
    Meeting,
    Question,
    Rest,
    State,
)
from workflow_fsm.core.definition.definition import Definition
from workflow_fsm.core.definition.triggers import Addressing, Trigger
from workflow_fsm.core.values.fields import Field, Kind
from workflow_fsm.core.values.json_writer import json_writer

_DIGITS = 15
"""So many hexadecimal digits of a hash name a definition: a number that every column takes."""
_write = json_writer()


def content_of(definition: Definition) -> str:
    """Write a definition as JSON, in one spelling."""
    return _write(
        {
            "name": definition.name,
            "states": [[one.name, one.closed, one.retired] for one in definition.states],
            "triggers": [_trigger(one) for one in definition.triggers],
            "cells": [[state, trigger, _cell(cell)] for (state, trigger), cell in definition.table.items()],
        }
    )


def id_of(content: str) -> int:
    """Give the number that a definition goes by, which its content tells."""
    return int(hashlib.sha256(content.encode()).hexdigest()[:_DIGITS], 16)


def read_recorded(content: str) -> Definition:
    """Read a definition back. Raises ValueError, KeyError or TypeError for what none was written as."""
    told = json.loads(content)
    triggers = tuple(_trigger_of(one) for one in told["triggers"])
    cells = {(state, trigger): _cell_of(cell) for state, trigger, cell in told["cells"]}
    states = tuple(State(name=name, closed=closed, retired=gone) for name, closed, gone in told["states"])
    return Definition.unproved(
        name=told["name"],
        states=states,
        triggers=triggers,
        cells={
            row: tuple(cells.get((row, one.name)) for one in triggers)
            for row in (None, *(state.name for state in states))
        },
    )


def _trigger(trigger: Trigger) -> dict[str, Any]:
    return {
        "name": trigger.name,
        "addressing": trigger.addressing.value,
        "fields": [_field(one) for one in trigger.fields],
        "money": trigger.money,
        "files": trigger.files,
        "rejects": trigger.rejects,
        "together": [list(one) for one in trigger.together],
        "due": trigger.due,
    }


def _trigger_of(told: Mapping[str, Any]) -> Trigger:
    return Trigger(
        **{
            **told,
            "addressing": Addressing(told["addressing"]),
            "fields": tuple(_field_of(one) for one in told["fields"]),
            "together": tuple(tuple(one) for one in told["together"]),
        }
    )


def _field(field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "kind": field.kind.value,
        "required": field.required,
        "aliases": list(field.aliases),
        "entry": [_field(one) for one in field.entry],
        "or_count": field.or_count,
        "several": field.several,
    }


def _field_of(told: Mapping[str, Any]) -> Field:
    entry = tuple(_field_of(one) for one in told["entry"])
    return Field(**{**told, "kind": Kind(told["kind"]), "aliases": tuple(told["aliases"]), "entry": entry})


def _cell(cell: Cell) -> dict[str, Any]:
    asked = cell.question
    return {
        "arrows": [[arrow.target, arrow.when] for arrow in cell.arrows],
        "rest": None if cell.rest is None else cell.rest.value,
        "rests": {answer: rest.value for answer, rest in cell.rests.items()},
        "question": None if asked is None else [asked.name, list(asked.answers), asked.of_case],
        "leads": list(cell.leads),
    }


def _cell_of(told: Mapping[str, Any]) -> Cell:
    question = None
    if told["question"] is not None:
        name, answers, of_case = told["question"]
        question = Question(name=name, answers=tuple(answers), ask=_not_asked, of_case=of_case)
    return Cell(
        arrows=tuple(Arrow(target=target, when=when) for target, when in told["arrows"]),
        rest=None if told["rest"] is None else Rest(told["rest"]),
        rests={answer: Rest(rest) for answer, rest in told["rests"].items()},
        question=question,
        leads=tuple(told["leads"]),
    )


def _not_asked(meeting: Meeting) -> NoReturn:
    raise AssertionError("a recorded definition moves nothing")
