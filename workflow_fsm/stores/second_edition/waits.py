"""Waits: what waits in a first edition's store, put under the names that it waits for."""

from __future__ import annotations

import json
from typing import Any

from workflow_fsm.core.definition import Addressing, Trigger
from workflow_fsm.core.definition.events import Event
from workflow_fsm.core.model.inbox import ANY_CHANGE, Wait, WaitKind
from workflow_fsm.stores.second_edition.rows import Row, Run


def put_to_wait(run: Run, row: Row, trigger: Trigger, event: Event, share: dict[str, Any]) -> None:
    """Put a waiting part under the names that it waits for, and name the event that it conflicts with."""
    waits = [_name_waited_for(trigger, event, share.get("claim"))]
    may_conflict = trigger.money and share.get("lifecycles")
    earlier = _earlier(run, row, event.field("line_id")) if may_conflict else None
    if earlier is not None:
        waits.append(Wait(WaitKind.REIMBURSEMENT, row["reimbursement_id"]))
        share["conflicts_with"] = earlier
        share["reason"] = (
            f"reimbursement {row['reimbursement_id']!r} came before as event {earlier!r}; if this is a "
            "line of its own, retry it with its line_id, if it counts besides, with force, else drop it"
        )
    for kind, waited in waits:
        run(
            "INSERT INTO waits (user_id, kind, name, seq) VALUES (:user_id, :kind, :name, :seq) "
            "ON CONFLICT DO NOTHING",
            {"user_id": row["user_id"], "kind": str(kind), "name": waited, "seq": row["seq"]},
        )
    share["waits"] = [[str(kind), waited] for kind, waited in waits]


def _name_waited_for(trigger: Trigger, event: Event, claim: str | None) -> Wait:
    if claim is not None:
        return Wait(WaitKind.CLAIM, claim)
    if trigger.money < 0 and event.field("original_reimbursement_id") is not None:
        return Wait(WaitKind.REIMBURSEMENT, event.field("original_reimbursement_id"))
    of_sync = trigger.addressing in (Addressing.DETECTION, Addressing.EVERY)
    if of_sync and event.field("sync_id") is not None:
        return Wait(WaitKind.SYNC, event.field("sync_id"))
    if trigger.addressing is Addressing.ONE and event.field("amazon_case_id") is not None:
        return Wait(WaitKind.CASE, event.field("amazon_case_id"))
    return ANY_CHANGE


def _earlier(run: Run, row: Row, line: str | None) -> str | None:
    """Give the id of the applied event that a waiting one of the same reimbursement conflicts with."""
    found = run(
        'SELECT event_id, body FROM events WHERE user_id = :user_id AND "trigger" = :trigger '
        "AND reimbursement_id = :reimbursement_id AND standing = 'applied' ORDER BY seq LIMIT 1",
        {column: row[column] for column in ("user_id", "trigger", "reimbursement_id")},
    )
    if not found:
        return None
    body = json.loads(found[0]["body"])
    known = body.get("line_id", body.get("sku"))
    return None if None not in (line, known) and line != known else str(found[0]["event_id"])
