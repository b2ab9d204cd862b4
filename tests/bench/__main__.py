"""`python -m tests.bench`: events, webhooks and effects a second, beside what SQLite and Flask do here.

All figures come from one run; they say more beside each other than alone.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from time import monotonic, sleep

from rich.console import Console
from rich.table import Table

from tests.bench.effects import delays_elsewhere, delays_here, effects_a_second
from tests.bench.stores import bare_a_second, fire_a_second

SECONDS = float(os.environ.get("WORKFLOW_BENCH_SECONDS", "6"))
CONNECTIONS = 32
ROUTE = "/api/v1/workflow/sync/complete"


def main() -> None:
    """Measure, and print a table."""
    table = Table(title="events and effects a second, one run", title_justify="left")
    for name in ("what", "a second", "p50 ms", "p99 ms", "beside"):
        table.add_column(name, justify="left" if name in ("what", "beside") else "right")
    with tempfile.TemporaryDirectory(dir=os.environ.get("WORKFLOW_BENCH_FOLDER")) as folder:
        home = Path(folder)
        bare = bare_a_second(home / "bare.db", 1, SECONDS)
        table.add_row("SQLite: a bare commit of 4 rows", f"{bare:,.0f}", "", "", "")
        alone, took = fire_a_second(home / "alone.db", 1, SECONDS)
        table.add_row(
            "fire, 1 thread", f"{alone:,.0f}", *quantiles(took), f"{alone / bare:.2f} of the bare commit"
        )
        grouped = bare_a_second(home / "grouped.db", 32, SECONDS)
        table.add_row("SQLite: 32 times 4 rows a bare commit", f"{grouped:,.0f}", "", "", "")
        crowd, took = fire_a_second(home / "crowd.db", 32, SECONDS)
        table.add_row(
            "fire, 32 threads",
            f"{crowd:,.0f}",
            *quantiles(took),
            f"{crowd / grouped:.2f} of it, {crowd / alone:.1f} times 1 thread",
        )
        empty: dict[int, float] = {}
        for connections in (1, CONNECTIONS):
            for name, module, path in (
                ("Flask view that does nothing", "tests.bench.empty", "/"),
                ("webhooks, durable", "workflow_fsm", ROUTE),
            ):
                told = serve_and_drive(home, module, path, connections)
                rate = float(told["a_second"])
                beside = f"{rate / empty[connections]:.2f} of the empty view" if path == ROUTE else ""
                empty.setdefault(connections, rate)
                table.add_row(
                    f"{name}, {connections} connection{'s' * (connections > 1)}",
                    f"{rate:,.0f}",
                    f"{float(told['p50']) * 1000:.2f}",
                    f"{float(told['p99']) * 1000:.2f}",
                    beside,
                )
        lone = effects_a_second(home / "worker.db", 1, SECONDS)
        table.add_row("effects that do nothing, 1 worker", f"{lone:,.0f}", "", "", "")
        pair = effects_a_second(home / "workers.db", 2, SECONDS)
        table.add_row("effects, 2 workers", f"{pair:,.0f}", "", "", f"{pair / lone:.2f} of 1 worker")
        for where, delays in (
            ("its own process", delays_here(home / "here.db", SECONDS)),
            ("another process", delays_elsewhere(home / "elsewhere.db", SECONDS * 1.5)),
        ):
            table.add_row(f"commit to handler, in {where}", "", *quantiles(delays), f"{len(delays)} effects")
    console = Console(width=120)
    console.print(table)
    console.print(
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, Flask {version('flask')}, "
        f"gunicorn {version('gunicorn')}, {os.cpu_count()} cores ({platform.machine()}), "
        f"{SECONDS:g} s a figure, load {os.getloadavg()[0]:.1f}",
        highlight=False,
    )


def quantiles(took: list[float]) -> tuple[str, str]:
    """Give the median and the 99th percentile in milliseconds."""
    return f"{took[len(took) // 2] * 1000:.2f}", f"{took[len(took) * 99 // 100] * 1000:.2f}"


def serve_and_drive(home: Path, module: str, path: str, connections: int) -> dict[str, float]:
    """Start a service, let the client's process post to it, and end it."""
    name = f"{module}-{connections}"
    with served(home, name, module) as port:
        client = [sys.executable, "-m", "tests.bench.client", str(port), path, str(connections)]
        subprocess.run([*client, "0.5", "warm"], check=True, capture_output=True, timeout=60)
        ran = subprocess.run([*client, str(SECONDS), "run"], check=True, capture_output=True, timeout=60)
    told = json.loads(ran.stdout)
    if set(told["codes"]) != {"200"}:
        raise SystemExit(f"{name} answered {told['codes']}")
    return {figure: told[figure] for figure in ("a_second", "p50", "p99")}


@contextmanager
def served(home: Path, name: str, module: str) -> Iterator[int]:
    """Run a service in a process of its own; give its port."""
    log = home / f"{name}.log"
    arguments = ["serve"] if module == "workflow_fsm" else []
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            env={
                **{name: value for name, value in os.environ.items() if name[:9] != "WORKFLOW_"},
                "WORKFLOW_DATABASE_URL": f"sqlite:///{home / name}.db",
                "HOST": "127.0.0.1",
                "PORT": "0",
            },
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        until = monotonic() + 20
        while "\n" not in (said := log.read_text()):
            if process.poll() is not None or monotonic() > until:
                raise SystemExit(f"{name} did not start: {said}")
            sleep(0.01)
        yield int(json.loads(said.partition("\n")[0])["message"].rpartition(":")[2])
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


if __name__ == "__main__":
    main()
