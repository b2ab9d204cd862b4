"""Repository: one user's lifecycles and events as they stand in a session, given to the core as it asks."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, Self

from workflow_fsm.core.decision.inbox import StoredEvent
from workflow_fsm.core.decision.lifecycle import Lifecycle
from workflow_fsm.core.decision.outbox import Pattern
from workflow_fsm.core.decision.situation import Seek
from workflow_fsm.core.definition import Definition
from workflow_fsm.stores.mapping import lifecycle_of, pattern_of, stored_event_of
from workflow_fsm.stores.session import Columns, Session, Statement

NO_LIMIT = 2**63 - 1
"""What both dialects take for as many as there are."""


class Repository:
    """One user's lifecycles and events as they stand in a session: the core's `Source`."""

    def __init__(self, session: Session, definition: Definition, user_id: str, row: Columns | None) -> None:
        """Read on from the user's row, None where there is none."""
        self._session = session
        self._definition = definition
        self._user = user_id
        self.known = row is not None and bool(row["updated_at"])
        self.updated_at: str | None = row["updated_at"] if row is not None else None
        self.recovered_text: str = row["recovered"] if row is not None else "{}"
        self._cursor: int = row["cursor"] if row is not None else 0
        self._may_wait = row is not None and bool(row["may_wait"])
        self._patterns: tuple[Pattern, ...] | None = None

    @classmethod
    def of(cls, session: Session, definition: Definition, user_id: str) -> Self:
        """Read a user, whose row wasn't read yet."""
        return cls(session, definition, user_id, session.row("user", user_id=user_id))

    @property
    def recovered(self) -> dict[str, int]:
        """The money recovered so far: a currency to its minor units."""
        recovered: dict[str, int] = json.loads(self.recovered_text)
        return recovered

    def cursor(self) -> int:
        """Give the last number handed out, 0 for an unknown user."""
        return self._cursor

    def event(self, event_id: str) -> StoredEvent | None:
        """Give the event of that id."""
        return self._one_event("event", event_id=event_id)

    def latest_like(self, trigger: str, fingerprint: str) -> StoredEvent | None:
        """Give the latest event of that trigger and content."""
        return self._one_event("latest_like", trigger=trigger, fingerprint=fingerprint)

    def with_reimbursement(self, trigger: str, reimbursement_id: str) -> list[StoredEvent]:
        """Give the events of that trigger and reimbursement id, oldest first."""
        return self._events("with_reimbursement", trigger=trigger, reimbursement_id=reimbursement_id)

    def lifecycle(self, lifecycle_id: int) -> Lifecycle | None:
        """Give one lifecycle."""
        return self._one("lifecycle", id=lifecycle_id)

    def claim(self, claim_id: str) -> Lifecycle | None:
        """Give the claim of that id."""
        return self._one("claim", claim_id=claim_id)

    def alias(self, name: str) -> str | None:
        """Give the claim id that an alias stands for."""
        row = self._session.row("alias", user_id=self._user, alias=name)
        return None if row is None else row["claim_id"]

    def has_aliases(self, claim_id: str | None) -> bool:
        """Tell whether any alias stands for that claim id (None: for any)."""
        if claim_id is None:
            return self._session.row("has_aliases", user_id=self._user) is not None
        return self._session.row("has_aliases_of", user_id=self._user, claim_id=claim_id) is not None

    def sync(self, sync_id: str) -> Lifecycle | None:
        """Give the lifecycle of a sync."""
        return self._one("sync", sync_id=sync_id)

    def newest_sync(self, state: str | None) -> Lifecycle | None:
        """Give the user's newest sync, or the newest that is in a state and takes part."""
        return self._one("newest_sync") if state is None else self._one("newest_sync_in", state=state)

    def with_case(self, case_id: str) -> list[Lifecycle]:
        """Give the lifecycles with that case id."""
        return self._all("with_case", case_id=case_id)

    def seek(self, wanted: Seek) -> list[Lifecycle]:
        """Give the lifecycles looked for, newest first: of each state by a look-up of its own.

        Of more than `limit` that moved `since`, any are given.
        """
        limit = NO_LIMIT if wanted.limit is None else wanted.limit
        name, how = _seeking(wanted)
        asked = [{"user_id": self._user, **how, "state": state, "limit": limit} for state in wanted.states]
        self._session.prefetch((name, one) for one in asked)
        found = [lifecycle_of(row) for one in asked for row in self._session.rows(name, **one)]
        if wanted.unless_case is not None and not wanted.since:
            found += [one for one in self.with_case(wanted.unless_case) if wanted.finds(one)]
        found.sort(key=lambda one: one.id, reverse=True)
        return found[:limit]

    def has_claims(self) -> bool:
        """Tell whether the user has a claim."""
        return self._session.row("has_claims", user_id=self._user) is not None

    def waiting(self, names: Collection[str]) -> list[StoredEvent]:
        """Give, oldest first, the waiting events with a nameless part, or that name one of `names`."""
        return self._events("waiting", names=json.dumps(sorted(names))) if self._may_wait else []

    def patterns(self) -> tuple[Pattern, ...]:
        """Give the handlers that transitions owe."""
        if self._patterns is None:
            self._patterns = tuple(pattern_of(row) for row in self._session.rows("handlers"))
        return self._patterns

    def all_waiting(self) -> list[StoredEvent]:
        """Give, oldest first, every waiting event."""
        return self._events("all_waiting")

    def _one(self, name: str, **parameters: Any) -> Lifecycle | None:
        row = self._session.row(name, user_id=self._user, **parameters)
        return None if row is None else lifecycle_of(row)

    def _all(self, name: str, **parameters: Any) -> list[Lifecycle]:
        return [lifecycle_of(row) for row in self._session.rows(name, user_id=self._user, **parameters)]

    def _one_event(self, name: str, **parameters: Any) -> StoredEvent | None:
        row = self._session.row(name, user_id=self._user, **parameters)
        return None if row is None else stored_event_of(self._definition, row)

    def _events(self, name: str, **parameters: Any) -> list[StoredEvent]:
        rows = self._session.rows(name, user_id=self._user, **parameters)
        return [stored_event_of(self._definition, row) for row in rows]


def _seeking(wanted: Seek) -> Statement:
    """Give the statement that finds those looked for in one state, and what it asks of all states alike."""
    if wanted.since:
        told = {"since": wanted.since, "sync_id": wanted.sync_id, "unless_case": wanted.unless_case}
        return "seek_moved", told
    if wanted.sync_id is None:
        return ("seek" if wanted.unless_case is None else "seek_without_case"), {}
    of_sync = {"sync_id": wanted.sync_id}
    return ("seek_in_sync" if wanted.unless_case is None else "seek_without_case_in_sync"), of_sync
