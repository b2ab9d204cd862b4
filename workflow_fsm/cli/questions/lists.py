"""Lists across users on the command line: claims, money, users and effects, a page or all of them.

A page is a table, or with --json what HTTP answers. --csv and --ndjson give all that is behind the cursor,
as it is read, unless --limit bounds it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click
from click.core import ParameterSource

from workflow_fsm.cli.options import common, existing, formats, limit, text
from workflow_fsm.cli.printing import CELLS, amount_of, cells_of, instant, sums_of, tell_more
from workflow_fsm.cli.questions.whole import tell_claim
from workflow_fsm.cli.terminal import print_lines, show_json, show_pieces, table
from workflow_fsm.core.definition.facts import DECISIONS
from workflow_fsm.read.across.claims_asked import SORTS
from workflow_fsm.read.across.paging import Rows
from workflow_fsm.read.across.sheets import Question, csv_pieces, ndjson_pieces
from workflow_fsm.results import ClaimRow, EffectRow, MoneyRow, UserRow

_cursor = click.option("--cursor", callback=text, help="Go on behind this `next_cursor`.")
_user = click.option("--user", "user_id", callback=text, metavar="USER_ID", help="Only this user's.")
_WAYS = [f"{way}{one}" for one in SORTS for way in ("", "-")]


@click.command()
@click.argument("user_id", required=False, callback=text)
@click.argument("claim_id", required=False, callback=text)
@click.option("--state", callback=text, help="Only those in this state.")
@click.option("--decision", type=click.Choice(DECISIONS), help="Only matches with this decision.")
@click.option("--currency", callback=text, help="Only those in this currency.")
@click.option("--case", "amazon_case_id", callback=text, metavar="CASE", help="Only those of this case.")
@click.option(
    "--reimbursement",
    "reimbursement_id",
    callback=text,
    metavar="ID",
    help="Only those with money of this reimbursement.",
)
@click.option("--q", callback=text, metavar="TEXT", help="Only those whose id, or alias, begins so.")
@click.option(
    "--due-before", callback=text, metavar="INSTANT", help="Only those with a deadline before it (ISO 8601)."
)
@click.option("--overdue/--not-overdue", default=None, help="Whether the deadline passed before a filing.")
@click.option("--waiting/--not-waiting", default=None, help="Whether an event waits that names them.")
@click.option(
    "--sort",
    type=click.Choice(_WAYS),
    default="entered_at",
    show_default=True,
    help="What is least comes first, with - what is greatest; what has none comes last.",
)
@limit
@_cursor
@formats
@common
@click.pass_context
def claims(
    ctx: click.Context,
    /,
    user_id: str | None,
    claim_id: str | None,
    as_json: bool,
    database: str | None,
    **asked: Any,
) -> None:
    """List claims of all users, chosen and sorted; or tell all of one claim.

    With USER_ID and CLAIM_ID (an alias too): where it stands, what each trigger would meet, what waits for
    it, what is owed for it, and its history. Ends with 4 where there is no such claim.
    """
    if user_id is not None:
        if claim_id is None:
            raise click.UsageError("USER_ID goes with a CLAIM_ID; `status USER_ID` lists a user's claims.")
        given = [one for one in asked if ctx.get_parameter_source(one) is ParameterSource.COMMANDLINE]
        if given:
            raise click.UsageError("One claim is told of whole; the options that choose some are for lists.")
        tell_claim(user_id, claim_id, as_json=as_json, database=database)
        return
    _give("claims", as_json, database, asked, _show_claims)


@click.command()
@_user
@click.option("--currency", callback=text, help="Only what is in this currency.")
@click.option("--since", callback=text, metavar="INSTANT", help="Only what came in then or later.")
@click.option("--until", callback=text, metavar="INSTANT", help="Only what came in before.")
@click.option(
    "--standing",
    type=click.Choice(["recovered", "unapplied", "dropped"]),
    help="Only what was booked, what waits, or what was dropped.",
)
@limit
@_cursor
@formats
@common
def money(as_json: bool, database: str | None, **asked: Any) -> None:
    """List each payout and reversal, as they came in.

    Payouts less reversals of each standing are what status and check say of it.
    """
    _give("money", as_json, database, asked, _show_money)


@click.command()
@click.option("--q", callback=text, metavar="TEXT", help="Only those whose id begins so.")
@limit
@_cursor
@formats
@common
def users(as_json: bool, database: str | None, **asked: Any) -> None:
    """List the users of whom anything is known, with their money."""
    _give("users", as_json, database, asked, _show_users)


@click.command()
@click.option("--handler", callback=text, metavar="NAME", help="Only those of this handler.")
@click.option(
    "--standing",
    type=click.Choice(["owed", "running", "paused", "dead", "done"]),
    help="Only those that stand so; paused ones are between two tries.",
)
@_user
@click.option("--claim", "claim_id", callback=text, help="Only those of this claim; with --user.")
@limit
@_cursor
@formats
@common
def effects(as_json: bool, database: str | None, **asked: Any) -> None:
    """List what transitions owe, and what was done of it."""
    _give("effects", as_json, database, asked, _show_effects)


def _give(
    question: Question,
    as_json: bool,
    database: str | None,
    asked: dict[str, Any],
    show: Callable[[Sequence[Any]], None],
) -> None:
    """Ask, and print what is answered in the form that is asked for."""
    form = asked.pop("form")
    if form is not None and as_json:
        raise click.UsageError(f"--json gives a page, and --{form} all; give one of them.")
    told = click.get_current_context().get_parameter_source("limit") is ParameterSource.COMMANDLINE
    most = asked.pop("limit") if form is None or told else asked.pop("limit") and None
    with existing(database) as workflow:
        ask: Callable[..., Rows[Any]] = getattr(workflow, question)
        rows = ask(**{name: value for name, value in asked.items() if value is not None}, limit=most)
        if form is not None:
            show_pieces(csv_pieces(question, rows) if form == "csv" else ndjson_pieces(rows))
            return
        page = list(rows)
    if as_json:
        show_json({question: page, "next_cursor": rows.next_cursor})
        return
    show(page)
    if not page:
        print_lines([f"no {question}"])
    tell_more(rows.next_cursor)


def _show_claims(rows: Sequence[ClaimRow]) -> None:
    table(
        ("user", "claim", "state", *CELLS),
        [
            (
                one.user_id,
                " = ".join([one.claim_id or f"(the sync {one.sync_id})", *one.aliases]),
                f"{one.state}, overdue" if one.overdue else one.state,
                *cells_of(one),
            )
            for one in rows
        ],
    )


def _show_money(rows: Sequence[MoneyRow]) -> None:
    columns = ("user", "claim", "case", "reimbursement", "line", "what", "amount", "standing", "at", "event")
    table(
        columns,
        [
            (
                one.user_id,
                one.claim_id,
                one.amazon_case_id,
                one.reimbursement_id,
                one.line_id,
                one.trigger,
                amount_of(one.amount, one.currency),
                one.standing,
                instant(one.at),
                one.event_id,
            )
            for one in rows
        ],
        numbers=(6,),
    )


def _show_users(rows: Sequence[UserRow]) -> None:
    table(
        ("user", "recovered", "unapplied", "last change"),
        [
            (
                one.user_id,
                sums_of(one.recovered) if one.recovered else "",
                sums_of(one.unapplied) if one.unapplied else "",
                instant(one.updated_at),
            )
            for one in rows
        ],
    )


def _show_effects(rows: Sequence[EffectRow]) -> None:
    table(
        ("user", "claim", "sync", "handler", "trigger", "standing", "tries", "due", "key", "error"),
        [
            (
                one.user_id,
                one.claim_id,
                one.sync_id if one.claim_id is None else "",
                one.handler,
                one.trigger,
                one.standing,
                f"{one.attempt} of {one.tries}",
                instant(one.due_at),
                one.key,
                one.error,
            )
            for one in rows
        ],
        prose=("error",),
    )
