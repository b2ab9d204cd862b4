"""Sheets: rows as lines of CSV that a spreadsheet opens safely, or of NDJSON, in columns decided here.

A cell that would begin a formula has an apostrophe before it, as OWASP advises, which a spreadsheet takes for
"this is text"; what is wholly a number, such as -5.00, stays one. Lists and sums are written for people: what
is to be taken apart again is better asked for as JSON.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from io import StringIO
from typing import Any, Literal

from workflow_fsm.core.values.json_writer import json_writer

Question = Literal["claims", "money", "users", "effects"]

_CLAIM = (
    *("user_id", "claim_id", "aliases", "sync_id", "state", "version", "entered_at", "claim_type", "amount"),
    *("currency", "confidence", "decision", "amazon_case_id", "cases", "rejection_reason", "paid", "units"),
    *("deadline_date", "eligible_from", "overdue", "allowed", "facts"),
)
COLUMNS: Mapping[Question, tuple[str, ...]] = {
    "claims": _CLAIM,
    "money": (
        *("user_id", "claim_id", "amazon_case_id", "reimbursement_id", "line_id", "trigger", "amount"),
        *("currency", "standing", "at", "occurred_at", "event_id"),
    ),
    "users": ("user_id", "recovered", "unapplied", "updated_at"),
    "effects": (
        *("user_id", "claim_id", "sync_id", "handler", "trigger", "standing", "attempt", "tries", "due_at"),
        *("owed_at", "error", "key"),
    ),
}
"""What stands in a sheet of each question, in order; its first line names them."""
_A_PIECE = 32 * 1024
"""How many characters are sent together."""
_FORMULA = re.compile("[ \u00a0]*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_write_json = json_writer(ascii_only=False)


def csv_pieces(question: Question, rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Write rows as RFC 4180 asks: a line of names first, each line ended by CR and LF; a piece at a time."""
    names = COLUMNS[question]
    buffer = StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(names)

    def write(row: Mapping[str, Any]) -> None:
        writer.writerow([cell(name, row.get(name)) for name in names])

    return _in_pieces(rows, buffer, write)


def ndjson_pieces(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Write a line of JSON a row, a piece at a time."""
    buffer = StringIO(newline="")
    return _in_pieces(rows, buffer, lambda row: buffer.write(f"{_write_json(row)}\n"))


def cell(name: str, value: Any) -> str:
    """Write a cell: what isn't told is empty, and nothing begins a formula."""
    text = _text(name, value)
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def _text(name: str, value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case list() if name == "cases":
            return "; ".join(_case(one) for one in value)
        case list():
            return "; ".join(map(str, value))
        case Mapping() if name == "facts":
            return _write_json(value) if value else ""
        case Mapping():
            return "; ".join(f"{currency} {amount}" for currency, amount in value.items())
        case _:
            return str(value)


def _case(case: Mapping[str, Any]) -> str:
    name = case["amazon_case_id"] or "(no name)"
    return name if case["state"] is None else f"{name} {case['state']}"


def _in_pieces(
    rows: Iterable[Mapping[str, Any]], buffer: StringIO, write: Callable[[Mapping[str, Any]], object]
) -> Iterator[str]:
    for row in rows:
        write(row)
        if buffer.tell() >= _A_PIECE:
            yield _taken(buffer)
    if buffer.tell():
        yield _taken(buffer)


def _taken(buffer: StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text
