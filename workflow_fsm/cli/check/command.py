"""The audit on the command line: all that is in a store, some users, or what came since an earlier check."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from workflow_fsm.audit.parts import Elsewhere
from workflow_fsm.cli import printing as show
from workflow_fsm.cli.check.apart import MOST_PROCESSES, in_processes
from workflow_fsm.cli.exit_codes import REFUSED
from workflow_fsm.cli.options import common, existing, settings_for, text, texts
from workflow_fsm.cli.terminal import show_json
from workflow_fsm.settings import Settings


def _root(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Take a root."""
    text(ctx, param, value)
    if value is not None and not re.fullmatch("[0-9a-f]{64}", value):
        raise click.BadParameter("a root is 64 hexadecimal digits.")
    return value


@click.command()
@click.option(
    "--expect",
    metavar="ROOT",
    callback=_root,
    help="The root that an earlier check printed, of a store that took nothing since.",
)
@click.option(
    "--since",
    metavar="ROOT",
    callback=_root,
    help="Only what came after the check of all that printed this root; what was there must be there still.",
)
@click.option(
    "--user",
    "users",
    metavar="USER",
    multiple=True,
    callback=texts,
    help="Only this user; may be given several times. The root is over these alone.",
)
@click.option(
    "--processes",
    metavar="N",
    type=click.IntRange(1, MOST_PROCESSES),
    help=f"How many processes share a large store's audit: 2 where there are as many cores, else 1; at most "
    f"{MOST_PROCESSES}.",
)
@common
def check(
    expect: str | None,
    since: str | None,
    users: tuple[str, ...],
    processes: int | None,
    as_json: bool,
    database: str | None,
) -> None:
    """Audit the store: fold every chain of history, compare it with what is stored, add up events and money.

    Prints one root over all chains. Ends with 1 where anything is wrong, and names the rows that are. Writers
    need not wait: each user is read as of one moment.
    """
    if since is not None and users:
        raise click.UsageError("--since goes on from a check of all users; give it, or --user.")
    with existing(database) as workflow, _progress(is_shown=not as_json and sys.stderr.isatty()) as told:
        report = workflow.check(
            expect=expect,
            since=since,
            users=users or None,
            progress=told,
            elsewhere=_elsewhere(settings_for(database, warn=False), processes),
        )
    if as_json:
        show_json(report.as_dict())
    else:
        show.show_report(report)
    if not report.sound:
        faults = "fault" if report.found == 1 else "faults"
        click.echo(f"Error: the store is damaged: {report.found} {faults}", err=True)
        raise click.exceptions.Exit(REFUSED)


def _elsewhere(settings: Settings, processes: int | None) -> Elsewhere | None:
    """Have other processes share the audit, where there are to be some."""
    many = processes or min(2, os.cpu_count() or 1)
    return None if many == 1 else in_processes(settings, many)


@contextmanager
def _progress(*, is_shown: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Show a bar on stderr while a check goes on, and leave nothing of it."""
    if not is_shown:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("check"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("check", total=None)
        yield lambda done, many: bar.update(task, completed=done, total=many)
