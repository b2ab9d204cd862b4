"""Handlers on the command line: listed with what is owed to them, dropped, and run by a worker of its own."""

from __future__ import annotations

import logging
import os
from typing import NoReturn

import click

from workflow_fsm.cli import printing as show
from workflow_fsm.cli.exit_codes import FAULT, UNKNOWN, Failure
from workflow_fsm.cli.options import common, existing, hand_down, text
from workflow_fsm.cli.terminal import show_json
from workflow_fsm.core.errors import HandlerInvalid, StoreRefused, StoreUnavailable, WorkerStuck
from workflow_fsm.effects.modules import load_handlers
from workflow_fsm.effects.process import told_to_end, work_until
from workflow_fsm.read.shapes import HandlerLoad
from workflow_fsm.settings import Settings
from workflow_fsm.workflow import Workflow

MOST_COUNTED = 100_000
CONFIGURED, UNAVAILABLE = os.EX_CONFIG, os.EX_UNAVAILABLE


@click.group(invoke_without_command=True)
@common
@click.pass_context
def handlers(ctx: click.Context, as_json: bool, database: str | None) -> None:
    """List the handlers that the store knows, and how many effects are owed to each; `drop` forgets one.

    A handler is known from the first time that a process registered it, and owed by every process from then
    on. What is owed to it waits for a worker that has its code.
    """
    if ctx.invoked_subcommand is not None:
        hand_down(ctx, as_json=as_json, database=database)
        return
    with existing(database) as workflow:
        found = _with_what_is_owed(workflow)
    if as_json:
        show_json({"handlers": found})
    else:
        show.show_handlers(found)


@handlers.command()
@click.argument("name", callback=text)
@common
def drop(name: str, as_json: bool, database: str | None) -> None:
    """Forget the handler NAME: nothing owes it any more, and what is owed to it and not begun is void.

    A process that has its code registers it again when it starts. Ends with 4 for a handler that the store
    doesn't know.
    """
    with existing(database) as workflow:
        told = workflow.drop_handler(name)
    if not told.dropped:
        raise Failure(UNKNOWN, "unknown-handler", f"the store knows no handler {name!r}", handler=name)
    if as_json:
        show_json(told)
    else:
        show.show_dropped(name, told)


def work_alone(settings: Settings) -> NoReturn:
    """Do what transitions owe with the library alone, until a signal ends it."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    told = told_to_end()
    try:
        with Workflow.open(settings=settings) as workflow:
            load_handlers(settings.handlers, workflow)
            work_until(told, workflow.worker())
    except (HandlerInvalid, StoreRefused) as error:
        raise Failure(CONFIGURED, error.code, str(error)) from error
    except WorkerStuck as error:
        raise Failure(FAULT, error.code, str(error)) from error
    except StoreUnavailable as error:
        raise Failure(UNAVAILABLE, error.code, str(error)) from error
    raise SystemExit(0)


def _with_what_is_owed(workflow: Workflow) -> list[HandlerLoad]:
    """Give the handlers, each with how many effects are owed to it and since when the oldest is.

    One that was dropped while its effects ran has no pattern.
    """
    rows = {
        one.name: HandlerLoad(
            name=one.name, pattern=one.pattern, owed=0, running=0, oldest=None, last_error=None
        )
        for one in workflow.handlers()
    }
    for effect in workflow.owed(limit=MOST_COUNTED):
        row = rows.setdefault(
            effect.handler,
            HandlerLoad(name=effect.handler, pattern=None, owed=0, running=0, oldest=None, last_error=None),
        )
        row["owed"] += effect.state == "owed"
        row["running"] += effect.state == "running"
        row["oldest"] = row["oldest"] or effect.owed_at
        row["last_error"] = effect.error or row["last_error"]
    return list(rows.values())
