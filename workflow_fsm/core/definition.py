"""States, triggers and cells as data, proved when built; the arrows run on one `transitions` machine.

A cell says what a trigger does in a state: an arrow moves the lifecycle, *known* means that it is past that
point, *wait* that it is too early, *refused* that it contradicts what is recorded. A cell may ask a question
first; its answers are exclusive, so no two arrows of a cell can both hold.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

from transitions import EventData, Machine

from workflow_fsm.core.errors import DefinitionInvalid
from workflow_fsm.core.fields import COMMON, Field, FieldTable

NONE = "(none yet)"
"""The name of the row of a lifecycle that doesn't exist yet; its state is None."""


class Rest(StrEnum):
    """What a cell says where none of its arrows holds."""

    KNOWN = "known"
    WAIT = "wait"
    REFUSED = "refused"


class Addressing(StrEnum):
    """How a trigger's event finds the lifecycles that it is for; `address.py` says each in full."""

    SYNC = "sync"
    DETECTION = "detection"
    EVERY = "every"
    ONE = "one"
    TIMER = "timer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """What a question is asked about: the lifecycle's facts and money, and what the event tells.

    `paid` and `amount` are minor units; `currency` and `amount` are set for money triggers only.
    """

    facts: Mapping[str, Any]
    paid: Mapping[str, int]
    told: Mapping[str, Any]
    currency: str | None = None
    amount: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A guard: a named question whose answer picks the arrow. `answers` lists all it can give."""

    name: str
    answers: tuple[str, ...]
    ask: Callable[[Meeting], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """A move to `target`, always or where the cell's question is answered `when`."""

    target: str
    when: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell of the table. `leads` names the triggers that a wait behind a question is for."""

    arrows: tuple[Arrow, ...] = ()
    rest: Rest | None = None
    question: Question | None = None
    leads: tuple[str, ...] = ()


KNOWN = Cell(rest=Rest.KNOWN)
WAIT = Cell(rest=Rest.WAIT)
REFUSED = Cell(rest=Rest.REFUSED)


def go(target: str) -> Cell:
    """Make a cell that always moves to `target`."""
    return Cell(arrows=(Arrow(target=target),))


def ask(
    question: Question, arrows: Mapping[str, str], rest: Rest | None = None, leads: Sequence[str] = ()
) -> Cell:
    """Make a cell that asks: `arrows` maps an answer to a target; other answers get `rest`."""
    moves = tuple(Arrow(target=target, when=answer) for answer, target in arrows.items())
    return Cell(arrows=moves, rest=rest, question=question, leads=tuple(leads))


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A state; in a `closed` one nothing is awaited. States are listed from the least advanced on."""

    name: str
    closed: bool = False


Telling = Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any]]
"""(the event's fields, the facts so far) -> the facts that the event tells."""


def tells_nothing(fields: Mapping[str, Any], facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Tell no facts."""
    return {}


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """A trigger, the fields of its events, and what they tell.

    `money` is 1 where the event's amount comes in, -1 where it is taken back, else 0. `together` names
    facts that are filled as one or not at all. `due` (timers) names the fact that holds the instant.
    """

    name: str
    addressing: Addressing
    fields: tuple[Field, ...] = ()
    money: int = 0
    tells: Telling = tells_nothing
    together: tuple[tuple[str, ...], ...] = ()
    due: str | None = None

    @cached_property
    def table(self) -> FieldTable:
        """The fields that its events carry, those that every event takes among them."""
        return FieldTable(self.fields + COMMON)

    @property
    def timer(self) -> bool:
        """Whether the passing of time fires it, and nobody else may."""
        return self.addressing is Addressing.TIMER


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
    _by_name: dict[str, Trigger] = field(init=False, repr=False, compare=False)
    _table: dict[tuple[str | None, str], Cell] = field(init=False, repr=False, compare=False)
    _rank: dict[str, int] = field(init=False, repr=False, compare=False)
    _machine: Machine = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Prove the table and build the machine."""
        rank = {state.name: place for place, state in enumerate(self.states)}
        by_name = {trigger.name: trigger for trigger in self.triggers}
        object.__setattr__(self, "_rank", rank)
        object.__setattr__(self, "_by_name", by_name)
        problems = _outline_problems(self)
        if not problems:
            table = {
                (state, trigger.name): cell
                for state, row in self.cells.items()
                for trigger, cell in zip(self.triggers, row, strict=True)
                if cell is not None
            }
            object.__setattr__(self, "_table", table)
            problems = _cell_problems(self) or _path_problems(self)
        if problems:
            raise DefinitionInvalid(problems)
        object.__setattr__(self, "_machine", _machine(self))

    def trigger(self, name: str) -> Trigger | None:
        """Give the trigger of that name, or None."""
        return self._by_name.get(name)

    def cell(self, state: str | None, trigger: str) -> Cell:
        """Give the cell of a state (None: no lifecycle yet) and a trigger."""
        return self._table[state, trigger]

    def has_arrow(self, state: str | None, trigger: str) -> bool:
        """Tell whether an arrow stands in that cell, whatever its question."""
        cell = self._table.get((state, trigger))
        return cell is not None and bool(cell.arrows)

    def arrow_states(self, trigger: str) -> tuple[str, ...]:
        """Give the states in whose cell for that trigger an arrow stands."""
        return tuple(state.name for state in self.states if self.has_arrow(state.name, trigger))

    def allowed(self, state: str | None) -> tuple[str, ...]:
        """Give the triggers with an arrow from that state, timers left out."""
        return tuple(t.name for t in self.triggers if not t.timer and self.has_arrow(state, t.name))

    def rank(self, state: str) -> int:
        """Tell how far a state is advanced: 0 for the first that is listed."""
        return self._rank[state]

    def closed(self, state: str) -> bool:
        """Tell whether nothing is awaited any more in that state."""
        return self.states[self._rank[state]].closed

    def by_addressing(self, addressing: Addressing) -> tuple[Trigger, ...]:
        """Give the triggers that find their lifecycles in that way."""
        return tuple(trigger for trigger in self.triggers if trigger.addressing is addressing)

    def first_state(self) -> str:
        """Give the state in which a lifecycle begins."""
        (sync,) = self.by_addressing(Addressing.SYNC)
        return self.cell(None, sync.name).arrows[0].target

    def forked_state(self) -> str | None:
        """Give the state into which detection moves, or None in a lifecycle without forks."""
        return next(
            (
                self.cell(self.first_state(), trigger.name).arrows[0].target
                for trigger in self.by_addressing(Addressing.DETECTION)
            ),
            None,
        )

    def answer(self, state: str | None, trigger: str, meeting: Meeting) -> str | Rest:
        """Say what a trigger does in a state: the target of the arrow that holds, else the cell's rest.

        The arrow is taken on the shared machine. Raises KeyError for an unknown state or trigger.
        """
        cell = self._table[state, trigger]
        if not cell.arrows:
            assert cell.rest is not None
            return cell.rest
        told = cell.question.ask(meeting) if cell.question else None
        if cell.rest is not None and all(arrow.when != told for arrow in cell.arrows):
            return cell.rest
        token = _Token(NONE if state is None else state)
        self._machine.events[trigger].trigger(token, answer=told)
        return token.state

    def path(self, state: str | None, trigger: str) -> tuple[str, ...]:
        """Give the fewest triggers (timers left out) that lead from `state` to where `trigger` has an arrow.

        Empty where it has one already, or where nothing leads there.
        """
        goals = set(self.arrow_states(trigger))
        seen: set[str | None] = {state}
        queue: deque[tuple[str | None, tuple[str, ...]]] = deque([(state, ())])
        while queue:
            here, way = queue.popleft()
            if here in goals:
                return way
            for step in self.allowed(here):
                for arrow in self.cell(here, step).arrows:
                    if arrow.target not in seen:
                        seen.add(arrow.target)
                        queue.append((arrow.target, (*way, step)))
        return ()

    def variant(
        self,
        *,
        name: str,
        states: Sequence[State] | None = None,
        triggers: Sequence[Trigger] | None = None,
        cells: Mapping[str | None, Mapping[str, Cell]],
    ) -> Definition:
        """Give a definition like this one with other states, triggers or cells.

        `states` and `triggers` are whole lists; `cells` names only the cells that are new or differ.
        """
        now = tuple(triggers) if triggers is not None else self.triggers
        listed = tuple(states) if states is not None else self.states
        rows: dict[str | None, tuple[Cell | None, ...]] = {}
        for state in (None, *(s.name for s in listed)):
            changed = cells.get(state, {})
            rows[state] = tuple(changed.get(t.name, self._table.get((state, t.name))) for t in now)
        return replace(self, name=name, states=listed, triggers=now, cells=rows)


def _machine(definition: Definition) -> Machine:
    states = [NONE, *(state.name for state in definition.states)]
    machine = Machine(
        model=None, states=states, initial=None, auto_transitions=False, send_event=True, queued=False
    )
    for (state, trigger), cell in definition._table.items():
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


def _outline_problems(definition: Definition) -> list[str]:
    problems = _twice("state", [state.name for state in definition.states])
    problems += _twice("trigger", [trigger.name for trigger in definition.triggers])
    names = {state.name for state in definition.states}
    if NONE in names:
        problems.append(f"{NONE!r} is the name of no state")
    for trigger in definition.triggers:
        problems += _twice(f"field of {trigger.name}", [n for f in trigger.fields for n in f.names])
        if trigger.timer and trigger.due is None:
            problems.append(f"timer {trigger.name!r} has no fact that says when it is due")
    if len(definition.by_addressing(Addressing.SYNC)) != 1:
        problems.append("exactly one trigger must begin lifecycles (addressing `sync`)")
    if len(definition.by_addressing(Addressing.DETECTION)) > 1:
        problems.append("at most one trigger may fork lifecycles (addressing `detection`)")
    rows = {row for row in definition.cells if row is not None}
    problems += [f"state {name!r} has no row of cells" for name in sorted(names - rows)]
    problems += [f"the row {name!r} is for no state that is listed" for name in sorted(rows - names)]
    if None not in definition.cells:
        problems.append(f"the row {NONE!r} is missing")
    for row, cells in definition.cells.items():
        if len(cells) != len(definition.triggers):
            problems.append(f"row {row!r} has {len(cells)} cells for {len(definition.triggers)} triggers")
            continue
        for trigger, cell in zip(definition.triggers, cells, strict=True):
            if cell is None and not (row is None and trigger.timer):
                problems.append(f"the cell of {row!r} and {trigger.name!r} is forgotten")
    return problems


def _twice(what: str, names: Sequence[str]) -> list[str]:
    return [f"{what} {name!r} is listed twice" for name in dict.fromkeys(names) if names.count(name) > 1]


def _cell_problems(definition: Definition) -> list[str]:
    names = {state.name for state in definition.states}
    problems: list[str] = []
    for (state, name), cell in definition._table.items():
        trigger = definition._by_name[name]
        where = f"the cell of {NONE if state is None else state!r} and {name!r}"
        problems += [
            f"{where} moves to {arrow.target!r}, which is no state"
            for arrow in cell.arrows
            if arrow.target not in names
        ]
        problems += [f"{where} {fault}" for fault in _question_faults(cell)]
        if cell.rest in (Rest.REFUSED, Rest.KNOWN) and trigger.money:
            problems.append(f"{where} would lose money, which must move or wait")
        if trigger.timer and cell.rest in (Rest.WAIT, Rest.REFUSED):
            problems.append(f"{where} lets a timer wait or be refused; it moves or is known")
        if state is None and (cell.question or cell.rest not in (None, Rest.WAIT)):
            problems.append(f"{where} must move or wait, since nothing is known there")
        if state is None and cell.arrows and trigger.addressing is not Addressing.SYNC:
            problems.append(f"{where} begins a lifecycle, which only a `sync` trigger may")
        if trigger.addressing is Addressing.SYNC and state is None and not cell.arrows:
            problems.append(f"{where} must begin a lifecycle")
    return problems


def _question_faults(cell: Cell) -> Iterable[str]:
    answers = [arrow.when for arrow in cell.arrows]
    if not cell.arrows and cell.rest is None:
        yield "says nothing"
    if cell.question is None:
        if len(cell.arrows) > 1 or any(answers):
            yield "has several arrows and no question to choose by"
        if cell.arrows and cell.rest is not None:
            yield f"always moves, so it never comes to {cell.rest}"
        return
    if len(set(answers)) != len(answers):
        yield f"answers {cell.question.name!r} twice in the same way"
    for answer in answers:
        if answer not in cell.question.answers:
            yield f"moves on {answer!r}, which {cell.question.name!r} never answers"
    if set(answers) >= set(cell.question.answers):
        if cell.rest is not None:
            yield f"moves on every answer, so it never comes to {cell.rest}"
    elif cell.rest is None:
        yield f"says nothing on some answers to {cell.question.name!r}"
    if cell.arrows and cell.rest is Rest.WAIT and not cell.leads:
        yield "waits behind a question and names no trigger that would end the wait (`leads`)"


def _path_problems(definition: Definition) -> list[str]:
    arrows: dict[str | None, set[str]] = {None: set()} | {state.name: set() for state in definition.states}
    for (state, _), cell in definition._table.items():
        arrows[state].update(arrow.target for arrow in cell.arrows)
    problems = [
        f"state {state.name!r} can't be reached"
        for state in definition.states
        if state.name not in _reach(arrows, None)
    ]
    closed = {state.name for state in definition.states if state.closed}
    problems += [
        f"open state {state.name!r} can reach no closed one"
        for state in definition.states
        if not state.closed and not _reach(arrows, state.name) & closed
    ]
    for (at, name), cell in definition._table.items():
        if cell.rest is not Rest.WAIT:
            continue
        if not cell.arrows and not definition.path(at, name):
            problems.append(f"what waits for {name!r} in {NONE if at is None else at!r} can never come true")
        for lead in cell.leads:
            if not definition.has_arrow(at, lead):
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
