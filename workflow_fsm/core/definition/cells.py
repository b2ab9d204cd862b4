"""What a lifecycle's table is made of: states, triggers, and a cell for each of their pairs.

A cell's arrow moves the lifecycle; *known* means that it is past that point, *wait* that it is too early,
*refused* that the event contradicts what is recorded. An internal arrow is a transition that stays: it leaves
and enters nothing. A cell may ask a question first; its answers are exclusive, so no two of them can both
hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

from workflow_fsm.core.definition.cases import Cases
from workflow_fsm.core.values.fields import COMMON, REASON, Field, FieldTable

NONE = "(none yet)"
"""The name of the row of a lifecycle that doesn't exist yet; its state is None."""


class Rest(StrEnum):
    """What a cell says where none of its arrows holds."""

    KNOWN = "known"
    WAIT = "wait"
    REFUSED = "refused"


class Addressing(StrEnum):
    """How a trigger's event finds the lifecycles that it is for; `correlation.py` says each in full."""

    SYNC = "sync"
    DETECTION = "detection"
    EVERY = "every"
    ONE = "one"
    TIMER = "timer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """What a question is asked about: the lifecycle's facts, money and cases, and what the event tells.

    `told` are the facts that it tells, `case_id` the case that it names (`names_anew`: one that the claim had
    not by that name), `occurred_at` when it says it happened, `now` when it is judged. `currency`, `amount`
    (a decimal, in major units) and `units` are set for money triggers only; `force` where a person lets
    through what would wait.
    """

    facts: Mapping[str, Any]
    told: Mapping[str, Any]
    paid: Mapping[str, Decimal] = field(default_factory=dict)
    units_paid: int = 0
    cases: Cases = field(default_factory=dict)
    case_id: str | None = None
    names_anew: bool = False
    currency: str | None = None
    amount: Decimal = Decimal(0)
    units: int = 0
    force: bool = False
    now: datetime | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A guard: a named question whose answer picks the arrow. `answers` lists all it can give.

    `of_case` tells that only an event which names a case has an arrow behind it.
    """

    name: str
    answers: tuple[str, ...]
    ask: Callable[[Meeting], str]
    of_case: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """A move to `target`, always or where the cell's question is answered `when`.

    Without a target it is internal: a transition to the same state that leaves and enters nothing (UML's
    internal transition).
    """

    target: str | None
    when: str | None = None

    def leads_to(self, state: str | None) -> str:
        """Give the state that it leads to from the row's."""
        target = state if self.target is None else self.target
        assert target is not None
        return target


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell of the table.

    `rest` is what it says where no arrow holds, `rests` what it says to some answers instead. `leads` names
    the triggers that a wait behind a question is for.
    """

    arrows: tuple[Arrow, ...] = ()
    rest: Rest | None = None
    rests: Mapping[str, Rest] = field(default_factory=dict)
    question: Question | None = None
    leads: tuple[str, ...] = ()

    def rest_for(self, answer: str | None) -> Rest | None:
        """Give what it says to an answer for which no arrow stands."""
        return self.rest if answer is None else self.rests.get(answer, self.rest)

    @property
    def all_rests(self) -> tuple[Rest, ...]:
        """What it can say where it doesn't move."""
        told = ([] if self.rest is None else [self.rest]) + list(self.rests.values())
        return tuple(dict.fromkeys(told))


KNOWN = Cell(rest=Rest.KNOWN)
WAIT = Cell(rest=Rest.WAIT)
REFUSED = Cell(rest=Rest.REFUSED)


def go(target: str) -> Cell:
    """Make a cell that always moves to `target`."""
    return Cell(arrows=(Arrow(target=target),))


STAY: Final = object()
"""Stands for the target of an internal arrow: a transition to the same state that leaves and enters
nothing."""


def stay() -> Cell:
    """Make a cell with an internal arrow: always a transition, and the state stays."""
    return Cell(arrows=(Arrow(target=None),))


def ask(
    question: Question,
    answers: Mapping[str, str | Rest | object],
    rest: Rest | None = None,
    leads: Sequence[str] = (),
) -> Cell:
    """Make a cell that asks: `answers` maps an answer to a state, to STAY, or to a rest; others get
    `rest`."""
    arrows = tuple(
        Arrow(target=None if target is STAY else str(target), when=answer)
        for answer, target in answers.items()
        if not isinstance(target, Rest)
    )
    rests = {answer: target for answer, target in answers.items() if isinstance(target, Rest)}
    return Cell(arrows=arrows, rest=rest, rests=rests, question=question, leads=tuple(leads))


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

    `money` is 1 where the event's amount comes in, -1 where it is taken back, else 0. `files` tells that it
    files a case, and may bring one that nobody has; `rejects` that it is the marketplace's no to one.
    `together` names facts that are filled as one or not at all. `due` (timers) names the fact that holds the
    instant.
    """

    name: str
    addressing: Addressing
    fields: tuple[Field, ...] = ()
    money: int = 0
    files: bool = False
    rejects: bool = False
    tells: Telling = tells_nothing
    together: tuple[tuple[str, ...], ...] = ()
    due: str | None = None

    @cached_property
    def table(self) -> FieldTable:
        """The fields that its events carry, those that every event takes among them."""
        return FieldTable(self.fields + self.common)

    @cached_property
    def common(self) -> tuple[Field, ...]:
        """The fields that every event takes; `reason` only where no field of the trigger's own goes by it."""
        names = {name for field in self.fields for name in field.names}
        return COMMON if REASON.name in names else (*COMMON, REASON)

    @property
    def timer(self) -> bool:
        """Whether the passing of time fires it, and nobody else may."""
        return self.addressing is Addressing.TIMER
