"""Versions: which migrations a store has and which this one knows, and whether it may work on the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workflow_fsm.core.errors import StoreRefused
from workflow_fsm.stores.schema.marks import is_tolerable
from workflow_fsm.stores.session import Columns, Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """The migrations that a store has, `done`, and those that this version `knows`, both in their order."""

    done: Sequence[str]
    known: Sequence[str]

    @property
    def due(self) -> list[str]:
        """Those that this version would apply."""
        return [name for name in self.known if name not in self.done]

    @property
    def newer(self) -> list[str]:
        """Those that a newer version applied."""
        return sorted(name for name in self.done if name not in self.known)

    @property
    def newest(self) -> str | None:
        """The last that the store has."""
        return max(self.done, default=None)

    def refuse_newer(self) -> None:
        """Raise StoreRefused, where a newer version has left a store that this one can't work on."""
        strange = [name for name in self.newer if not is_tolerable(name, self.known)]
        if strange:
            raise StoreRefused(
                f"the store was migrated by a newer version of workflow-fsm ({', '.join(strange)}); "
                f"upgrade workflow-fsm to work on it: this version knows the schema up to {self.known[-1]}"
            )


class Watch:
    """Sees, in each transaction, whether the store was migrated since it was opened, and by whom.

    What it asks is of a table that a migration locks first, if not everybody can live with it: whoever was
    told that there is none has done its work before that one.
    """

    def __init__(self, known: Sequence[str]) -> None:
        self._known = known
        self._many: int | None = None

    def is_news(self, counted: Columns) -> bool:
        """Tell whether `count_migrations` gave another number than before."""
        return bool(counted["many"] != self._many)

    def heed(self, session: Session, counted: Columns) -> None:
        """Heed what `count_migrations` gave. Raises StoreRefused where this version can't go on."""
        if self.is_news(counted):
            done = [row["name"] for row in session.rows("migrations")]
            Schema(done=done, known=self._known).refuse_newer()
            self._many = counted["many"]
