"""Overlays: what a person told of an event when retrying it, taken out of what the event itself said."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from workflow_fsm.core.definition import Trigger
from workflow_fsm.core.definition.reading import read_event
from workflow_fsm.core.errors import InvalidEvent
from workflow_fsm.core.values import strict_json
from workflow_fsm.core.values.fields import comparable_value
from workflow_fsm.stores.second_edition.rows import Row, Run


def without_overlay(
    run: Run, row: Row, trigger: Trigger, body: dict[str, Any], names: Sequence[str]
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Give what an event said, without the claim that a person told when retrying it, and that claim.

    The first edition wrote that claim into the body, over what stood there: no claim, or one of `names`,
    those that the user's claims have. The event's fingerprint tells which.
    """
    told = run(
        "SELECT claim_id FROM history WHERE user_id = :user_id AND lifecycle = 0 AND to_state = :about "
        "AND \"trigger\" = 'deadletter_retried' AND claim_id IS NOT NULL ORDER BY version DESC LIMIT 1",
        {"user_id": row["user_id"], "about": f"event:{row['seq']}"},
    )
    claim_id = body.get("claim_id")
    if not told or claim_id != told[0]["claim_id"]:
        return body, None
    answered = (json.loads(row["answer"]).get("deferred") or [{}])[0].get("claim_id")
    said = {field: value for field, value in body.items() if field != "claim_id"}
    for one in dict.fromkeys((answered, None, *names)):
        told_then = said if one is None else {**said, "claim_id": one}
        if _first_fingerprint(trigger, told_then) == row["fingerprint"]:
            return told_then, {"claim_id": claim_id}
    return said, {"claim_id": claim_id}


def _first_fingerprint(trigger: Trigger, body: Mapping[str, Any]) -> str | None:
    """Give the fingerprint that the first edition made of content: of what isn't listed, too."""
    try:
        event = read_event(trigger, body, is_stored=True)
    except InvalidEvent:
        return None
    comparable = {**body, **{field: comparable_value(value) for field, value in event.fields.items()}}
    comparable.pop("event_id", None)
    return hashlib.sha256(strict_json.dumps(comparable).encode()).hexdigest()
