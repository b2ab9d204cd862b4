"""Handler modules: imports what `WORKFLOW_HANDLERS` names, and lets each register its handlers."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

from workflow_fsm.core.errors import HandlerInvalid, WorkflowError


def load_handlers(modules: Sequence[str], workflow: Any) -> None:
    """Import each module and call its `register(workflow)`; the current folder is searched last.

    Raises HandlerInvalid, with a sentence that names the module, where one can't be imported, has no
    `register`, or fails in it.
    """
    if modules and os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # a script's own path has its folder there instead
    for name in modules:
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
        try:
            register(workflow)
        except WorkflowError:
            raise
        except (Exception, SystemExit) as error:
            raise HandlerInvalid(
                f"register(workflow) of {name!r} failed: {type(error).__name__}: {error}"
            ) from error
