"""Parts of schemas: the kinds of fields, as JSON Schema says them, and small words to build schemas with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workflow_fsm.core.definition.events import MOST_ENTRIES, UNITS
from workflow_fsm.core.values import money
from workflow_fsm.core.values.fields import Field, Kind

Schema = Mapping[str, Any]

# What str.strip() takes for a blank, and what Unicode takes for a control character.
_CONTROLS = r"\u0000-\u001f\u007f-\u009f"
_BLANKS = r" \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_EDGE = f"[^{_CONTROLS}{_BLANKS}]"

ID: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    "pattern": f"^{_EDGE}([^{_CONTROLS}]*{_EDGE})?$",
}
TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0, "maximum": 10**15 - 1}
CONFIDENCE: Schema = {
    "anyOf": [
        {"type": "number", "minimum": 0, "maximum": 1},
        {"type": "string", "pattern": r"^(0(\.[0-9]{1,90})?|1(\.0{1,90})?)$"},
    ],
    "description": "0 to 1, as a number or a decimal string, which may have an exponent.",
}
_DECIMAL = r"(0|[1-9][0-9]{0,14})(\.[0-9]{1,4})?"
PAYOUT: Schema = {
    "anyOf": [
        {"type": "string", "pattern": rf"^{_DECIMAL}$"},
        {"type": "number", "minimum": 0, "exclusiveMaximum": 10**15},
    ],
    "description": "Money, in the currency's major unit. A string is exact, and may have an exponent; of a "
    "number what is within a thousandth of the currency's smallest unit is taken for noise. The currency "
    "must be able to hold it: 12.50 in USD, 12 in JPY. Above 0, save beside what is reimbursed in kind.",
}
ESTIMATE: Schema = {
    "anyOf": [
        {"type": "string", "pattern": r"^(0|[1-9][0-9]{0,14})(\.[0-9]{1,40})?$"},
        {"type": "number", "minimum": 0, "exclusiveMaximum": 10**15},
    ],
    "description": "Money, in the currency's major unit; rounded half-even to what the currency has.",
}
CURRENCY: Schema = {
    "enum": list(money.CURRENCIES),
    "description": "ISO 4217, in either case.",
}
INSTANT: Schema = {
    "type": "string",
    "format": "date-time",
    "description": "ISO 8601 with an offset.",
}
KINDS: Mapping[Kind, Schema] = {
    Kind.ID: ID,
    Kind.IDS: {"type": "array", "items": ID, "maxItems": MOST_ENTRIES},
    Kind.TEXT: TEXT,
    Kind.COUNT: COUNT,
    Kind.CONFIDENCE: CONFIDENCE,
    Kind.PAYOUT: PAYOUT,
    Kind.ESTIMATE: ESTIMATE,
    Kind.CURRENCY: CURRENCY,
    Kind.INSTANT: INSTANT,
    Kind.ANY: {},
}
"""The schema of each kind; that of a list of entries is made from its fields."""

REFUSED: Schema = {"$ref": "#/components/schemas/Refused"}


def ref(name: str) -> dict[str, str]:
    """Point to a component."""
    return {"$ref": f"#/components/{name}"}


def or_null(schema: Schema) -> Schema:
    """Allow null too."""
    if not schema:
        return schema
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None]}
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def listed(fields: tuple[Field, ...]) -> dict[str, Any]:
    """Give the schema of an object with these fields, each under any of its names, and whatever else."""
    properties: dict[str, Any] = {}
    for field in fields:
        schema = _of(field)
        properties[field.name] = schema if field.required else or_null(schema)
        for alias in field.aliases:
            other = schema
            if field.or_count:
                other = {"anyOf": [schema, COUNT], "description": "The list, or how many there are."}
            told = other.get("description", "")
            properties[alias] = {
                **or_null(other),
                "description": f"Another name of `{field.name}`, equal where both come. {told}".strip(),
            }
    schema = {"type": "object", "properties": properties}
    required = [field.name for field in fields if field.required]
    if required:
        schema["required"] = required
    lists = [name for field in fields if field.kind is Kind.ENTRIES for name in field.names]
    apart = [_apart("claim_id", name) for name in lists if "claim_id" in properties]
    paid = [_paid(field.name) for field in fields if field.kind is Kind.PAYOUT]
    if apart or paid:
        schema["allOf"] = [*apart, *paid]
    return schema


def record(optional: Schema | None = None, **members: Any) -> dict[str, Any]:
    """Give the schema of an object that is answered: all `members` stand in it, `optional` ones may."""
    return {
        "type": "object",
        "properties": {**members, **(optional or {})},
        "required": list(members),
    }


def many(items: Schema) -> dict[str, Any]:
    """Give the schema of a list."""
    return {"type": "array", "items": items}


def _of(field: Field) -> Schema:
    if field.kind is Kind.ENTRIES:
        return {"type": "array", "items": listed(field.entry), "maxItems": MOST_ENTRIES}
    return KINDS[field.kind]


def _paid(amount: str) -> dict[str, Any]:
    """Ask for an amount above nothing, or for units."""
    above = [{"type": "string", "pattern": r"^(?!0(\.0*)?$)"}, {"type": "number", "exclusiveMinimum": 0}]
    in_kind = {"properties": {UNITS.name: {"type": "integer", "minimum": 1}}, "required": [UNITS.name]}
    return {"anyOf": [{"properties": {amount: {"anyOf": above}}}, in_kind]}


def _apart(named: str, listed: str) -> dict[str, Any]:
    """Forbid an id beside a list."""
    together = {named: {"type": "string"}, listed: {"type": "array", "items": {}}}
    return {"not": {"required": list(together), "properties": together}}
