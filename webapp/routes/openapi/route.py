"""A route as it is described, and what all descriptions share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from webapp.http.response import JSON_TYPE
from webapp.routes.openapi.parts import ref

TAGS: Mapping[str, str] = {
    "webhooks": "Events in: from services that tell what happened.",
    "reads": "What came of them.",
    "across users": "What operators ask of all users: who is owed money, what became of an event.",
    "dead letters": "What can't go on by itself, and what a person does with it.",
    "operations": "The service itself.",
}

Contents = Mapping[str, Any]
"""Media types to schemas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route. `answers` are its good ones, a description and contents each; `problems` name its errors.

    Those of its body, of the store and of credentials go without saying.
    """

    endpoint: str
    method: str
    path: str
    tag: str
    summary: str
    description: str = ""
    parameters: tuple[str, ...] = ()
    body: Contents | None = None
    body_required: bool = True
    answers: Mapping[int, tuple[str, Contents]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    asks_the_store: bool = True


def json_of(schema: str) -> dict[str, Any]:
    """Give a schema's contents, as JSON."""
    return {JSON_TYPE: ref(f"schemas/{schema}")}
