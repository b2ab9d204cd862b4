"""A lifecycle as data: its table, proved when it is built; its arrows run on one `transitions` machine."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from transitions import EventData, Machine

from workflow_fsm.core.definition.cells import (
    NONE,
    Cell,
    Meeting,
    Rest,
    State,
)
from workflow_fsm.core.definition.triggers import Addressing, Trigger
from workflow_fsm.core.definition.validation import (
    argument_problems,
    cell_problems,
    outline_problems,
    path_problems,
    variant_problems,
)
from workflow_fsm.core.errors import DefinitionInvalid

T = TypeVar("T")
_machines_log = logging.getLogger("transitions")
if _machines_log.level == logging.NOTSET:  # it tells each step at INFO
    _machines_log.setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Taken:
    """An arrow that was taken: into which state, and whether that is an internal transition."""

    target: str
    internal: bool = False


class _Token:
    """The mutable slot that the shared machine moves."""

    __slots__ = ("state",)

    def __init__(self, state: str) -> None:
        self.state = state


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A lifecycle: its states, triggers, and a cell for each of their pairs.

    `cells` maps a state's name (None for the row of a lifecycle that doesn't exist yet) to a cell for each
    trigger, in the order of `triggers`; None stands where there is nothing to say (a timer on no lifecycle).
    Building one proves it; DefinitionInvalid lists every fault found.
    """

    name: str
    states: tuple[State, ...]
    triggers: tuple[Trigger, ...]
    cells: Mapping[str | None, tuple[Cell | None, ...]]
    by_name: dict[str, Trigger] = field(init=False, repr=False, compare=False)
    table: dict[tuple[str | None, str], Cell] = field(init=False, repr=False, compare=False)
    _rank: dict[str, int] = field(init=False, repr=False, compare=False)
    _by_addressing: dict[Addressing, tuple[Trigger, ...]] = field(init=False, repr=False, compare=False)
    _machine: Machine = field(init=False, repr=False, compare=False)
    _taken: dict[tuple[str | None, str, str | None], Taken] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )
    _known: dict[Hashable, Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Prove the table and build the machine."""
        problems = argument_problems(self.name, self.states, self.triggers, self.cells)
        if problems:
            raise DefinitionInvalid(problems)
        self._look_up()
        problems = outline_problems(self)
        if not problems:
            self._lay_out()
            problems = cell_problems(self) or path_problems(self)
        if problems:
            raise DefinitionInvalid(problems)
        object.__setattr__(self, "_machine", _machine(self))

    @classmethod
    def unproved(
        cls,
        *,
        name: str,
        states: tuple[State, ...],
        triggers: tuple[Trigger, ...],
        cells: Mapping[str | None, tuple[Cell | None, ...]],
    ) -> Definition:
        """Build one that was proved before, as a store recorded it: it tells what stands in it, and moves
        nothing."""
        made = cls.__new__(cls)
        parts = {"name": name, "states": states, "triggers": triggers, "cells": cells, "_taken": {}}
        for part, value in parts.items():
            object.__setattr__(made, part, value)
        made._look_up()
        made._lay_out()
        return made

    def _look_up(self) -> None:
        """Make what states and triggers are found by."""
        object.__setattr__(self, "states", tuple(self.states))
        object.__setattr__(self, "triggers", tuple(self.triggers))
        rank = {state.name: place for place, state in enumerate(self.states)}
        by_name = {trigger.name: trigger for trigger in self.triggers}
        object.__setattr__(self, "_rank", rank)
        object.__setattr__(self, "by_name", by_name)
        by_addressing = {
            way: tuple(trigger for trigger in self.triggers if trigger.addressing is way)
            for way in Addressing
        }
        object.__setattr__(self, "_by_addressing", by_addressing)

    def _lay_out(self) -> None:
        """Lay the rows out as a table."""
        table = {
            (state, trigger.name): cell
            for state, row in self.cells.items()
            for trigger, cell in zip(self.triggers, row, strict=True)
            if cell is not None
        }
        object.__setattr__(self, "table", table)
        object.__setattr__(self, "_known", {})

    def trigger(self, name: str) -> Trigger | None:
        """Give the trigger of that name, or None."""
        return self.by_name.get(name)

    def reading_also(self, triggers: Iterable[Trigger]) -> Definition:
        """Give this definition, to read events of some triggers with that it hasn't, or has otherwise."""
        made = copy(self)
        object.__setattr__(made, "by_name", {**self.by_name, **{one.name: one for one in triggers}})
        return made

    def cell(self, state: str | None, trigger: str) -> Cell:
        """Give the cell of a state (None: no lifecycle yet) and a trigger."""
        return self.table[state, trigger]

    def has_arrow(self, state: str | None, trigger: str, *, named: bool = True) -> bool:
        """Tell whether an arrow stands in that cell, whatever its question.

        An event that names no case (`named` is False) has none where one is asked for.
        """
        cell = self.table.get((state, trigger))
        if cell is None or not cell.arrows:
            return False
        return named or cell.question is None or not cell.question.of_case

    def arrow_states(self, trigger: str, *, named: bool = True) -> tuple[str, ...]:
        """Give the states in whose cell for that trigger an arrow stands, as `has_arrow` says."""
        return tuple(state.name for state in self.states if self.has_arrow(state.name, trigger, named=named))

    def allowed(self, state: str | None) -> tuple[str, ...]:
        """Give the triggers with an arrow from that state, timers left out."""
        if state not in self.cells:
            return ()
        return self.once(("allowed", state), lambda: tuple(self._allowed(state)))

    def _allowed(self, state: str | None) -> Iterator[str]:
        return (t.name for t in self.triggers if not t.timer and self.has_arrow(state, t.name))

    def once(self, what: Hashable, work: Callable[[], T]) -> T:
        """Give what some work makes of this definition, which never changes: it is done once."""
        if what not in self._known:
            self._known[what] = work()
        found: T = self._known[what]
        return found

    def rank(self, state: str) -> int:
        """Tell how far a state is advanced: 0 for the first that is listed."""
        return self._rank[state]

    def closed(self, state: str) -> bool:
        """Tell whether nothing is awaited any more in that state."""
        return self.states[self._rank[state]].closed

    def by_addressing(self, addressing: Addressing) -> tuple[Trigger, ...]:
        """Give the triggers that find their lifecycles in that way."""
        return self._by_addressing[addressing]

    def first_state(self) -> str:
        """Give the state in which a lifecycle begins."""
        (sync,) = self.by_addressing(Addressing.SYNC)
        return self.cell(None, sync.name).arrows[0].leads_to(None)

    def forked_state(self) -> str | None:
        """Give the state into which detection moves, or None in a lifecycle without forks."""
        return next(
            (
                self.cell(self.first_state(), trigger.name).arrows[0].leads_to(self.first_state())
                for trigger in self.by_addressing(Addressing.DETECTION)
            ),
            None,
        )

    def answer(self, state: str | None, trigger: str, meeting: Meeting) -> Taken | Rest:
        """Say what a trigger does in a state: the arrow that holds, taken, else the cell's rest.

        The arrow is taken on the shared machine. Raises KeyError for an unknown state or trigger.
        """
        cell = self.table[state, trigger]
        told = cell.question.answer(meeting) if cell.question else None
        arrow = next((arrow for arrow in cell.arrows if arrow.when == told), None)
        if arrow is None:
            rest = cell.rest_for(told)
            assert rest is not None
            return rest
        taken = self._taken.get((state, trigger, told))
        if taken is None:  # the machine is asked once: where it leads hangs on nothing else
            token = _Token(NONE if state is None else state)
            self._machine.events[trigger].trigger(token, answer=told)
            taken = self._taken[state, trigger, told] = Taken(
                target=token.state, internal=arrow.target is None
            )
        return taken

    def is_internal(self, state: str | None, trigger: str, target: str) -> bool:
        """Tell whether the arrow from a state to that target, by that trigger, leaves and enters nothing."""
        cell = self.table.get((state, trigger))
        return cell is not None and state == target and any(arrow.target is None for arrow in cell.arrows)

    def led_to(self, triggers: Iterable[Trigger], *, stays: bool = True) -> frozenset[str]:
        """Give the states to which arrows of some triggers lead from others; with `stays`, also those that
        they stay in."""
        names = tuple(trigger.name for trigger in triggers)
        return self.once(("led to", stays, names), lambda: frozenset(self._led_to(names, stays=stays)))

    def _led_to(self, names: Iterable[str], *, stays: bool) -> Iterator[str]:
        return (
            arrow.leads_to(state.name)
            for name in names
            for state in self.states
            for arrow in self.cell(state.name, name).arrows
            if stays or arrow.target is not None
        )

    def path(self, state: str | None, trigger: str, *, named: bool = True) -> tuple[str, ...]:
        """Give the fewest triggers (timers left out) that lead from `state` to where `trigger` has an arrow.

        Empty where it has one already, or where nothing leads there. `named` is False for an event that names
        no case.
        """
        goals = set(self.arrow_states(trigger, named=named))
        seen: set[str | None] = {state}
        queue: deque[tuple[str | None, tuple[str, ...]]] = deque([(state, ())])
        while queue:
            here, way = queue.popleft()
            if here in goals:
                return way
            for step in self.allowed(here):
                for arrow in self.cell(here, step).arrows:
                    target = arrow.leads_to(here)
                    if target not in seen:
                        seen.add(target)
                        queue.append((target, (*way, step)))
        return ()

    def variant(
        self,
        *,
        name: str,
        states: Sequence[State] | None = None,
        triggers: Sequence[Trigger] | None = None,
        cells: Mapping[str | None, Mapping[str, Cell]] | None = None,
    ) -> Definition:
        """Give a definition like this one with other states, triggers or cells.

        `states` and `triggers` are whole lists; `cells` names only the cells that are new or differ. Raises
        DefinitionInvalid, which lists all that is wrong.
        """
        cells = {} if cells is None else cells
        problems = variant_problems(
            name,
            self.states if states is None else states,
            self.triggers if triggers is None else triggers,
            cells,
        )
        if problems:
            raise DefinitionInvalid(problems)
        now = tuple(triggers) if triggers is not None else self.triggers
        listed = tuple(states) if states is not None else self.states
        rows: dict[str | None, tuple[Cell | None, ...]] = {}
        for state in (None, *(s.name for s in listed)):
            changed = cells.get(state, {})
            rows[state] = tuple(changed.get(t.name, self.table.get((state, t.name))) for t in now)
        return replace(self, name=name, states=listed, triggers=now, cells=rows)


def _machine(definition: Definition) -> Machine:
    states = [NONE, *(state.name for state in definition.states)]
    machine = Machine(
        model=None, states=states, initial=None, auto_transitions=False, send_event=True, queued=False
    )
    for (state, trigger), cell in definition.table.items():
        for arrow in cell.arrows:
            machine.add_transition(
                trigger, NONE if state is None else state, arrow.target, conditions=_holds(arrow.when)
            )
    return machine


def _holds(when: str | None) -> list[str | Callable[..., bool | None]]:
    if when is None:
        return []

    def holds(event: EventData) -> bool:
        return bool(event.kwargs["answer"] == when)

    return [holds]
