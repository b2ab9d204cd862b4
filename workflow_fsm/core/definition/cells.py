"""What a lifecycle's table is made of: states, triggers, and a cell for each of their pairs.

A cell's arrow moves the lifecycle; *known* means that it is past that point, *wait* that it is too early,
*refused* that the event contradicts what is recorded. A cell may ask a question first; its answers are
exclusive, so no two arrows of a cell can both hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from workflow_fsm.core.values.fields import COMMON, Field, FieldTable

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
