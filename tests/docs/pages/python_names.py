"""The page of the library: every name of `workflow_fsm` and `workflow_fsm.testing`, by its docstring."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import workflow_fsm
from tests.docs.pages.docstrings import class_part, function_part, methods
from workflow_fsm import Definition, Workflow, WorkflowError, testing

INTRODUCTION = """# The library

Every name of `workflow_fsm` and of `workflow_fsm.testing`, from the docstrings. What a lifecycle is built of
is [a page of its own](definition.md), and so are the shapes of [what a workflow gives](results.md). Times are
in UTC, durations in seconds where no unit is named, and amounts are decimals, given as strings."""


def library_page() -> str:
    """Give the page."""
    named = {name: getattr(workflow_fsm, name) for name in workflow_fsm.__all__}
    errors = {name: one for name, one in named.items() if _is_error(one)}
    rest = {
        name: one
        for name, one in named.items()
        if inspect.isclass(one) and name not in errors and one not in (Workflow, Definition)
    }
    functions = {name: one for name, one in named.items() if inspect.isroutine(one)}
    parts = [INTRODUCTION, "## Workflow", str(inspect.getdoc(Workflow)), *_methods()]
    parts += ["## What goes in and comes out", *(class_part(name, one) for name, one in rest.items())]
    parts += ["## Functions", *(function_part(name, one) for name, one in functions.items())]
    parts += ["## Errors", "\n".join(_error(name, one) for name, one in errors.items())]
    parts += ["## `Definition`", f"{inspect.getdoc(Definition)} See [its page](definition.md#definition)."]
    parts += ["## `workflow_fsm.testing`", str(inspect.getdoc(testing)), *_testing()]
    return "\n\n".join(parts) + "\n"


def _methods() -> Iterator[str]:
    """Give the workflow's methods, by the class that they stand in."""
    known = methods(Workflow)
    for base in Workflow.__mro__:
        own = [name for name in vars(base) if name in known]
        if own:
            told = "Opening, sending and closing" if base is Workflow else _caption(base)
            yield f"### {told}"
            yield from (_method(name, known[name]) for name in own)


def _caption(one: type) -> str:
    return re.split(r"[.;\n]", str(inspect.getdoc(one)))[0]


def _method(name: str, one: Callable[..., Any]) -> str:
    return function_part(f"Workflow.{name}", one).replace("### ", "#### ", 1)


def _is_error(one: object) -> bool:
    return inspect.isclass(one) and issubclass(one, WorkflowError)


def _error(name: str, one: type) -> str:
    return f"- [`{name}`](errors.md#{name.lower()}): {_caption(one)}."


def _testing() -> Iterator[str]:
    for name, one in helpers_of_tests().items():
        yield class_part(name, one) if inspect.isclass(one) else function_part(name, one)


def helpers_of_tests() -> dict[str, Any]:
    """Give the functions and classes of `workflow_fsm.testing`, by name; of fixtures, by which tests ask."""
    return {
        name.removesuffix("_fixture"): one
        for name, one in vars(testing).items()
        if not name.startswith("_") and str(getattr(one, "__module__", "")).startswith(testing.__name__)
    }
