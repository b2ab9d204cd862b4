"""A definition is proved when it is built: every fault is found, named, and told with all the others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.core.definition.small_lifecycle import MONEY, ROWS, SIZE, START, STATES, STEP, TIMER, row, small
from workflow_fsm import DefinitionInvalid
from workflow_fsm.core.definition import (
    KNOWN,
    REFUSED,
    STAY,
    WAIT,
    Addressing,
    Arrow,
    Cell,
    Rest,
    State,
    ask,
    go,
    stay,
)
from workflow_fsm.core.definition.claim import claim_lifecycle
from workflow_fsm.core.values.fields import Field, Kind

FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "a state listed twice": (
        {"states": (*STATES, State(name="open"))},
        "state 'open' is listed twice",
    ),
    "a trigger listed twice": (
        {"triggers": (START, STEP, STEP, TIMER)},
        "trigger 'step' is listed twice",
    ),
    "a state with the name of the row of none": (
        {
            "states": (*STATES, State(name="(none yet)", closed=True)),
            "cells": {**ROWS, "(none yet)": ROWS["done"]},
        },
        "'(none yet)' is the name of no state",
    ),
    "a field named twice": (
        {
            "triggers": (
                START,
                replace(
                    STEP,
                    fields=(
                        Field(name="size", kind=Kind.TEXT),
                        Field(name="big", kind=Kind.TEXT, aliases=("size",)),
                    ),
                ),
                MONEY,
                TIMER,
            )
        },
        "field of step 'size' is listed twice",
    ),
    "a timer that nothing makes due": (
        {"triggers": (START, STEP, MONEY, replace(TIMER, due=None))},
        "timer 'late' has no fact",
    ),
    "nothing that begins": (
        {"triggers": (replace(START, addressing=Addressing.ONE), STEP, MONEY, TIMER)},
        "exactly one trigger must begin",
    ),
    "two that begin": (
        {"triggers": (START, replace(STEP, addressing=Addressing.SYNC), MONEY, TIMER)},
        "exactly one trigger must begin",
    ),
    "two that fork": (
        {
            "triggers": (
                START,
                replace(STEP, addressing=Addressing.DETECTION),
                replace(MONEY, addressing=Addressing.DETECTION),
                TIMER,
            )
        },
        "at most one trigger may fork",
    ),
    "a state without a row": (
        {"cells": {name: cells for name, cells in ROWS.items() if name != "done"}},
        "state 'done' has no row",
    ),
    "a row without a state": ({"cells": {**ROWS, "gone": ROWS["done"]}}, "the row 'gone' is for no state"),
    "no row of none": (
        {"cells": {name: cells for name, cells in ROWS.items() if name is not None}},
        "the row '(none yet)' is missing",
    ),
    "a row too short": ({"cells": {**ROWS, "done": (KNOWN, KNOWN)}}, "has 2 cells for 4 triggers"),
    "a forgotten cell": (
        {"cells": row("open", 1, None)},
        "the cell of 'open' and 'step' is forgotten",
    ),
    "an arrow to nowhere": (
        {"cells": row("open", 1, go("gone"))},
        "moves to 'gone', which is no state",
    ),
    "a cell that says nothing": ({"cells": row("open", 1, Cell())}, "says nothing"),
    "several arrows and no question": (
        {"cells": row("open", 1, Cell(arrows=(Arrow(target="open"), Arrow(target="done"))))},
        "several arrows and no question",
    ),
    "an arrow with a condition and no question": (
        {"cells": row("open", 1, Cell(arrows=(Arrow(target="done", when="big"),), rest=Rest.KNOWN))},
        "no question to choose by",
    ),
    "an arrow that leaves nothing to its rest": (
        {"cells": row("open", 1, Cell(arrows=(Arrow(target="done"),), rest=Rest.KNOWN))},
        "always moves, so it never comes to known",
    ),
    "an answer used twice": (
        {
            "cells": row(
                "open",
                1,
                Cell(
                    arrows=(Arrow(target="open", when="big"), Arrow(target="done", when="big")),
                    question=SIZE,
                    rest=Rest.KNOWN,
                ),
            )
        },
        "answers 'how big?' twice in the same way",
    ),
    "an answer that is never given": (
        {"cells": row("open", 1, ask(SIZE, {"huge": "done"}, rest=Rest.KNOWN))},
        "answers 'huge', which 'how big?' never does",
    ),
    "all answered and a rest": (
        {"cells": row("open", 1, ask(SIZE, {"big": "done", "small": "open"}, rest=Rest.KNOWN))},
        "says what it does on every answer, so it never comes to known",
    ),
    "an answer of which nothing is said that is never given": (
        {"cells": row("open", 1, ask(SIZE, {"big": "done", "huge": Rest.KNOWN}, rest=Rest.REFUSED))},
        "answers 'huge', which 'how big?' never does",
    ),
    "all answered, some by a rest of their own, and a rest": (
        {"cells": row("open", 1, ask(SIZE, {"big": "done", "small": Rest.KNOWN}, rest=Rest.REFUSED))},
        "says what it does on every answer, so it never comes to refused",
    ),
    "an answer without a rest": (
        {"cells": row("open", 1, ask(SIZE, {"big": "done"}))},
        "says nothing on some answers",
    ),
    "a wait behind a question for nothing": (
        {"cells": row("open", 1, ask(SIZE, {"big": "done"}, rest=Rest.WAIT))},
        "names no trigger that would end the wait",
    ),
    "a wait for a trigger that has no arrow": (
        {"cells": row("open", 1, ask(SIZE, {"big": "done"}, rest=Rest.WAIT, leads=("start",)))},
        "has no arrow for it",
    ),
    "a wait on one answer for nothing": (
        {"cells": row("open", 1, ask(SIZE, {"big": "done", "small": Rest.WAIT}))},
        "names no trigger that would end the wait",
    ),
    "a stay where nothing is": ({"cells": row(None, 0, stay())}, "stays, where nothing is there to stay"),
    "a stay and an entrance anew": (
        {"cells": row("open", 1, ask(SIZE, {"big": STAY, "small": "open"}))},
        "both stays in 'open' and enters it anew",
    ),
    "money refused": ({"cells": row("done", 2, REFUSED)}, "would lose money"),
    "money known on one answer": (
        {"cells": row("done", 2, ask(SIZE, {"big": "done", "small": Rest.KNOWN}))},
        "would lose money",
    ),
    "a timer that waits on one answer": (
        {"cells": row("done", 3, ask(SIZE, {"big": Rest.WAIT}, rest=Rest.KNOWN))},
        "lets a timer wait or be refused",
    ),
    "money known": ({"cells": row("done", 2, KNOWN)}, "would lose money"),
    "a timer that waits": ({"cells": row("done", 3, WAIT)}, "lets a timer wait or be refused"),
    "a timer refused": ({"cells": row("done", 3, REFUSED)}, "lets a timer wait or be refused"),
    "known where nothing is": ({"cells": row(None, 1, KNOWN)}, "must move or wait"),
    "refused where nothing is": ({"cells": row(None, 1, REFUSED)}, "must move or wait"),
    "begun by the wrong trigger": (
        {"cells": row(None, 1, go("open"))},
        "begins a lifecycle, which only a `sync` trigger may",
    ),
    "a beginning that doesn't begin": ({"cells": row(None, 0, WAIT)}, "must begin a lifecycle"),
    "a state out of reach": (
        {"states": (*STATES, State(name="gone", closed=True)), "cells": {**ROWS, "gone": ROWS["done"]}},
        "state 'gone' can't be reached",
    ),
    "an open state without an end": (
        {"states": (STATES[0], State(name="done"))},
        "open state 'done' can reach no closed one",
    ),
    "a wait that never ends": (
        {"cells": row("done", 1, WAIT)},
        "what waits for 'step' in 'done' can never come true",
    ),
}


@pytest.mark.parametrize(("changes", "told"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_found_when_it_is_built(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(DefinitionInvalid) as caught:
        small(**changes)
    assert any(told in problem for problem in caught.value.problems), caught.value.problems
    assert told in str(caught.value)


def test_all_faults_of_a_table_are_told_at_once() -> None:
    cells = {**ROWS, "open": (Cell(), go("gone"), KNOWN, WAIT)}
    with pytest.raises(DefinitionInvalid) as caught:
        small(cells=cells)
    assert len(caught.value.problems) >= 4


def test_a_variant_is_proved_as_well() -> None:
    with pytest.raises(DefinitionInvalid, match="in_review"):
        claim_lifecycle().variant(
            name="wrong", states=(*claim_lifecycle().states, State(name="in_review")), cells={}
        )
    with pytest.raises(DefinitionInvalid, match="never come true"):
        claim_lifecycle().variant(
            name="wrong", cells={state: {"claim_submitted": KNOWN} for state in
                                 ("detected", "matched", "rejected", "expired")}
        )  # fmt: skip
