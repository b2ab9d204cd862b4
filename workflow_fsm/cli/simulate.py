"""Simulation on the command line: a believable day for a service, or many days in this process."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from workflow_fsm.cli import printing as show
from workflow_fsm.cli.exit_codes import INVALID, REFUSED, STORE, Failure, without_extra
from workflow_fsm.cli.options import common, settings_for, text
from workflow_fsm.cli.terminal import print_lines, show_json
from workflow_fsm.core.errors import StoreRefused
from workflow_fsm.simulate.days import START, Simulation
from workflow_fsm.stores.url import is_served, sqlite_file
from workflow_fsm.workflow import utc_now

if TYPE_CHECKING:
    from workflow_fsm.simulate.posting import Prove

DAY_HOUR = timedelta(minutes=8)
"""How long an hour of a claim's life is where all of it is told as one day."""


@click.command()
@click.option("--url", callback=text, metavar="URL", help="Post a day to the service at this URL.")
@click.option("--users", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Sellers.")
@click.option(
    "--seed", type=click.IntRange(0), help="The same seed tells the same; else one is made, and told."
)
@click.option(
    "--speed",
    type=click.FloatRange(0, min_open=True),
    default=20.0,
    show_default=True,
    help="With --url: messages a second.",
)
@click.option("--days", type=click.IntRange(1, 3650), help="Without --url: days, 100 if not said.")
@click.option("--claims", type=click.IntRange(1), help="Claims found a day: 100; with --url three a seller.")
@click.option(
    "--token",
    envvar="WORKFLOW_API_TOKEN",
    show_envvar=True,
    callback=text,
    help="A token that the service lets in.",
)
@click.option(
    "--secret",
    callback=text,
    envvar="WORKFLOW_WEBHOOK_SECRETS",
    show_envvar=True,
    help="A whsec_… secret to sign with, the first that is for all routes.",
)
@common
def simulate(
    url: str | None,
    users: int,
    seed: int | None,
    speed: float,
    days: int | None,
    claims: int | None,
    token: str | None,
    secret: str | None,
    as_json: bool,
    database: str | None,
) -> None:
    """Tell a believable story of many claims: syncs, detections, matches, filings, verdicts and money.

    With --url a day of it is posted to a running service, for somebody to look at. Without, days pass in this
    process against a clock of their own, in memory, or on a new file that --database names; the
    same seed leaves the same history, and it ends with what `check` says.

    \b
      workflow-fsm simulate --url http://127.0.0.1:8000 --users 50 --speed 20
      workflow-fsm simulate --seed 7 --days 100 --claims 100
    """
    seed = int(utc_now().timestamp()) if seed is None else seed
    if url is None:
        simulation = Simulation(seed=seed, start=START, users=users, days=days or 100, claims=claims or 100)
        _live(simulation, database, as_json=as_json)
        return
    if days is not None or database is not None:
        raise click.UsageError("--days and --database are for days in this process, without --url.")
    start = utc_now() - timedelta(days=1)
    simulation = Simulation(seed=seed, start=start, users=users, claims=claims or 3 * users, hour=DAY_HOUR)
    _post(simulation, url, _proof(token, secret), speed=speed, as_json=as_json)


def _live(simulation: Simulation, database: str | None, *, as_json: bool) -> None:
    from workflow_fsm.simulate.living import live  # of tests' clock, which no other command needs

    url = "sqlite:///:memory:"
    if database is not None:
        url = settings_for(database).database_url
        path = sqlite_file(url)
        if is_served(url) or (path is not None and Path(path).exists()):
            raise StoreRefused(f"days are lived through on a new SQLite file, and {database} is none")
    with _progress("days", simulation.days, is_shown=_is_shown(as_json)) as told:
        lived = live(url, simulation, told)
    if as_json:
        counted = {"seed": simulation.seed, "messages": lived.messages, "outcomes": dict(lived.outcomes)}
        show_json({**counted, "timers": lived.timers, "check": lived.report.as_dict()})
    else:
        print_lines([f"seed {simulation.seed}: {lived.messages} messages, {_counted(lived.outcomes)}"])
        print_lines([f"{lived.timers} deadlines passed in {simulation.days} days"])
        show.show_report(lived.report)
    if not lived.report.sound:
        raise click.exceptions.Exit(REFUSED)


def _proof(token: str | None, secret: str | None) -> Prove:
    """Say what proves who sends: a token, else the first secret that is for all routes; nothing without."""
    if token is not None:
        return lambda message_id, body: {"Authorization": f"Bearer {token}"}
    if secret is None:
        return lambda message_id, body: {}
    several = [one.strip() for one in secret.split(",")]
    first = next((one for one in several if one.startswith("whsec_")), several[0])  # one for all routes
    try:
        from webapp.access.sending import signed

        signed(first, "proof", b"", utc_now())
    except ModuleNotFoundError as error:
        raise without_extra("signing", "web", error) from error
    except ValueError as error:
        raise Failure(INVALID, "secret-invalid", f"the secret can't be signed with: {error}") from error
    return lambda message_id, body: signed(first, message_id, body, utc_now())


def _post(simulation: Simulation, url: str, prove: Prove, *, speed: float, as_json: bool) -> None:
    from workflow_fsm.simulate.posting import NotPosted, Poster

    messages = list(simulation.messages())
    outcomes: Counter[str] = Counter()
    try:
        with (
            closing(Poster(url, prove)) as poster,
            _progress("messages", len(messages), is_shown=_is_shown(as_json)) as told,
        ):

            def tell(outcome: str) -> None:
                outcomes[outcome] += 1
                told(outcomes.total())

            poster.post_all(messages, rate=speed, told=tell)
    except NotPosted as error:
        raise Failure(STORE, "not-posted", str(error), posted=outcomes.total()) from error
    if as_json:
        show_json({"seed": simulation.seed, "messages": len(messages), "outcomes": dict(outcomes)})
    else:
        print_lines([f"seed {simulation.seed}: {len(messages)} messages, {_counted(outcomes)}"])


def _counted(outcomes: Mapping[str, int]) -> str:
    return ", ".join(f"{many} {outcome}" for outcome, many in sorted(outcomes.items()))


def _is_shown(as_json: bool) -> bool:
    return not as_json and sys.stderr.isatty()


@contextmanager
def _progress(what: str, many: int, *, is_shown: bool) -> Iterator[Callable[[int], None]]:
    """Show a bar on stderr, and leave nothing of it."""
    if not is_shown:
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=many)
        yield lambda done: bar.update(task, completed=done)
