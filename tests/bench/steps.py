"""`python -m tests.bench.steps`: the interpreter's steps an event takes, beside an earlier commit's.

A figure that a busy machine doesn't change, so that a small change is seen; what it says of time is little:
SQLite's own work, the disk's and the interpreter's lock are not in it. `--files` tells the files, too.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.beside.__main__ import COMMIT
from tests.bench.beside.versions import HERE, Version, of_history, this
from tests.stores.postgres.server import server

WORKS = {
    "fire": "a sync by `fire`",
    "fire_many": "…of 200 by `fire_many`",
    "story": "an event of a story of five",
    "effects": "an effect, of thirty by one event",
}


def main() -> None:
    """Count both versions' steps on both stores, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commit", default=COMMIT, help="the former version")
    parser.add_argument("--files", type=int, default=0, help="so many files of each, those of most steps")
    asked = parser.parse_args()
    console = Console(width=120)
    table = Table(title="the interpreter's steps, and calls of functions", title_justify="left")
    for name in ("", asked.commit, "now", "ratio", "calls then", "calls now"):
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        versions = of_history(asked.commit, folder / "former"), this()
        running = stack.enter_context(server(lasting=True))
        for store in ("SQLite", "PostgreSQL"):
            for what, name in WORKS.items():
                counted = []
                for one in versions:
                    path = folder / f"{one.name}-{what}.db"
                    url = f"sqlite:///{path}" if store == "SQLite" else running.url(running.make())
                    counted.append(_steps(one, what, url))
                sums = [sum(one["steps"].values()) for one in counted]
                calls = [f"{one['calls']:,.0f}" for one in counted]
                ratio = f"{sums[1] / sums[0]:.2f}"
                table.add_row(f"{store}: {name}", *(f"{one:,.0f}" for one in sums), ratio, *calls)
                for file, steps in _most(counted[1]["steps"], asked.files):
                    table.add_row(f"  {file}", "", f"{steps:,.0f}")
    console.print(table)


def _steps(version: Version, what: str, url: str) -> dict[str, Any]:
    """Have a version's code do something; give what was counted."""
    ran = subprocess.run(
        [sys.executable, "-P", str(HERE / "stepped.py"), what, url],
        env=version.environment(),
        cwd=version.folder,
        check=True,
        stdout=subprocess.PIPE,
        timeout=300,
    )
    counted: dict[str, Any] = json.loads(ran.stdout)
    return counted


def _most(steps: dict[str, float], many: int) -> list[tuple[str, float]]:
    """Give the files of most steps, by the end of their paths."""
    found = sorted(steps.items(), key=lambda one: -one[1])[:many]
    return [("/".join(Path(file).parts[-3:]), count) for file, count in found]


if __name__ == "__main__":
    main()
