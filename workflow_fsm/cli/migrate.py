"""Moving up on the command line: a SQLite store, with all its history, into a PostgreSQL database."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from workflow_fsm.cli import printing as show
from workflow_fsm.cli.exit_codes import without_extra
from workflow_fsm.cli.options import common, settings_for, text
from workflow_fsm.cli.terminal import show_json
from workflow_fsm.core.definition.claim import claim_lifecycle
from workflow_fsm.core.errors import StoreRefused
from workflow_fsm.stores.url import is_served, shown, sqlite_path
from workflow_fsm.workflow import utc_now


@click.command()
@click.option("--to", "target", required=True, callback=text, metavar="URL", help="An empty database.")
@common
def migrate(target: str, as_json: bool, database: str | None) -> None:
    """Copy the SQLite store, with all its history, into an empty PostgreSQL database.

    Stop the services and workers on it first: it takes no event meanwhile, and stays as it is. All is copied
    in one transaction, and committed only where `check` says the same of both; interrupted, nothing is kept.

    \b
      workflow-fsm migrate --database sqlite:///claims.db --to postgresql://me@host/claims
    """
    settings = settings_for(database)
    if is_served(settings.database_url):
        raise click.UsageError("The store to copy is in PostgreSQL already; name a SQLite file.")
    if not is_served(target):
        raise click.BadParameter("it must be postgresql://USER@HOST/DATABASE.", param_hint="'--to'")
    path = sqlite_path(settings.database_url)
    if not Path(path).exists():
        raise StoreRefused(f"there is no store at {path} to copy; name another by --database")
    try:
        from workflow_fsm.audit.copy import copy
    except ModuleNotFoundError as error:
        raise without_extra("migrate", "postgres", error) from error
    definition = claim_lifecycle(auto_submit=settings.auto_submit, prompt=settings.prompt)
    copied = copy(path, target, definition, now=utc_now(), progress=_tell)
    if as_json:
        show_json({"status": "migrated", "rows": dict(copied.rows), "check": copied.report.as_dict()})
    else:
        show.show_report(copied.report)
        click.echo(f"check says so of both: set WORKFLOW_DATABASE_URL to {shown(target)} everywhere")


def _tell(table: str, done: int, many: int) -> None:
    """Show progress on stderr: as it goes where somebody watches, else a line a table."""
    if done == many or sys.stderr.isatty():
        end = "\n" if done == many and (many or not done) else "\r"
        click.echo(f"{table}: {done} of {many}{end}", err=True, nl=False)
