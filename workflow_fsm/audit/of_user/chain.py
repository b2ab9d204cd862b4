"""Chain: folds a user's rows of history as they stand in the table, and names the rows that don't follow.

Works on the columns as they are, not on values read from them: a changed byte may read as the same instant.
Where a row is damaged, the rows behind it are judged by what it was as well as by what it is, so that only
the damaged one is named.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from workflow_fsm.audit.definitions import Definitions
from workflow_fsm.audit.scratch import Complain, Scratch, Values
from workflow_fsm.core.decision.dead_letters import DROPPED, RESTORED, RETRIED
from workflow_fsm.core.model.lifecycle import ACTS, COLUMNS, GENESIS, chain

Moved = Callable[[Any, Any, Any], bool | None]
"""Tells whether an event, by its id, says that by a trigger it moved a lifecycle; None where none is."""

_ANY = object()
_MOST_GUESSES = 8
_MOST_ODD = 64
"""So many chains whose first row is damaged are tried for what a claim forks from."""
_LAST = {"state": "to_state", "version": "version", "cursor": "cursor"}
"""Columns of a lifecycle, and what they are in its last row of history."""
_ENTERED = {"entered_at": "at", "entered": "cursor"}
"""The same, and what they are in the row by which it entered its state."""
_LETTER = re.compile(r"(event|effect):[1-9][0-9]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first row of a chain; `origins` may be its hash."""

    row: Values
    origins: Sequence[str]
    is_sound: bool


@dataclass(slots=True)
class Chain:
    """The rows of one lifecycle, folded; `hashes` may be that of its last row.

    `entered` is the row by which it entered its state: the last that isn't an internal transition. `parent`
    is the beginning of the sync's chain from which it forks.
    """

    begun: Beginning
    last: Values
    entered: Values
    hashes: Sequence[str]
    last_sound: bool
    parent: Beginning | None
    versions: set[int]
    length: int = 1


def fold(definitions: Definitions, scratch: Scratch, moved: Moved, complain: Complain) -> Iterator[Chain]:
    """Fold the rows of a user, chain by chain in the order in which they began; give each chain."""
    scratch.note("place_rows")
    folding = _Folding(definitions, scratch, moved, complain)
    behind = None
    for row in scratch.each("placed_rows"):
        if behind is not None and behind.last["lifecycle"] != row["lifecycle"]:
            yield behind
            behind = None
        behind = folding.add(row, behind)
    if behind is not None:
        yield behind


def differences(row: Values, chain: Chain) -> Iterator[str]:
    """Say where a lifecycle, as it stands in its table, differs from its chain."""
    first, last = chain.begun.row, chain.last
    parent = chain.begun if chain.parent is None else chain.parent
    pairs: list[tuple[str, Any]] = []
    if chain.begun.is_sound:
        pairs = [("id", first["cursor"]), ("claim_id", first["claim_id"]), ("sync_id", first["sync_id"])]
        pairs.append(("parent", None if chain.parent is None else parent.row["lifecycle"]))
    if chain.last_sound:
        pairs += [(name, last[told]) for name, told in _LAST.items()]
        pairs += [(name, chain.entered[told]) for name, told in _ENTERED.items()]
    for name, told in pairs:
        if row[name] != told:
            yield f"its {name} is {row[name]!r}, and history says {told!r}"
    if row["head"] not in chain.hashes:
        yield f"its head is {row['head']!r}, which is not the hash of its last row"
    if chain.begun.is_sound and row["origin"] not in parent.origins:
        yield f"its origin is {row['origin']!r}, which is not the hash of its sync's first row"


class _Folding:
    """The chains of one user, as far as they were read."""

    def __init__(self, definitions: Definitions, scratch: Scratch, moved: Moved, complain: Complain) -> None:
        self._definitions = definitions
        self._scratch = scratch
        self._moved = moved
        self._complain = complain
        self._odd: list[Beginning] = []
        self._sync: tuple[Any, Beginning | None] = (_ANY, None)

    def add(self, row: Values, behind: Chain | None) -> Chain:
        """Judge the next row, and take it into its chain; `behind` is that, None where the row begins it."""
        parent = None
        if behind is not None:
            previous: Sequence[str] = behind.hashes
            came_from = behind.last["to_state"] if behind.last_sound else _ANY
            versions = behind.versions
        elif row["claim_id"] is None or row["lifecycle"] == ACTS:
            previous, came_from, versions = (GENESIS,), None, {1}
        else:
            parent = self._parent(row)
            previous, versions = () if parent is None else parent.origins, {2}
            came_from = parent.row["to_state"] if parent is not None and parent.is_sound else _ANY
        sound = _follows(row, previous)
        if row["version"] not in versions:
            expected = " or ".join(map(str, sorted(versions)))
            self._fault(row, f"its version is {row['version']!r} where {expected} follows; is a row missing?")
        if sound:
            is_act = row["lifecycle"] == ACTS
            for reason in _unlike_an_act(row) if is_act else self._misfits(row, behind, came_from):
                self._fault(row, reason)
        else:
            self._fault(row, "its hash is not that of its columns behind the row before it; it was changed")
        follow = {row["version"] + 1} if isinstance(row["version"], int) else set()
        hashes = [row["hash"]]
        if not sound:
            follow |= {version + 1 for version in versions}
            hashes = [*hashes, *_hashes(row, previous)][:_MOST_GUESSES]
        if behind is None:
            begun = Beginning(row, hashes, sound)
            self._remember(begun)
            return Chain(begun, row, row, hashes, sound, parent, follow)
        behind.last, behind.hashes, behind.last_sound, behind.versions = row, hashes, sound, follow
        behind.length += 1
        if not self._definitions.is_internal(row):
            behind.entered = row
        return behind

    def _remember(self, begun: Beginning) -> None:
        """Remember what claims may fork from."""
        row = begun.row
        if row["lifecycle"] == ACTS:
            return
        if not begun.is_sound and len(self._odd) < _MOST_ODD:
            self._odd.append(begun)
        if row["claim_id"] is None:
            origins = json.dumps(begun.origins)
            self._scratch.note(
                "put_sync",
                sync_id=row["sync_id"],
                cursor=row["cursor"],
                origins=origins,
                is_sound=begun.is_sound,
            )
            self._sync = (_ANY, None)

    def _parent(self, row: Values) -> Beginning | None:
        """Give the beginning that the first row of a claim's continues: its sync's, else a damaged one."""
        if self._sync[0] != row["sync_id"]:
            found = self._scratch.first("sync", sync_id=row["sync_id"])
            told = None
            if found is not None:
                told = Beginning(found, json.loads(found["origins"]), bool(found["is_sound"]))
            self._sync = (row["sync_id"], told)
        sync = self._sync[1]
        if sync is not None and _follows(row, sync.origins):
            return sync
        return next((one for one in self._odd if _follows(row, one.origins)), sync)

    def _misfits(self, row: Values, behind: Chain | None, came_from: object) -> Iterator[str]:
        """Say what a row tells that can't be, although its hash is right."""
        if behind is not None and behind.begun.is_sound:
            for name in ("claim_id", "sync_id"):
                if row[name] != behind.begun.row[name]:
                    yield f"its {name} is {row[name]!r}, and {behind.begun.row[name]!r} in the rows before it"
        if came_from is not _ANY and row["from_state"] != came_from:
            yield f"it comes from {row['from_state']!r}, and the row before it led to {came_from!r}"
        if not self._definitions.under(row):
            yield f"it was written under definition {row['definition']!r}, which is not recorded"
        elif not self._definitions.has_arrow(row):
            yield (
                f"no arrow of the definition leads from {row['from_state']!r} "
                f"by {row['trigger']!r} to {row['to_state']!r}"
            )
            return
        trigger = self._definitions.trigger(row)
        if trigger is not None and trigger.timer:
            if row["event_id"] is not None:
                yield f"time alone fires {trigger.name}, and it names event {row['event_id']!r}"
            return
        if row["event_id"] is None and row["reason"] and trigger is not None and trigger.rejects:
            return  # a case was taken away, which the reason says
        moved = self._moved(row["event_id"], row["trigger"], row["lifecycle"])
        if moved is None:
            yield f"its event {row['event_id']!r} is not among the user's"
        elif not moved:
            yield f"its event {row['event_id']!r} says of itself that it moved no such lifecycle"

    def _fault(self, row: Values, reason: str) -> None:
        self._complain("history", row["cursor"], reason)


def _unlike_an_act(row: Values) -> Iterator[str]:
    """Say what a row of the chain of acts tells that can't be: it moves nothing, of a dead letter."""
    if row["trigger"] not in (RETRIED, DROPPED, RESTORED):
        yield f"{row['trigger']!r} is nothing that is done with a dead letter"
    if row["from_state"] is not None or row["sync_id"] != "":
        yield "it stands among the acts, and tells of a transition"
    if not _LETTER.fullmatch(str(row["to_state"])):
        yield f"it is about {row['to_state']!r}, which is the id of no dead letter"


def _hashes(row: Values, previous: Sequence[str]) -> list[str]:
    columns = [row[name] for name in COLUMNS]
    return [chain(one, columns) for one in previous]


def _follows(row: Values, previous: Sequence[str]) -> bool:
    return row["hash"] in _hashes(row, previous)
