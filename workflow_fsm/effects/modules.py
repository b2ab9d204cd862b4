"""Handler modules: imports what `WORKFLOW_HANDLERS` names, and lets each register its handlers."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from workflow_fsm.core.errors import HandlerInvalid, WorkflowError


def load_handlers(
    modules: Sequence[str], workflow: Any, *, begin: Callable[[str], None] = lambda name: None
) -> None:
    """Import each module and call its `register(workflow)`; the current folder is searched last.

    `begin` is told of each before that: a module may end the process, or never come to an end.

    Raises HandlerInvalid, with a sentence that names the module, where one can't be imported, has no
    `register`, or fails in it.
    """
    if modules and os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # a script's own path has its folder there instead
    for name in modules:
        begin(name)
        try:
            module = importlib.import_module(name)
        except (Exception, SystemExit) as error:
            raise HandlerInvalid(
                f"WORKFLOW_HANDLERS names {name!r}, which can't be imported: {type(error).__name__}: {error}"
            ) from error
        register = getattr(module, "register", None)
        if not callable(register):
            raise HandlerInvalid(
                f"WORKFLOW_HANDLERS names {name!r}, which has no function register(workflow); add one"
            )
        if inspect.iscoroutinefunction(register):
            raise HandlerInvalid(_only_begins(name))
        try:
            begun = register(workflow)
        except WorkflowError:
            raise
        except (Exception, SystemExit) as error:
            raise HandlerInvalid(
                f"register(workflow) of {name!r} failed: {type(error).__name__}: {error}"
            ) from error
        if inspect.isawaitable(begun) or inspect.isgenerator(begun):
            getattr(begun, "close", lambda: None)()
            raise HandlerInvalid(_only_begins(name))


def _only_begins(name: str) -> str:
    return (
        f"register(workflow) of {name!r} is async, or a generator, so that calling it registers nothing; "
        "make it a plain function"
    )
