"""`python -m tests.bench.beside`: this project beside itself at a commit, by turns, each figure a median.

`--only webhooks fire` and the like choose what is measured. Ratios count: a machine's speed drifts, and both
versions drift with it.
"""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

from rich.console import Console
from rich.table import Table

from tests.bench.__main__ import ROUTE, drive
from tests.bench.beside.batches import batches_a_second
from tests.bench.beside.versions import Running, Version, of_history, this
from tests.stores.postgres.server import Server, server

COMMIT = "1d43709"
CONNECTIONS = (1, 16, 64)
WARM_SECONDS = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table: what both did, and what the ratio should be. Less is better of times."""

    what: str
    target: float | None = None
    less_is_better: bool = False
    took: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def ratio(self, former: Version, now: Version) -> float:
        """Give how many times the former's figure ours is, the medians of both."""
        return median(self.took[now.name]) / max(median(self.took[former.name]), 1e-9)

    def is_met(self, ratio: float) -> str:
        """Say whether the target is met."""
        if self.target is None:
            return ""
        return "met" if (ratio <= self.target if self.less_is_better else ratio >= self.target) else "missed"


class Figures:
    """The lines, in the order in which they are measured first."""

    def __init__(self) -> None:
        self.of: dict[str, Figure] = {}

    def add(
        self, what: str, version: Version, value: float, *, target: float | None = None, less: bool = False
    ) -> None:
        """Take down one figure of one version."""
        figure = self.of.setdefault(what, Figure(what=what, target=target, less_is_better=less))
        figure.took[version.name].append(value)


Measuring = Callable[[Version, Figures, "Rounds"], None]


class Rounds:
    """What each round has: seconds a figure, a new store, and a PostgreSQL server if one is asked for."""

    def __init__(self, home: Path, seconds: float, running: Server | None) -> None:
        self.home = home
        self.seconds = seconds
        self._running = running
        self._numbers = count()

    def path(self) -> Path:
        """Give the path of a file that isn't there yet."""
        return self.home / f"{next(self._numbers)}.db"

    def sqlite(self) -> str:
        """Give the URL of a new file."""
        return f"sqlite:///{self.path()}"

    def postgres(self) -> str:
        """Give the URL of a new database."""
        assert self._running is not None
        return self._running.url(self._running.make())


def webhooks(
    version: Version, figures: Figures, rounds: Rounds, *, processes: int = 1, on: str = "SQLite"
) -> None:
    """Durable webhooks at 1, 16 and 64 connections. The former version has one process always."""
    url = rounds.sqlite() if on == "SQLite" else rounds.postgres()
    many = f", {processes} processes" if processes > 1 else ""
    given = {"WORKFLOW_DATABASE_URL": url, "WORKFLOW_PROCESSES": str(processes)}
    with version.served(rounds.path(), **given) as service:
        drive(service.port, ROUTE, 16, WARM_SECONDS, "warm")
        for connections in CONNECTIONS:
            what = f"webhooks on {on}{many}, {connections} connection{'s' * (connections > 1)}"
            before = service.cpu_seconds(), service.switches()
            told = drive(service.port, ROUTE, connections, rounds.seconds, f"r{connections}")
            answered = told["a_second"] * rounds.seconds
            used = service.cpu_seconds() - before[0], service.switches() - before[1]
            figures.add(what, version, told["a_second"], target=_target(connections, processes))
            figures.add(f"{what}: p99 ms", version, told["p99"] * 1000, target=1.0, less=True)
            figures.add(f"{what}: processor µs a request", version, used[0] / answered * 1e6, less=True)
            figures.add(f"{what}: switches a request", version, used[1] / answered, less=True)


def _target(connections: int, processes: int) -> float | None:
    if processes > 1:
        return 2.0 if connections > 1 else None
    return 1.6 if connections == 64 else 1.4


def fire(version: Version, figures: Figures, rounds: Rounds) -> None:
    """`fire` alone and from 32 threads."""
    for threads, target in ((1, 1.3), (32, 1.8)):
        rate = version.measure("fire", rounds.sqlite(), threads, rounds.seconds)
        figures.add(f"fire, {threads} thread{'s' * (threads > 1)}", version, rate, target=target)


def batches(version: Version, figures: Figures, rounds: Rounds) -> None:
    """`fire_many`, and `POST events`, a thousand at once."""
    rate = version.measure("fire_many", rounds.sqlite(), 1, rounds.seconds)
    figures.add("fire_many, 1,000 at once", version, rate, target=2.5)
    with version.served(rounds.path(), WORKFLOW_DATABASE_URL=rounds.sqlite()) as service:
        rate = batches_a_second(service.port, rounds.seconds)
        figures.add("events, 1,000 a request", version, rate, target=2.5)


def effects(version: Version, figures: Figures, rounds: Rounds) -> None:
    """Effects that do nothing, by one and by two workers."""
    for workers in (1, 2):
        rate = version.measure("effects", rounds.sqlite(), workers, rounds.seconds)
        figures.add(f"effects, {workers} worker{'s' * (workers > 1)}", version, rate, target=1.5)


def memory(version: Version, figures: Figures, rounds: Rounds) -> None:
    """A service that has answered one request, and then nothing."""
    with version.served(rounds.path(), WORKFLOW_DATABASE_URL=rounds.sqlite()) as service:
        _ask(service)
        sleep(1)
        figures.add("idle service: MiB (PSS)", version, service.memory_mib(), target=0.8, less=True)


def two(version: Version, figures: Figures, rounds: Rounds) -> None:
    """Webhooks to two processes, beside the former version's one."""
    webhooks(version, figures, rounds, processes=2)


def postgres(version: Version, figures: Figures, rounds: Rounds) -> None:
    """Webhooks on PostgreSQL, to one process and to two."""
    for processes in (1, 2):
        webhooks(version, figures, rounds, processes=processes, on="PostgreSQL")


WORKS: dict[str, Measuring] = {
    "webhooks": webhooks,
    "two": two,
    "fire": fire,
    "batches": batches,
    "effects": effects,
    "memory": memory,
    "postgres": postgres,
}


def main() -> None:
    """Measure by turns, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commit", default=COMMIT, help="the former version")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="for each figure")
    parser.add_argument("--only", nargs="*", choices=list(WORKS), default=[one for one in WORKS])
    asked = parser.parse_args()
    figures, began = Figures(), perf_counter()
    with ExitStack() as stack:
        folder = os.environ.get("WORKFLOW_BENCH_FOLDER")
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=folder)))
        running = stack.enter_context(server(lasting=True)) if "postgres" in asked.only else None
        former, now = of_history(asked.commit, home / "former"), this()
        rounds = Rounds(home, asked.seconds, running)
        for turn, work in ((turn, work) for turn in range(asked.turns) for work in asked.only):
            for version in (former, now) if turn % 2 == 0 else (now, former):
                WORKS[work](version, figures, rounds)
    console = Console(width=120)
    console.print(_table(figures, former, now))
    console.print(
        f"Medians of {asked.turns} turns of {asked.seconds:g} s; Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, {os.cpu_count()} cores ({platform.machine()}), "
        f"load {os.getloadavg()[0]:.1f}, {perf_counter() - began:.0f} s in all",
        highlight=False,
    )


def _table(figures: Figures, former: Version, now: Version) -> Table:
    table = Table(title=f"beside {former.name}", title_justify="left")
    for name in ("what", former.name, "now", "ratio", "target", ""):
        table.add_column(name, justify="left" if name in ("what", "") else "right")
    for figure in figures.of.values():
        ratio = figure.ratio(former, now)
        table.add_row(*_row(figure, former, now, ratio))
    return table


def _row(figure: Figure, former: Version, now: Version, ratio: float) -> Iterator[str]:
    yield figure.what
    for version in (former, now):
        value = median(figure.took[version.name])
        yield f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
    yield f"{ratio:.2f}"
    bound = "≤" if figure.less_is_better else "≥"
    yield "" if figure.target is None else f"{bound} {figure.target:g}"
    yield figure.is_met(ratio)


def _ask(service: Running) -> None:
    connection = HTTPConnection("127.0.0.1", service.port, timeout=20)
    connection.request("GET", "/healthz")
    connection.getresponse().read()
    connection.close()


if __name__ == "__main__":
    main()
