"""Stores of the first edition, opened anew: what is read of them, and what its words mean in the tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from tests.conftest import Stored
from workflow_fsm import Fire, Workflow

Told = dict[str, Any]
Reopen = Callable[[], Workflow]
AS_THEY_WERE = {
    "history": "user_id, cursor, lifecycle, claim_id, sync_id, version, trigger, from_state, to_state, "
    "event_id, at, occurred_at, actor, reason, hash",
    "users": "user_id, cursor, updated_at",
    "lifecycles": "user_id, id, claim_id, sync_id, state, version, entered_at, cursor, head, origin, parent, "
    "forked, due_at",
    "events": "user_id, seq, event_id, trigger, standing, received_at, occurred_at, expires_at, settled, "
    "answer, actor, reimbursement_id, letter, letter_at",
    "aliases": "user_id, alias, claim_id",
    "effects": "user_id, seq, lifecycle, cursor, handler, on_enter, standing, owed_at, due_at, ready_at, "
    "attempt, forgiven, key, error, about",
    "handlers": "name, pattern, registered_at",
}
"""What no migration has a reason to touch: the columns of each table, the first two its key."""
TOLD_OTHERWISE = {"allowed", "amazon_case_id", "waiting_for", "candidates"}
"""What is answered otherwise of the same rows since then: by the table, by cases, by who could be meant."""
DECIMALS = {"USD": 2, "EUR": 2, "BGN": 2, "JPY": 0, "KWD": 3, "UYW": 4}
UNDONE = ("refused", "dead", "dropped")
"""Events that bind no id."""

LOST = "dead-2"
"""An event whose claim, that nobody has, a person wrote over; the answer that named it was replaced, too."""


def as_then(found: Any, told: Any) -> Any:
    """Give what was found as far as the first edition told it."""
    if isinstance(told, Mapping) and isinstance(found, Mapping):
        return {name: as_then(found.get(name), told[name]) for name in told if name not in TOLD_OTHERWISE}
    if isinstance(told, list) and isinstance(found, list) and len(told) == len(found):
        return [as_then(*pair) for pair in zip(found, told, strict=True)]
    return found


def every_row(stored: Stored) -> dict[str, list[dict[str, Any]]]:
    """Read all that no migration touches."""
    return {
        table: stored(f"SELECT {columns} FROM {table} ORDER BY 1, 2")  # noqa: S608  # of ours
        for table, columns in AS_THEY_WERE.items()
    }


def money(workflow: Workflow) -> dict[str, dict[str, str]]:
    """Add up the money of all users by currency, in a store that must be sound."""
    report = workflow.check().as_dict()
    assert report["faults"] == []
    found: dict[str, dict[str, str]] = report["money"]
    return found


def said(event: Mapping[str, Any], told: Told) -> dict[str, Any]:
    """Give what an event said, as its row tells it, or told it before a person retried it for a claim."""
    body = json.loads(event["body"], parse_float=Decimal)
    return {"user_id": event["user_id"], **told["said"].get(event["event_id"], body)}


def is_odd(event: Mapping[str, Any]) -> bool:
    """Tell of an event whose unlisted fields are of a kind that they can't be once they are listed."""
    return bool(event["event_id"].startswith("odd "))


def letter(workflow: Workflow, user_id: str, event_id: str) -> str | None:
    """Give the id of an event as a dead letter, None where it is none."""
    letters = workflow.dead_letters(kind="event", user_id=user_id, limit=1000)
    return next((one["id"] for one in letters if one["event_id"] == event_id), None)


def register(workflow: Workflow, function: Callable[[Any], Fire | None]) -> None:
    """Register a function under every handler that the store knows, with its pattern."""
    for one in workflow.handlers():
        pattern = {name: value for name, value in one.pattern.items() if name != "name"}
        dead_letter, request = pattern.pop("dead_letter", False), pattern.pop("request", False)
        if dead_letter:
            workflow.on_dead_letter(function, name=one.name, **pattern)
        elif request:
            workflow.on_request(one.name, **pattern)(function)
        elif "enter" in pattern:
            workflow.on_enter(pattern.pop("enter"), name=one.name, **pattern)(function)
        else:
            workflow.on_transition(name=one.name, **pattern)(function)
