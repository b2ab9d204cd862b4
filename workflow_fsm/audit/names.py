"""Names, audited: aliases, merged claims, ids of events and what waits, each against what it names."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from workflow_fsm.audit.chain import Values
from workflow_fsm.core.model.inbox import StoredEvent
from workflow_fsm.core.model.lifecycle import CaseOwner


class Names:
    """What a user's lifecycles are known by: claims, aliases, and claims merged into others."""

    def __init__(self, lifecycles: Collection[Values], aliases: Sequence[Values]) -> None:
        self.aliases = {row["alias"]: row["claim_id"] for row in aliases}
        self._claims = {row["claim_id"]: row for row in lifecycles if row["claim_id"] is not None}
        self._owners = {row["id"]: self._owner(row) for row in lifecycles}
        self._lifecycles: dict[CaseOwner, list[Any]] = {}
        for lifecycle, owner in self._owners.items():
            self._lifecycles.setdefault(owner, []).append(lifecycle)

    def canonical(self, name: str) -> str:
        """Give the id of the claim that a name stands for."""
        return str(self.aliases.get(name, name))

    def is_claim(self, name: object) -> bool:
        """Tell whether a name is the id of a detected claim that takes part."""
        claim = self._claims.get(name)
        return claim is not None and claim["merged_into"] is None

    def owner(self, lifecycle: object) -> CaseOwner | None:
        """Give whose the cases of a lifecycle are: of a merged claim's, the one that it was merged into."""
        return self._owners.get(lifecycle)

    def lifecycles(self, owner: CaseOwner) -> Sequence[Any]:
        """Give the ids of the lifecycles whose cases are one owner's."""
        return self._lifecycles.get(owner, ())

    def unmerged(self, row: Values) -> Iterator[str]:
        """Say where a lifecycle that was merged into a claim can't have been, or one that wasn't says so."""
        into = row["merged_into"]
        if into is None:
            return
        if row["forked"] != 1:
            yield f"it was merged into claim {into!r}, and takes part"
        target = self.aliases.get(row["claim_id"])
        seen: set[Any] = set()
        while into != target and into not in seen and into in self._claims:
            seen.add(into)
            into = self._claims[into]["merged_into"]
        if row["claim_id"] is None or into is None or into != target or not self.is_claim(target):
            told = "nobody's alias" if target is None else f"an alias of {target!r}"
            yield f"it was merged into claim {row['merged_into']!r}, and its id is {told}"

    def _owner(self, row: Values) -> CaseOwner:
        if row["claim_id"] is None:
            return CaseOwner("", str(row["sync_id"]))
        if row["merged_into"] is not None:
            return CaseOwner(self.canonical(row["claim_id"]), "")
        return CaseOwner(str(row["claim_id"]), "")


def unfit_aliases(aliases: Sequence[Values]) -> Iterator[tuple[object, str]]:
    """Name the aliases that can't be, and what they name."""
    for row in aliases:
        if not row["alias"] or not row["claim_id"]:
            yield row["alias"], f"it names {row['claim_id']!r}, which can't be"


def unfit_waits(
    waits: Sequence[Values], events: Collection[StoredEvent], unread: Collection[Any]
) -> Iterator[tuple[str, str]]:
    """Compare the names under which events wait with the events; `unread` are numbers of those unreadable."""
    found = {(row["kind"], row["name"], row["seq"]) for row in waits}
    told = {(*wait, one.seq) for one in events for wait in one.waits}
    for kind, name, seq in sorted(told - found, key=str):
        yield f"{kind}/{name}/{seq}", "it is missing, and its event waits"
    for kind, name, seq in sorted(found - told, key=str):
        if seq not in unread:
            yield f"{kind}/{name}/{seq}", "no event waits under it"


def unfit_ids(
    ids: Sequence[Values], events: Mapping[str, StoredEvent | None], seqs: Collection[Any]
) -> Iterator[tuple[object, str]]:
    """Compare the further ids of events with the events."""
    for row in ids:
        if row["seq"] not in seqs:
            yield row["event_id"], f"no event has number {row['seq']!r}"
        elif row["event_id"] in events:
            yield row["event_id"], "an event has it as its first id, too"
