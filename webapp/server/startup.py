"""Startup: what the service and a worker open alike, and how a start is given up, with a sentence.

Decides the exit codes, and that a store, its handler modules and the calls outwards are tried before anything
else is begun.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from typing import NoReturn

from webapp import integrations
from webapp.settings import ServiceSettings
from workflow_fsm.core.errors import StoreUnavailable, WorkflowError
from workflow_fsm.effects.modules import load_handlers
from workflow_fsm.workflow import Workflow

REFUSED = os.EX_CONFIG
UNAVAILABLE = os.EX_UNAVAILABLE
"""Exit codes: what was configured can't be done; it could be, but not just now."""

MOST_OF_A_SENTENCE = 4000

log = logging.getLogger(__name__)


def open_workflow(settings: ServiceSettings) -> Workflow:
    """Open the store with all its handlers: those of WORKFLOW_HANDLERS, and the calls outwards.

    No worker is begun. Raises WorkflowErrors, which say what to change.
    """
    workflow = Workflow.open(settings=settings.workflow)
    try:
        load_handlers(settings.workflow.handlers, workflow)
        calls = integrations.register(workflow, settings)
    except BaseException:
        workflow.close()
        raise
    if named := [*settings.workflow.handlers, *calls]:
        log.info("handlers: %s", ", ".join(named))
    return workflow


def try_start(command: str, settings: ServiceSettings) -> None:
    """Open everything once and close it again, in a process of its own; give the start up where that fails.

    What handler modules begin as they are imported, threads and connections, is left in that process.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _try_start(settings, writer)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8", errors="replace") as told:
        sentence = told.read()
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code != 0:
        give_up(command, code if code > 0 else REFUSED, sentence or "opening it ended the process")


def give_up(command: str, code: int, sentence: str) -> NoReturn:
    """End with one sentence on stderr."""
    sys.stderr.write(f"workflow-fsm can't {command}: {' '.join(sentence.split()).rstrip('.')}.\n")
    raise SystemExit(code)


def refusal(error: WorkflowError) -> int:
    """Give the exit code of what stops a start."""
    return UNAVAILABLE if isinstance(error, StoreUnavailable) else REFUSED


def _try_start(settings: ServiceSettings, writer: int) -> NoReturn:
    code, sentence = os.EX_SOFTWARE, ""
    try:
        logging.disable()  # the process that stays says it
        open_workflow(settings).close()
        code = os.EX_OK
    except WorkflowError as error:
        code, sentence = refusal(error), str(error)
    except Exception as error:
        traceback.print_exc()
        sentence = f"{type(error).__name__}: {error}"
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.write(writer, sentence.encode("utf-8", "replace")[:MOST_OF_A_SENTENCE])
        os._exit(code)
