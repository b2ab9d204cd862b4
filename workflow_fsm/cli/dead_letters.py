"""Dead letters on the command line: listed, retried one by one or all that match, dropped, restored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
from click.core import ParameterSource

from workflow_fsm.cli.exit_codes import REFUSED
from workflow_fsm.cli.options import F, common, existing, hand_down, limit, text
from workflow_fsm.cli.printing import amount_of, instant, show_outcome, sums_of, tell_more
from workflow_fsm.cli.terminal import print_lines, show_json, table
from workflow_fsm.core.model.inbox import FORCE, LAID_OVER
from workflow_fsm.core.outcome import Outcome
from workflow_fsm.core.records import EventAnswer
from workflow_fsm.parts.many_dead_letters import MatchedLetter
from workflow_fsm.read.dead_letters import DeadLetterPage
from workflow_fsm.read.letter_shapes import DroppedLetters, RetriedLetters, RevivedEffect

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
    reason = click.option(
        "--reason-contains",
        callback=text,
        metavar="TEXT",
        help="Only those in whose reason this stands, in either case.",
    )
    return kind(user(handler(trigger(reason(command)))))


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
        show_dead_letters(found, errors=errors)


@deadletters.command()
@click.argument("letter_id", required=False, callback=text, metavar="[ID]")
@knowledge
@click.option("--all", "every", is_flag=True, help="Retry all that match the five options below.")
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
        stray = [name for name, value in {**which, "dry_run": dry_run}.items() if value]
        if stray:
            raise click.UsageError(f"{_option(stray[0])} goes with --all.")
    if letter_id is not None:
        with existing(database) as workflow:
            told = workflow.retry_dead_letter(letter_id, **known, actor=ACTOR, reason=reason)
        if as_json:
            show_json(told)
        else:
            show_retry(told)
        return
    heard = None if as_json else _tell
    with existing(database) as workflow:
        retried = workflow.retry_dead_letters(
            dry_run=dry_run, actor=ACTOR, reason=reason, heard=heard, **which
        )
    if as_json:
        show_json(retried)
    else:
        show_retried(retried, dry_run=dry_run)
    if retried.failed:
        click.echo(f"Error: {retried.failed} of {retried.matched} failed again", err=True)
        raise click.exceptions.Exit(REFUSED)


@deadletters.command()
@click.argument("letter_id", required=False, callback=text, metavar="[ID]")
@click.option("--all", "every", is_flag=True, help="Drop all that match the five options below.")
@matching
@click.option("--dry-run", is_flag=True, help="Only count what --all would drop, and its money.")
@click.option("--reason", callback=text, metavar="TEXT", help="Why; kept with the act, and required for it.")
@common
def drop(
    letter_id: str | None,
    every: bool,
    dry_run: bool,
    reason: str | None,
    as_json: bool,
    database: str | None,
    **which: Any,
) -> None:
    """End the dead letter ID: nothing is done about it any more, unless `restore` brings it back.

    Money that is dropped is counted as dropped, no longer as unapplied; the event's ids bind nobody any more.
    Ends with 4 where there is no such dead letter.
    """
    if every == (letter_id is not None):
        raise click.UsageError("give either the ID of a dead letter or --all.")
    stray = [name for name, value in {**which, "dry_run": dry_run}.items() if value and not every]
    if stray:
        raise click.UsageError(f"{_option(stray[0])} goes with --all.")
    if reason is None and not dry_run:
        raise click.UsageError("--reason is missing: it is kept with the act.")
    if letter_id is not None:
        with existing(database) as workflow:
            told = workflow.drop_dead_letter(letter_id, reason=reason or "", actor=ACTOR)
        if as_json:
            show_json(told)
        else:
            click.echo("the dead letter is dropped")
        return
    heard = None if as_json else _tell
    with existing(database) as workflow:
        dropped = workflow.drop_dead_letters(
            reason=reason, dry_run=dry_run, actor=ACTOR, heard=heard, **which
        )
    if as_json:
        show_json(dropped)
    else:
        show_dropped_letters(dropped, dry_run=dry_run)


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


# -- what is printed


def show_dead_letters(dead_letters: DeadLetterPage, *, errors: bool = False) -> None:
    """Print dead letters, oldest first; with `errors`, below them the last traceback of each handler."""
    columns = ("id", "kind", "at", "user", "claim", "trigger", "amount", "handler", "tries", "event")
    table(
        (*columns, "reason"),
        [
            (
                one.id,
                one.kind,
                instant(one.at),
                one.user_id,
                one.claim_id,
                one.trigger,
                amount_of(one.amount, one.currency),
                one.handler,
                one.attempts,
                one.event_id,
                one.reason,
            )
            for one in dead_letters
        ],
    )
    if not dead_letters:
        print_lines(["no dead letters"])
    for one in dead_letters if errors else ():
        if one.error is not None:
            print_lines(["", f"{one.id} ({one.handler})", *(f"  {line}" for line in one.error.splitlines())])
    tell_more(dead_letters.next_cursor)


def show_retry(told: EventAnswer | RevivedEffect) -> None:
    """Print what became of a dead letter that was retried."""
    if told.status == "owed":
        print_lines(["the effect is owed anew"])
    elif told.status == "void":
        print_lines(["the effect is void: it was work for being in a state that the claim has left"])
    else:
        show_outcome(Outcome.from_dict(told))


def show_retried(told: RetriedLetters, *, dry_run: bool) -> None:
    """Print what became of the dead letters that match."""
    if dry_run:
        print_lines([f"{_many(told.matched)} would be retried{_worth(told.money)}"])
        return
    waiting = f", {told.waiting} wait{'s' if told.waiting == 1 else ''} again" if told.waiting else ""
    settled = f"{told.settled} of {_many(told.matched)} settled{_worth(told.settled_money)}"
    print_lines([f"{settled}{waiting}"])


def show_dropped_letters(told: DroppedLetters, *, dry_run: bool) -> None:
    """Print how many of the dead letters that match were dropped."""
    if dry_run:
        print_lines([f"{_many(told.matched)} would be dropped{_worth(told.money)}"])
        return
    gone = f", {told.failed} settled by somebody else meanwhile" if told.failed else ""
    print_lines([f"{told.dropped} of {_many(told.matched)} dropped{_worth(told.money)}{gone}"])


def _tell(letter: MatchedLetter, how: str) -> None:
    """Print what became of one of many."""
    what = letter.handler or letter.trigger or "?"
    of = f"event {letter.event_id}" if letter.handler is None else f"effect {letter.id}"
    whose = letter.user_id if letter.claim_id is None else f"{letter.user_id}, claim {letter.claim_id}"
    worth = f", {amount_of(letter.amount, letter.currency)}" if letter.is_money else ""
    print_lines([f"{how}: {what} of {whose}{worth} ({of})"])


def _many(number: int) -> str:
    return f"{number} dead letter{'' if number == 1 else 's'}"


def _worth(money: Mapping[str, str]) -> str:
    return f": {sums_of(money)}" if money else ""


def _option(name: str) -> str:
    """Give the option of a parameter's name."""
    return f"--{name.removesuffix('_id').replace('_', '-')}"
