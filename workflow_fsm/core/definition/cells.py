"""What a lifecycle's table is made of: states, and a cell for each pair of a state and a trigger.

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
from typing import Any, Final

from workflow_fsm.core.definition import arguments
from workflow_fsm.core.definition.cases import Cases
from workflow_fsm.core.errors import DefinitionInvalid

NONE = "(none yet)"
"""The name of the row of a lifecycle that doesn't exist yet; its state is None."""


class Rest(StrEnum):
    """What a cell says where none of its arrows holds."""

    KNOWN = "known"
    WAIT = "wait"
    REFUSED = "refused"


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

    def __post_init__(self) -> None:
        """Check each argument. Raises DefinitionInvalid."""
        arguments.check(
            f"Question {arguments.shown(self.name)}",
            name=arguments.name_fault(self.name),
            answers=arguments.names_fault(self.answers) or (None if self.answers else "is empty"),
            ask=arguments.function_fault(self.ask, "a function of the Meeting that gives an answer"),
            of_case=arguments.flag_fault(self.of_case),
        )

    def answer(self, meeting: Meeting) -> str:
        """Ask it. Raises DefinitionInvalid for an answer that it doesn't list."""
        told = self.ask(meeting)
        if told not in self.answers:
            listed = ", ".join(map(repr, self.answers))
            raise DefinitionInvalid(
                [f"{self.name!r} answered {arguments.shown(told)}, and lists {listed}; nothing was kept"]
            )
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """A move to `target`, always or where the cell's question is answered `when`.

    Without a target it is internal: a transition to the same state that leaves and enters nothing (UML's
    internal transition).
    """

    target: str | None
    when: str | None = None

    def __post_init__(self) -> None:
        """Check each argument. Raises DefinitionInvalid."""
        arguments.check(
            f"Arrow to {arguments.shown(self.target)}",
            target=arguments.name_or_none_fault(self.target),
            when=arguments.name_or_none_fault(self.when),
        )

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

    def __post_init__(self) -> None:
        """Check each argument. Raises DefinitionInvalid."""
        rest, question = "a Rest, such as Rest.KNOWN", "a Question"
        arguments.check(
            "Cell",
            arrows=arguments.each_fault(self.arrows, Arrow, "Arrows; `go`, `stay` and `ask` make a cell"),
            rest=None if self.rest is None else arguments.kind_fault(self.rest, Rest, rest),
            rests=arguments.mapping_fault(
                self.rests,
                "answers to Rests",
                lambda answer, one: isinstance(answer, str) and isinstance(one, Rest),
            ),
            question=None
            if self.question is None
            else arguments.kind_fault(self.question, Question, question),
            leads=arguments.names_fault(self.leads),
        )

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
    `rest`. Raises DefinitionInvalid."""
    must = "answers to states, such as {'yes': 'paid'}, to STAY or to Rests"
    arguments.check(
        "ask",
        question=arguments.kind_fault(question, Question, "a Question"),
        answers=arguments.mapping_fault(
            answers,
            must,
            lambda answer, target: isinstance(answer, str) and (target is STAY or isinstance(target, str)),
        ),
        leads=arguments.names_fault(leads),
    )
    arrows = tuple(
        Arrow(target=None if target is STAY else str(target), when=answer)
        for answer, target in answers.items()
        if not isinstance(target, Rest)
    )
    rests = {answer: target for answer, target in answers.items() if isinstance(target, Rest)}
    return Cell(arrows=arrows, rest=rest, rests=rests, question=question, leads=tuple(leads))


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A state; in a `closed` one nothing is awaited. States are listed from the least advanced on.

    A `retired` one is on its way out: no arrow leads into it, and lifecycles that stand in it go on by its
    cells. Once none does, a variant may leave it out.
    """

    name: str
    closed: bool = False
    retired: bool = False

    def __post_init__(self) -> None:
        """Check each argument. Raises DefinitionInvalid."""
        arguments.check(
            f"State {arguments.shown(self.name)}",
            name=arguments.name_fault(self.name),
            closed=arguments.flag_fault(self.closed),
            retired=arguments.flag_fault(self.retired),
        )
