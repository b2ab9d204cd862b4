"""Proves a definition as it is built: nothing forgotten, nothing unknown, every way leads somewhere.

Each check gives its findings as sentences; a definition without any is sound.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from workflow_fsm.core.definition.arguments import did_you_mean, each_fault, name_fault, shown
from workflow_fsm.core.definition.cells import (
    NONE,
    Cell,
    Rest,
    State,
)
from workflow_fsm.core.definition.triggers import Addressing, Trigger
from workflow_fsm.core.values.fields import Kind


class Table(Protocol):
    """What is proved: a definition."""

    @property
    def states(self) -> tuple[State, ...]:
        """The states, from the least advanced on."""

    @property
    def triggers(self) -> tuple[Trigger, ...]:
        """The triggers, in the order of the cells."""

    @property
    def cells(self) -> Mapping[str | None, tuple[Cell | None, ...]]:
        """The rows as they were given."""

    @property
    def by_name(self) -> Mapping[str, Trigger]:
        """The triggers by name."""

    @property
    def table(self) -> Mapping[tuple[str | None, str], Cell]:
        """The cells by state and trigger."""

    def by_addressing(self, addressing: Addressing) -> tuple[Trigger, ...]:
        """Give the triggers that find their lifecycles in that way."""

    def has_arrow(self, state: str | None, trigger: str) -> bool:
        """Tell whether an arrow stands in that cell."""

    def path(self, state: str | None, trigger: str) -> tuple[str, ...]:
        """Give the triggers that lead to an arrow."""


def argument_problems(name: Any, states: Any, triggers: Any, cells: Any) -> list[str]:
    """Find what is none of what a definition is built of."""
    problems = _list_problems(name, states, triggers)
    if not isinstance(cells, Mapping):
        return [*problems, f"cells is {shown(cells)}; it must map each state, and None, to its row"]
    for row, one in cells.items():
        if not isinstance(row, str | None):
            problems.append(f"cells has a row for {shown(row)}; it must be the name of a state, or None")
        elif isinstance(one, str) or not isinstance(one, Sequence):
            what = "it must be a tuple of cells, in the order of the triggers"
            problems.append(f"the row {_row(row)} is {shown(one)}; {what}")
        else:
            problems += [
                f"the row {_row(row)} holds {shown(cell)}, which is no cell: {_NO_CELL}"
                for cell in one
                if not isinstance(cell, Cell | None)
            ]
    return problems


def variant_problems(name: Any, states: Any, triggers: Any, cells: Any) -> list[str]:
    """Find what `variant` can't take: names that are none, values that are no cells, money without amount."""
    problems = _list_problems(name, states, triggers)
    if not isinstance(cells, Mapping):
        must = "it must map the names of states to mappings of triggers' names to cells"
        return [*problems, f"cells is {shown(cells)}; {must}"]
    if problems:
        return problems
    known, by_name = {state.name for state in states}, {trigger.name for trigger in triggers}
    order = [*(state.name for state in states)]
    for row, changed in cells.items():
        if row is not None and row not in known:
            where = "is for no state that is listed"
            problems.append(f"the row {shown(row) if not isinstance(row, str) else repr(row)} {where}: "
                            f"{did_you_mean(row, order)}")  # fmt: skip
        if not isinstance(changed, Mapping):
            must = "it must map the names of triggers to cells"
            problems.append(f"the row {_row(row)} is {shown(changed)}; {must}")
            continue
        for trigger, cell in changed.items():
            where = f"the cell of {_row(row)} and {trigger!r}"
            if trigger not in by_name:
                meant = did_you_mean(trigger, [one.name for one in triggers])
                problems.append(f"{where} is for no trigger that is listed: {meant}")
            if not isinstance(cell, Cell):
                problems.append(f"{where} is {shown(cell)}, which is no cell: {_NO_CELL}")
    for trigger in triggers:
        amount = trigger.table.by_name.get("amount")
        if trigger.money and (amount is None or amount.kind is not Kind.PAYOUT or not amount.required):
            problems.append(f"trigger {trigger.name!r} moves money, and has no field for it: add `PAYOUT`")
    return problems


_NO_CELL = "go('paid'), stay(), ask(…), KNOWN, WAIT or REFUSED makes one"


def _row(row: object) -> str:
    return repr(NONE if row is None else row)


def _list_problems(name: Any, states: Any, triggers: Any) -> list[str]:
    faults = {
        "name": name_fault(name),
        "states": each_fault(states, State, "States"),
        "triggers": each_fault(triggers, Trigger, "Triggers"),
    }
    return [f"{what} {fault}" for what, fault in faults.items() if fault is not None]


def outline_problems(table: Table) -> list[str]:
    """Find names that are listed twice or unknown, and rows and cells that are forgotten."""
    problems = _twice("state", [state.name for state in table.states])
    problems += _twice("trigger", [trigger.name for trigger in table.triggers])
    names = {state.name for state in table.states}
    if NONE in names:
        problems.append(f"{NONE!r} is the name of no state")
    for trigger in table.triggers:
        problems += _twice(f"field of {trigger.name}", [n for f in trigger.fields for n in f.names])
        if trigger.timer and trigger.due is None:
            problems.append(f"timer {trigger.name!r} has no fact that says when it is due")
    if len(table.by_addressing(Addressing.SYNC)) != 1:
        problems.append("exactly one trigger must begin lifecycles (addressing `sync`)")
    if len(table.by_addressing(Addressing.DETECTION)) > 1:
        problems.append("at most one trigger may fork lifecycles (addressing `detection`)")
    rows = {row for row in table.cells if row is not None}
    problems += [f"state {name!r} has no row of cells" for name in sorted(names - rows)]
    order = [state.name for state in table.states]
    problems += [
        f"the row {name!r} is for no state that is listed: {did_you_mean(name, order)}"
        for name in sorted(rows - names)
    ]
    if None not in table.cells:
        problems.append(f"the row {NONE!r} is missing")
    for row, cells in table.cells.items():
        if len(cells) != len(table.triggers):
            problems.append(f"row {row!r} has {len(cells)} cells for {len(table.triggers)} triggers")
            continue
        for trigger, cell in zip(table.triggers, cells, strict=True):
            if cell is None and not (row is None and trigger.timer):
                problems.append(f"the cell of {row!r} and {trigger.name!r} is forgotten")
    return problems


def _twice(what: str, names: Sequence[str]) -> list[str]:
    return [f"{what} {name!r} is listed twice" for name in dict.fromkeys(names) if names.count(name) > 1]


def cell_problems(table: Table) -> list[str]:
    """Find cells that contradict themselves, or what their trigger is."""
    names = {state.name for state in table.states}
    retired = {state.name for state in table.states if state.retired}
    problems: list[str] = []
    for (state, name), cell in table.table.items():
        trigger = table.by_name[name]
        where = f"the cell of {NONE if state is None else state!r} and {name!r}"
        problems += [
            f"{where} moves to {arrow.target!r}, which is no state: "
            f"{did_you_mean(arrow.target, [s.name for s in table.states])}"
            for arrow in cell.arrows
            if arrow.target is not None and arrow.target not in names
        ]
        problems += [
            f"{where} waits for {lead!r}, which is no trigger: {did_you_mean(lead, table.by_name)}"
            for lead in cell.leads
            if lead not in table.by_name
        ]
        problems += [
            f"{where} moves to {arrow.target!r}, which is retired; let no arrow lead into it"
            for arrow in cell.arrows
            if arrow.target in retired and arrow.target != state
        ]
        problems += [f"{where} {fault}" for fault in _question_faults(cell)]
        if trigger.money and {Rest.REFUSED, Rest.KNOWN} & set(cell.all_rests):
            problems.append(f"{where} would lose money, which must move or wait")
        if trigger.timer and {Rest.WAIT, Rest.REFUSED} & set(cell.all_rests):
            problems.append(f"{where} lets a timer wait or be refused; it moves or is known")
        if state is None and (cell.question or set(cell.all_rests) - {Rest.WAIT}):
            problems.append(f"{where} must move or wait, since nothing is known there")
        if any(arrow.target is None for arrow in cell.arrows):
            if state is None:
                problems.append(f"{where} stays, where nothing is there to stay")
            if any(arrow.target == state for arrow in cell.arrows):
                problems.append(
                    f"{where} both stays in {state!r} and enters it anew, which history can't tell"
                )
        if state is None and cell.arrows and trigger.addressing is not Addressing.SYNC:
            problems.append(f"{where} begins a lifecycle, which only a `sync` trigger may")
        if trigger.addressing is Addressing.SYNC and state is None and not cell.arrows:
            problems.append(f"{where} must begin a lifecycle")
    return problems


def _question_faults(cell: Cell) -> Iterable[str]:
    answers = [*(arrow.when for arrow in cell.arrows), *cell.rests]
    if not answers and cell.rest is None:
        yield "says nothing"
    if cell.question is None:
        if len(answers) > 1 or any(answers):
            yield "has several arrows and no question to choose by"
        if cell.arrows and cell.rest is not None:
            yield f"always moves, so it never comes to {cell.rest}"
        return
    if len(set(answers)) != len(answers):
        yield f"answers {cell.question.name!r} twice in the same way"
    for answer in answers:
        if answer not in cell.question.answers:
            yield f"answers {answer!r}, which {cell.question.name!r} never does"
    if set(answers) >= set(cell.question.answers):
        if cell.rest is not None:
            yield f"says what it does on every answer, so it never comes to {cell.rest}"
    elif cell.rest is None:
        yield f"says nothing on some answers to {cell.question.name!r}"
    if cell.arrows and Rest.WAIT in cell.all_rests and not cell.leads:
        yield "waits behind a question and names no trigger that would end the wait (`leads`)"


def path_problems(table: Table) -> list[str]:
    """Find states that can't be reached, or left for a closed one, and waits that can't come true."""
    arrows: dict[str | None, set[str]] = {None: set()} | {state.name: set() for state in table.states}
    for (state, _), cell in table.table.items():
        arrows[state].update(arrow.leads_to(state) for arrow in cell.arrows)
    reached = _reach(arrows, None)
    problems = [
        f"state {state.name!r} can't be reached"
        for state in table.states
        if not state.retired and state.name not in reached
    ]
    closed = {state.name for state in table.states if state.closed}
    problems += [
        f"open state {state.name!r} can reach no closed one"
        for state in table.states
        if not state.closed and not _reach(arrows, state.name) & closed
    ]
    for (at, name), cell in table.table.items():
        if Rest.WAIT not in cell.all_rests:
            continue
        if not cell.arrows and not table.path(at, name):
            problems.append(f"what waits for {name!r} in {NONE if at is None else at!r} can never come true")
        for lead in cell.leads:
            if not table.has_arrow(at, lead):
                problems.append(f"{at!r} waits for {lead!r} to let {name!r} in, and has no arrow for it")
    return problems


def _reach(arrows: Mapping[str | None, set[str]], start: str | None) -> set[str]:
    seen: set[str] = set()
    queue = [start]
    while queue:
        for target in arrows[queue.pop()] - seen:
            seen.add(target)
            queue.append(target)
    return seen
