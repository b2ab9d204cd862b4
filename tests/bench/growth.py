"""`python -m tests.bench.growth`: what grows with a store, from a thousand lifecycles to a million, on both.

Real events of a few users are told again by SQL for many. Beside them one user has 20,000 claims, of whom as
many events wait. WORKFLOW_BENCH_LIFECYCLES names other sizes, least first.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import psycopg
from flask.testing import FlaskClient
from rich.console import Console
from rich.table import Table

from tests.stores.filled import Run, multiply, running
from tests.stores.postgres.server import server
from webapp import create_app
from workflow_fsm import Settings, Transition, Workflow

SIZES = [
    int(one) for one in os.environ.get("WORKFLOW_BENCH_LIFECYCLES", "1000,10000,100000,1000000").split(",")
]
BIG, MANY, FEW = "big", 20_000, 200
USERS, CLAIMS = 10, 100
TURNS = 15
_TABLES = ("users", "lifecycles", "history", "events", "event_ids", "waits", "cases", "aliases", "effects")
_AT_ONCE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An open store of one size, and what is asked of it."""

    url: str
    workflow: Workflow
    client: FlaskClient


def main() -> None:
    """Measure, and print a table of each store."""
    console = Console(width=120)
    with ExitStack() as stack:
        home = Path(
            stack.enter_context(tempfile.TemporaryDirectory(dir=os.environ.get("WORKFLOW_BENCH_FOLDER")))
        )
        running_server = stack.enter_context(server(lasting=True))
        for name, make in (
            ("SQLite", lambda size: f"sqlite:///{home / f'{size}.db'}"),
            ("PostgreSQL", lambda size: running_server.url(running_server.make())),
        ):
            console.print(grown(name, make))


def grown(store: str, make: Callable[[int], str]) -> Table:
    """Measure stores of every size; give the table of what each question took."""
    took: dict[str, list[float]] = {what: [] for what in QUESTIONS}
    for size in SIZES:
        url = make(size)
        fill(url, size)
        with Workflow.open(url, settings=Settings()) as workflow:
            asked = Asked(url=url, workflow=workflow, client=create_app(workflow).test_client())
            for what, seconds in timed(asked).items():
                took[what].append(seconds)
        if url.startswith("sqlite:///"):
            Path(url.removeprefix("sqlite:///")).unlink()
    table = Table(
        title=f"{store}: what is asked, in ms, by how many lifecycles there are", title_justify="left"
    )
    table.add_column("what", no_wrap=True)
    for size in SIZES:
        table.add_column(f"{size:,}", justify="right")
    table.add_column("last / first", justify="right")
    for what, each in took.items():
        table.add_row(what, *(f"{one * 1000:.2f}" for one in each), f"{each[-1] / each[0]:.1f}")
    return table


def timed(asked: Asked) -> dict[str, float]:
    """Give the seconds that each question takes: the least of some turns, since what else goes on only adds.

    They take turns, so that what goes on for a while is in the way of all.
    """
    seconds: dict[str, list[float]] = {what: [] for what in QUESTIONS}
    for turn in range(TURNS):
        for what, ask in QUESTIONS.items():
            since = perf_counter()
            ask(asked, turn)
            seconds[what].append(perf_counter() - since)
    return {what: min(each) for what, each in seconds.items()}


# -- the stores


def fill(url: str, lifecycles: int) -> None:
    """Fill a store with so many lifecycles of many users, and the user who has many beside them."""
    with Workflow.open(url, settings=Settings()) as workflow:
        workflow.on_enter("submitted", name="noted")(_nothing)
        workflow.on_transition(trigger="payout_received", name="fails", tries=1)(_nothing)
        for user in range(USERS):
            _live(workflow, f"user-{user}", CLAIMS, waiting=5)
        _live(workflow, BIG, FEW, waiting=FEW)
    with _loading(url) as run:
        run("UPDATE effects SET standing = 'dead' WHERE handler = 'fails' AND seq % 4 = 0")
        run("UPDATE effects SET standing = 'done' WHERE standing = 'owed'")
        multiply(run, BIG, MANY // FEW)
        _multiply_users(run, lifecycles // (USERS * CLAIMS))


@contextmanager
def _loading(url: str) -> Iterator[Run]:
    """Run SQL in a store that nobody would miss yet, and leave it as a server has it after a night."""
    if not url.startswith("sqlite:///"):
        with running(url) as run:
            yield run
        with psycopg.connect(url, autocommit=True) as served:
            served.execute("VACUUM ANALYZE")
        return
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -1000000"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN")
        yield connection.execute
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")


def _live(workflow: Workflow, user: str, claims: int, *, waiting: int) -> None:
    """Let one user's events come: of the claims a fifth is filed, a tenth is paid, and some money waits."""
    workflow.fire("sync_complete", user_id=user, sync_id="s")
    found = [{"claim_id": f"c{number}", "amount": "12.50"} for number in range(claims)]
    workflow.fire("detection_complete", user_id=user, sync_id="s", claims=found)
    for number in range(claims // 5):
        claim = {"user_id": user, "claim_id": f"c{number}", "event_id": f"filed-{number}"}
        workflow.fire("claim_submitted", **claim, amazon_case_id=f"k{number}")
    for number in range(claims // 10):
        claim = {"user_id": user, "claim_id": f"c{number}", "event_id": f"paid-{number}"}
        workflow.fire("payout_received", **claim, amount="12.50")
    for number in range(waiting):
        named = {"amazon_case_id": f"unknown-{number}"} if number % 2 else {}
        told = {"user_id": user, "amount": "1.00", "event_id": f"waits-{number}"}
        workflow.fire("payout_received", **told, **named)


def _multiply_users(run: Run, times: int) -> None:
    """Tell of the few users again, under other names, until there are so many times as many."""
    for first in range(1, times, _AT_ONCE):
        last = min(first + _AT_ONCE, times) - 1
        for table in _TABLES:
            names = [column[0] for column in run(f"SELECT * FROM {table} LIMIT 0").description]  # noqa: S608  # of ours
            into = ", ".join(f'"{name}"' for name in names)
            values = ", ".join(
                f"{table}.user_id || '-' || copies.n" if name == "user_id" else f'{table}."{name}"'
                for name in names
            )
            run(
                f"""
                WITH RECURSIVE copies (n) AS (
                    SELECT {first} UNION ALL SELECT n + 1 FROM copies WHERE n < {last}
                )
                INSERT INTO {table} ({into}) SELECT {values} FROM copies CROSS JOIN {table}
                WHERE user_id IN ({", ".join(f"'user-{user}'" for user in range(USERS))})
                """  # noqa: S608  # of ours
            )


def _nothing(told: Transition) -> None:
    pass


# -- the questions


def _open(asked: Asked, turn: int) -> None:
    Workflow.open(asked.url, settings=Settings()).close()


def _pay(asked: Asked, turn: int) -> None:
    told = {"user_id": "user-3", "claim_id": f"c{turn + 20}", "event_id": f"turn-{turn}"}
    asked.workflow.fire("payout_received", **told, amount="1.00")


def _pay_of_many(asked: Asked, turn: int) -> None:
    told = {"user_id": BIG, "claim_id": f"c{turn + 60}", "event_id": f"turn-{turn}"}
    asked.workflow.fire("payout_received", **told, amount="1.00")


QUESTIONS: Mapping[str, Callable[[Asked, int], object]] = {
    "open and close": _open,
    "a payout": _pay,
    f"a payout, of {MANY:,} claims": _pay_of_many,
    "status": lambda asked, turn: asked.workflow.status("user-3"),
    f"status, of {MANY:,} claims and waits": lambda asked, turn: asked.workflow.status(BIG),
    "history": lambda asked, turn: asked.workflow.history("user-3"),
    f"history, of {MANY:,} claims": lambda asked, turn: asked.workflow.history(BIG),
    "a dead letter, the oldest": lambda asked, turn: asked.workflow.dead_letters(kind="event", limit=1),
    f"ten dead letters, of {MANY:,}": lambda asked, turn: asked.workflow.dead_letters(
        kind="event", user_id=BIG, limit=10
    ),
    "what timers make due": lambda asked, turn: asked.workflow.tick(),
    "/metrics": lambda asked, turn: asked.client.get("/metrics"),
    "behind it: the backlog": lambda asked, turn: asked.workflow.backlog(),
    "behind it: the totals": lambda asked, turn: asked.workflow.totals(),
}
"""What is asked of each store, once a turn."""

if __name__ == "__main__":
    main()
