"""History: a user's transitions, oldest first, in the shape that callers get as JSON."""

from __future__ import annotations

from typing import Any

from workflow_fsm.core.definition import Definition
from workflow_fsm.core.model.lifecycle import Lifecycle
from workflow_fsm.core.model.situation import Situation
from workflow_fsm.core.records import Page
from workflow_fsm.read.shapes import HistoryRow
from workflow_fsm.stores.repository import NO_LIMIT, Repository
from workflow_fsm.stores.session import Columns, Session, Statement


def history(
    session: Session,
    definition: Definition,
    user_id: str,
    *,
    claim_id: str | None,
    sync_id: str | None,
    limit: int,
    cursor: int,
) -> Page[HistoryRow] | None:
    """Show a user's transitions, oldest first; None for a user of whom nothing is known."""
    wanted: dict[str, Any] = {"user_id": user_id, "cursor": cursor, "limit": limit + 1}
    page: Statement = ("history_page", wanted)
    if sync_id is not None:
        page = ("history_page_of_sync", {**wanted, "sync_id": sync_id})
    session.prefetch([("user", {"user_id": user_id}), ("is_told_of", {"user_id": user_id})])
    if claim_id is None:
        session.prefetch([page])
    source = Repository.of(session, definition, user_id)
    if session.row("is_told_of", user_id=user_id) is None:
        return None
    if claim_id is None:
        name, parameters = page
        rows = session.rows(name, **parameters)
    else:
        claim = Situation(user_id, source).claim(claim_id)
        if claim is None:
            return Page([], None)
        rows = session.rows(
            "history_page_of_claim", lifecycle=claim.id, parent=claim.parent, sync_id=sync_id, **wanted
        )
    shown = [show_transition(row) for row in rows[:limit]]
    return Page(shown, shown[-1].cursor if len(rows) > limit else None)


def history_of(session: Session, user_id: str, claim: Lifecycle) -> list[HistoryRow]:
    """Show all the transitions of a claim, from the first of the sync from which it forked."""
    whole = {"user_id": user_id, "sync_id": None, "cursor": 0, "limit": NO_LIMIT}
    rows = session.rows("history_page_of_claim", lifecycle=claim.id, parent=claim.parent, **whole)
    return [show_transition(row) for row in rows]


def show_transition(row: Columns) -> HistoryRow:
    """Show a row of history."""
    return HistoryRow.of(  # pages are long, and a dictionary is made quickest
        {
            "cursor": row["cursor"],
            "claim_id": row["claim_id"],
            "sync_id": row["sync_id"],
            "version": row["version"],
            "trigger": row["trigger"],
            "from": row["from_state"],
            "to": row["to_state"],
            "event_id": row["event_id"],
            "amount": None if row["amount"] is None else row["amount"].removeprefix("-"),
            "currency": row["currency"],
            "at": row["at"],
            "occurred_at": row["occurred_at"],
            "actor": row["actor"],
            "reason": row["reason"],
            "hash": row["hash"],
        }
    )
