"""An OpenAPI description: its operations one by one, and how it writes a rule's path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any


def operations(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def described_as(rule: str) -> str:
    """Give the path of a rule as the description has it."""
    names = {"<workflow_rest:rest>": "{user_id}", "<letter_id>": "{id}"}
    pairs = re.sub(r"<workflow_two:(\w+)>", r"{user_id}/{\1}", rule)
    return re.sub(r"<[^>]+>", lambda found: names[found[0]], pairs)
