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

from workflow_fsm.core.definition import arguments
from workflow_fsm.core.definition.cases import Cases
from workflow_fsm.core.errors import DefinitionInvalid
from workflow_fsm.core.values.fields import COMMON, REASON, Field, FieldTable, Kind, show_value

NONE = "(none yet)"
"""The name of the row of a lifecycle that doesn't exist yet; its state is None."""


class Rest(StrEnum):
    """What a cell says where none of its arrows holds."""

    KNOWN = "known"
    WAIT = "wait"
    REFUSED = "refused"


class Addressing(StrEnum):
    """How a trigger's event finds the lifecycles that it is for.

    `SYNC` begins one, or finds it by its sync; `DETECTION` forks claims from a sync; `EVERY` is for each
    claim that it names, else for all that qualify; `ONE` is for a single claim, named by its id or a case;
    `TIMER` is for the one whose instant came.
    """

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


Telling = Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any]]
"""(the event's fields, the facts so far) -> the facts that the event tells."""


def tells_nothing(fields: Mapping[str, Any], facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Tell no facts."""
    return {}


def tells_fields(*names: str) -> Telling:
    """Make a telling: the fields of these names, where the event has them, as facts of the same names."""

    def tells(fields: Mapping[str, Any], facts: Mapping[str, Any]) -> Mapping[str, Any]:
        return {name: show_value(fields[name]) for name in names if fields.get(name) is not None}

    return tells


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

    def __post_init__(self) -> None:
        """Check each argument. Raises DefinitionInvalid."""
        fields = arguments.each_fault(self.fields, Field, "Fields, such as (CLAIM, CASE)")
        together = arguments.each_fault(self.together, tuple, "tuples of names of facts")
        arguments.check(
            f"Trigger {arguments.shown(self.name)}",
            name=arguments.name_fault(self.name),
            addressing=arguments.kind_fault(
                self.addressing, Addressing, "an Addressing, such as Addressing.ONE"
            ),
            fields=fields or next(filter(None, map(_field_fault, self.fields)), None),
            money=None if self.money in (-1, 0, 1) else f"is {self.money!r}; it must be 1, -1 or 0",
            files=arguments.flag_fault(self.files),
            rejects=arguments.flag_fault(self.rejects),
            tells=arguments.function_fault(
                self.tells, "a function of the event's fields and the facts, such as tells_fields('reviewer')"
            ),
            together=together or next(filter(None, map(arguments.names_fault, self.together)), None),
            due=arguments.name_or_none_fault(self.due),
        )

    def told(self, fields: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
        """Give the facts that an event tells. Raises DefinitionInvalid for what JSON doesn't have."""
        told = self.tells(fields, facts)
        if not isinstance(told, Mapping):
            what = f"is to tell a mapping of facts, and tells {arguments.shown(told)}; nothing was kept"
            raise DefinitionInvalid([f"trigger {self.name!r} {what}"])
        return {
            name: fact if fact.__class__ in _PLAIN else self._fact(name, fact) for name, fact in told.items()
        }

    def _fact(self, name: str, fact: object) -> Any:
        plain = show_value(fact)
        if not isinstance(plain, str | int | float | Decimal | list | dict | None):
            what = f"tells {name!r} as {arguments.shown(fact)}, which JSON doesn't have; nothing was kept"
            raise DefinitionInvalid([f"trigger {self.name!r} {what}"])
        return plain

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


_PLAIN = frozenset({str, int, bool, type(None)})
"""What most facts are: they stand as they are told."""


def _field_fault(field: Field) -> str | None:
    """Say what is wrong with a field of a trigger."""
    fault = (
        arguments.name_fault(field.name)
        or arguments.names_fault(field.aliases)
        or arguments.kind_fault(field.kind, Kind, "a Kind, such as Kind.TEXT")
    )
    if fault is not None:
        return f"holds the field {arguments.shown(field.name)}, which {fault}"
    taken = {name for one in COMMON for name in one.names} & set(field.names)
    return f"holds the field {min(taken)!r}, which every trigger takes as it is" if taken else None
