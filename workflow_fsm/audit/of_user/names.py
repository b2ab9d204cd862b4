"""Names, audited: aliases, merged claims, ids of events and what waits, each against what it names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from workflow_fsm.audit.scratch import Scratch, Values
from workflow_fsm.core.model.lifecycle import CaseOwner

_REMEMBERED = 2_000


class Names:
    """What a user's lifecycles are known by: claims, aliases, and claims merged into others."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch
        self._has_aliases = scratch.first("has_aliases") is not None
        self._rows = lru_cache(_REMEMBERED)(self._row)
        self._merged = lru_cache(_REMEMBERED)(self._merged_into)
        self._aliases = lru_cache(_REMEMBERED)(self._alias)
        self.lifecycles = lru_cache(_REMEMBERED)(self._lifecycles_of)

    def canonical(self, name: str) -> str:
        """Give the id of the claim that a name stands for."""
        claim = self._aliases(name)
        return str(name if claim is None else claim[0])

    def is_claim(self, name: object) -> bool:
        """Tell whether a name is the id of a detected claim that takes part."""
        return self._merged(name) == (None,)

    def is_there(self, lifecycle: object) -> bool:
        """Tell whether there is such a lifecycle."""
        return self._rows(lifecycle) is not None

    def owner(self, lifecycle: object) -> CaseOwner | None:
        """Give whose the cases of a lifecycle are: of a merged claim's, the one that it was merged into."""
        row = self._rows(lifecycle)
        if row is None:
            return None
        claim_id, sync_id, merged_into = row
        if claim_id is None:
            return CaseOwner("", str(sync_id))
        return CaseOwner(str(claim_id) if merged_into is None else self.canonical(claim_id), "")

    def unmerged(self, row: Values) -> Iterator[str]:
        """Say where a lifecycle that was merged into a claim can't have been, or one that wasn't says so."""
        into = row["merged_into"]
        if into is None:
            return
        if row["forked"] != 1:
            yield f"it was merged into claim {into!r}, and takes part"
        alias = self._aliases(row["claim_id"])
        target = None if alias is None else alias[0]
        seen: set[Any] = set()
        while into != target and into not in seen:
            claim = self._merged(into)
            if claim is None:
                break
            seen.add(into)
            (into,) = claim
        if row["claim_id"] is None or into is None or into != target or not self.is_claim(target):
            told = "nobody's alias" if target is None else f"an alias of {target!r}"
            yield f"it was merged into claim {row['merged_into']!r}, and its id is {told}"

    def _row(self, lifecycle: object) -> tuple[Any, Any, Any] | None:
        found = None
        for row in self._scratch.each("lifecycle", id=lifecycle):
            found = (row["claim_id"], row["sync_id"], row["merged_into"])
        return found

    def _merged_into(self, name: object) -> tuple[Any] | None:
        row = self._scratch.first("claim", claim_id=name)
        return None if row is None else (row["merged_into"],)

    def _alias(self, name: str) -> tuple[Any] | None:
        row = self._scratch.first("alias", alias=name) if self._has_aliases else None
        return None if row is None else (row["claim_id"],)

    def _lifecycles_of(self, owner: CaseOwner) -> Sequence[Any]:
        """Give the ids of the lifecycles whose cases are one owner's."""
        if owner.claim_id == "":
            return [row["id"] for row in self._scratch.each("plain_lifecycles", sync_id=owner.sync_id)]
        if owner.sync_id != "":
            return []
        return [row["id"] for row in self._scratch.each("lifecycles_of_claim", claim_id=owner.claim_id)]


def unfit_aliases(scratch: Scratch) -> Iterator[tuple[object, str]]:
    """Name the aliases that can't be, and what they name."""
    for row in scratch.each("aliases_of"):
        if not row["alias"] or not row["claim_id"]:
            yield row["alias"], f"it names {row['claim_id']!r}, which can't be"


def unfit_waits(scratch: Scratch) -> Iterator[tuple[str, str]]:
    """Compare the names under which events wait with the events."""
    for row in scratch.each("missing_waits"):
        yield f"{row['kind']}/{row['name']}/{row['seq']}", "it is missing, and its event waits"
    for row in scratch.each("waits_astray"):
        yield f"{row['kind']}/{row['name']}/{row['seq']}", "no event waits under it"


def unfit_ids(scratch: Scratch) -> Iterator[tuple[object, str]]:
    """Compare the further ids of events with the events."""
    for row in scratch.each("ids_of"):
        if not row["is_there"]:
            yield row["event_id"], f"no event has number {row['seq']!r}"
        elif row["is_first"]:
            yield row["event_id"], "an event has it as its first id, too"
