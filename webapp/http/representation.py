"""Representations: which of those that a list has a request's `Accept` chooses.

Without `Accept`, or where it takes anything, a list is JSON. One that takes none of them is 406, which names
them: what nobody asked for would be read as something else.
"""

from __future__ import annotations

from flask import Request

from webapp.http.problems import Problem
from webapp.http.request_body import NDJSON_TYPE
from webapp.http.response import JSON_TYPE

CSV_TYPE = "text/csv"
OFFERED = (JSON_TYPE, CSV_TYPE, NDJSON_TYPE)
"""What a list can be sent as; the first where several are wanted alike."""

__all__ = ["CSV_TYPE", "JSON_TYPE", "NDJSON_TYPE", "OFFERED", "chosen"]


def chosen(request: Request) -> str:
    """Give the media type that a request takes best. Raises a problem where it takes none."""
    accepted = request.accept_mimetypes
    if not accepted:
        return JSON_TYPE
    best: str | None = accepted.best_match(OFFERED)
    if best is None:
        raise Problem(
            "not-acceptable",
            f"Nothing that Accept takes ({accepted.to_header()[:200]}) is what this is sent as: "
            f"{', '.join(OFFERED)}.",
            headers={"Vary": "Accept"},
        )
    return best
