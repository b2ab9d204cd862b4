"""`python -m tests.bench`: events, webhooks and effects a second, beside what SQLite and Flask do here.

And what idle WebSockets cost: webhooks with and without them by turns, since a machine's speed drifts.

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
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from time import monotonic, sleep

from rich.console import Console
from rich.table import Table

from tests.bench.effects import delays_elsewhere, delays_here, effects_a_second
from tests.bench.lookups import FEW, MANY, look_up
from tests.bench.sockets import close_codes, idle
from tests.bench.stores import bare_a_second, fire_a_second

SECONDS = float(os.environ.get("WORKFLOW_BENCH_SECONDS", "6"))
CONNECTIONS = 32
ROUTE = "/api/v1/workflow/sync/complete"
SOCKETS = 200
TURNS = 5
START_SECONDS = 90
"""How long a service may take to start on a machine that does much else."""


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
        without, among, stop = among_sockets(home)
        for title, figures in (("no socket", without), (f"{SOCKETS} idle sockets", among)):
            rate = middle(figures, "a_second")
            of_it = f"{rate / middle(without, 'a_second'):.2f} of without; stop {stop:.1f} s"
            table.add_row(
                f"webhooks, durable, {CONNECTIONS} connections, {title}",
                f"{rate:,.0f}",
                f"{middle(figures, 'p50') * 1000:.2f}",
                f"{middle(figures, 'p99') * 1000:.2f}",
                of_it if figures is among else "",
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
        for cost in look_up(home):
            table.add_row(
                f"{cost.what}: {FEW} claims",
                "",
                f"{cost.few * 1000:.2f}",
                "",
                f"{cost.many / cost.few:.2f} times that with {MANY:,}",
            )
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


def middle(runs: list[dict[str, float]], figure: str) -> float:
    """Give the median of a figure."""
    return sorted(run[figure] for run in runs)[len(runs) // 2]


def among_sockets(home: Path) -> tuple[list[dict[str, float]], list[dict[str, float]], float]:
    """Drive one service by turns without and with idle sockets; then stop it with them; give seconds."""
    without, among = [], []
    with served(home, "sockets", "workflow_fsm") as service:
        drive(service.port, ROUTE, CONNECTIONS, 0.5, "warm")
        for turn in range(TURNS):
            without.append(drive(service.port, ROUTE, CONNECTIONS, SECONDS / 2, f"without-{turn}"))
            with idle(service.port, SOCKETS):
                among.append(drive(service.port, ROUTE, CONNECTIONS, SECONDS / 2, f"among-{turn}"))
        with idle(service.port, SOCKETS) as opened:
            began = monotonic()
            service.process.send_signal(signal.SIGTERM)
            service.process.wait(timeout=20)
            seconds = monotonic() - began
            if close_codes(opened) != {1001}:
                raise SystemExit("a stop closed sockets otherwise than with 1001")
    return without, among, seconds


def drive(port: int, path: str, connections: int, seconds: float, run: str) -> dict[str, float]:
    """Let the client's process post for some seconds."""
    client = [
        sys.executable,
        "-m",
        "tests.bench.client",
        str(port),
        path,
        str(connections),
        str(seconds),
        run,
    ]
    ran = subprocess.run(client, check=True, capture_output=True, timeout=60)
    told = json.loads(ran.stdout)
    if set(told["codes"]) != {"200"}:
        raise SystemExit(f"{path} was answered {told['codes']}")
    return {figure: told[figure] for figure in ("a_second", "p50", "p99")}


def serve_and_drive(home: Path, module: str, path: str, connections: int) -> dict[str, float]:
    """Start a service, let the client's process post to it, and end it."""
    name = f"{module}-{connections}"
    with served(home, name, module) as service:
        drive(service.port, path, connections, 0.5, "warm")
        return drive(service.port, path, connections, SECONDS, "run")


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A service in a process of its own."""

    process: subprocess.Popen[bytes]
    port: int


@contextmanager
def served(home: Path, name: str, module: str, **variables: str) -> Iterator[Served]:
    """Run a service until it is stopped."""
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
                **variables,
            },
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        until = monotonic() + START_SECONDS
        while "\n" not in (said := log.read_text()):
            if process.poll() is not None or monotonic() > until:
                raise SystemExit(f"{name} did not start: {said}")
            sleep(0.01)
        url = json.loads(said.partition("\n")[0])["message"]
        yield Served(process=process, port=int(url.rpartition(":")[2]))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


if __name__ == "__main__":
    main()
