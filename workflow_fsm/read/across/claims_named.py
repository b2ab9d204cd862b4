"""Claims named: the few that a case, a reimbursement, the beginning of an id or a wait is about."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from workflow_fsm.core.definition import Definition
from workflow_fsm.core.errors import RowUnreadable
from workflow_fsm.core.values.instants import show_instant
from workflow_fsm.read.across.claims_asked import ClaimsAsked
from workflow_fsm.read.across.paging import A_PAGE
from workflow_fsm.read.across.users import LAST
from workflow_fsm.stores.event_mapping import stored_event_of
from workflow_fsm.stores.session import Columns, Session

log = logging.getLogger(__name__)

Key = tuple[str, int]
"""A user, and the number of a lifecycle of theirs."""
FEW = 2000
"""How many are looked up and sorted; where there are more, one in fifty of 100,000 fits, and pages fill."""
_ALL = 2**31


def named(session: Session, definition: Definition, asked: ClaimsAsked) -> list[Key] | None:
    """Give those that may be asked for, None where nothing narrows the choice to few."""
    if asked.amazon_case_id is not None or asked.reimbursement_id is not None:
        sets: list[list[Key]] = []
        if asked.amazon_case_id is not None:
            sets.append(list(_of_case(session, asked.amazon_case_id)))
        if asked.reimbursement_id is not None:
            sets.append(list(_of_reimbursement(session, definition, asked.reimbursement_id)))
        return list(dict.fromkeys(key for key in sets[0] if all(key in one for one in sets[1:])))
    if asked.waiting:
        found = _waited_for(session)
    elif asked.q is not None:
        found = _called(session, asked.q)
    else:
        return None
    keys: dict[Key, None] = {}
    for key in found:
        keys[key] = None
        if len(keys) > FEW:
            return None
    return list(keys)


def _of_case(session: Session, case_id: str) -> Iterator[Key]:
    for row in session.rows("claims_of_case", case_id=case_id, limit=_ALL):
        if row["claim_id"]:
            yield from _claim(session, row["user_id"], row["claim_id"])
        else:
            yield from _key(session.row("sync", user_id=row["user_id"], sync_id=row["sync_id"]))


def _of_reimbursement(session: Session, definition: Definition, reimbursement_id: str) -> Iterator[Key]:
    """Give whom the events of a reimbursement were for, and whom those name that weren't applied."""
    for row in session.rows("events_of_reimbursement", reimbursement_id=reimbursement_id, limit=_ALL):
        try:
            stored = stored_event_of(definition, row)
        except RowUnreadable as error:
            log.error("an event is passed over: %s", error)
            continue
        yield from ((row["user_id"], one) for one in sorted(stored.lifecycles))
        if not stored.lifecycles and (claim_id := stored.event.field("claim_id")) is not None:
            yield from _claim(session, row["user_id"], claim_id)


def _waited_for(session: Session) -> Iterator[Key]:
    after: dict[str, Any] = {"after_user": "", "after": ""}
    while rows := session.rows("claims_waited_for", **after, limit=A_PAGE):
        session.prefetch(("claim", {"user_id": row["user_id"], "claim_id": row["name"]}) for row in rows)
        for row in rows:
            yield from _claim(session, row["user_id"], row["name"])
        after = {"after_user": rows[-1]["user_id"], "after": rows[-1]["name"]}


def _called(session: Session, q: str) -> Iterator[Key]:
    asked = {"q": q, "q_end": q + LAST, "limit": FEW + 1}
    for row in session.rows("claims_called", **asked):
        yield row["user_id"], row["id"]
    for row in session.rows("aliases_called", **asked):
        yield from _claim(session, row["user_id"], row["claim_id"])


def due(session: Session, now: datetime) -> list[Key]:
    """Give whose deadline passed, and no timer acted yet; what a timer has moved is in a state of its own."""
    return [(row["user_id"], row["id"]) for row in session.rows("due", now=show_instant(now), limit=FEW)]


def _claim(session: Session, user_id: str, name: str) -> Iterator[Key]:
    """Give the claim of that name, be it an id or an alias, which a merged one's id is as well."""
    row = session.row("claim", user_id=user_id, claim_id=name)
    if row is None or row["merged_into"] is not None:
        alias = session.row("alias", user_id=user_id, alias=name)
        if alias is not None:
            row = session.row("claim", user_id=user_id, claim_id=alias["claim_id"])
    yield from _key(row)


def _key(row: Columns | None) -> Iterator[Key]:
    if row is not None:
        yield row["user_id"], row["id"]
