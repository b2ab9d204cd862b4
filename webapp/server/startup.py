"""Startup: what the service and a worker open alike, and how a start is given up, with a sentence.

Decides the exit codes, and that a store, its handler modules and the calls outwards are tried before anything
else is begun.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from webapp import integrations
from webapp.settings import ServiceSettings
from workflow_fsm.core.errors import StoreUnavailable, WorkflowError
from workflow_fsm.definition.named import definition_for
from workflow_fsm.effects.modules import load_handlers
from workflow_fsm.settings import Settings, misspelt, variables
from workflow_fsm.workflow import Workflow

REFUSED = os.EX_CONFIG
UNAVAILABLE = os.EX_UNAVAILABLE
"""Exit codes: what was configured can't be done; it could be, but not just now."""

MOST_OF_A_SENTENCE = 4000
MODULE_SECONDS = 60.0
"""How long a module may take to be imported, and to register its handlers."""
_MODULE, _SENTENCE, _END = b"m", b"s", b"\0"

log = logging.getLogger(__name__)


def warn_of_misspelt_variables() -> None:
    """Warn of variables that begin as ours do and are none: what they were to say isn't heeded."""
    for told in misspelt([*variables(Settings), *variables(ServiceSettings)]):
        log.warning("%s", told)


def open_workflow(settings: ServiceSettings, *, begin: Callable[[str], None] = lambda name: None) -> Workflow:
    """Open the store with all its handlers: those of WORKFLOW_HANDLERS, and the calls outwards.

    No worker is begun. `begin` is told of each module of handlers before it is imported. Raises
    WorkflowErrors, which say what to change.
    """
    workflow = Workflow.open(settings=settings.workflow)
    try:
        load_handlers(settings.workflow.handlers, workflow, begin=begin)
        calls = integrations.register(workflow, settings)
    except BaseException:
        workflow.close()
        raise
    if named := [*settings.workflow.handlers, *calls]:
        log.info("handlers: %s", ", ".join(named))
    return workflow


def try_start(command: str, settings: ServiceSettings) -> None:
    """Open everything once and close it again, in a process of its own; give the start up where that fails.

    What modules begin as they are imported, threads and connections, is left in that process. One that ends
    it, or isn't imported within `MODULE_SECONDS`, is named.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _try_start(settings, writer)
    os.close(writer)
    heard = _hear(reader)
    if heard.hangs:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if heard.hangs:
        told = (
            f"{heard.module}, which was not imported within {MODULE_SECONDS:g} seconds; see what it waits for"
        )
        give_up(command, REFUSED, told)
    if heard.sentence is None:  # it has not come to its end
        ended = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
        told = f"{heard.module or 'opening the store'}, which ended the process ({ended})"
        give_up(command, REFUSED, told)
    if code != 0:
        give_up(command, code, heard.sentence)


def give_up(command: str, code: int, sentence: str) -> NoReturn:
    """End with one sentence on stderr."""
    sys.stderr.write(f"workflow-fsm can't {command}: {' '.join(sentence.split()).rstrip('.')}.\n")
    raise SystemExit(code)


def refusal(error: WorkflowError) -> int:
    """Give the exit code of what stops a start."""
    return UNAVAILABLE if isinstance(error, StoreUnavailable) else REFUSED


def _try_start(settings: ServiceSettings, writer: int) -> NoReturn:
    code, sentence = os.EX_SOFTWARE, ""

    def tell(what: bytes, text: str) -> None:
        os.write(writer, what + text.encode("utf-8", "replace")[:MOST_OF_A_SENTENCE] + _END)

    try:
        logging.disable()  # the process that stays says it
        if settings.workflow.definition is not None:
            tell(_MODULE, f"WORKFLOW_DEFINITION names {settings.workflow.definition!r}")
            definition_for(settings.workflow)
            tell(_MODULE, "")
        workflow = open_workflow(
            settings, begin=lambda name: tell(_MODULE, f"WORKFLOW_HANDLERS names {name!r}")
        )
        tell(_MODULE, "")
        workflow.close()
        code = os.EX_OK
    except WorkflowError as error:
        code, sentence = refusal(error), str(error)
    except Exception as error:
        traceback.print_exc()
        sentence = f"{type(error).__name__}: {error}"
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        tell(_SENTENCE, sentence)
        os._exit(code)


@dataclass(slots=True, kw_only=True)
class _Heard:
    """What the other process told: which module it imports, and its last sentence."""

    module: str = ""
    sentence: str | None = None
    hangs: bool = False


def _hear(reader: int) -> _Heard:
    """Hear what the other process tells until its end, or for as long as it may import one module."""
    heard, rest = _Heard(), b""
    with os.fdopen(reader, "rb", buffering=0) as told:
        while not heard.hangs:
            heard.hangs = not select.select([told], [], [], MODULE_SECONDS if heard.module else None)[0]
            piece = b"" if heard.hangs else told.read(MOST_OF_A_SENTENCE)
            if not piece:
                break
            *whole, rest = (rest + piece).split(_END)
            for one in whole:
                text = one[1:].decode("utf-8", "replace")
                if one[:1] == _MODULE:
                    heard.module = text
                else:
                    heard.sentence = text
    return heard
