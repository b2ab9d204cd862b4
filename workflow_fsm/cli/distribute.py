"""Spreading on the command line: what spreads a store over the nodes of a Citus cluster, printed or run."""

from __future__ import annotations

import click

from workflow_fsm.cli.exit_codes import without_extra
from workflow_fsm.cli.options import common, settings_for
from workflow_fsm.cli.terminal import show_json
from workflow_fsm.stores.url import is_served
from workflow_fsm.workflow import Workflow


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
