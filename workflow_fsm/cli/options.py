"""What commands share: the options that they have, and how they come by settings and a store."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from workflow_fsm.core.errors import StoreRefused
from workflow_fsm.core.values import strict_json
from workflow_fsm.read.status import PLACE
from workflow_fsm.settings import Settings, misspelt, variables
from workflow_fsm.stores.url import sqlite_file
from workflow_fsm.workflow import Workflow

F = TypeVar("F", bound=Callable[..., Any])

_MAX_CURSOR = 2**63 - 1
ALIKE = 0.85
"""How alike to one of the library's a variable must be to be misspelt: others are the service's alone."""


def text(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Take text that isn't empty and is UTF-8, or fail with what is wrong with it."""
    if value == "":
        raise click.BadParameter("it is empty; give one, or leave it out.")
    if value is not None and not is_utf8(value):
        raise click.BadParameter("it is not UTF-8.")
    return value


def texts(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Take texts, each as `text` takes one."""
    for value in values:
        text(ctx, param, value)
    return values


def is_utf8(value: str) -> bool:
    """Tell whether an argument's bytes were UTF-8; where they weren't, Python put half characters in."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


def common(command: F) -> F:
    """Add the options that every command has."""
    as_json = click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
    database = click.option(
        "--database",
        metavar="URL",
        help="The store, as WORKFLOW_DATABASE_URL names one, before which it goes.",
    )
    return as_json(database(command))


def hand_down(ctx: click.Context, *, as_json: bool, database: str | None) -> None:
    """Let the command below a group have what was given before its name."""
    if ctx.invoked_subcommand is not None:
        given = {"as_json": as_json, "database": database}
        ctx.default_map = {ctx.invoked_subcommand: {name: value for name, value in given.items() if value}}


def limit(command: F) -> F:
    """Add the option that bounds a page."""
    option = click.option(
        "--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="Most rows to give."
    )
    return option(command)


def page(command: F) -> F:
    """Add the options by which `history` chooses."""
    cursor = click.option(
        "--cursor", type=click.IntRange(1, _MAX_CURSOR), help="Go on behind this `next_cursor`."
    )
    return _which(cursor(command))


def page_of_both(command: F) -> F:
    """Add the options by which `status` chooses, whose pages are of several lists."""
    cursor = click.option("--cursor", callback=_place, help="Go on behind this `next_cursor`.")
    return _which(cursor(command))


def _which(command: F) -> F:
    options = (
        click.option("--claim", "claim_id", callback=text, help="Only this claim, by its id or an alias."),
        click.option("--sync", "sync_id", callback=text, help="Only what is of this sync."),
        limit,
    )
    for option in reversed(options):
        command = option(command)
    return command


def _place(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not (re.fullmatch(PLACE, value) or _is_cursor(value)):
        raise click.BadParameter(f"{value!r} is none that a page gave.")
    return value


def _is_cursor(value: str) -> bool:
    return re.fullmatch("[0-9]{1,19}", value) is not None and 0 < int(value) <= _MAX_CURSOR


def field_of(argument: str) -> tuple[str, Any]:
    """Read `FIELD=VALUE` or `FIELD:=JSON`."""
    if not is_utf8(argument):
        raise click.UsageError(f"{argument!a} is not UTF-8.")
    match = re.fullmatch(r"([^=]+?)(:?=)(.*)", argument, re.DOTALL)
    if match is None:
        raise click.UsageError(f"{argument!r} is neither FIELD=VALUE nor FIELD:=JSON.")
    name, sign, value = match.groups()
    if sign == "=":
        return name, value
    try:
        return name, strict_json.loads(value.encode())
    except strict_json.Malformed as error:
        raise click.UsageError(f"{name} can't be read: {error}") from error


def formats(command: F) -> F:
    """Add the options by which a list is given whole, as a sheet or as lines."""
    csv = click.option("--csv", "form", flag_value="csv", help="All as CSV, safe to open in a spreadsheet.")
    ndjson = click.option("--ndjson", "form", flag_value="ndjson", help="All, a line of JSON a row.")
    return csv(ndjson(command))


def settings_for(database: str | None, *, warn: bool = True) -> Settings:
    """Read the environment; a store that is named goes before the environment's.

    Warns on stderr of a variable that is misspelt: another store could be meant than the one that is opened.
    """
    settings = Settings.from_environment()
    for told in misspelt(variables(Settings), alike=ALIKE) if warn else ():
        click.echo(f"Warning: {told}", err=True)
    return settings if database is None else replace(settings, database_url=database)


def existing(database: str | None) -> Workflow:
    """Open a store that is there: one that isn't is not made."""
    settings = settings_for(database)
    refuse_missing(settings)
    return Workflow.open(settings=settings)


def refuse_missing(settings: Settings) -> None:
    """Refuse a file that isn't there, for what makes no store."""
    path = sqlite_file(settings.database_url)
    if path is not None and not Path(path).exists():
        raise StoreRefused(
            f"there is no store at {path}; name another by --database or WORKFLOW_DATABASE_URL, "
            "or begin one by `serve` or `fire`"
        )
