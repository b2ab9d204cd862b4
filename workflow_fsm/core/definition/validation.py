"""Proves a definition as it is built: nothing forgotten, nothing unknown, every way leads somewhere.

Each check gives its findings as sentences; a definition without any is sound.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from workflow_fsm.core.definition.cells import NONE, Addressing, Cell, Rest, State, Trigger


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
    problems += [f"the row {name!r} is for no state that is listed" for name in sorted(rows - names)]
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
    problems: list[str] = []
    for (state, name), cell in table.table.items():
        trigger = table.by_name[name]
        where = f"the cell of {NONE if state is None else state!r} and {name!r}"
        problems += [
            f"{where} moves to {arrow.target!r}, which is no state"
            for arrow in cell.arrows
            if arrow.target is not None and arrow.target not in names
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
    problems = [
        f"state {state.name!r} can't be reached"
        for state in table.states
        if state.name not in _reach(arrows, None)
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
