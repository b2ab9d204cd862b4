"""`/docs`: the description as a page for people, made on the server, with no script and from this host."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from flask import Blueprint, Response, render_template_string


def add_to(routes: Blueprint, described: Callable[[], Mapping[str, Any]]) -> None:
    """Add the page, and the style that it is shown in."""

    def docs() -> Response:
        api = described()
        shown = render_template_string(
            _read("templates/docs.html"), api=api, groups=_groups(api), show=_show, kind=kind
        )
        return Response(shown, content_type="text/html; charset=utf-8")

    def style() -> Response:
        return Response(_read("static/docs.css"), content_type="text/css; charset=utf-8")

    for path, name, view in (("/docs", "docs", docs), ("/docs/style.css", "docs_style", style)):
        routes.add_url_rule(path, endpoint=name, view_func=view, merge_slashes=False)


def kind(schema: Mapping[str, Any]) -> str:
    """Say in a few words what a schema takes: `string`, `list of Claim`, `integer or null`."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        words = [json.dumps(one) for one in schema["enum"]]
        return " or ".join(words) if len(words) < 8 else f"one of {len(words)} words"
    for name, word in (("anyOf", " or "), ("oneOf", " or "), ("allOf", " and ")):
        if name in schema and "type" not in schema:
            return word.join(dict.fromkeys(kind(one) for one in schema[name]))
    types = schema.get("type", "anything")
    words = types if isinstance(types, list) else [types]
    return " or ".join(f"list of {kind(schema['items'])}" if one == "array" else one for one in words)


def _groups(described: Mapping[str, Any]) -> dict[str, list[tuple[str, str, Any]]]:
    """Give the operations of each tag: a method, a path, and what it does."""
    groups: dict[str, list[tuple[str, str, Any]]] = {tag["name"]: [] for tag in described["tags"]}
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            groups[operation["tags"][0]].append((method.upper(), path, operation))
    return groups


def _show(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


@cache
def _read(name: str) -> str:
    return files("webapp").joinpath(name).read_text(encoding="utf-8")
