"""Dead letters on the command line: listed, retried one by one or all that match, dropped for a reason."""

from __future__ import annotations

from typing import Any

import click
from click.core import ParameterSource

from workflow_fsm.cli import printing as show
from workflow_fsm.cli.exit_codes import REFUSED
from workflow_fsm.cli.options import F, common, existing, hand_down, limit, text

ACTOR = "cli"


def matching(command: F) -> F:
    """Add the options by which dead letters are chosen."""
    kind = click.option(
        "--kind",
        type=click.Choice(["event", "effect"]),
        help="Only events (refused, expired, or waiting with money), or only effects.",
    )
    user = click.option("--user", "user_id", callback=text, metavar="USER_ID", help="Only this user's.")
    return kind(user(command))


@click.group(invoke_without_command=True)
@matching
@limit
@click.option("--cursor", callback=text, help="Go on behind this `next_cursor`.")
@common
@click.pass_context
def deadletters(ctx: click.Context, /, as_json: bool, database: str | None, **which: Any) -> None:
    """List dead letters, oldest first; `retry` and `drop` act on them.

    A dead letter is what can't go on by itself: an event that was refused or whose wait ended, money that
    waits, or an effect past its last try.
    """
    if ctx.invoked_subcommand is not None:
        for parameter in ctx.command.params:
            name = str(parameter.name)
            if name in which and ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
                raise click.UsageError(
                    f"{parameter.opts[0]} stands before {ctx.invoked_subcommand}; it chooses what is listed."
                )
        hand_down(ctx, as_json=as_json, database=database)
        return
    with existing(database) as workflow:
        found = workflow.dead_letters(**which)
    if as_json:
        show.show_json({"deadletters": found, "next_cursor": found.next_cursor})
    else:
        show.show_dead_letters(found)


@deadletters.command()
@click.argument("letter_id", required=False, callback=text, metavar="[ID]")
@click.option("--claim", "claim_id", callback=text, help="Judge the event as one for this claim.")
@click.option("--all", "every", is_flag=True, help="Retry all that match the four options below.")
@matching
@click.option("--handler", callback=text, metavar="NAME", help="Only effects of this handler.")
@click.option("--trigger", callback=text, help="Only what is of this trigger.")
@click.option("--dry-run", is_flag=True, help="Only count what --all would retry.")
@click.option("--reason", callback=text, metavar="TEXT", help="Why; kept with the act.")
@common
def retry(
    letter_id: str | None,
    claim_id: str | None,
    every: bool,
    dry_run: bool,
    reason: str | None,
    as_json: bool,
    database: str | None,
    **which: Any,
) -> None:
    """Try the dead letter ID again: judge its event anew as things stand now, or owe its effect anew.

    Money that waits is given to the claim that --claim names. Ends with 1 where it is refused again (with
    --all: where any is), and with 4 where there is no such dead letter.
    """
    if every == (letter_id is not None):
        raise click.UsageError("give either the ID of a dead letter or --all.")
    if every and claim_id is not None:
        raise click.UsageError("--claim is for one dead letter, not for --all.")
    if not every:
        stray = [name for name, value in {**which, "dry-run": dry_run}.items() if value]
        if stray:
            raise click.UsageError(f"--{stray[0].removesuffix('_id')} goes with --all.")
    if letter_id is not None:
        with existing(database) as workflow:
            told = workflow.retry_dead_letter(letter_id, claim_id=claim_id, actor=ACTOR, reason=reason)
        if as_json:
            show.show_json(told)
        else:
            show.show_retry(told)
        return
    with existing(database) as workflow:
        retried = workflow.retry_dead_letters(dry_run=dry_run, actor=ACTOR, reason=reason, **which)
    if as_json:
        show.show_json(retried)
    else:
        show.show_retried(retried, dry_run=dry_run)
    if retried.failed:
        click.echo(f"Error: {retried.failed} of {retried.matched} failed again", err=True)
        raise click.exceptions.Exit(REFUSED)


@deadletters.command()
@click.argument("letter_id", callback=text, metavar="ID")
@click.option("--reason", required=True, callback=text, metavar="TEXT", help="Why; kept with the act.")
@common
def drop(letter_id: str, reason: str, as_json: bool, database: str | None) -> None:
    """End the dead letter ID for good: nothing is done about it any more. It stays in the store.

    Money that is dropped is counted as dropped, no longer as unapplied. Ends with 4 where there is no such
    dead letter.
    """
    with existing(database) as workflow:
        told = workflow.drop_dead_letter(letter_id, reason=reason, actor=ACTOR)
    if as_json:
        show.show_json(told)
    else:
        click.echo("the dead letter is dropped")
