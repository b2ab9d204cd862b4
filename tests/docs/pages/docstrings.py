"""What docstrings and signatures say of a class or a function, as a part of a page."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any


def class_part(name: str, one: type) -> str:
    """Give the part of a class: what it is, its members or fields, and its methods."""
    text = f"### `{name}`\n\n{inspect.getdoc(one)}"
    if issubclass(one, Enum):
        return f"{text}\n\n" + ", ".join(f"`{name}.{member.name}`" for member in one) + "."
    if is_dataclass(one):
        rows = [f"`{field.name}: {field.type}`" for field in fields(one) if field.init]
        text += f"\n\nFields: {', '.join(rows)}."
    told = "\n".join(" ".join(member.split()) for member in _members(one))
    return f"{text}\n\n{told}" if told else text


def function_part(name: str, one: Callable[..., Any]) -> str:
    """Give the part of a function: how it is called, and what it does."""
    return f"### `{name}`\n\n```text\n{name}{signature(one)}\n```\n\n{inspect.getdoc(one)}"


def methods(one: type) -> dict[str, Callable[..., Any]]:
    """Give a class's public methods, those of its bases among them, by name; what `object` has left out."""
    found = dict(inspect.getmembers(one, lambda value: inspect.isfunction(value) or inspect.ismethod(value)))
    return {name: value for name, value in found.items() if not name.startswith("_")}


def signature(one: Callable[..., Any]) -> str:
    """Give a function's parameters and result; without quotes, and functions by their names."""
    told = str(inspect.signature(inspect.unwrap(one))).replace("'", "")
    return re.sub(r"<(?:function|built-in method) (\w+)[^>]*>", r"\1", told)


def _members(one: type) -> Iterator[str]:
    """Give a line for each property and method of the class's own."""
    for name, value in vars(one).items():
        if name.startswith("_"):
            continue
        if isinstance(value, property):
            yield f"- `.{name}`: {inspect.getdoc(value)}"
        elif inspect.isfunction(value):
            yield f"- `.{name}{signature(value)}`: {inspect.getdoc(value)}"
