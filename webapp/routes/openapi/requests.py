"""What is sent: the body of each trigger, from the core's table of its fields; other bodies, and queries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from webapp.http.query_string import DEFAULT_LIMIT, MAX_LIMIT
from webapp.routes.dead_letters import MOST_OF_A_REASON
from webapp.routes.many_dead_letters import MATCHING
from webapp.routes.openapi.parts import CURRENCY, ID, INSTANT, listed, many, or_null, ref
from workflow_fsm.core.definition import Definition, Trigger
from workflow_fsm.core.definition.facts import DECISIONS
from workflow_fsm.core.model.inbox import FORCE, LAID_OVER
from workflow_fsm.read.across.claims_asked import SORTS
from workflow_fsm.read.across.question_shapes import EffectStanding, MoneyStanding
from workflow_fsm.read.dead_letters import KINDS
from workflow_fsm.read.status import PLACE

_QUERIED: Mapping[str, Any] = {"type": "string", "minLength": 1}
_FLAG: Mapping[str, Any] = {"enum": ["0", "1", "false", "true"]}
_REASON: Mapping[str, Any] = {
    "type": "string",
    "minLength": 1,
    "maxLength": MOST_OF_A_REASON,
    "pattern": r"\S",
    "description": "Why; kept with who did it.",
}

_CASE = ("claim_id", "amazon_case_id")
_NULL: Mapping[str, Any] = {"type": "null"}
_LAID_OVER: Mapping[str, str] = {
    "claim_id": "For which claim the event is.",
    "amazon_case_id": "For which case it is.",
    "currency": "What its money is in; also a withdrawn currency that the store has.",
    "line_id": "Which line of its reimbursement it is.",
    "original_reimbursement_id": "Which reimbursement a reversal takes back.",
}
_FORCE = "Let through money that conflicts with an earlier event, or that takes back more than is left."


def schemas(definition: Definition) -> dict[str, Any]:
    """Give the schemas of all that is sent."""
    triggers = [one for one in definition.triggers if not one.timer]
    return {
        **{name_of(trigger): listed((*trigger.common, *trigger.fields)) for trigger in triggers},
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
        "Unlink": {
            "description": "An alias, or a claim and a case that never was the claim's.",
            "oneOf": [
                {
                    "type": "object",
                    "properties": {"user_id": ID, "alias": ID, **dict.fromkeys(_CASE, _NULL)},
                    "required": ["user_id", "alias"],
                },
                {
                    "type": "object",
                    "properties": {"user_id": ID, **dict.fromkeys(_CASE, ID), "alias": _NULL},
                    "required": ["user_id", *_CASE],
                },
            ],
        },
        "StartSync": {"type": "object", "properties": {"user_id": ID}, "required": ["user_id"]},
        "Retry": {
            "type": "object",
            "properties": {
                **{
                    name: {**or_null(CURRENCY if name == "currency" else ID), "description": _LAID_OVER[name]}
                    for name in LAID_OVER
                },
                FORCE: {"type": ["boolean", "null"], "description": _FORCE},
                "reason": or_null(_REASON),
            },
            "description": "What a person knows of an event is laid over what it said; an effect takes none.",
        },
        "RetryAll": _of_many(reason_required=False),
        "DropAll": _of_many(reason_required=True),
        "Restore": {"type": "object", "properties": {"reason": or_null(_REASON)}},
        "Drop": {"type": "object", "properties": {"reason": _REASON}, "required": ["reason"]},
    }


def _of_many(*, reason_required: bool) -> dict[str, Any]:
    """Give the schema of what is done with all that match."""
    matching = {
        "kind": or_null({"enum": list(KINDS)}),
        **{name: or_null(_QUERIED) for name in ("user_id", "handler")},
        "trigger": or_null(ref("schemas/Trigger")),
        "reason": {**or_null(_QUERIED), "description": "A part of their reason, in either case."},
    }
    body: dict[str, Any] = {
        "type": "object",
        "properties": {
            "matching": {
                "type": "object",
                "properties": {name: matching[name] for name in MATCHING},
                "additionalProperties": False,
                "description": "By what they are chosen; `{}` means all.",
            },
            "reason": or_null(_REASON),
            "dry_run": {"type": ["boolean", "null"], "description": "Only count them, and their money."},
        },
        "required": ["matching"],
        "additionalProperties": False,
    }
    if reason_required:
        counts = {"properties": {"dry_run": {"const": True}}, "required": ["dry_run"]}
        why = {"properties": {"reason": _REASON}, "required": ["reason"]}
        body["anyOf"] = [counts, why]
    return body


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

_BY_PLACE = (
    "With `#` and its place (from 0) behind it, an id of each event that brings none: `ID#3`; so a batch "
    "that is sent again counts once."
)

PARAMETERS: Mapping[str, Any] = {
    "webhook_id": _header(
        "webhook-id",
        _VISIBLE,
        "An id of the event, the one that answers and history name. May be any UTF-8.",
    ),
    "idempotency_key": _header(
        "Idempotency-Key",
        _UNQUOTED,
        "An id of the event as well; bare, or a quoted string of a structured field. Each id that is given "
        "counts, and any of them makes a repeat; the first of `webhook-id`, this and the body's `event_id` "
        "is the one that is named.",
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
    "status_cursor": _query(
        "cursor",
        {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": f"^{PLACE}$"}]},
        "Behind which a page of claims, syncs and what waits begins: a former page's `next_cursor`.",
    ),
    "since": _query(
        "since",
        {"type": "integer", "minimum": 0},
        "The cursor behind which to begin, 0 for all; without it, what comes from now on.",
    ),
    "opaque_cursor": _query("cursor", _QUERIED, "Behind which to begin: a former page's `next_cursor`."),
    "claim_id_in_path": _path("claim_id", "The claim's id or an alias, percent-encoded, slashes too."),
    "event_id_in_path": _path("event_id", "Any of the event's ids, percent-encoded, slashes too."),
    "asked_state": _query("state", {"$ref": "#/components/schemas/State"}, "Claims in this state."),
    "decision": _query("decision", {"enum": list(DECISIONS)}, "Matched claims with this decision."),
    "currency": _query(
        "currency",
        CURRENCY,
        "In this currency, in either case; of money also one that is withdrawn and that the store has.",
    ),
    "amazon_case_id": _query("amazon_case_id", _QUERIED, "Claims of this case."),
    "reimbursement_id": _query("reimbursement_id", _QUERIED, "Claims with money of this reimbursement."),
    "q_claims": _query("q", _QUERIED, "How the claim's id, or one of its aliases, begins."),
    "due_before": _query("due_before", INSTANT, "Claims whose deadline is before this instant."),
    "overdue": _query("overdue", _FLAG, "Whether their deadline passed before they were filed."),
    "waiting": _query("waiting", _FLAG, "Whether an event waits that names them; candidates don't count."),
    "sort": _query(
        "sort",
        {"enum": [f"{way}{one}" for one in SORTS for way in ("", "-")], "default": "entered_at"},
        "By what they are sorted, with `-` the greatest first; what isn't told comes last.",
    ),
    "q_users": _query("q", _QUERIED, "How their ids begin."),
    "of_user": _query("user_id", _QUERIED, "Of one user alone."),
    "of_claim": _query("claim_id", _QUERIED, "Of one claim alone, by its id or an alias; beside `user_id`."),
    "of_handler": _query("handler", _QUERIED, "Of one handler alone."),
    "since_at": _query("since", INSTANT, "What came in at this instant or later."),
    "until_at": _query("until", INSTANT, "What came in before this instant."),
    "money_standing": _query("standing", {"enum": list(get_args(MoneyStanding))}, "What became of it."),
    "effect_standing": _query("standing", {"enum": list(get_args(EffectStanding))}, "How they stand."),
    "letters_cursor": _query(
        "cursor", _QUERIED, "Behind which a page begins: a former page's `next_cursor`."
    ),
    "kind": _query("kind", {"enum": list(KINDS)}, "Events or effects alone."),
    "letters_user": _query("user_id", _QUERIED, "Of one user alone."),
    "letters_handler": _query("handler", _QUERIED, "Effects of one handler alone."),
    "letters_trigger": _query("trigger", _QUERIED, "What is of one trigger alone."),
    "letters_reason": _query("reason", _QUERIED, "In whose reason this stands, in either case."),
    "letters_dropped": _query("dropped", _FLAG, "Those that were dropped, which can be restored."),
    "batch_webhook_id": _header("webhook-id", _VISIBLE, _BY_PLACE),
    "batch_idempotency_key": _header("Idempotency-Key", _UNQUOTED, _BY_PLACE),
}
