"""Repository: one user's lifecycles and events as they stand in a session, given to the core as it asks."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Self, TypeVar

from workflow_fsm.core.definition import Definition
from workflow_fsm.core.definition.cases import Case
from workflow_fsm.core.definition.events import Event
from workflow_fsm.core.errors import RowUnreadable
from workflow_fsm.core.model.inbox import StoredEvent, Wait
from workflow_fsm.core.model.lifecycle import CaseOwner, Lifecycle
from workflow_fsm.core.model.outbox import Pattern
from workflow_fsm.core.model.source import Seek
from workflow_fsm.stores.ahead.prefetch import FEW_WAITING, MANY, named_by, names_text
from workflow_fsm.stores.event_mapping import stored_event_of
from workflow_fsm.stores.mapping import (
    case_of,
    claim_currencies_of,
    lifecycle_of,
    pattern_of,
    recovered_of,
    shown_currency,
    unapplied_of,
)
from workflow_fsm.stores.session import Columns, Session, Statement

T = TypeVar("T")

log = logging.getLogger(__name__)

NO_LIMIT = 2**63 - 1
"""What both dialects take for as many as there are."""


class Repository:
    """One user's lifecycles and events as they stand in a session: the core's `Source`.

    It reads each thing once: whoever decides asks for the same many times, and writes only in the end.
    """

    def __init__(
        self,
        session: Session,
        definition: Definition,
        user_id: str,
        row: Columns | None,
        currencies: Mapping[str, int] | None = None,
        *,
        after: int = 0,
    ) -> None:
        """Read on from the user's row, None where there is none; `currencies` are those the store has met.

        `after` is the number behind which a new user's begin.
        """
        self._currencies = currencies
        self._session = session
        self._definition = definition
        self._user = user_id
        self.known = row is not None and bool(row["updated_at"])
        self.updated_at: str | None = row["updated_at"] if row is not None else None
        self.recovered_text: str = row["recovered"] if row is not None else "{}"
        self.unapplied_text: str = row["unapplied"] if row is not None else "{}"
        self.currencies_text: str = row["currencies"] if row is not None else "{}"
        self._may_wait = row is not None and bool(row["may_wait"])
        self._stored: dict[int, StoredEvent] = {}
        self._cursor: int = row["cursor"] if row is not None and self.known else after
        self._read: dict[tuple[Any, ...], Any] = {}

    @classmethod
    def of(cls, session: Session, definition: Definition, user_id: str) -> Self:
        """Read a user, whose row wasn't read yet."""
        return cls(session, definition, user_id, session.row("user", user_id=user_id))

    @property
    def recovered(self) -> dict[str, Decimal]:
        """The money recovered so far, by currency."""
        return recovered_of({"user_id": self._user, "recovered": self.recovered_text})

    @property
    def unapplied(self) -> dict[str, Decimal]:
        """The money that waits, by the currency that it tells, '' where it tells none."""
        return unapplied_of({"user_id": self._user, "unapplied": self.unapplied_text})

    @property
    def claim_currencies(self) -> dict[str, int]:
        """How many claims have each currency."""
        return claim_currencies_of({"user_id": self._user, "currencies": self.currencies_text})

    @property
    def shown_currency(self) -> str:
        """The currency under which money that tells none is shown until it is applied."""
        return shown_currency(self.currencies_text)

    def look_ahead(self, event: Event) -> None:
        """Read at once what deciding an event that names many claims will ask of each of them."""
        names = named_by(event)
        if len(names) < MANY:
            return
        claims = json.dumps(names)
        found = {one.claim_id: one for one in self._values("claims_named", self._lifecycle_of, claims=claims)}
        aliases = {row["alias"]: row for row in self._rows("aliases_named", claims=claims)}
        owners = {row["claim_id"]: row for row in self._rows("aliases_of", claims=claims)}
        for name in names:
            for statement, column, told in (
                ("claim", "claim_id", found),
                ("alias", "alias", aliases),
                ("has_aliases_of", "claim_id", owners),
            ):
                one = told.get(name)
                self._read[statement, (column, name)] = [] if one is None else [one]

    def cursor(self) -> int:
        """Give the last number handed out, 0 for an unknown user."""
        return self._cursor

    def event(self, event_id: str) -> StoredEvent | None:
        """Give the event that has that id, as its first or a further one."""
        return self._one_event("event", event_id=event_id)

    def event_at(self, seq: int) -> StoredEvent | None:
        """Give the event of that number."""
        return self._one_event("event_at", seq=seq)

    def as_it_stood(self, seq: int) -> StoredEvent | None:
        """Give the event of that number as it stands in the store, however it was come by."""
        return self._stored.get(seq) or self.event_at(seq)

    def latest_like(self, trigger: str, fingerprint: str) -> StoredEvent | None:
        """Give the latest event of that trigger and content that was no conflict of ids."""
        return self._one_event("latest_like", trigger=trigger, fingerprint=fingerprint)

    def reuses(self, trigger: str, fingerprint: str) -> list[StoredEvent]:
        """Give those of that trigger and content that were kept as conflicts of ids."""
        return self._events("reuses", trigger=trigger, fingerprint=fingerprint)

    def with_reimbursement(self, trigger: str, reimbursement_id: str) -> list[StoredEvent]:
        """Give the events of that trigger and reimbursement id, oldest first."""
        return self._events("with_reimbursement", trigger=trigger, reimbursement_id=reimbursement_id)

    def with_line(self, trigger: str, reimbursement_id: str, line_id: str) -> list[StoredEvent]:
        """Give those of them that tell that line, or none."""
        told = {"reimbursement_id": reimbursement_id, "line_id": line_id}
        return self._events("with_line", trigger=trigger, **told)

    def taking_back(self, reimbursement_id: str) -> list[StoredEvent]:
        """Give the events that name that reimbursement as their original, oldest first."""
        return self._events("taking_back", original_id=reimbursement_id)

    def lifecycle(self, lifecycle_id: int) -> Lifecycle | None:
        """Give one lifecycle."""
        return self._one("lifecycle", id=lifecycle_id)

    def claim(self, claim_id: str) -> Lifecycle | None:
        """Give the claim of that id."""
        return self._one("claim", claim_id=claim_id)

    def alias(self, name: str) -> str | None:
        """Give the claim id that an alias stands for."""
        found = self._rows("alias", alias=name)
        return found[0]["claim_id"] if found else None

    def has_aliases(self, claim_id: str | None) -> bool:
        """Tell whether any alias stands for that claim id (None: for any)."""
        if claim_id is None:
            return bool(self._rows("has_aliases"))
        return bool(self._rows("has_aliases_of", claim_id=claim_id))

    def sync(self, sync_id: str) -> Lifecycle | None:
        """Give the lifecycle of a sync."""
        return self._one("sync", sync_id=sync_id)

    def newest_sync(self, state: str | None) -> Lifecycle | None:
        """Give the user's newest sync, or the newest that is in a state and takes part."""
        return self._one("newest_sync") if state is None else self._one("newest_sync_in", state=state)

    def aliases_of(self, claim_id: str) -> list[str]:
        """Give the aliases of a claim id."""
        return [row["alias"] for row in self._rows("aliases_of", claims=json.dumps([claim_id]))]

    def cases_of(self, owner: CaseOwner) -> list[Case]:
        """Give the cases of a claim or a plain lifecycle."""
        return self._values("cases_of", case_of, **owner._asdict())

    def with_case(self, case_id: str) -> list[tuple[CaseOwner, Lifecycle | None]]:
        """Give whose a case is, with the lifecycle where there is one."""
        return self._values("with_case", self._owner_of, case_id=case_id)

    def with_unnamed_case(self, owners: Collection[CaseOwner]) -> list[CaseOwner]:
        """Give those of some that have a filing without a name."""
        claims = json.dumps(sorted(one.claim_id for one in owners if one.claim_id))
        syncs = json.dumps(sorted(one.sync_id for one in owners if not one.claim_id))
        rows = self._rows("cases_of_many", claims=claims, syncs=syncs)
        return [CaseOwner(row["claim_id"], row["sync_id"]) for row in rows if row["case_id"] == ""]

    def currencies(self) -> Mapping[str, int]:
        """Give the currencies that the store has met, with their decimals."""
        if self._currencies is None:
            self._currencies = {row["currency"]: row["decimals"] for row in self._session.rows("currencies")}
        return self._currencies

    def seek(self, wanted: Seek) -> list[Lifecycle]:
        """Give the lifecycles looked for, newest first: of each state by a look-up of its own.

        Of more than `limit` that moved `since`, any are given.
        """
        limit = NO_LIMIT if wanted.limit is None else wanted.limit
        name, how = _seeking(wanted)
        asked = [{**how, "state": state, "limit": limit} for state in wanted.states]
        self._session.prefetch(
            (name, {"user_id": self._user, **one}) for one in asked if self._is_new(name, one)
        )
        found = [one for told in asked for one in self._values(name, self._lifecycle_of, **told)]
        found.sort(key=lambda one: one.id, reverse=True)
        return found[:limit]

    def has_claims(self) -> bool:
        """Tell whether the user has a claim."""
        return bool(self._rows("has_claims"))

    def anything_waits(self) -> bool:
        """Tell whether any event of the user's waits."""
        return self._may_wait and bool(self._rows("anything_waits"))

    def waiting(
        self, names: Collection[Wait], looks: Mapping[Wait, int] = MappingProxyType({})
    ) -> list[StoredEvent]:
        """Give, oldest first, the events that wait under one of some names, and the first of each look."""
        text = names_text(names, looks)
        few = self._events("waiting", names=text, limit=FEW_WAITING)
        return few if len(few) < FEW_WAITING else self._events("waiting", names=text, limit=NO_LIMIT)

    def patterns(self) -> tuple[Pattern, ...]:
        """Give the handlers that transitions owe."""
        known: tuple[Pattern, ...] | None = self._read.get(("handlers",))
        if known is None:
            known = self._read["handlers",] = patterns(self._session)
        return known

    def waiting_page(self, *, seq: int, limit: int) -> list[StoredEvent]:
        """Give, oldest first, the events that wait from a number on."""
        return self._events("waiting_page", seq=seq, limit=limit)

    def waiting_page_of_claim(self, name: str, *, seq: int, limit: int) -> list[StoredEvent]:
        """Give, oldest first, those that wait under a name of a claim, from a number on."""
        return self._events("waiting_page_of_claim", claim_id=name, seq=seq, limit=limit)

    def _one(self, name: str, **told: Any) -> Lifecycle | None:
        found = self._values(name, self._lifecycle_of, **told)
        return found[0] if found else None

    def _one_event(self, name: str, **told: Any) -> StoredEvent | None:
        found = self._events(name, **told)
        return found[0] if found else None

    def _events(self, name: str, **told: Any) -> list[StoredEvent]:
        return self._values(name, self._event_of, **told)

    def _rows(self, name: str, **told: Any) -> list[Columns]:
        return self._values(name, _as_it_is, **told)

    def _values(self, name: str, read: Callable[[Columns], T], **told: Any) -> list[T]:
        """Ask a statement, and read what it gives: once."""
        key = (name, *told.items())
        if key not in self._read:
            self._read[key] = [read(row) for row in self._session.rows(name, user_id=self._user, **told)]
        values: list[T] = self._read[key]
        return values

    def _is_new(self, name: str, told: Mapping[str, Any]) -> bool:
        return (name, *told.items()) not in self._read

    def _lifecycle_of(self, row: Columns) -> Lifecycle:
        return lifecycle_of(self._definition, row)

    def _event_of(self, row: Columns) -> StoredEvent:
        seq = row["seq"]
        if seq not in self._stored:
            self._stored[seq] = stored_event_of(self._definition, row)
        return self._stored[seq]

    def _owner_of(self, row: Columns) -> tuple[CaseOwner, Lifecycle | None]:
        lifecycle = None if row["id"] is None else self._lifecycle_of(row)
        return CaseOwner(row["case_claim"], row["case_sync"]), lifecycle


def _as_it_is(row: Columns) -> Columns:
    return row


def patterns(session: Session) -> tuple[Pattern, ...]:
    """Give the handlers that the store knows; one whose row can't be read is owed nothing, until its program
    registers it again."""
    found = []
    for row in session.rows("handlers"):
        try:
            found.append(pattern_of(row))
        except RowUnreadable as error:
            _complain(str(error))
    return tuple(found)


@lru_cache(maxsize=64)  # once each, not for every event
def _complain(fault: str) -> None:
    log.error("a handler is owed nothing: %s", fault)


def _seeking(wanted: Seek) -> Statement:
    """Give the statement that finds those looked for in one state, and what it asks of all states alike."""
    if wanted.since:
        return "seek_moved", {"since": wanted.since, "sync_id": wanted.sync_id}
    if wanted.sync_id is None:
        return "seek", {}
    return "seek_in_sync", {"sync_id": wanted.sync_id}
