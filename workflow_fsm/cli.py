"""The command line: a command a method of `Workflow`, with exit codes that scripts can use.

Decides what is read from arguments and which code an error ends with; `cli_show.py` prints the answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, TypeVar

import click

from workflow_fsm import cli_show as show
from workflow_fsm.cli_codes import EPILOG, INVALID, REFUSED, UNKNOWN, Commands, Failure
from workflow_fsm.core import strict_json
from workflow_fsm.core.claim import claim_lifecycle
from workflow_fsm.core.errors import StoreRefused, WorkflowError
from workflow_fsm.core.explain import mermaid
from workflow_fsm.settings import Settings
from workflow_fsm.workflow import Workflow

F = TypeVar("F", bound=Callable[..., Any])

_MAX_CURSOR = 2**63 - 1


def text(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Take text that isn't empty and is UTF-8, or fail with what is wrong with it."""
    if value == "":
        raise click.BadParameter("it is empty; give an id, or leave it out.")
    if value is not None and not is_utf8(value):
        raise click.BadParameter("it is not UTF-8.")
    return value


def is_utf8(value: str) -> bool:
    """Tell whether an argument's bytes were UTF-8; where they weren't, Python put half characters in."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


@click.group(cls=Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="workflow-fsm")
def main() -> None:
    """Carry reimbursement claims through their life, event by event."""


def common(command: F) -> F:
    """Add the options that every command has."""
    as_json = click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
    database = click.option(
        "--database", metavar="URL", help="The store, as sqlite:///PATH; goes before WORKFLOW_DATABASE_URL."
    )
    return as_json(database(command))


def page(command: F) -> F:
    """Add the options by which `status` and `history` choose."""
    options = (
        click.option("--claim", "claim_id", callback=text, help="Only this claim, by its id or an alias."),
        click.option("--sync", "sync_id", callback=text, help="Only what is of this sync."),
        click.option(
            "--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="Most rows to give."
        ),
        click.option(
            "--cursor", type=click.IntRange(1, _MAX_CURSOR), help="Go on behind this `next_cursor`."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@main.command()
@common
def serve(as_json: bool, database: str | None) -> None:
    """Serve HTTP at HOST and PORT until a signal ends it.

    The environment says how; the log is JSON lines on stdout, with --json or without.
    """
    settings = _settings(database)
    try:
        from webapp import serving
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] == "workflow_fsm":
            raise
        raise Failure(
            INVALID,
            "web-extra-missing",
            f"serve needs {error.name}, which is not installed: pip install 'workflow-fsm[web]'",
        ) from error
    serving.serve(settings)


@main.command()
@click.argument("trigger", callback=text)
@click.argument("user_id", callback=text)
@click.argument("fields", nargs=-1, metavar="[FIELD=VALUE | FIELD:=JSON]...")
@click.option("--event-id", callback=text, help="The event's id; the same id again is the same event.")
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
    event_id: str | None,
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
    for name, value in [("user_id", user_id), *map(_field, fields)]:
        if name in told and told[name] != value:
            raise click.UsageError(f"{name} is given twice, with different values.")
        told[name] = value
    with Workflow.open(settings=_settings(database)) as workflow:
        event = workflow.read(trigger, told, event_id=event_id, id_field="--event-id")
        (outcome,) = workflow.submit([event], actor="cli")
    if isinstance(outcome, WorkflowError):
        raise outcome
    if as_json:
        show.show_json(outcome.as_dict())
    else:
        show.show_outcome(outcome)


@main.command()
@click.argument("user_id", callback=text)
@page
@common
def status(user_id: str, as_json: bool, database: str | None, **which: Any) -> None:
    """Tell where the user USER_ID stands: claims, money, and what waits for what."""
    with _existing(database) as workflow:
        found = workflow.status(user_id, **which)
    if found is None:
        _unknown(user_id)
    if as_json:
        show.show_json(found)
    else:
        show.show_status(found)


@main.command()
@click.argument("user_id", callback=text)
@page
@common
def history(user_id: str, as_json: bool, database: str | None, **which: Any) -> None:
    """List the transitions of the user USER_ID, oldest first."""
    with _existing(database) as workflow:
        found = workflow.history(user_id, **which)
    if found is None:
        _unknown(user_id)
    if as_json:
        show.show_json({"history": found, "next_cursor": found.next_cursor})
    else:
        show.show_history(found)


@main.command()
@common
def graph(as_json: bool, database: str | None) -> None:
    """Draw the claim lifecycle as a Mermaid state diagram; no store is opened."""
    definition = claim_lifecycle()
    if as_json:
        show.show_json({"definition": definition.name, "mermaid": mermaid(definition)})
    else:
        click.echo(mermaid(definition))


@main.command()
@click.option(
    "--expect",
    metavar="ROOT",
    callback=text,
    help="The root that an earlier check printed, of a store that took nothing since.",
)
@common
def check(expect: str | None, as_json: bool, database: str | None) -> None:
    """Audit the store: fold every chain of history, compare it with what is stored, add up events and money.

    Prints one root over all chains. Ends with 1 where anything is wrong, and names the rows that are.
    """
    if expect is not None and not re.fullmatch("[0-9a-f]{64}", expect):
        raise click.BadParameter("a root is 64 hexadecimal digits.", param_hint="'--expect'")
    with _existing(database) as workflow:
        report = workflow.check(expect=expect)
    if as_json:
        show.show_json(report.as_dict())
    else:
        show.show_report(report)
    if not report.sound:
        faults = "fault" if report.found == 1 else "faults"
        click.echo(f"Error: the store is damaged: {report.found} {faults}", err=True)
        raise click.exceptions.Exit(REFUSED)


def _settings(database: str | None) -> Settings:
    settings = Settings.from_environment()
    return settings if database is None else replace(settings, database_url=database)


def _existing(database: str | None) -> Workflow:
    """Open a store to read from it: one that isn't there is not made."""
    settings = _settings(database)
    path = settings.database_url.removeprefix("sqlite:///")
    if path not in (settings.database_url, "", ":memory:") and not Path(path).exists():
        raise StoreRefused(
            f"there is no store at {path}; name another by --database or WORKFLOW_DATABASE_URL, "
            "or begin one by `serve` or `fire`"
        )
    return Workflow.open(settings=settings)


def _body(file: BinaryIO) -> dict[str, Any]:
    try:
        told = strict_json.loads(file.read(strict_json.MAX_BYTES + 1))
    except strict_json.Malformed as error:
        raise Failure(INVALID, "malformed-body", f"the body can't be read: {error}") from error
    if not isinstance(told, dict):
        raise Failure(INVALID, "malformed-body", "the body must be one JSON object")
    return told


def _field(text: str) -> tuple[str, Any]:
    """Read `FIELD=VALUE` or `FIELD:=JSON`."""
    if not is_utf8(text):
        raise click.UsageError(f"{text!a} is not UTF-8.")
    match = re.fullmatch(r"([^=]+?)(:?=)(.*)", text, re.DOTALL)
    if match is None:
        raise click.UsageError(f"{text!r} is neither FIELD=VALUE nor FIELD:=JSON.")
    name, sign, value = match.groups()
    if sign == "=":
        return name, value
    try:
        return name, strict_json.loads(value.encode())
    except strict_json.Malformed as error:
        raise click.UsageError(f"{name} can't be read: {error}") from error


def _unknown(user_id: str) -> NoReturn:
    raise Failure(UNKNOWN, "unknown-user", f"nothing is known of the user {user_id!r}", user_id=user_id)
