"""Forgetting on the command line: all that was kept of a user is erased, once somebody has said so."""

from __future__ import annotations

import click

from workflow_fsm.cli.exit_codes import UNKNOWN, Failure
from workflow_fsm.cli.options import common, existing, text
from workflow_fsm.cli.terminal import print_lines, show_json, table
from workflow_fsm.read.shapes import Forgotten


@click.command()
@click.argument("user_id", callback=text)
@click.option(
    "--reason",
    required=True,
    callback=text,
    metavar="TEXT",
    help="Why; kept for ever, so name a ticket and not the user.",
)
@click.option(
    "--vacuum",
    is_flag=True,
    help="Write a SQLite file anew, so that not even fragments of keys are left; nobody can write meanwhile.",
)
@common
def forget(user_id: str, reason: str, vacuum: bool, as_json: bool, database: str | None) -> None:
    """Erase all that is kept of the user USER_ID. It can't be undone.

    What is owed is void, dead letters are gone, money that waits counts as dropped. What is left is a stub
    that doesn't tell who it was: how many rows there were, their root, the money by currency; with it `check`
    and all totals add up. Where much is kept, others' events pass between the steps; run it again where it
    was interrupted. An event of that user that comes afterwards begins anew.

    Nothing is asked first. Ends with 4 for a user of whom nothing is known.
    """
    with existing(database) as workflow:
        told = workflow.forget(user_id, reason=reason, actor="cli", vacuum=vacuum)
    if told is None:
        what = f"nothing is known of the user {user_id!r}"
        raise Failure(UNKNOWN, "unknown-user", what, user_id=user_id)
    if as_json:
        show_json(told)
    else:
        _show(told)


def _show(told: Forgotten) -> None:
    """Print what is left of a user who was forgotten."""
    tables = ", ".join(f"{many} {name}" for name, many in told.kept.items() if many)
    print_lines([f"erased {told.rows} rows" + (f": {tables}" if tables else "")])
    table(
        ("currency", "payouts less reversals", "recovered", "dropped"),
        [(currency, *sums.values()) for currency, sums in told.money.items()],
        numbers=range(1, 4),
    )
    print_lines([f"stub: {told.id}", f"root: {told.root}"])
    if told.faults:
        print_lines([f"the user's rows were damaged: check found {told.faults} faults"])
