"""Dead letters on the command line: listed, retried one by one or all that match, dropped, restored."""

from __future__ import annotations

from typing import Any

import click
from click.core import ParameterSource

from workflow_fsm.cli import printing as show
from workflow_fsm.cli.exit_codes import REFUSED
from workflow_fsm.cli.options import F, common, existing, hand_down, limit, text
from workflow_fsm.cli.terminal import show_json
from workflow_fsm.core.model.inbox import FORCE, LAID_OVER

ACTOR = "cli"


def matching(command: F) -> F:
    """Add the options by which dead letters are chosen."""
    kind = click.option(
        "--kind",
        type=click.Choice(["event", "effect"]),
        help="Only events (refused, expired, or waiting with money), or only effects.",
    )
    user = click.option("--user", "user_id", callback=text, metavar="USER_ID", help="Only this user's.")
    handler = click.option("--handler", callback=text, metavar="NAME", help="Only effects of this handler.")
    trigger = click.option("--trigger", callback=text, help="Only what is of this trigger.")
    return kind(user(handler(trigger(command))))


_OPTIONS = {
    "claim_id": ("--claim", "Judge the event as one for this claim."),
    "amazon_case_id": ("--case", "Judge the event as one for this case."),
    "currency": ("--currency", "What its money is in."),
    "line_id": ("--line", "Which line of its reimbursement it is."),
    "original_reimbursement_id": ("--original", "Which reimbursement the reversal takes back."),
    FORCE: ("--force", "Let through money that conflicts, or that takes back more than is left."),
}
_KNOWN = {name: _OPTIONS[name] for name in (*LAID_OVER, FORCE)}


def knowledge(command: F) -> F:
    """Add the options by which a person tells what they know of an event."""
    for name, (option, told) in reversed(_KNOWN.items()):
        if name == FORCE:
            command = click.option(option, name, is_flag=True, help=told)(command)
        else:
            command = click.option(option, name, callback=text, help=told)(command)
    return command


@click.group(invoke_without_command=True)
@matching
@click.option("--dropped", is_flag=True, help="Those that were dropped, which `restore` brings back.")
@click.option("--errors", is_flag=True, help="Print the last traceback of each handler below the list.")
@limit
@click.option("--cursor", callback=text, help="Go on behind this `next_cursor`.")
@common
@click.pass_context
def deadletters(
    ctx: click.Context, /, as_json: bool, database: str | None, errors: bool, **which: Any
) -> None:
    """List dead letters, oldest first; `retry`, `drop` and `restore` act on them.

    A dead letter is what can't go on by itself: an event that was refused or whose wait ended, money that
    waits, or an effect past its last try.
    """
    if ctx.invoked_subcommand is not None:
        for parameter in ctx.command.params:
            name = str(parameter.name)
            lists = name in which or name == "errors"
            if lists and ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
                raise click.UsageError(
                    f"{parameter.opts[0]} stands before {ctx.invoked_subcommand}; it chooses what is listed."
                )
        hand_down(ctx, as_json=as_json, database=database)
        return
    with existing(database) as workflow:
        found = workflow.dead_letters(**which)
    if as_json:
        show_json({"deadletters": found, "next_cursor": found.next_cursor})
    else:
        show.show_dead_letters(found, errors=errors)


@deadletters.command()
@click.argument("letter_id", required=False, callback=text, metavar="[ID]")
@knowledge
@click.option("--all", "every", is_flag=True, help="Retry all that match the four options below.")
@matching
@click.option("--dry-run", is_flag=True, help="Only count what --all would retry.")
@click.option("--reason", callback=text, metavar="TEXT", help="Why; kept with the act.")
@common
def retry(
    letter_id: str | None,
    every: bool,
    dry_run: bool,
    reason: str | None,
    as_json: bool,
    database: str | None,
    **given: Any,
) -> None:
    """Try the dead letter ID again: judge its event anew as things stand now, or owe its effect anew.

    What a person knows of the event is laid over what it said: money that waits is given to the claim that
    --claim names. Ends with 1 where it is refused again (with --all: where any is), and with 4 where there is
    no such dead letter.
    """
    known = {name: given.pop(name) for name in _KNOWN}
    which = given
    if every == (letter_id is not None):
        raise click.UsageError("give either the ID of a dead letter or --all.")
    for name, value in known.items():
        if every and value:
            raise click.UsageError(f"{_KNOWN[name][0]} is for one dead letter, not for --all.")
    if not every:
        stray = [name for name, value in {**which, "dry-run": dry_run}.items() if value]
        if stray:
            raise click.UsageError(f"--{stray[0].removesuffix('_id')} goes with --all.")
    if letter_id is not None:
        with existing(database) as workflow:
            told = workflow.retry_dead_letter(letter_id, **known, actor=ACTOR, reason=reason)
        if as_json:
            show_json(told)
        else:
            show.show_retry(told)
        return
    with existing(database) as workflow:
        retried = workflow.retry_dead_letters(dry_run=dry_run, actor=ACTOR, reason=reason, **which)
    if as_json:
        show_json(retried)
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
    """End the dead letter ID: nothing is done about it any more, unless `restore` brings it back.

    Money that is dropped is counted as dropped, no longer as unapplied; the event's ids bind nobody any more.
    Ends with 4 where there is no such dead letter.
    """
    with existing(database) as workflow:
        told = workflow.drop_dead_letter(letter_id, reason=reason, actor=ACTOR)
    if as_json:
        show_json(told)
    else:
        click.echo("the dead letter is dropped")


@deadletters.command()
@click.argument("letter_id", callback=text, metavar="ID")
@click.option("--reason", callback=text, metavar="TEXT", help="Why; kept with the act.")
@common
def restore(letter_id: str, reason: str | None, as_json: bool, database: str | None) -> None:
    """Bring the dropped dead letter ID back; `deadletters --dropped` lists them.

    Money that waits is judged again, and may be applied at once. Ends with 4 where no such dead letter was
    dropped.
    """
    with existing(database) as workflow:
        told = workflow.restore_dead_letter(letter_id, actor=ACTOR, reason=reason)
    if as_json:
        show_json(told)
    else:
        click.echo("the dead letter is restored")
