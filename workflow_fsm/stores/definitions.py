"""Definitions: under which one a store is worked, and was: each is recorded with the first row under it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from workflow_fsm.core.definition import Definition
from workflow_fsm.core.definition.recorded import content_of, id_of, read_recorded
from workflow_fsm.core.values.instants import show_instant
from workflow_fsm.stores.session import Session

_COLUMNS = ("id", "name", "source", "at", "content")


@dataclass(slots=True, kw_only=True)
class WorkedUnder:
    """The definition that a store is opened with; `source` is what named it, as `module:attribute`.

    It is recorded in the commit that writes the first row under it, so that looking records nothing.
    """

    definition: Definition
    source: str | None = None
    is_recorded: bool = False
    content: str = field(init=False)
    id: int = field(init=False)

    def __post_init__(self) -> None:
        """Write it down."""
        self.content = content_of(self.definition)
        self.id = id_of(self.content)

    def is_told_by(self, one: RecordedDefinition) -> bool:
        """Tell whether a record of it tells all of it."""
        return one.id == self.id and self.source in (None, one.source)

    def row(self, now: datetime) -> dict[str, Any]:
        """Give it as the columns of its table."""
        return {
            "id": self.id,
            "name": self.definition.name,
            "source": self.source,
            "at": show_instant(now),
            "content": self.content,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedDefinition:
    """A definition that a store was worked under, as its row tells of it."""

    id: int
    name: str
    source: str | None
    at: str
    content: str

    def read(self) -> Definition:
        """Read it back. Raises ValueError, with what is wrong with the row."""
        try:
            definition = read_recorded(self.content)
        except Exception as error:  # whatever a damaged row does to its reader
            raise ValueError(f"it can't be read ({type(error).__name__}: {error})") from error
        if id_of(self.content) != self.id or definition.name != self.name:
            raise ValueError("its content is not what its number was made of")
        return definition

    def describe(self) -> str:
        """Name it, and what it is had by."""
        by = "" if self.source is None else f" (WORKFLOW_DEFINITION={self.source})"
        return f"{self.name!r}{by}"


def recorded(session: Session) -> Sequence[RecordedDefinition]:
    """Give every definition that a store was worked under, oldest first."""
    return [
        RecordedDefinition(**{name: row[name] for name in _COLUMNS}) for row in session.rows("definitions")
    ]


def knowing(found: Sequence[RecordedDefinition], names: Collection[str]) -> Iterator[RecordedDefinition]:
    """Give those, newest first, that know some states and triggers."""
    for one in reversed(found):
        with suppress(ValueError):
            known = one.read()
            if all(name in known.cells or known.trigger(name) for name in names):
                yield one
