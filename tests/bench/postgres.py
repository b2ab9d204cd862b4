"""`python -m tests.bench.postgres`: events and effects a second on PostgreSQL, beside bare transactions.

All on one server, that keeps what it commits, in one run.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from tests.bench.stores import TABLES, USERS, make_rows
from tests.stores.postgres.server import Server, server
from workflow_fsm import Settings, Workflow

SECONDS = float(os.environ.get("WORKFLOW_BENCH_SECONDS", "5"))
CLIENTS = (1, 8, 32)
EFFECTS = 3000
HANDLERS = "def register(workflow):\n    workflow.on_enter('synced', name='noted')(lambda transition: None)\n"


def main() -> None:
    """Measure, and print a table."""
    table = Table(title="PostgreSQL, one run", title_justify="left")
    for name in ("what", "a second", "p50 ms", "p99 ms", "beside"):
        table.add_column(name, justify="left" if name in ("what", "beside") else "right")
    with ExitStack() as stack:
        running = stack.enter_context(server(lasting=True))
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (version,) = running.execute("SHOW server_version")[0]
        made = make_rows(home / "sample.db")
        for clients in CLIENTS:
            bare, took = bare_a_second(running, made, clients)
            table.add_row(
                f"a bare transaction of 4 rows, {clients} at once", f"{bare:,.0f}", *shown(took), ""
            )
            fired, took = fire_a_second(running, clients)
            table.add_row(
                f"fire, {clients} at once",
                f"{fired:,.0f}",
                *shown(took),
                f"{fired / bare:.2f} of the bare transaction",
            )
        for workers in (1, 2):
            rate = effects_a_second(running, home, workers)
            table.add_row(f"effects, {workers} worker{'s' * (workers > 1)}", f"{rate:,.0f}", "", "", "")
    console = Console(width=120)
    console.print(table)
    console.print(
        f"Python {platform.python_version()}, psycopg {psycopg.__version__}, PostgreSQL {version}, "
        f"{os.cpu_count()} cores ({platform.machine()}), {SECONDS:g} s a figure, "
        f"load {os.getloadavg()[0]:.1f}",
        highlight=False,
    )


def shown(took: list[float]) -> tuple[str, str]:
    """Give the median and the 99th percentile in milliseconds."""
    return f"{took[len(took) // 2] * 1000:.2f}", f"{took[len(took) * 99 // 100] * 1000:.2f}"


def at_once(clients: int, work: Callable[[int, int], None]) -> tuple[float, list[float]]:
    """Work for some seconds, in as many threads; give how often a second, and how long each took."""
    numbers = count()
    took: list[float] = []

    def repeat(client: int) -> None:
        while (since := perf_counter()) < until:
            work(client, next(numbers))
            took.append(perf_counter() - since)

    began = perf_counter()
    until = began + SECONDS
    with ThreadPoolExecutor(clients) as pool:
        for future in [pool.submit(repeat, client) for client in range(clients)]:
            future.result()
    return len(took) / (perf_counter() - began), sorted(took)


def bare_a_second(
    running: Server, made: Callable[[int], dict[str, list[Any]]], clients: int
) -> tuple[float, list[float]]:
    """Insert the four rows of an event, a transaction each, as anybody would write it with psycopg."""
    url = fresh(running)
    statements: dict[str, bytes] = {}
    for table, row in made(0).items():
        values = ", ".join(["%s"] * len(row))
        again = " ON CONFLICT (user_id) DO UPDATE SET cursor = excluded.cursor" if table == "users" else ""
        statements[table] = f"INSERT INTO {table} VALUES ({values}){again}".encode()  # noqa: S608  # of ours
    with ExitStack() as stack:
        connections = [stack.enter_context(psycopg.connect(url)) for _ in range(clients)]

        def insert(client: int, number: int) -> None:
            rows = made(number)
            connection = connections[client]
            with connection.transaction():
                for table in TABLES:
                    connection.execute(statements[table], rows[table])

        return at_once(clients, insert)


def fire_a_second(running: Server, clients: int) -> tuple[float, list[float]]:
    """Fire syncs of a thousand users."""
    with Workflow.open(fresh(running), settings=Settings()) as workflow:

        def fire(_client: int, number: int) -> None:
            workflow.fire(
                "sync_complete",
                user_id=f"user-{number % USERS}",
                sync_id=f"sync-{number}",
                event_id=f"msg_{number:010}",
                orders_count=12,
            )

        return at_once(clients, fire)


def effects_a_second(running: Server, home: Path, workers: int) -> float:
    """Let workers, each a process, do what is owed; measured over the middle of it."""
    (home / "bench_handlers.py").write_text(HANDLERS)
    url = fresh(running)
    with Workflow.open(url, settings=Settings()) as workflow:
        workflow.on_enter("synced", name="noted")(lambda transition: None)
        for at in range(0, EFFECTS, 500):
            workflow.fire_many(
                [
                    {"trigger": "sync_complete", "user_id": f"user-{n % USERS}", "sync_id": f"s{n}"}
                    for n in range(at, at + 500)
                ]
            )
    environment = {
        **os.environ,
        "WORKFLOW_DATABASE_URL": url,
        "WORKFLOW_HANDLERS": "bench_handlers",
        "PYTHONPATH": os.pathsep.join([str(home), os.getcwd()]),
    }
    command = [sys.executable, "-m", "workflow_fsm", "worker"]
    processes = [
        subprocess.Popen(command, cwd=home, env=environment, stdout=subprocess.DEVNULL)
        for _ in range(workers)
    ]
    try:
        with psycopg.connect(url, autocommit=True) as connection:

            def done() -> int:
                row = connection.execute("SELECT count(*) FROM effects WHERE standing = 'done'").fetchone()
                return int(row[0]) if row is not None else 0

            while (first := done()) < EFFECTS // 5:
                sleep(0.02)
            began = perf_counter()
            while (last := done()) < EFFECTS * 4 // 5:
                sleep(0.02)
            return (last - first) / (perf_counter() - began)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=20)


def fresh(running: Server) -> str:
    """Make an empty store; give its URL."""
    url = running.url(running.make())
    Workflow.open(url, settings=Settings()).close()
    return url


if __name__ == "__main__":
    main()
