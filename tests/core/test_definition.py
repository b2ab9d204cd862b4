"""A definition is proved when it is built: every fault is found, named, and told with all the others."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from transitions import Machine

from workflow_fsm import Definition, DefinitionInvalid
from workflow_fsm.core.definition import (
    KNOWN,
    REFUSED,
    STAY,
    WAIT,
    Addressing,
    Arrow,
    Cell,
    Meeting,
    Question,
    Rest,
    State,
    Taken,
    Trigger,
    ask,
    go,
    stay,
)
from workflow_fsm.core.definition.claim import claim_lifecycle
from workflow_fsm.core.values.fields import Field, Kind

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
NOTHING = Meeting(facts={}, paid={}, told={})


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


def test_a_sound_definition_is_built() -> None:
    definition = small()
    assert definition.first_state() == "open"
    assert definition.allowed("open") == ("step", "pay")
    assert definition.arrow_states("pay") == ("open", "done")
    assert (definition.rank("done"), definition.closed("done"), definition.closed("open")) == (1, True, False)
    assert definition.trigger("what") is None
    with pytest.raises(KeyError):
        definition.cell("open", "what")


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


def test_there_is_one_machine_and_it_has_no_models() -> None:
    definition = claim_lifecycle()
    gc.collect()
    before = sum(isinstance(one, Machine) for one in gc.get_objects())
    for _ in range(1000):
        assert definition.answer("detected", "claim_submitted", NOTHING) == Taken("submitted")
    machines = [one for one in gc.get_objects() if isinstance(one, Machine)]
    assert len(machines) == before
    assert all(machine.models == [] for machine in machines)


def test_threads_may_ask_one_definition_at_once() -> None:
    definition = claim_lifecycle()
    asked = [
        (state.name, trigger.name)
        for state in definition.states
        for trigger in definition.triggers
        if not definition.cell(state.name, trigger.name).question
    ]
    expected = [definition.answer(*one, NOTHING) for one in asked]

    def ask_all(_: int) -> list[Taken | Rest]:
        return [definition.answer(*one, NOTHING) for one in asked]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask_all, range(40))) == [expected] * 40


def test_threads_that_get_different_answers_do_not_mix_them_up() -> None:
    cells = row("open", 1, ask(SIZE, {"big": "done", "small": "open"}))
    definition = small(cells=cells)

    def ask_often(number: int) -> set[Taken | Rest]:
        size = ("small", "big")[number % 2]
        meeting = Meeting(facts={}, paid={}, told={"size": size})
        return {definition.answer("open", "step", meeting) for _ in range(300)}

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask_often, range(16))) == [{Taken("open")}, {Taken("done")}] * 8


def test_an_answer_moves_nothing_by_itself() -> None:
    definition = small()
    assert definition.answer("open", "step", NOTHING) == Taken("done")
    assert definition.answer("open", "step", NOTHING) == Taken("done")
    assert definition.answer("done", "step", NOTHING) is Rest.KNOWN
    with pytest.raises(KeyError):
        definition.answer("gone", "step", NOTHING)


def test_an_arrow_that_stays_is_a_transition_that_leaves_and_enters_nothing() -> None:
    """ "`↻` … is an arrow to the same state: it adds a row to history …, but leaves and enters nothing" """
    definition = small(cells=row("open", 1, ask(SIZE, {"big": "done", "small": STAY})))
    meetings = [Meeting(facts={}, paid={}, told={"size": size}) for size in ("small", "big")]
    assert [definition.answer("open", "step", one) for one in meetings] == [
        Taken("open", internal=True),
        Taken("done"),
    ]
    assert definition.allowed("open") == ("step", "pay")
    assert definition.is_internal("open", "step", "open")
    assert not definition.is_internal("open", "step", "done")
    assert not definition.is_internal("done", "pay", "done")
    always = small(cells=row("open", 1, stay()))
    assert always.answer("open", "step", NOTHING) == Taken("open", internal=True)


def test_an_answer_may_have_a_rest_of_its_own() -> None:
    """A cell says `no`, and `=` to one answer, as that of a rejection on `rejected` does."""
    definition = small(cells=row("done", 1, ask(SIZE, {"small": Rest.KNOWN}, rest=Rest.REFUSED)))
    meetings = [Meeting(facts={}, paid={}, told={"size": size}) for size in ("small", "big")]
    assert [definition.answer("done", "step", one) for one in meetings] == [Rest.KNOWN, Rest.REFUSED]


def test_an_event_that_names_no_case_has_no_arrow_where_one_is_asked_for() -> None:
    """ "a rejection that names no case has no arrow where one is asked for" """
    definition = claim_lifecycle()
    assert definition.arrow_states("claim_rejected") == ("detected", "matched", "submitted", "expired")
    assert definition.arrow_states("claim_rejected", named=False) == ("submitted",)
    for trigger in definition.triggers:
        if trigger.name != "claim_rejected":
            named, unnamed = (definition.arrow_states(trigger.name, named=one) for one in (True, False))
            assert named == unnamed


def test_a_path_is_the_fewest_triggers_and_leaves_timers_out() -> None:
    definition = claim_lifecycle()
    assert definition.path("detected", "claim_rejected", named=False) == ("claim_submitted",)
    assert definition.path("detected", "claim_rejected") == ()
    assert definition.path("synced", "claim_rejected") == ("detection_complete",)
    assert definition.path("paid", "claim_rejected") == ("payout_reversed", "claim_submitted")
    assert definition.path(None, "payout_reversed") == (
        "sync_complete",
        "detection_complete",
        "payout_received",
    )
    assert definition.path("paid", "payout_received") == ()
    assert definition.path("paid", "detection_complete") == ()
