"""How a command ends: the exit code of each error, its sentence for people and its JSON for scripts.

Every error ends here, the unexpected one too; nobody is shown a traceback.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

import click

from workflow_fsm.cli.terminal import clean, show_json
from workflow_fsm.core.errors import (
    DeadLetterUnknown,
    DefinitionInvalid,
    EventIdReused,
    EventTooLarge,
    HandlerInvalid,
    InvalidEvent,
    NotAllowed,
    RootUnknown,
    SettingsInvalid,
    StoreRefused,
    StoreUnavailable,
    WorkflowClosed,
    WorkflowError,
)

REFUSED, INVALID, STORE, UNKNOWN, WAITS, FAULT = 1, 2, 3, 4, 5, 70
PIPE = 141
"""How a shell shows what ended since its reader had gone."""

EPILOG = """\b
Exit codes:
  0   done: an event is committed (applied, deferred, unchanged or a duplicate)
  1   refused (by a retry: again), the event id belongs to another event, or check
      found damage
  2   wrong usage, a wrong setting, or an event that is not well formed
  3   the store can't be used just now, is none that this version works on, or
      holds a row that can't be read
  4   nothing is known of the user, the claim, the event, the dead letter, the
      handler or the root
  5   explain: the event would wait, or is known and would move nothing
  70  a fault of the program
  141  who read the output has gone, as after `| head -1`: nothing is told by it
  serve and worker end with 69 where they can't work just now (the port is taken,
  the store is busy), worker with 70 where so many of its threads hang that only a
  new process helps, and both with 78 where what is configured can't be worked with.

\b
Answers go to stdout, an error as one sentence to stderr; with --json, stdout gets
one JSON value: the answer as HTTP gives it, or {"code", "detail", ...}.
"""


class Failure(Exception):
    """An error to end with: a sentence, its stable code, and facts for machines."""

    def __init__(self, exit_code: int, code: str, detail: str, **facts: Any) -> None:
        super().__init__(detail)
        self.exit_code = exit_code
        self.told = {"code": code, "detail": detail, **facts}


class Commands(click.Group):
    """The commands; whatever they raise ends as one sentence and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that the arguments name."""
        try:
            return self._invoke(ctx)
        except BrokenPipeError:
            _end_by_the_pipe()

    def _invoke(self, ctx: click.Context) -> Any:
        as_json = "--json" in ctx.args
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            failure = _misuse(error)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Failure as error:
            failure = error
        except WorkflowError as error:
            failure = _failure(error)
        except Exception as error:  # a fault of ours, which is told as any other error
            failure = _fault(error)
        if as_json:
            show_json(failure.told)
        click.echo(f"Error: {clean(' '.join(str(failure).split()))}", err=True)
        ctx.exit(failure.exit_code)


def _end_by_the_pipe() -> NoReturn:
    """End as Unix tools do once nobody reads on: by SIGPIPE, which a shell shows as 141, and says nothing."""
    with open(os.devnull, "wb") as nowhere:  # what is left in the buffer goes there
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGPIPE)
    raise SystemExit(PIPE)


def without_extra(what: str, extra: str, error: ModuleNotFoundError) -> Failure:
    """Tell what an extra would have brought; a module of ours that is missing is a fault."""
    if str(error.name).partition(".")[0] in ("workflow_fsm", "webapp"):
        raise error
    told = f"{what} needs {error.name}, which is not installed: pip install 'workflow-fsm[{extra}]'"
    return Failure(INVALID, f"{extra}-extra-missing", told)


def _misuse(error: click.UsageError) -> Failure:
    message = error.format_message().rstrip(".")
    command = error.ctx.command_path if error.ctx is not None else "workflow-fsm"
    return Failure(INVALID, "usage", f"{message}; `{command} --help` tells how it is used")


def _failure(error: WorkflowError) -> Failure:
    facts: dict[str, Any] = {}
    exit_code = FAULT
    names: tuple[str, ...] = ()
    match error:
        case InvalidEvent():
            exit_code, facts["errors"] = INVALID, [one.as_dict() for one in error.errors]
        case NotAllowed():
            names = ("event_id", "user_id", "trigger", "state", "allowed", "candidates", "refused", "hint")
            exit_code = REFUSED
        case EventIdReused():
            names = ("event_id", "user_id", "trigger")
            exit_code = REFUSED
        case EventTooLarge() | SettingsInvalid() | HandlerInvalid() | DefinitionInvalid():
            exit_code = INVALID
        case DeadLetterUnknown() | RootUnknown():
            exit_code = UNKNOWN
        case StoreUnavailable() | StoreRefused() | WorkflowClosed():
            exit_code = STORE
    facts |= {name: getattr(error, name) for name in names}
    return Failure(exit_code, error.code, str(error), **facts)


def _fault(error: Exception) -> Failure:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(frame.filename).name}:{frame.lineno}"
    return Failure(
        FAULT,
        "internal-error",
        f"a fault of the program, or of the store, which `check` can tell: "
        f"{type(error).__name__} at {where}: {error}",
    )
