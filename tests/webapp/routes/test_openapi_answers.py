"""What clients are generated from: the schemas of all that is answered or sent, leaf by leaf.

`answers.txt` has a line for each: a component, a path in it (`!` is required, `[]` an item, `{}` any other
member), and what stands there. Descriptions are left out, and so is how a schema is cut into components: what
has no line of its own is inlined.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from webapp.routes.openapi import answers, outwards, parts
from workflow_fsm import claim_lifecycle

PINNED = Path(__file__).with_name("answers.txt").read_text(encoding="utf-8").splitlines()
NAMES = {line.partition(" ")[0] for line in PINNED}
DESCRIBED: Mapping[str, Any] = {**answers.schemas(claim_lifecycle()), **outwards.schemas()}


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_component_says_what_it_said(name: str) -> None:
    pinned = [line for line in PINNED if line.partition(" ")[0] == name]

    assert [f"{name} {line}".rstrip() for line in leaves(DESCRIBED[name])] == pinned


def leaves(schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Give a line for each leaf of a schema, in the order of their paths."""
    yield from sorted(_leaves(schema, path))


def _leaves(schema: Mapping[str, Any], path: str) -> Iterator[str]:
    simple: dict[str, Any] = {}
    for word, value in _whole(schema).items():
        if word == "properties":
            required = schema_of(schema).get("required", [])
            for name, inner in value.items():
                yield from _leaves(inner, f"{path}.{name}{'!' if name in required else ''}")
        elif word == "items":
            yield from _leaves(value, f"{path}[]")
        elif word == "additionalProperties" and isinstance(value, dict):
            yield from _leaves(value, f"{path}{{}}")
        elif word in ("allOf", "oneOf", "anyOf"):
            for inner in value:
                yield from _leaves(inner, f"{path} {word}" if word != "anyOf" else f"{path} or")
        elif word == "required":
            simple["required"] = sorted(set(value) - set(_whole(schema).get("properties", {})))
        else:
            simple[word] = value
    told = {word: value for word, value in simple.items() if value != []}
    if told:
        yield f"{path} {_text(told)}".strip()


def schema_of(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a reference to what has no line of its own."""
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return DESCRIBED[name] if name and name not in NAMES else schema


def _whole(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Spell one thing in one way: null is a type beside others, a constant the only word of a list."""
    told = {word: value for word, value in schema_of(schema).items() if word != "description"}
    nullable = False
    others = [one for one in told.get("anyOf", ()) if one != {"type": "null"}]
    if "anyOf" in told and len(others) < len(told["anyOf"]):
        nullable = True
        told.pop("anyOf")
        told |= dict(_whole(others[0])) if len(others) == 1 else {"anyOf": others}
    if "const" in told:
        told["enum"] = [told.pop("const")]
    if None in told.get("enum", ()):
        nullable = True
        told["enum"] = [one for one in told["enum"] if one is not None]
    types = told.get("type", [])
    types = [types] if isinstance(types, str) else list(types)
    if "null" in types:
        nullable = True
        types.remove("null")
    if types:
        [told["type"]] = types
    if nullable:
        told["null"] = "too"
    return told


def _text(told: Mapping[str, Any]) -> str:
    if told.get("pattern") == parts.ID["pattern"]:
        told = {**{word: value for word, value in told.items() if word not in parts.ID}, "type": "id"}
    ref = str(told.get("$ref", "")).rpartition("/")[2]
    words = [ref] if ref else []
    words += [
        f"{word}={json.dumps(value, ensure_ascii=False)}"
        for word, value in sorted(told.items())
        if word != "$ref"
    ]
    return " ".join(words)
