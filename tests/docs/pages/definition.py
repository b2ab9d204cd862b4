"""The page of what a lifecycle is built of: every name of `workflow_fsm.definition`, as the code has it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from tests.docs.pages.docstrings import class_part, function_part
from workflow_fsm import definition
from workflow_fsm.definition import Cell, Field, Question

INTRODUCTION = """# What a lifecycle is built of

All of it is in `workflow_fsm.definition`. How it is put together:
[write a variant](../how-to/write-a-variant.md). Each argument is checked as it is given, and each fault is a
`DefinitionInvalid`."""
_ALIASES = {
    "Cases": "The cases of one claim, by id, in the order in which they were last told.",
    "Telling": "A function of an event's fields and the facts so far: gives the facts that the event tells.",
}
_CONSTANTS = {
    "NONE": "What sentences call the row of a lifecycle that doesn't exist yet; in `cells` it is `None`.",
    "STAY": "The target of an answer that is an internal transition: it leaves and enters nothing.",
}


def definition_page() -> str:
    """Give the page."""
    named = {name: getattr(definition, name) for name in definition.__all__}
    parts = [INTRODUCTION]
    parts += ["## Classes", *(class_part(name, one) for name, one in named.items() if inspect.isclass(one))]
    functions = {name: one for name, one in named.items() if inspect.isfunction(inspect.unwrap(one))}
    parts += ["## Functions", *(function_part(name, one) for name, one in functions.items())]
    parts += ["## Ready-made fields", _table(named, Field, ("name", "kind", "required"), _of_field)]
    parts += ["## Ready-made cells", _table(named, Cell, ("says",), lambda one: (str(one.rest),))]
    parts += [
        "## The questions of the claim lifecycle",
        _table(named, Question, ("asks", "answers"), lambda one: (one.name, ", ".join(one.answers))),
    ]
    words = {**_ALIASES, **_CONSTANTS}
    parts += ["## Words", *(f"`{name}`: {words[name]}" for name in sorted(words))]
    return "\n\n".join(parts) + "\n"


def _of_field(one: Field) -> tuple[str, ...]:
    return ", ".join(f"`{name}`" for name in one.names), one.kind.value, "yes" if one.required else "no"


def _table(
    named: Mapping[str, Any], kind: type, heads: tuple[str, ...], row: Callable[[Any], tuple[str, ...]]
) -> str:
    lines = [f"| | {' | '.join(heads)} |", f"|{'---|' * (len(heads) + 1)}"]
    lines += [
        f"| `{name}` | {' | '.join(row(one))} |" for name, one in named.items() if isinstance(one, kind)
    ]
    return "\n".join(lines)
