"""Audit: reads everything a store holds, folds its chains, adds up its events and money, names what is wrong.

One user at a time, so that memory is bounded by the largest. Nothing is mended, and nothing that a damaged
row holds makes it fail: what can't be read is a fault of that row.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from workflow_fsm.audit.money import Currencies
from workflow_fsm.audit.report import Report, Tally, unread
from workflow_fsm.audit.user import User
from workflow_fsm.core.definition import Definition
from workflow_fsm.core.values.instants import read_instant
from workflow_fsm.stores.mapping import pattern_of
from workflow_fsm.stores.session import Columns, Session

_PAGE = 500


def audit(session: Session, definition: Definition) -> Report:
    """Audit all that a session can read."""
    tally = Tally()
    root = hashlib.sha256()
    users = 0
    session.prefetch([("every_complaint", {}), ("handlers", {}), ("currencies", {})])
    for complaint in session.rows("every_complaint"):
        tally.fault("", "", "", f"the database says of itself: {complaint['complaint']}")
    for name, reason in _unread_handlers(session):
        tally.fault("", "handlers", name, reason)
    currencies = Currencies(session.rows("currencies"))
    for currency, reason in currencies.unfit():
        tally.fault("", "currencies", currency, reason)
    for key, row in _users(session):
        users += 1
        one = User(session, definition, tally, key, currencies)
        one.examine(row)
        for lifecycle_id, head in one.heads():
            root.update(json.dumps([one.user_id, lifecycle_id, head], separators=(",", ":")).encode() + b"\n")
    for currency, reason in currencies.missing():
        tally.fault("", "currencies", currency, reason)
    return tally.report(root=root.hexdigest(), users=users)


def _unread_handlers(session: Session) -> Iterator[tuple[str, str]]:
    """Name the handlers that can't be read, and what is wrong with them."""
    for row in session.rows("handlers"):
        try:
            pattern_of(row)
            read_instant(row["registered_at"])
        except Exception as error:  # whatever a damaged row does to its reader
            yield row["name"], f"{unread(error)}; it is owed nothing until its program registers it again"


def _users(session: Session) -> Iterator[tuple[Any, Columns | None]]:
    """Give every user's id, as the database spells it, and row; last those who have rows but are no users."""
    start: Any = ""
    seen: Any = None
    while True:
        page = session.rows("every_user", start=start, limit=_PAGE)
        for row in page:
            if row["user_id"] != seen:
                yield row["user_id"], row
        if len(page) < _PAGE:
            break
        start = seen = page[-1]["user_id"]
    for row in session.rows("every_stranger"):
        yield row["user_id"], None
