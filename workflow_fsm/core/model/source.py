"""What a store answers of one user, inside one transaction: all that deciding on an event may ask for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from workflow_fsm.core.definition.cases import Case
from workflow_fsm.core.model.inbox import StoredEvent, Wait
from workflow_fsm.core.model.lifecycle import CaseOwner, Lifecycle
from workflow_fsm.core.model.outbox import Pattern
from workflow_fsm.core.values.value_types import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Seek:
    """Which lifecycles that still take part to look for, newest first.

    `since` asks for a transition after that cursor.
    """

    states: tuple[str, ...]
    sync_id: str | None = None
    since: int = 0
    limit: int | None = None

    def finds(self, lifecycle: Lifecycle) -> bool:
        """Tell whether this lifecycle is one that is looked for."""
        return (
            not lifecycle.forked
            and lifecycle.state in self.states
            and self.sync_id in (None, lifecycle.sync_id)
            and lifecycle.cursor > self.since
        )


class Source(Protocol):
    """What a store answers of one user, as it stands in the transaction."""

    def cursor(self) -> int:
        """Give the last number handed out, 0 for an unknown user."""

    # -- events

    def event(self, event_id: str) -> StoredEvent | None:
        """Give the event that has that id, as its first or a further one."""

    def event_at(self, seq: int) -> StoredEvent | None:
        """Give the event of that number."""

    def latest_like(self, trigger: str, fingerprint: str) -> StoredEvent | None:
        """Give the latest event of that trigger and content that was no conflict of ids."""

    def reuses(self, trigger: str, fingerprint: str) -> list[StoredEvent]:
        """Give those of that trigger and content that were kept as conflicts of ids."""

    def with_reimbursement(self, trigger: str, reimbursement_id: str) -> list[StoredEvent]:
        """Give the events of that trigger and reimbursement id, oldest first."""

    def with_line(self, trigger: str, reimbursement_id: str, line_id: str) -> list[StoredEvent]:
        """Give those of them that tell that line, or none."""

    def taking_back(self, reimbursement_id: str) -> list[StoredEvent]:
        """Give the events that name that reimbursement as their original, oldest first."""

    def waiting(self, names: Collection[Wait], looks: Mapping[Wait, int] = ...) -> list[StoredEvent]:
        """Give, oldest first, the events that wait under one of some names, and the first of each of `looks`.

        A claim's stands for its aliases and cases too, a sync's for the cases of its plain lifecycle. The
        first of a look is that which came first after the number given with it.
        """

    # -- lifecycles

    def lifecycle(self, lifecycle_id: int) -> Lifecycle | None:
        """Give one lifecycle."""

    def claim(self, claim_id: str) -> Lifecycle | None:
        """Give the claim of that id (aliases are not looked at)."""

    def sync(self, sync_id: str) -> Lifecycle | None:
        """Give the lifecycle of a sync."""

    def newest_sync(self, state: str | None) -> Lifecycle | None:
        """Give the user's newest sync, or the newest in a state (forked ones left out then)."""

    def seek(self, wanted: Seek) -> list[Lifecycle]:
        """Give the lifecycles looked for, newest first."""

    def has_claims(self) -> bool:
        """Tell whether the user has a claim."""

    def anything_waits(self) -> bool:
        """Tell whether any event of the user's waits: of most users none does, and nothing else is asked."""

    # -- names

    def alias(self, name: str) -> str | None:
        """Give the claim id that an alias stands for."""

    def has_aliases(self, claim_id: str | None) -> bool:
        """Tell whether any alias stands for that claim id (None: for any)."""

    def aliases_of(self, claim_id: str) -> list[str]:
        """Give the aliases of a claim id."""

    def cases_of(self, owner: CaseOwner) -> list[Case]:
        """Give the cases of a claim or a plain lifecycle."""

    def with_case(self, case_id: str) -> list[tuple[CaseOwner, Lifecycle | None]]:
        """Give whose a case is, with the lifecycle where there is one."""

    def with_unnamed_case(self, owners: Collection[CaseOwner]) -> Sequence[CaseOwner]:
        """Give those of some that have a filing without a name."""

    # -- the store's

    def patterns(self) -> Sequence[Pattern]:
        """Give the handlers that transitions owe."""

    def currencies(self) -> Mapping[str, int]:
        """Give the currencies that the store has met, with their decimals."""
