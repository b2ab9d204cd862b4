"""`python -m tests.bench.stages`: where a webhook's time goes, stage by stage, at 1, 16 and 64 connections.

Of each stage it prints microseconds a webhook, of processor and of wall time: what lies between them is
waiting, for the interpreter's lock, a processor, a disk, a server. Counting costs something itself, so what a
service took that doesn't count is told too. Where `perf` may, it tells system calls.
"""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.stages.counter import NAMES, Stage
from tests.bench.stages.measured import Counted, Spent, measure
from tests.stores.postgres.server import server

CONNECTIONS = (1, 16, 64)
STORES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}


def main() -> None:
    """Measure, and print a table for each store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="for each figure")
    parser.add_argument("--only", nargs="*", choices=list(STORES), default=list(STORES), help="these stores")
    parser.add_argument("--connections", nargs="*", type=int, default=CONNECTIONS)
    asked = parser.parse_args()
    console = Console(width=120)
    with ExitStack() as stack:
        folder = os.environ.get("WORKFLOW_BENCH_FOLDER")
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=folder)))
        running = stack.enter_context(server(lasting=True)) if "postgres" in asked.only else None
        for store in asked.only:
            on = running if store == "postgres" else None
            console.print(_table(STORES[store], list(measure(home, asked.connections, asked.seconds, on))))
    console.print(
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {os.cpu_count()} cores "
        f"({platform.machine()}), {asked.seconds:g} s a figure, load {os.getloadavg()[0]:.1f}",
        highlight=False,
    )


def _table(store: str, found: Sequence[Counted]) -> Table:
    table = Table(title=f"where a webhook's time goes, {store}: µs a webhook", title_justify="left")
    table.add_column("connections")
    for one in found:
        table.add_column(f"{one.connections}: processor", justify="right")
        table.add_column("wall", justify="right")
    for stage, name in NAMES.items():
        walls = ["" if stage is Stage.RECEIVE else f"{one.wall[stage]:,.0f}" for one in found]
        _add(table, name, [f"{one.processor[stage]:,.0f}" for one in found], walls)
    walls = [f"{sum(one.wall) - one.wall[Stage.RECEIVE]:,.0f}" for one in found]
    _add(table, "all of these", [f"{sum(one.processor):,.0f}" for one in found], walls)
    for which, spent in (
        ("counting", [one.counting for one in found]),
        ("plain", [one.plain for one in found]),
    ):
        _add_whole(table, which, spent)
    return table


def _add_whole(table: Table, which: str, found: Sequence[Spent]) -> None:
    def add(name: str, first: Callable[[Spent], str], second: Callable[[Spent], str] = lambda _: "") -> None:
        _add(table, f"{which}: {name}", list(map(first, found)), list(map(second, found)))

    add("the process; a sender's median", lambda one: f"{one.processor:,.0f}", lambda one: f"{one.p50:,.0f}")
    add("webhooks a second", lambda one: f"{one.a_second:,.0f}")
    add("switches, willingly; not", *(lambda one, at=at: f"{one.switches[at]:.2f}" for at in (0, 1)))
    if any(one.system_calls is not None for one in found):
        add("system calls", lambda one: "" if one.system_calls is None else f"{one.system_calls:.1f}")


def _add(table: Table, name: str, first: Sequence[str], second: Sequence[str]) -> None:
    table.add_row(name, *(cell for both in zip(first, second, strict=True) for cell in both))


if __name__ == "__main__":
    main()
