"""Migrating on the command line: a store up to this version's schema, into PostgreSQL, or over a cluster."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from workflow_fsm.cli import printing as show
from workflow_fsm.cli.exit_codes import REFUSED, without_extra
from workflow_fsm.cli.options import common, existing, refuse_missing, settings_for, text
from workflow_fsm.cli.terminal import show_json
from workflow_fsm.core.errors import StoreRefused
from workflow_fsm.definition.named import definition_for
from workflow_fsm.settings import Settings
from workflow_fsm.stores.schema.marks import who_stops
from workflow_fsm.stores.schema.versions import Schema
from workflow_fsm.stores.url import is_served, look, shown, sqlite_path
from workflow_fsm.workflow import Workflow, utc_now


@click.command()
@click.option("--check", is_flag=True, help="Only tell what is due, and end with 1 where anything is.")
@click.option("--to", "target", callback=text, metavar="URL", help="Copy a SQLite store into this database.")
@common
def migrate(check: bool, target: str | None, as_json: bool, database: str | None) -> None:
    """Apply the migrations that are due, as opening the store does; --check tells them and changes nothing.

    --check ends with 0 where nothing is due, with 1 where something is, and with 3 where a newer version has
    left a store that this one can't work on. Run it before an upgrade, by the new version: it says of each
    migration whether older versions go on beside it.

    With --to it copies a SQLite store, with all its history, into an empty PostgreSQL database. Stop the
    services and workers on it first: it takes no event meanwhile, and stays as it is. All is copied in one
    transaction, and committed only where `check` says the same of both; interrupted, nothing is kept.

    \b
      workflow-fsm migrate --check
      workflow-fsm migrate --database sqlite:///claims.db --to postgresql://me@host/claims
    """
    settings = settings_for(database)
    if check and target is not None:
        raise click.UsageError("--check tells of one store, and --to copies it to another; give one of them.")
    if target is not None:
        _copy(settings, target, as_json=as_json)
        return
    refuse_missing(settings)
    schema = look(settings.database_url)
    schema.refuse_newer()
    if not check:
        existing(database).close()
    _tell_schema(schema, as_json=as_json, check=check)
    if check and schema.due:
        raise click.exceptions.Exit(REFUSED)


@click.command()
@click.option("--run", is_flag=True, help="Run them in the store, but for tables that are spread already.")
@common
def distribute(run: bool, as_json: bool, database: str | None) -> None:
    """Print the statements that spread the store over a Citus cluster, by user; or --run them.

    Run it once the store is made and the cluster's nodes are added, and again after an upgrade that brought a
    table. What the tables hold is moved.
    """
    try:
        from workflow_fsm.stores.postgres import distribute as citus
        from workflow_fsm.stores.postgres.connecting import read_url
    except ModuleNotFoundError as error:
        raise without_extra("distribute", "postgres", error) from error
    told = [statement for _, statement in citus.statements()]
    if run:
        settings = settings_for(database)
        if not is_served(settings.database_url):
            raise click.UsageError("The store is a SQLite file; name one on a Citus coordinator.")
        Workflow.open(settings=settings).close()  # what migrations are due
        told = citus.distribute(read_url(settings.database_url))
    if as_json:
        show_json({"statements": told, "ran": run})
    else:
        click.echo("\n".join(told) if told else "every table is spread already")


def _tell_schema(schema: Schema, *, as_json: bool, check: bool) -> None:
    due = [{"name": name, "older_versions": who_stops(name)} for name in schema.due]
    if as_json:
        told = {"has": schema.newest, "needs": schema.known[-1], "newer": schema.newer}
        show_json({**told, "due" if check else "applied": due})
        return
    has = f"has the schema {schema.newest}" if schema.done else "is not made yet"
    click.echo(f"the store {has}; this version needs {schema.known[-1]}")
    for name in schema.newer:
        click.echo(f"newer: {name}: this version goes on beside it")
    for one in due:
        click.echo(f"{'due' if check else 'applied'}: {one['name']}: {one['older_versions']}")
    if not due:
        click.echo("nothing is due")


def _copy(settings: Settings, target: str, *, as_json: bool) -> None:
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
    copied = copy(path, target, definition_for(settings), now=utc_now(), progress=_tell)
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
