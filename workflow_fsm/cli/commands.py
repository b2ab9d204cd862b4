"""The command line: a command a method of `Workflow`, with exit codes that scripts can use.

Decides what is read from arguments; `exit_codes.py` says which code an error ends with, `printing.py` prints
the answers. What operators do about effects stands in `dead_letters.py` and `handlers.py`, what they ask
across users under `questions`.
"""

from __future__ import annotations

from typing import Any, BinaryIO, NoReturn

import click

from workflow_fsm.cli import printing as show
from workflow_fsm.cli.check.command import check
from workflow_fsm.cli.dead_letters import deadletters
from workflow_fsm.cli.exit_codes import EPILOG, INVALID, UNKNOWN, Commands, Failure, without_extra
from workflow_fsm.cli.forget import forget
from workflow_fsm.cli.graph import graph
from workflow_fsm.cli.handlers import handlers, work_alone
from workflow_fsm.cli.migrate import distribute, migrate
from workflow_fsm.cli.options import common, existing, field_of, page, page_of_both, settings_for, text, texts
from workflow_fsm.cli.questions.lists import claims, effects, money, users
from workflow_fsm.cli.questions.whole import events, explain
from workflow_fsm.cli.simulate import simulate
from workflow_fsm.cli.terminal import show_json
from workflow_fsm.core.errors import WorkflowError
from workflow_fsm.core.values import strict_json
from workflow_fsm.settings import is_set
from workflow_fsm.workflow import Workflow


@click.group(cls=Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="workflow-fsm")
def main() -> None:
    """Carry reimbursement claims through their life, event by event."""


main.add_command(check)
main.add_command(claims)
main.add_command(deadletters)
main.add_command(distribute)
main.add_command(effects)
main.add_command(events)
main.add_command(explain)
main.add_command(forget)
main.add_command(graph)
main.add_command(handlers)
main.add_command(migrate)
main.add_command(money)
main.add_command(simulate)
main.add_command(users)


@main.command()
@common
def serve(as_json: bool, database: str | None) -> None:
    """Serve HTTP at HOST and PORT until a signal ends it.

    The environment says how; the log is JSON lines on stdout, with --json or without.
    """
    settings = settings_for(database, warn=False)
    try:
        from webapp.server import serving
        from webapp.settings import ServiceSettings
    except ModuleNotFoundError as error:
        raise without_extra("serve", "web", error) from error
    serving.serve(ServiceSettings.from_environment(workflow=settings))


@main.command()
@common
def worker(as_json: bool, database: str | None) -> None:
    """Do what transitions owe, and let time pass, until a signal ends it.

    Runs the handlers of the modules in WORKFLOW_HANDLERS and, where the web extra is installed, the calls to
    other services that the environment asks for. On a signal it waits for what runs, up to a bound. The log
    is JSON lines on stdout; without the web extra it is plain lines on stderr.
    """
    settings = settings_for(database, warn=False)
    try:
        from webapp.server import serving
        from webapp.settings import ServiceSettings
    except ModuleNotFoundError as error:
        failure = without_extra("a worker that calls INTEGRATIONS_URL or WORKFLOW_ALERT_URL", "web", error)
        if is_set("INTEGRATIONS_URL") or is_set("WORKFLOW_ALERT_URL"):
            raise failure from error
        work_alone(settings)
    serving.work(ServiceSettings.for_worker(workflow=settings))


@main.command()
@click.argument("trigger", callback=text)
@click.argument("user_id", callback=text)
@click.argument("fields", nargs=-1, metavar="[FIELD=VALUE | FIELD:=JSON]...")
@click.option(
    "--event-id",
    "event_ids",
    multiple=True,
    callback=texts,
    help="The event's id; the same id again is the same event. May be given several times: each counts.",
)
@click.option(
    "--reason",
    callback=text,
    metavar="TEXT",
    help="Why you fire it: the field `reason`, which history shows; of a rejection its rejection reason.",
)
@click.option(
    "--body",
    type=click.File("rb", lazy=False),
    metavar="FILE",
    help="Take fields from the JSON object in this file (- is stdin) as well.",
)
@common
def fire(
    trigger: str,
    user_id: str,
    fields: tuple[str, ...],
    event_ids: tuple[str, ...],
    reason: str | None,
    body: BinaryIO | None,
    as_json: bool,
    database: str | None,
) -> None:
    """Take one event: TRIGGER for the user USER_ID; it is committed when this ends with 0.

    FIELD=VALUE gives a field as a string, FIELD:=JSON as any JSON value:

    \b
      workflow-fsm fire sync_complete u1 sync_id=s1
      workflow-fsm fire detection_complete u1 sync_id=s1 'claims:=[{"claim_id": "c1"}]'
      workflow-fsm fire payout_received u1 claim_id=c1 amount=12.50 --event-id evt-1
    """
    told = _body(body) if body is not None else {}
    why = [] if reason is None else [("reason", reason)]
    for name, value in [("user_id", user_id), *map(field_of, fields), *why]:
        if name in told and told[name] != value:
            raise click.UsageError(f"{name} is given twice, with different values.")
        told[name] = value
    with Workflow.open(settings=settings_for(database)) as workflow:
        event = workflow.read(trigger, told, ids=[("--event-id", one) for one in event_ids])
        (outcome,) = workflow.submit([event], actor="cli")
    if isinstance(outcome, WorkflowError):
        raise outcome
    if as_json:
        show_json(outcome.as_dict())
    else:
        show.show_outcome(outcome)


@main.command()
@click.argument("user_id", callback=text)
@page_of_both
@common
def status(user_id: str, as_json: bool, database: str | None, **which: Any) -> None:
    """Tell where the user USER_ID stands: claims, money, and what waits for what."""
    with existing(database) as workflow:
        found = workflow.status(user_id, **which)
    if found is None:
        _unknown(user_id)
    if as_json:
        show_json(found)
    else:
        show.show_status(found)


@main.command()
@click.argument("user_id", callback=text)
@page
@common
def history(user_id: str, as_json: bool, database: str | None, **which: Any) -> None:
    """List the transitions of the user USER_ID, oldest first."""
    with existing(database) as workflow:
        found = workflow.history(user_id, **which)
    if found is None:
        _unknown(user_id)
    if as_json:
        show_json({"history": found, "next_cursor": found.next_cursor})
    else:
        show.show_history(found)


def _body(file: BinaryIO) -> dict[str, Any]:
    try:
        told = strict_json.loads(file.read(strict_json.MAX_BYTES + 1))
    except strict_json.Malformed as error:
        raise Failure(INVALID, "malformed-body", f"the body can't be read: {error}") from error
    if not isinstance(told, dict):
        raise Failure(INVALID, "malformed-body", "the body must be one JSON object")
    return told


def _unknown(user_id: str) -> NoReturn:
    raise Failure(UNKNOWN, "unknown-user", f"nothing is known of the user {user_id!r}", user_id=user_id)
