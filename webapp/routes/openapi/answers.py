"""What is answered: the outcome of an event, a user's status and history, dead letters, and problems."""

from __future__ import annotations

from typing import Any

from webapp.http.problems import KINDS
from webapp.routes.openapi.parts import ID, many, or_null, record, ref
from workflow_fsm.core.definition import Definition
from workflow_fsm.read.dead_letters import KINDS as LETTERS

_TEXT = {"type": "string"}
_INSTANT = {"type": "string", "format": "date-time"}
_OR_NULL = {"type": ["string", "null"]}
_WHEN_OR_NULL = {"type": ["string", "null"], "format": "date-time"}
_WHOLE = {"type": "integer", "minimum": 0}
_NUMBERED = {"type": "integer", "minimum": 1}
_MONEY = {
    "type": "object",
    "additionalProperties": {"type": "string", "pattern": "^-?[0-9]+(\\.[0-9]+)?$"},
    "description": "Currencies to decimal strings; what is nothing is left out.",
}
_HASH = {"type": "string", "pattern": "^[0-9a-f]{64}$"}


def schemas(definition: Definition) -> dict[str, Any]:
    """Give the schemas of all that is answered."""
    triggers = [trigger.name for trigger in definition.triggers]
    state, trigger = ref("schemas/State"), ref("schemas/Trigger")
    return {
        "State": {"enum": [one.name for one in definition.states]},
        "Trigger": {"enum": triggers},
        **_outcomes(state, trigger),
        **_reads(definition, state, trigger),
        **_letters(trigger),
        "Linked": record(status={"const": "linked"}),
        "Requested": record(status={"const": "requested"}),
        "Live": record(status={"const": "ok"}),
        "Ready": record(status={"const": "ok"}, store={"const": "ok"}),
        "Problem": {
            **record(type=_TEXT, title=_TEXT, status=_WHOLE, detail=_TEXT, optional=_problem(trigger)),
            "description": "RFC 9457. `type` is the page that explains it and never changes; programs "
            "compare its last part.",
        },
    }


def _problem(trigger: Any) -> dict[str, Any]:
    """Give the members that a problem may have beside its own."""
    return {
        "type": {"enum": [kind.type for kind in KINDS.values()]},
        "errors": many(record(field=_TEXT, reason=_TEXT)),
        "event_id": _OR_NULL,
        "user_id": _OR_NULL,
        "trigger": trigger,
        "state": or_null(ref("schemas/State")),
        "allowed": many(trigger),
        "candidates": many(ref("schemas/Candidate")),
        "refused": many(ref("schemas/Part")),
        "claim_id": _OR_NULL,
        "alias": _OR_NULL,
        "owner": _OR_NULL,
        "hint": _TEXT,
    }


def _outcomes(state: Any, trigger: Any) -> dict[str, Any]:
    about = {"event_id": ID, "user_id": ID, "trigger": trigger}
    rest = {
        "unchanged": many(record(claim_id=_OR_NULL, sync_id=ID, state=state)),
        "deferred": many(record(claim_id=_OR_NULL, waiting_for=many(trigger), expires_at=_WHEN_OR_NULL)),
        "refused": many(ref("schemas/Part")),
        "hint": {"type": "string", "description": "A sentence for the people who wrote the sender."},
    }
    moved = many(
        record(claim_id=_OR_NULL, sync_id=ID, **{"from": or_null(state)}, to=state, version=_NUMBERED)
    )
    waits = {
        "waiting_for": {**many(trigger), "description": "Empty where only a person can tell."},
        "expires_at": {**_WHEN_OR_NULL, "description": "Null for money, which waits for ever."},
        "candidates": many(ref("schemas/Candidate")),
    }
    first = {"enum": ["applied", "unchanged", "deferred"]}
    return {
        "Candidate": record(claim_id=_OR_NULL, sync_id=ID, state=state),
        "Part": {
            "type": "object",
            "properties": {
                "index": _WHOLE,
                "claim_id": _OR_NULL,
                "state": or_null(state),
                "reason": _TEXT,
                "allowed": many(trigger),
                "errors": many(record(field=_TEXT, reason=_TEXT)),
            },
            "required": ["reason"],
            "description": "A part of a list that was refused, or an entry that is bad.",
        },
        "Applied": record(status={"const": "applied"}, **about, transitions=moved, optional=rest),
        "Unchanged": record(
            status={"const": "unchanged"}, **about, transitions={**moved, "maxItems": 0}, optional=rest
        ),
        "Deferred": record(status={"const": "deferred"}, **about, **waits, optional=rest),
        "Duplicate": {
            **record(
                status={"const": "duplicate"},
                first_status=first,
                **about,
                optional={**rest, **waits, "transitions": moved},
            ),
            "description": "The same event again: its first answer again.",
        },
        "Refused": record(
            status={"const": "refused"},
            reason=_TEXT,
            event_id=_OR_NULL,
            user_id=_OR_NULL,
            trigger=trigger,
            state=or_null(state),
            allowed=many(trigger),
            optional={
                "candidates": many(ref("schemas/Candidate")),
                "refused": many(ref("schemas/Part")),
                "hint": _TEXT,
            },
        ),
        "Taken": {"oneOf": [ref(f"schemas/{name}") for name in ("Applied", "Unchanged", "Duplicate")]},
        "InPart": {
            "oneOf": [ref(f"schemas/{name}") for name in ("Applied", "Unchanged", "Deferred")],
            "required": ["refused"],
        },
        "Answers": {
            **many(
                {
                    "type": "object",
                    "properties": {"code": {"type": "integer"}},
                    "required": ["code"],
                    "anyOf": [
                        ref(f"schemas/{name}")
                        for name in ("Applied", "Unchanged", "Deferred", "Duplicate", "Refused", "Problem")
                    ],
                }
            ),
            "description": "The answers in the order of the events, each with the code that it would have.",
        },
    }


def _reads(definition: Definition, state: Any, trigger: Any) -> dict[str, Any]:
    claim = record(
        claim_id={**_OR_NULL, "description": "Null for a plain lifecycle."},
        aliases=many(ID),
        sync_id=ID,
        state=state,
        version=_NUMBERED,
        entered_at=_INSTANT,
        allowed={**many(trigger), "description": "The triggers with an arrow in its state, timers left out."},
        claim_type=_OR_NULL,
        amount={**_OR_NULL, "description": "Detection's estimate, with its currency's decimals."},
        currency=_OR_NULL,
        confidence={"type": ["number", "null"], "minimum": 0, "maximum": 1},
        decision={"enum": ["auto_submit", "ask_user", "review", None]},
        amazon_case_id=_OR_NULL,
        rejection_reason=_OR_NULL,
        paid=_MONEY,
        deadline_date=_WHEN_OR_NULL,
        eligible_from=_WHEN_OR_NULL,
        overdue={"type": "boolean", "description": "Its deadline passed before it was filed."},
    )
    row = record(
        cursor=_NUMBERED,
        claim_id=_OR_NULL,
        sync_id=ID,
        version=_NUMBERED,
        trigger=trigger,
        **{"from": or_null(state)},
        to=state,
        event_id={**_OR_NULL, "description": "Null where a timer acted."},
        at=_INSTANT,
        occurred_at=_WHEN_OR_NULL,
        actor={**_TEXT, "description": "Who moved it: `webhook`, `timer`, `effect:NAME`, …"},
        hash={**_HASH, "description": "Of this row and the one before it in its chain."},
    )
    waits = record(
        event_id=ID,
        trigger=trigger,
        claim_id=_OR_NULL,
        waiting_for=many(trigger),
        candidates=many(ref("schemas/Candidate")),
        received_at=_INSTANT,
        expires_at=_WHEN_OR_NULL,
    )
    next_cursor = {"type": ["integer", "null"], "description": "Null on the last page."}
    return {
        "Claim": claim,
        "Row": row,
        "Status": record(
            user_id=ID,
            state={**or_null(state), "description": "The least advanced open lifecycle's."},
            counts={
                "type": "object",
                "properties": {one.name: _NUMBERED for one in definition.states},
                "additionalProperties": False,
            },
            recovered=_MONEY,
            unapplied={**_MONEY, "description": "Payouts that wait, less reversals that wait."},
            claims=many(ref("schemas/Claim")),
            syncs=many(
                record(sync_id=ID, state=state, claims_found=or_null(_WHOLE), entered_at=_INSTANT),
            ),
            deferred=many(waits),
            next_cursor=next_cursor,
            updated_at=_INSTANT,
        ),
        "History": record(history=many(ref("schemas/Row")), next_cursor=next_cursor),
    }


def _letters(trigger: Any) -> dict[str, Any]:
    letter = record(
        id={**_TEXT, "description": "Opaque."},
        kind={"enum": list(LETTERS)},
        user_id=ID,
        claim_id=_OR_NULL,
        trigger=or_null(trigger),
        handler=_OR_NULL,
        reason=_OR_NULL,
        attempts=or_null(_WHOLE),
        at=_INSTANT,
        event_id=_OR_NULL,
    )
    return {
        "DeadLetter": letter,
        "DeadLetters": record(
            deadletters=many(ref("schemas/DeadLetter")),
            next_cursor={**_OR_NULL, "description": "Opaque; null on the last page."},
        ),
        "Revived": {
            **record(status={"enum": ["owed", "void"]}),
            "description": "An effect is owed again; `void` where its claim has left the state that owes it.",
        },
        "Dropped": record(status={"const": "dropped"}),
    }
