"""Schema: which migrations a store has and which this version knows, and whether it may work on the store.

A migration's name tells who can live with it. `NNNN_expand_…` only adds what older versions never see, so
that they go on beside it. `NNNN_contract_KKKK_…` takes away what no version needs that knows the migration
KKKK; others stop. Any other is for versions that know it alone. No name is ever changed: by the names in the
store a process judges what it was never told of.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from workflow_fsm.core.errors import StoreRefused
from workflow_fsm.stores.session import Columns, Session

_EXPANDS = re.compile(r"\d{4}_expand_\w+")
_CONTRACTS = re.compile(r"\d{4}_contract_(\d{4})_\w+")


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


def is_tolerable(name: str, known: Collection[str]) -> bool:
    """Tell whether a version that knows some migrations can work beside one that it doesn't."""
    contracts = _CONTRACTS.fullmatch(name)
    if contracts is not None:
        return any(one.startswith(f"{contracts[1]}_") for one in known)
    return _EXPANDS.fullmatch(name) is not None


def who_stops(name: str) -> str:
    """Say in a clause whom a migration stops."""
    contracts = _CONTRACTS.fullmatch(name)
    if contracts is not None:
        return f"versions that don't know {contracts[1]} stop"
    return "older versions go on" if _EXPANDS.fullmatch(name) else "older versions stop"
