"""The page of results: what each method of a workflow gives, and the members of each shape."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from workflow_fsm import Workflow, WorkflowError, results
from workflow_fsm.core.records import Limits, Named, Record, key_of

SHAPES = [
    shape
    for name in results.__all__
    if issubclass(shape := getattr(results, name), Record) and shape is not Record
]
NAMED = {
    "id": "id",
    "state": "[state](states.md)",
    "trigger": "[trigger](states.md#triggers)",
    "counts": "states to numbers",
}
WORDS = {str: "text", int: "whole number", float: "number", bool: "yes or no", Any: "any JSON"}
INTRODUCTION = """\
What a workflow gives is typed: `mypy` and editors know the members of each result, and find one that is
misspelt. The names for annotations of your own are in `workflow_fsm.results`:

```python
from workflow_fsm import Transition
from workflow_fsm.results import Claim


def due(claim: Claim) -> str:
    return claim.deadline_date or "no deadline"


def remind(transition: Transition) -> None:
    print(transition.claim["claim_id"], due(transition.claim))
```

The shapes below are dictionaries, as the HTTP answers have them, whose keys are attributes too. `claim.state`
is typed as what it is; of `claim["state"]` the name is checked. A key that is a word of Python's has a `_`
behind it as an attribute: `row.from_` is `row["from"]`. One that may be missing is no attribute then, and is
asked for by `part.get("index")`. A changed copy is `claim | {"state": "paid"}`, a plain dictionary.

An instant is text in ISO 8601, in UTC, to the microsecond. What is read by HTTP has its schema from the same
class."""


def results_page() -> str:
    """Write the page."""
    lines = ["# Results", "", INTRODUCTION, "", "## What gives what", "", "| method | gives |", "|---|---|"]
    lines += [f"| `{name}` | {_told(promised)} |" for name, promised in sorted(_promises())]
    for shape in (results.Outcome, *SHAPES):
        optional = getattr(shape, "__optional_keys__", frozenset[str]())
        lines += ["", f"## {shape.__name__}", "", *inspect.cleandoc(shape.__doc__ or "").splitlines(), ""]
        lines += _members(get_type_hints(shape, include_extras=True), optional)
    return "\n".join([*lines, ""])


def _promises() -> Iterator[tuple[str, Any]]:
    """Give the methods of a workflow that give something of a shape."""
    for name, method in inspect.getmembers(Workflow, inspect.isfunction):
        promised = None if name.startswith("_") else get_type_hints(method)["return"]
        if any(re.search(rf"\b{one}\b", str(promised)) for one in results.__all__):
            yield name, promised


def _members(members: Mapping[str, Any], optional: frozenset[str]) -> Iterator[str]:
    yield "| key | is | |"
    yield "|---|---|---|"
    for name, hint in members.items():
        notes = [note for note in getattr(hint, "__metadata__", ()) if isinstance(note, str)]
        notes += ["May be missing."] if key_of(name) in optional else []
        yield f"| `{key_of(name)}` | {_told(hint)} | {' '.join(notes)} |"


def _told(hint: Any) -> str:
    """Say in words what a type is."""
    kind, inner = get_origin(hint), get_args(hint)
    if kind is Annotated:
        for note in inner[1:]:
            if isinstance(note, Named):
                return NAMED[note.name]
            if isinstance(note, Limits) and note.format == "date-time":
                return "instant"
        return _told(inner[0])
    if kind in (Union, UnionType):
        return " or ".join([*(_told(one) for one in inner if one is not NoneType), "`None`"][: len(inner)])
    if kind is Literal:
        return " or ".join(f"`{one}`" for one in inner)
    if kind is dict:
        return f"{_told(inner[0])} to {_told(inner[1])}"
    if kind in (list, tuple, results.Page):
        return f"{'page' if kind is results.Page else 'list'} of {_told(inner[0])}"
    if kind is results.Rows:
        return f"iterator of {_told(inner[0])}"
    if hint is results.DeadLetterPage:
        return f"page of {_told(results.DeadLetterRecord)}"
    if hint is WorkflowError:
        return "[WorkflowError](errors.md#workflowerror)"
    return WORDS.get(hint) or f"[{hint.__name__}](#{hint.__name__.lower()})"
