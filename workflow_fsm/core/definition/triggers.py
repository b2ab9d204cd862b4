"""Triggers: what a lifecycle is moved by, the fields of their events, and what those tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any

from workflow_fsm.core.definition import arguments
from workflow_fsm.core.errors import DefinitionInvalid
from workflow_fsm.core.values.fields import COMMON, REASON, Field, FieldTable, Kind, show_value


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
