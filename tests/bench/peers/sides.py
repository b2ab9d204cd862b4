"""What is measured, ours and theirs: each side by a name, with what one event of it is.

A new store each turn. Ours are fired, served and worked as `python -m tests.bench.beside` does it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any

from tests.bench.__main__ import ROUTE, drive, served
from tests.bench.beside.versions import this
from tests.bench.peers.environment import CannotRun, run
from tests.bench.peers.rates import of_sqlite
from tests.bench.peers.table import Told
from tests.bench.postgres import effects_a_second
from tests.stores.postgres.server import Server

CONNECTIONS = (1, 16, 64)
WARM_SECONDS = 0.7
SYNCS = 100
BLOCK = bytes(4096)
STORE = "<store>"
SECONDS = "<seconds>"
OURS_ON_SQLITE = "WAL, synchronous FULL"
OURS_ON_POSTGRES = "fsync on, synchronous_commit on"


class Rounds:
    """What each turn has: seconds a figure, new files and new databases."""

    def __init__(self, home: Path, seconds: float, running: Server) -> None:
        self.home = home
        self.seconds = seconds
        self.running = running
        self._numbers = count()

    def path(self) -> Path:
        """Give the path of a file that isn't there yet."""
        return self.home / f"{next(self._numbers)}.db"

    def sqlite(self) -> str:
        """Give the URL of a new file."""
        return f"sqlite:///{self.path()}"

    def sync_us(self) -> float:
        """Give what it takes to put a block on disk: the least that a durable event can cost alone."""
        with (self.home / "block").open("wb", buffering=0) as file:
            began = perf_counter()
            for _ in range(SYNCS):
                file.write(BLOCK)
                os.fdatasync(file.fileno())
            return (perf_counter() - began) / SYNCS * 1e6

    def postgres(self) -> str:
        """Give the URL of a new database."""
        return self.running.url(self.running.make())


Measuring = Callable[[Rounds], dict[str, Told]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One thing that is run in each turn; gives a figure, or several."""

    peer: str
    figures: tuple[str, ...]
    measure: Measuring


def fire(threads: int, on: str) -> Side:
    """`fire` of this project."""
    name = f"fire on {on}, {_many(threads, 'thread')}"

    def measure(rounds: Rounds) -> dict[str, Told]:
        url = rounds.sqlite() if on == "SQLite" else rounds.postgres()
        return {name: _ours(this().measure("fire", url, threads, rounds.seconds), on)}

    return Side(peer="", figures=(name,), measure=measure)


def effects(on: str) -> Side:
    """Effects that do nothing, by one worker of this project."""
    name = f"effects on {on}, 1 worker"

    def measure(rounds: Rounds) -> dict[str, Told]:
        if on == "SQLite":
            rate = this().measure("effects", rounds.sqlite(), 1, rounds.seconds)
        else:
            rate = effects_a_second(rounds.running, rounds.home, 1)
        return {name: _ours(rate, on)}

    return Side(peer="", figures=(name,), measure=measure)


def webhooks() -> Side:
    """Durable webhooks to this project's service."""
    return _served("", "webhooks", "workflow_fsm", ROUTE)


def flask_view(*, wal: bool) -> Side:
    """Requests to a Flask view that connects and commits."""
    name = "Flask view, WAL" if wal else "Flask view"
    return _served("flask", name, "tests.bench.peers.flask_view", "/", wal=wal)


def peer(distribution: str, name: str, module: str, on: str, *arguments: object) -> Side:
    """What a script of a peer's does. `STORE` and `SECONDS` among its arguments stand for those."""

    def measure(rounds: Rounds) -> dict[str, Told]:
        stores: dict[str, Callable[[], object]] = {
            "file": rounds.path,
            "SQLite": rounds.sqlite,
            "PostgreSQL": rounds.postgres,
        }
        given: dict[object, object] = {STORE: stores[on](), SECONDS: rounds.seconds}
        return {name: Told(**run(module, *(given.get(one, one) for one in arguments)))}

    return Side(peer=distribution, figures=(name,), measure=measure)


def _served(peer: str, name: str, module: str, route: str, *, wal: bool = False) -> Side:
    figures = tuple(f"{name}, {_many(one, 'connection')}" for one in CONNECTIONS)

    def measure(rounds: Rounds) -> dict[str, Told]:
        path, variables = rounds.path(), {"WORKFLOW_BENCH_WAL": "1"} if wal else {}
        rates = {}
        try:
            with served(rounds.home, path.stem, module, **variables) as service:
                drive(service.port, route, 16, WARM_SECONDS, "warm")
                for figure, connections in zip(figures, CONNECTIONS, strict=True):
                    told = drive(service.port, route, connections, rounds.seconds, f"r{connections}")
                    rates[figure] = told["a_second"]
                if not peer:
                    return {figure: _ours(rate, "SQLite") for figure, rate in rates.items()}
                synced = _by_default(path)
        except SystemExit as error:
            raise CannotRun(str(error)) from error
        return {
            figure: Told(a_second=rate, version=version(peer), **synced) for figure, rate in rates.items()
        }

    return Side(peer=peer, figures=figures, measure=measure)


def _by_default(path: Path) -> dict[str, Any]:
    """Tell what a connection to a file syncs that sets nothing, as the view's."""
    with closing(sqlite3.connect(path)) as connection:
        return of_sqlite(lambda statement: connection.execute(statement).fetchone()[0])


def _ours(rate: float, on: str) -> Told:
    synced = OURS_ON_SQLITE if on == "SQLite" else OURS_ON_POSTGRES
    return Told(a_second=rate, version="", synced=synced, each=True)


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number > 1)}"
