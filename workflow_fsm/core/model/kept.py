"""Kept: what a decision has changed so far, found by name without going through all of it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterable, Iterator

from workflow_fsm.core.definition.cases import Cases
from workflow_fsm.core.model.inbox import Standing, StoredEvent, Wait
from workflow_fsm.core.model.lifecycle import CaseOwner, Lifecycle

REIMBURSED_BY = ("reimbursement_id", "original_reimbursement_id")
"""The fields by which money is found."""


class KeptEvents:
    """The events that a decision keeps: by the names that they wait under, and by their reimbursements.

    They are put in order once somebody asks: most decisions keep one, and nobody does.
    """

    def __init__(self) -> None:
        self.ever_waited = False
        """Whether any of them waits, or waited before it changed again."""
        self._unordered: list[StoredEvent] = []
        self._waits: dict[int, tuple[Wait, ...]] = {}
        self._under: dict[Wait, list[int]] = {}
        self._told: dict[tuple[str, str], set[int]] = {}

    def put(self, stored: StoredEvent) -> None:
        """Take in an event that is new or changed."""
        self.ever_waited = self.ever_waited or stored.standing is Standing.WAITING
        self._unordered.append(stored)

    def under(self, names: Iterable[Wait]) -> Iterator[int]:
        """Give the numbers of those that wait under some names."""
        self._order()
        return (seq for name in names for seq in self._under.get(name, ()))

    def first_under(self, name: Wait, after: int) -> int | None:
        """Give the number of the first that waits under a name, of those that came after one."""
        self._order()
        numbers = self._under.get(name, ())
        at = bisect_right(numbers, after)
        return numbers[at] if at < len(numbers) else None

    def telling(self, name: str, value: str) -> set[int]:
        """Give the numbers of those that told a reimbursement in that field."""
        self._order()
        return self._told.get((name, value), set())

    def _order(self) -> None:
        for stored in self._unordered:
            self._put(stored)
        self._unordered.clear()

    def _put(self, stored: StoredEvent) -> None:
        for wait in self._waits.get(stored.seq, ()):
            numbers = self._under[wait]
            del numbers[bisect_left(numbers, stored.seq)]
        self._waits[stored.seq] = stored.waits
        for wait in stored.waits:
            insort(self._under.setdefault(wait, []), stored.seq)
        for name in REIMBURSED_BY:
            value = stored.event.field(name)
            if value is not None:
                self._told.setdefault((name, value), set()).add(stored.seq)


class KeptLifecycles:
    """The lifecycles that a decision changed, by state, and how many it took from each state of the store.

    They are put in order once somebody asks, too.
    """

    def __init__(self) -> None:
        self._unordered: list[tuple[Lifecycle | None, Lifecycle, bool]] = []
        self._states: dict[int, str] = {}
        self._in: dict[str, dict[int, None]] = {}
        self._taken: Counter[str | None] = Counter()

    def put(self, before: Lifecycle | None, lifecycle: Lifecycle, *, made: bool) -> None:
        """Take in one that is new or changed; `before` is how it stood."""
        self._unordered.append((before, lifecycle, made))

    def within(self, states: Iterable[str]) -> list[int]:
        """Give the ids of those that are in some states now."""
        self._order()
        return [one for state in states for one in self._in.get(state, ())]

    def taken_from(self, states: Iterable[str]) -> int:
        """Give how many that the store has in some states may be elsewhere: at least as many."""
        self._order()
        taken = self._taken[None] + sum(self._taken[state] for state in states)
        return 1 << taken.bit_length() if taken else 0

    def _order(self) -> None:
        for before, lifecycle, made in self._unordered:
            self._put(before, lifecycle, made=made)
        self._unordered.clear()

    def _put(self, before: Lifecycle | None, lifecycle: Lifecycle, *, made: bool) -> None:
        was = self._states.get(lifecycle.id)
        if was is None and not made:
            self._taken[None if before is None else before.state] += 1
        if was is not None:
            self._in[was].pop(lifecycle.id, None)
        self._states[lifecycle.id] = lifecycle.state
        self._in.setdefault(lifecycle.state, {})[lifecycle.id] = None


class KeptCases:
    """The cases that a decision changed: whose each is."""

    def __init__(self) -> None:
        self._places: dict[CaseOwner, int] = {}
        self._owners: dict[str | None, set[CaseOwner]] = {}

    def put(self, owner: CaseOwner, before: Cases, cases: Cases) -> None:
        """Take in one's cases as they are now; `before` is how they stood."""
        is_new = owner not in self._places
        self._places.setdefault(owner, len(self._places))
        for case_id in cases.keys() if is_new else cases.keys() - before.keys():
            self._owners.setdefault(case_id, set()).add(owner)
        for case_id in before.keys() - cases.keys():
            self._owners.get(case_id, set()).discard(owner)

    def owners(self, case_id: str) -> list[CaseOwner]:
        """Give whose a case is, of those whose cases were changed, in the order in which they first were."""
        return sorted(self._owners.get(case_id, ()), key=self._places.__getitem__)
