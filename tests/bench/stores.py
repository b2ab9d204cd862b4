"""How many events a second `fire` takes, and how many bare commits of as many rows SQLite does on its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any

from workflow_fsm import Settings, Workflow

TABLES = ("users", "lifecycles", "history", "events")
USERS = 1000


def fire_a_second(path: Path, threads: int, seconds: float) -> tuple[float, list[float]]:
    """Fire syncs of a thousand users; give how many a second, and how long each took."""
    numbers = count()
    took: list[float] = []
    with Workflow.open(f"sqlite:///{path}", settings=Settings()) as workflow:

        def work() -> None:
            while (since := perf_counter()) < until:
                number = next(numbers)
                workflow.fire(
                    "sync_complete",
                    user_id=f"user-{number % USERS}",
                    sync_id=f"sync-{number}",
                    event_id=f"msg_{number:010}",
                    orders_count=12,
                )
                took.append(perf_counter() - since)

        began = perf_counter()
        until = began + seconds
        with ThreadPoolExecutor(threads) as pool:
            for future in [pool.submit(work) for _ in range(threads)]:
                future.result()
        return len(took) / (perf_counter() - began), sorted(took)


def bare_a_second(path: Path, in_a_commit: int, seconds: float) -> float:
    """Insert the four rows that such an event makes, on one thread, without any of our code around."""
    made = make_rows(path)
    statements = {
        table: f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * len(row))})"  # noqa: S608  # of ours
        for table, row in made(0).items()
    }
    with closing(sqlite3.connect(path, isolation_level=None, cached_statements=256)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_autocheckpoint = 10000")
        connection.execute("PRAGMA cache_size = -65536")
        number, began = 0, perf_counter()
        while perf_counter() - began < seconds:
            connection.execute("BEGIN IMMEDIATE")
            for _ in range(in_a_commit):
                number += 1
                for table, row in made(number).items():
                    connection.execute(statements[table], row)
            connection.execute("COMMIT")
        return number / (perf_counter() - began)


def make_rows(path: Path) -> Callable[[int], dict[str, list[Any]]]:
    """Let a real event show what its rows look like; give a maker of further ones of the same sizes."""
    with Workflow.open(f"sqlite:///{path}", settings=Settings()) as workflow:
        workflow.fire(
            "sync_complete", user_id="user-0", sync_id="sync-0", event_id=f"msg_{0:010}", orders_count=12
        )
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        samples = {
            table: dict(connection.execute(f"SELECT * FROM {table}").fetchone())  # noqa: S608  # of ours
            for table in TABLES
        }

    def make(number: int) -> dict[str, list[Any]]:
        fresh = {
            "user_id": f"user-{number % USERS}",
            "id": number * 2 + 1,
            "lifecycle": number * 2 + 1,
            "cursor": number * 2 + 1,
            "seq": number * 2 + 2,
            "sync_id": f"sync-{number}",
            "event_id": f"msg_{number:010}",
            "fingerprint": f"{number:064x}",
        }
        return {
            table: [fresh.get(column, value) for column, value in row.items()]
            for table, row in samples.items()
        }

    return make
