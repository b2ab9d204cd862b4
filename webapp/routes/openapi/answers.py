"""What is answered: the outcome of an event, a user's status and history, dead letters, and problems.

The shapes are the library's own; here they get their names, and it is said which members of an answer there
are when.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webapp.http.problem_kinds import KINDS
from webapp.routes.openapi.parts import ID, Schema, many, or_null, record, ref
from webapp.routes.openapi.record_schema import RecordSchemas
from workflow_fsm.core.definition import Definition
from workflow_fsm.results import (
    Candidate,
    CaseRecord,
    Claim,
    ClaimDetail,
    ClaimRow,
    DeadLetterRecord,
    DroppedLetter,
    DroppedLetters,
    EffectRow,
    EventAnswer,
    EventRecord,
    FieldErrorRecord,
    HistoryRow,
    LinkedAlias,
    MoneyRow,
    Record,
    RefusedPart,
    RestoredLetter,
    RetriedLetters,
    RevivedEffect,
    Status,
    UnlinkedName,
    UserRow,
)

_TEXT = {"type": "string"}
_OR_NULL = {"type": ["string", "null"]}
_NAMES: Mapping[type[Record], str] = {
    Candidate: "Candidate",
    RefusedPart: "Part",
    CaseRecord: "Case",
    Claim: "Claim",
    HistoryRow: "Row",
    Status: "Status",
    DeadLetterRecord: "DeadLetter",
    RevivedEffect: "Revived",
    DroppedLetter: "Dropped",
    RestoredLetter: "Restored",
    LinkedAlias: "Linked",
    UnlinkedName: "Unlinked",
    ClaimRow: "ClaimRow",
    MoneyRow: "MoneyRow",
    UserRow: "UserRow",
    EffectRow: "EffectRow",
    ClaimDetail: "ClaimWhole",
    EventRecord: "EventWhole",
}
_LISTS = {"claims": "ClaimRow", "money": "MoneyRow", "users": "UserRow", "effects": "EffectRow"}


def schemas(definition: Definition) -> dict[str, Any]:
    """Give the schemas of all that is answered."""
    state, trigger = ref("schemas/State"), ref("schemas/Trigger")
    counts = {
        "type": "object",
        "properties": {one.name: {"type": "integer", "minimum": 1} for one in definition.states},
        "additionalProperties": False,
    }
    shapes = RecordSchemas(
        components=_NAMES, named={"id": ID, "state": state, "trigger": trigger, "counts": counts}
    )
    answer = shapes.members(EventAnswer)
    outcomes = _outcomes(answer)
    refusals = _refusals(answer, state, trigger, many(shapes.of(FieldErrorRecord)))
    return {
        "State": {"enum": [one.name for one in definition.states]},
        "Trigger": {"enum": [one.name for one in definition.triggers]},
        **{name: shapes.of(shape) for shape, name in _NAMES.items()},
        **outcomes,
        "History": record(
            history=many(ref("schemas/Row")),
            next_cursor={"type": ["integer", "null"], "description": "Null on the last page."},
        ),
        "DeadLetters": record(
            deadletters=many(ref("schemas/DeadLetter")),
            next_cursor={**_OR_NULL, "description": "Opaque; null on the last page."},
        ),
        **{
            name.title(): record(
                **{name: many(ref(f"schemas/{row}"))},
                next_cursor={**_OR_NULL, "description": "Opaque; null on the last page."},
            )
            for name, row in _LISTS.items()
        },
        **{
            name: record(status={"enum": ["counted", "done"]}, **shapes.members(shape))
            for name, shape in (("RetriedAll", RetriedLetters), ("DroppedAll", DroppedLetters))
        },
        "Requested": record(status={"const": "requested"}),
        "SignedIn": record(status={"const": "signed_in"}, csrf_token=_TEXT),
        "SignedOut": record(status={"const": "signed_out"}),
        "Live": record(status={"const": "ok"}),
        "Ready": record(status={"const": "ok"}, store={"const": "ok"}),
        **refusals,
        **_with_codes(outcomes | refusals),
    }


def _outcomes(answer: Mapping[str, Schema]) -> dict[str, Any]:
    """Give the schemas of outcomes, of whose members some are there by `status`, and some where need be."""

    def only(*names: str) -> dict[str, Schema]:
        return {name: answer[name] for name in names}

    about = only("event_id", "user_id", "trigger")
    moved = only("transitions")
    waits = only("waiting_for", "reason", "expires_at", "candidates")
    conflict = only("conflicts_with")
    rest = only("unchanged", "deferred", "refused", "hint")
    none_moved = {"transitions": {**answer["transitions"], "maxItems": 0}}
    return {
        "Applied": record(status={"const": "applied"}, **about, **moved, optional=rest),
        "Unchanged": record(status={"const": "unchanged"}, **about, **none_moved, optional=rest),
        "Deferred": record(status={"const": "deferred"}, **about, **waits, optional={**rest, **conflict}),
        "Duplicate": {
            **record(
                status={"const": "duplicate"},
                **only("first_status"),
                **about,
                optional={**rest, **waits, **conflict, **moved},
            ),
            "description": "The same event again: its first answer again.",
        },
        "Taken": {"oneOf": [ref(f"schemas/{name}") for name in ("Applied", "Unchanged", "Duplicate")]},
        "InPart": {
            "oneOf": [ref(f"schemas/{name}") for name in ("Applied", "Unchanged", "Deferred")],
            "required": ["refused"],
        },
        "Answers": {
            **many({"anyOf": [ref(f"schemas/{_coded(name)}") for name in _OF_MANY]}),
            "description": "The answers in the order of the events, each with the code that it would have.",
        },
    }


_OF_MANY = ("Applied", "Unchanged", "Deferred", "Duplicate", "Refused", "Problem")


def _coded(name: str) -> str:
    """Name the schema of an answer that stands among others, with its code."""
    return f"{name}OfMany"


def _with_codes(all_of_them: Mapping[str, Any]) -> dict[str, Any]:
    """Give the schemas of answers as they stand among others: whole, not composed."""
    return {
        _coded(name): {
            **all_of_them[name],
            "properties": {"code": {"type": "integer"}, **all_of_them[name]["properties"]},
            "required": ["code", *all_of_them[name]["required"]],
        }
        for name in _OF_MANY
    }


def _refusals(answer: Mapping[str, Schema], state: Schema, trigger: Schema, errors: Schema) -> dict[str, Any]:
    """Give the schemas of a refusal that is answered 200, and of problems."""
    about = {"event_id": _OR_NULL, "user_id": _OR_NULL, "trigger": trigger}
    where = {"state": or_null(state), "allowed": many(trigger)}
    rest = {name: answer[name] for name in ("candidates", "refused", "hint")}
    kinds = {"enum": [kind.type for kind in KINDS.values()]}
    status = {"type": "integer", "minimum": 0}
    names = {name: _OR_NULL for name in ("claim_id", "amazon_case_id", "alias", "owner")}
    return {
        "Refused": record(status={"const": "refused"}, reason=_TEXT, **about, **where, optional=rest),
        "Problem": {
            **record(
                type=kinds,
                title=_TEXT,
                status=status,
                detail=_TEXT,
                optional={"errors": errors, **about, **where, **rest, **names},
            ),
            "description": "RFC 9457. `type` is the page that explains it and never changes; programs "
            "compare its last part.",
        },
    }
