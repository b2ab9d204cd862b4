"""What is sent: the body of each trigger, from the core's table of its fields; other bodies, and queries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webapp.http.query_string import DEFAULT_LIMIT, MAX_LIMIT
from webapp.routes.dead_letters import MOST_OF_A_REASON
from webapp.routes.openapi.parts import ID, listed, many, or_null, ref
from workflow_fsm.core.definition import Definition, Trigger
from workflow_fsm.core.values.fields import COMMON
from workflow_fsm.read.dead_letters import KINDS

_QUERIED: Mapping[str, Any] = {"type": "string", "minLength": 1}
_REASON: Mapping[str, Any] = {
    "type": "string",
    "minLength": 1,
    "maxLength": MOST_OF_A_REASON,
    "pattern": r"\S",
    "description": "Why; kept with who did it.",
}


def schemas(definition: Definition) -> dict[str, Any]:
    """Give the schemas of all that is sent."""
    triggers = [one for one in definition.triggers if not one.timer]
    return {
        **{name_of(trigger): listed((*COMMON, *trigger.fields)) for trigger in triggers},
        "Event": {
            "description": "An event of any trigger. One that is bad harms no other.",
            "oneOf": [
                {
                    "allOf": [
                        ref(f"schemas/{name_of(trigger)}"),
                        {"properties": {"trigger": {"const": trigger.name}}, "required": ["trigger"]},
                    ]
                }
                for trigger in triggers
            ],
        },
        "Events": {**many(ref("schemas/Event")), "maxItems": 1000},
        "Link": {
            "type": "object",
            "properties": {"user_id": ID, "claim_id": ID, "alias": ID},
            "required": ["user_id", "claim_id", "alias"],
        },
        "StartSync": {"type": "object", "properties": {"user_id": ID}, "required": ["user_id"]},
        "Retry": {
            "type": "object",
            "properties": {
                "claim_id": {
                    **or_null({**_REASON, **ID, "pattern": ID["pattern"]}),
                    "description": "For which claim the event is; for an effect there is none.",
                },
                "reason": or_null(_REASON),
            },
        },
        "Drop": {"type": "object", "properties": {"reason": _REASON}, "required": ["reason"]},
    }


def name_of(trigger: Trigger) -> str:
    """Give the name of a trigger's schema: `sync_complete` is `SyncComplete`."""
    return trigger.name.title().replace("_", "")


def _query(name: str, schema: Mapping[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": dict(schema), "description": description}


def _path(name: str, description: str) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "schema": schema, "description": description}


def _header(name: str, pattern: str, description: str) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": pattern}
    return {"name": name, "in": "header", "schema": schema, "description": description}


_VISIBLE = r"^[!-~]([ -~]*[!-~])?$"
_UNQUOTED = r"^[!#-~]([ -~]*[!-~])?$"

PARAMETERS: Mapping[str, Any] = {
    "webhook_id": _header(
        "webhook-id", _VISIBLE, "The event's id. It goes before every other. May be any UTF-8."
    ),
    "idempotency_key": _header(
        "Idempotency-Key",
        _UNQUOTED,
        "The event's id, where `webhook-id` is absent; bare, or a quoted string of a structured field. It "
        "goes before the body's `event_id`.",
    ),
    "user_id": _path("user_id", "Any string, percent-encoded, slashes too."),
    "letter_id": _path("id", "Opaque, as the list gave it."),
    "claim_id": _query("claim_id", _QUERIED, "Of one claim alone, by its id or an alias."),
    "sync_id": _query("sync_id", _QUERIED, "Of one sync alone."),
    "limit": _query(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
        "How many a page holds at most.",
    ),
    "cursor": _query(
        "cursor",
        {"type": "integer", "minimum": 1},
        "Behind which a page begins: a former page's `next_cursor`.",
    ),
    "since": _query(
        "since",
        {"type": "integer", "minimum": 0},
        "The cursor behind which to begin, 0 for all; without it, what comes from now on.",
    ),
    "letters_cursor": _query(
        "cursor", _QUERIED, "Behind which a page begins: a former page's `next_cursor`."
    ),
    "kind": _query("kind", {"enum": list(KINDS)}, "Events or effects alone."),
    "letters_user": _query("user_id", _QUERIED, "Of one user alone."),
}
