"""`python -m tests.bench.bytes`: what a lifecycle takes on disk, and an event of SQLite's log, by b-tree.

Beside an earlier commit, of which the same is made by the same events. `--lifecycles` says how many.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.beside.__main__ import COMMIT
from tests.bench.beside.versions import HERE, Version, of_history, this

MIXES = {"syncs": "syncs of a thousand users", "stories": "stories of five events, four claims a sync"}


def main() -> None:
    """Measure both, and print a table of each mix and one of pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commit", default=COMMIT, help="the former version")
    parser.add_argument("--lifecycles", type=int, default=50_000)
    parser.add_argument("--only", nargs="*", choices=list(MIXES), default=list(MIXES))
    asked = parser.parse_args()
    console = Console(width=120)
    with tempfile.TemporaryDirectory(dir=os.environ.get("WORKFLOW_BENCH_FOLDER")) as folder:
        versions = of_history(asked.commit, Path(folder) / "former"), this()
        for mix in asked.only:
            stored = [
                _stored(one, Path(folder) / f"{one.name}.db", mix, asked.lifecycles) for one in versions
            ]
            console.print(_bytes(mix, asked.commit, *stored))
        console.print(_pages(asked.commit, *stored))


def _stored(version: Version, path: Path, mix: str, lifecycles: int) -> dict[str, Any]:
    """Have a version's code fill a file; give what it found, and leave nothing behind."""
    asked = [sys.executable, "-P", str(HERE / "stored.py"), str(path), mix, str(lifecycles)]
    ran = subprocess.run(
        asked, env=version.environment(), cwd=version.folder, check=True, stdout=subprocess.PIPE
    )
    for left in path.parent.glob(f"{path.name}*"):
        left.unlink()
    stored: dict[str, Any] = json.loads(ran.stdout)
    return stored


def _bytes(mix: str, commit: str, former: dict[str, Any], now: dict[str, Any]) -> Table:
    of_each = [
        Counter({name: size / one["lifecycles"] for name, size in one["sizes"].items()})
        for one in (former, now)
    ]
    table = _table(f"{MIXES[mix]}: bytes a lifecycle, of {now['lifecycles']:,}", commit, *of_each, least=0.5)
    logs = [one["log"] / one["lifecycles"] for one in (former, now)]
    table.add_row("the log beside it", *(f"{one:,.1f}" for one in logs))
    return table


def _pages(commit: str, former: dict[str, Any], now: dict[str, Any]) -> Table:
    of_each = []
    for one in (former, now):
        written: Counter[str] = Counter()
        for counted in one["pages"].values():
            written.update({name: many / len(one["pages"]) for name, many in counted.items()})
        of_each.append(written)
    table = _table("pages of SQLite's log an event, of the five of a story", commit, *of_each, least=0.02)
    for trigger, counted in now["pages"].items():
        both = [sum(told.values()) for told in (former["pages"][trigger], counted)]
        table.add_row(trigger, *(f"{one:,.1f}" for one in both), f"{both[1] / both[0]:.2f}")
    return table


def _table(title: str, commit: str, former: Counter[str], now: Counter[str], *, least: float) -> Table:
    """Make a table of what each b-tree has, the most first, and of all."""
    table = Table(title=title, title_justify="left")
    for name in ("b-tree", commit, "now", "ratio"):
        table.add_column(name, justify="left" if name == "b-tree" else "right", no_wrap=True)
    both = former | now
    for name, _ in both.most_common():
        if both[name] >= least:
            table.add_row(name, *(f"{one[name]:,.1f}" if name in one else "" for one in (former, now)))
    sums = former.total(), now.total()
    table.add_section()
    table.add_row("all", *(f"{one:,.1f}" for one in sums), f"{sums[1] / sums[0]:.2f}")
    return table


if __name__ == "__main__":
    main()
