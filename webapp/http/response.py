"""An answer: its code, its JSON body, and the one-word outcome that the log keeps of it.

Decides how JSON is written outwards: compact, UTF-8, keys in the order in which they were put. What is
answered to what is decided by `webhooks` for outcomes and by `problems` for errors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Response

from workflow_fsm.core.values.json_writer import json_writer

JSON_TYPE = "application/json"
PROBLEM_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is sent back; `outcome` is an event's status (`applied`) or a problem's code (`not-allowed`)."""

    code: int
    body: Mapping[str, Any] | Sequence[Any]
    outcome: str | None = None
    media_type: str = JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """Give the response that Flask sends."""
        return Response(
            dumps(self.body), status=self.code, headers=dict(self.headers), content_type=self.media_type
        )


def dumps(value: object) -> bytes:
    """Write a value as compact UTF-8 JSON. Binary floats are no part of any answer, so none is expected."""
    return _write(value).encode()


_write = json_writer(ascii_only=False)
