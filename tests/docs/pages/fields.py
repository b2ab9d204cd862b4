"""The page of fields: what the events of each trigger carry, and a sentence on each kind of value."""

from __future__ import annotations

from collections.abc import Iterator

from workflow_fsm import claim_lifecycle
from workflow_fsm.core.definition import Trigger
from workflow_fsm.core.values import fields
from workflow_fsm.core.values.fields import Field, Kind

FIELD_KINDS = {
    Kind.ID: "A string of 1 to 255 characters, without control characters or surrounding blanks.",
    Kind.IDS: "A list of ids. An id that stands twice counts once.",
    Kind.TEXT: "A string.",
    Kind.COUNT: "A whole number, 0 or more, below 10^15.",
    Kind.CONFIDENCE: "0 to 1, as a number or a decimal string.",
    Kind.PAYOUT: "Money above 0 (or 0, beside `quantity_reimbursed_inventory`) and below 10^15, as a decimal "
    "string (exact) or a number (float noise within a thousandth of the currency's smallest unit is rounded "
    "off). The currency must be able to hold it.",
    Kind.ESTIMATE: "Money, 0 or more and below 10^15, as a decimal string or a number; rounded "
    "half-even to the currency's decimals.",
    Kind.CURRENCY: "An ISO 4217 code of a currency in use, in either case.",
    Kind.INSTANT: "ISO 8601 with an offset, such as `2026-03-01T12:00:00Z` or `2026-03-01T13:00:00+01:00`.",
    Kind.ANY: "Any JSON value; kept as it is.",
    Kind.ENTRIES: "A list of objects, whose fields are listed below it.",
}


def fields_page() -> str:
    """Write the page of fields."""
    definition = claim_lifecycle()
    lines = ["# Fields", ""]
    lines += [
        "What the events of each trigger carry. A name and its alias may come together with equal content;",
        "with different content it is an error. `null` is the same as absent. A field that isn't listed is",
        "kept with the event, handed to handlers, and not read; one that is a slip away from a listed name",
        "gets a `hint`. Two are looked at all the same: a `trigger` or `type` that says otherwise than the",
        "route, or than the event's own `trigger` in a batch, is an error.",
        "",
        "## Every trigger",
        "",
        *_table((*fields.COMMON, fields.REASON)),
        "",
        "`reason` is why the event was sent, kept in history; a rejection reads it as `rejection_reason`.",
    ]
    for trigger in definition.triggers:
        if not trigger.timer:
            lines += ["", f"## {trigger.name}", "", *_fields(trigger)]
    lines += ["", "## Kinds", "", "| kind | a value of it |", "|---|---|"]
    lines += [f"| {kind.value} | {FIELD_KINDS[kind]} |" for kind in Kind]
    return "\n".join([*lines, ""])


def _fields(trigger: Trigger) -> Iterator[str]:
    yield from _table(trigger.fields)
    for field in trigger.fields:
        if field.entry:
            yield from ("", f"An entry of `{field.name}`:", "", *_table(field.entry))
            if field.or_count:
                yield from ("", f"`{field.aliases[0]}` may be a plain count instead of a list.")
            yield ""
            if field.several:
                yield f"A claim may have several entries in `{field.name}`; the highest confidence counts."
            else:
                yield f"A claim named twice in `{field.name}` with different content is two bad entries."
            yield "A bad entry is refused alone (207); where every entry is bad, the event is (400)."


def _table(listed: tuple[Field, ...]) -> Iterator[str]:
    yield "| field | aliases | kind | required |"
    yield "|---|---|---|---|"
    for field in listed:
        aliases = ", ".join(f"`{alias}`" for alias in field.aliases)
        yield f"| `{field.name}` | {aliases} | {field.kind.value} | {'yes' if field.required else ''} |"
