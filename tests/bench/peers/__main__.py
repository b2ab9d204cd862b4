"""`python -m tests.bench.peers`: this project beside others' libraries, by turns, each figure a median.

The peers are those of the extra `bench`, in an environment of their own that is made where it is missing. All
figures come from one run; the ratios count.
"""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
import tempfile
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

from rich.console import Console

from tests.bench.peers import environment, sides
from tests.bench.peers.environment import CannotRun
from tests.bench.peers.sides import SECONDS, STORE, Rounds, Side
from tests.bench.peers.table import Figures, Line, table
from tests.stores.postgres.server import server

_SAVES, _WORKFLOWS, _TASKS = "event_sourcing", "dbos_workflows", "absurd_tasks"
SIDES = [
    sides.effects("SQLite"),
    sides.peer("dbos", "DBOS on SQLite", _WORKFLOWS, "SQLite", STORE, 1, SECONDS),
    sides.peer("dbos", "DBOS on SQLite in WAL", _WORKFLOWS, "SQLite", STORE, 1, SECONDS, "--wal"),
    sides.fire(1, "SQLite"),
    sides.peer("eventsourcing", "eventsourcing, 1 thread", _SAVES, "file", STORE, 1, SECONDS),
    *(
        sides.peer("xstate-statemachine", name, "xstate_saves", "file", STORE, SECONDS, journal)
        for name, journal in (("xstate-statemachine", "WAL"), ("xstate-statemachine, DELETE", "DELETE"))
    ),
    sides.peer("eventsourcing", "eventsourcing, 32 threads", _SAVES, "file", STORE, 32, SECONDS),
    sides.fire(32, "SQLite"),
    sides.flask_view(wal=False),
    sides.webhooks(),
    sides.flask_view(wal=True),
    sides.peer("dbos", "DBOS on PostgreSQL, 1 thread", _WORKFLOWS, "PostgreSQL", STORE, 1, SECONDS),
    sides.fire(1, "PostgreSQL"),
    sides.peer("absurd-sdk", "absurd-sdk, 1 thread", _TASKS, "PostgreSQL", "spawn", STORE, 1, SECONDS),
    sides.peer("absurd-sdk", "absurd-sdk, 32 threads", _TASKS, "PostgreSQL", "spawn", STORE, 32, SECONDS),
    sides.fire(32, "PostgreSQL"),
    sides.peer("dbos", "DBOS on PostgreSQL, 32 threads", _WORKFLOWS, "PostgreSQL", STORE, 32, SECONDS),
    sides.effects("PostgreSQL"),
    sides.peer("absurd-sdk", "absurd-sdk, 1 worker", _TASKS, "PostgreSQL", "work", STORE, 1, SECONDS),
]
"""In the order in which they are run: ours next to those it stands beside, since a machine's speed drifts."""
_SAVE = "Application.save of a new aggregate with one event: a row"
_WORKFLOW = "a workflow of one step, run by its caller: its start, its step and its end recorded"
_MACHINE = "persisted(): a new machine, one event sent, its snapshot saved"
_SPAWN = "spawn under an idempotency key; the task is done by a worker later"
_VIEW = "a request: a connection, a row, a commit"
_ALONE, _CROWD = "fire on SQLite, 1 thread", "fire on SQLite, 32 threads"
_ALONE_PG, _CROWD_PG = "fire on PostgreSQL, 1 thread", "fire on PostgreSQL, 32 threads"
LINES = [
    Line(theirs="eventsourcing, 1 thread", event=_SAVE, ours=_ALONE, target=0.7),
    Line(theirs="eventsourcing, 32 threads", event=_SAVE, ours=_CROWD, target=1.5),
    Line(theirs="DBOS on SQLite", event=_WORKFLOW, ours=_ALONE, target=12),
    Line(theirs="DBOS on SQLite in WAL", event=_WORKFLOW, ours=_ALONE),
    Line(theirs="DBOS on SQLite", event=_WORKFLOW, ours="effects on SQLite, 1 worker"),
    Line(theirs="DBOS on PostgreSQL, 1 thread", event=_WORKFLOW, ours=_ALONE_PG, target=6),
    Line(theirs="DBOS on PostgreSQL, 32 threads", event=_WORKFLOW, ours=_CROWD_PG),
    Line(theirs="DBOS on PostgreSQL, 32 threads", event=_WORKFLOW, ours="effects on PostgreSQL, 1 worker"),
    Line(theirs="xstate-statemachine", event=_MACHINE, ours=_ALONE),
    Line(theirs="xstate-statemachine, DELETE", event=_MACHINE, ours=_ALONE),
    Line(theirs="absurd-sdk, 1 thread", event=_SPAWN, ours=_ALONE_PG),
    Line(theirs="absurd-sdk, 32 threads", event=_SPAWN, ours=_CROWD_PG),
    Line(
        theirs="absurd-sdk, 1 worker",
        event="a task that does nothing, claimed and done, 4 at once",
        ours="effects on PostgreSQL, 1 worker",
    ),
    *(
        Line(theirs=their, event=_VIEW, ours=our, target=3.5)
        for view in (sides.flask_view(wal=False), sides.flask_view(wal=True))
        for their, our in zip(view.figures, sides.webhooks().figures, strict=True)
    ),
]
WIDTH = 170
TRIES = 3
"""So often in a row a peer may fail before it is left out."""


def main() -> None:
    """Measure by turns, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="for each figure")
    parser.add_argument("--only", nargs="*", metavar="WORD", help="those whose peer's name has it")
    asked = parser.parse_args()
    lines = [line for line in LINES if asked.only is None or any(one in line.theirs for one in asked.only)]
    chosen = {name for line in lines for name in (line.theirs, line.ours)}
    figures, began = Figures(), perf_counter()
    refused = environment.ready()
    measured = []
    for side in (one for one in SIDES if chosen & set(one.figures)):
        if side.peer in refused:
            figures.failed |= dict.fromkeys(side.figures, f"not installed: {refused[side.peer]}")
        else:
            measured.append(side)
    with ExitStack() as stack:
        folder = os.environ.get("WORKFLOW_BENCH_FOLDER")
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=folder)))
        running = stack.enter_context(server(lasting=True))
        (postgres,) = running.execute("SHOW server_version")[0]
        rounds = Rounds(home, asked.seconds, running)
        syncs = []
        for turn in range(asked.turns):
            syncs.append(rounds.sync_us())
            for side in measured if turn % 2 == 0 else reversed(measured):
                _measure(side, figures, rounds)
    console = Console(width=WIDTH)
    console.print(table(figures, lines))
    console.print(
        f"Ours: on SQLite {sides.OURS_ON_SQLITE}, on PostgreSQL {sides.OURS_ON_POSTGRES}; an event of fire "
        f"or a webhook is a sync that was completed, under an id: its lifecycle, history, id and user are "
        f"written. A ratio is that of the median turn.",
        highlight=False,
    )
    console.print(
        f"Medians of {asked.turns} turns of {asked.seconds:g} s; Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, PostgreSQL {postgres}, Flask {version('flask')}, "
        f"gunicorn {version('gunicorn')}, {os.cpu_count()} cores ({platform.machine()}), "
        f"load {os.getloadavg()[0]:.1f}; a block was on disk in {min(syncs):,.0f} to {max(syncs):,.0f} µs; "
        f"{perf_counter() - began:.0f} s in all",
        highlight=False,
    )


def _measure(side: Side, figures: Figures, rounds: Rounds) -> None:
    """Measure a side in one turn, unless it has failed before; a failure is tried again."""
    if side.figures[0] in figures.failed:
        return
    for left in reversed(range(TRIES)):
        try:
            figures.add(side.measure(rounds))
        except CannotRun as error:
            if not left:
                figures.failed |= dict.fromkeys(side.figures, str(error))
        else:
            return


if __name__ == "__main__":
    main()
