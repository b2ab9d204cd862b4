"""What `check` costs: of one detection of many claims, of a store of many rows, and the log under it.

`python -m tests.bench.check`; WORKFLOW_BENCH_ROWS says how many rows the store has (100,000).
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path
from threading import Event, Thread
from time import perf_counter, process_time
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from workflow_fsm import Settings, Workflow, claim_lifecycle
from workflow_fsm.core.model.lifecycle import COLUMNS, GENESIS, chain
from workflow_fsm.stores.event_mapping import event_and_fingerprint_of

ROWS = int(os.environ.get("WORKFLOW_BENCH_ROWS", "100000"))
CLAIMS = (1_000, 4_000, 16_000)
PAIR, AT_ONCE = (10_000, 40_000), 5_000
"""Claims of one user, so many a detection: four times as many may not hold more memory."""
TABLES = ("users", "lifecycles", "history", "events", "cases")
DEFINITION = claim_lifecycle()
TEMPLATE, CLAIMS_OF_A_USER, PAID = "user-0000000", 10, 7


class Cost(NamedTuple):
    """What a check took: seconds by the clock and of the processor, rows of history, peak of memory."""

    seconds: float
    cpu: float
    rows: int
    peak_mib: float


def main() -> None:
    """Measure, and print a table."""
    table = Table(title="check", title_justify="left")
    for name in ("what", "s", "CPU s", "rows", "beside"):
        table.add_column(name, justify="left" if name in ("what", "beside") else "right")

    def add(what: str, cost: Cost, beside: str) -> None:
        table.add_row(what, f"{cost.seconds:.2f}", f"{cost.cpu:.2f}", f"{cost.rows:,}", beside)

    with tempfile.TemporaryDirectory(dir=os.environ.get("WORKFLOW_BENCH_FOLDER")) as folder:
        home = Path(folder)
        first: Cost | None = None
        for claims in CLAIMS:
            cost = apart(_detected(home, claims, claims))
            first = first or cost
            each = cost.cpu / cost.rows / (first.cpu / first.rows)
            add(
                f"one detection of {claims:,} claims",
                cost,
                f"{each:.2f} times the CPU a row",
            )
        half, whole = (apart(_detected(home, claims, AT_ONCE)) for claims in PAIR)
        add(f"one user of {PAIR[0]:,} claims", half, f"peak {half.peak_mib:,.0f} MiB")
        ratio = whole.peak_mib / half.peak_mib
        add(
            f"one user of {PAIR[1]:,} claims",
            whole,
            f"peak {ratio:.2f} times that",
        )
        url = fill(home / "many.db", ROWS)
        many = apart(url)
        add(f"{ROWS:,} rows of many users", many, f"{many.seconds / ROWS * 1e6:,.0f} s a million rows")
        shared = by_command(url, 2)
        told = f"{shared / ROWS * 1e6:,.0f} s a million rows"
        table.add_row("the same by the command, 2 processes", f"{shared:.2f}", "", f"{many.rows:,}", told)
        add("the same since its root", apart(url, since=True), "nobody has anything new")
        seconds, events, largest, left = beside_a_writer(home / "many.db", url)
        told = f"{events:,} events beside; log {largest:.0f} MiB at most, {left:.0f} MiB after"
        table.add_row("the same beside a writer", f"{seconds:.2f}", "", "", told)
    Console(width=130).print(table)


def apart(url: str, *, since: bool = False) -> Cost:
    """Check a store in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_check, url, since).result()


def by_command(url: str, processes: int) -> float:
    """Check a store by the command; give how many seconds that takes, its start too."""
    began = perf_counter()
    command = [
        sys.executable,
        "-m",
        "workflow_fsm",
        "check",
        "--database",
        url,
        "--processes",
        str(processes),
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - began


def _check(url: str, since: bool) -> Cost:
    with Workflow.open(url, settings=Settings()) as workflow:
        root = workflow.check().root if since else None
        began, used = perf_counter(), process_time()
        report = workflow.check(since=root)
        cost = Cost(perf_counter() - began, process_time() - used, report.rows, 0.0)
    if not report.sound:
        sys.exit(f"{url} is not sound: {report.faults[:3]}")
    return cost._replace(peak_mib=_peak_mib())


def _peak_mib() -> float:
    """Give this process's peak of memory, as Linux tells it; `getrusage` begins at its parent's."""
    (told,) = (one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM:"))
    return int(told.split()[1]) / 1024


def _detected(home: Path, claims: int, at_once: int) -> str:
    """Fill a store with a user of so many claims, so many a detection."""
    url = f"sqlite:///{home / f'{claims}-{at_once}.db'}"
    with Workflow.open(url, settings=Settings()) as workflow:
        workflow.fire("sync_complete", user_id="u", sync_id="s")
        for start in range(0, claims, at_once):
            found = [{"claim_id": f"c{start + number}", "amount": "12.50"} for number in range(at_once)]
            workflow.fire("detection_complete", user_id="u", sync_id="s", claims=found)
    return url


# -- many users: one whose events were taken, and others who are told the same of


def fill(path: Path, rows: int) -> str:
    """Fill a store with so many rows, all tables counted; give its URL."""
    url = f"sqlite:///{path}"
    with Workflow.open(url, settings=Settings()) as workflow:
        _live(workflow)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        told = {
            table: [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]  # noqa: S608  # of ours
            for table in TABLES
        }
        size = sum(map(len, told.values()))
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        for table, samples in told.items():
            places = ", ".join("?" * len(samples[0]))
            connection.executemany(
                f"INSERT INTO {table} VALUES ({places})",  # noqa: S608  # of ours
                _retold(told, table, rows // size),
            )
        connection.execute("COMMIT")
    return url


def _live(workflow: Workflow) -> None:
    """Tell of a user's claims, filed and mostly paid."""
    user = {"user_id": TEMPLATE}
    claims = [{"claim_id": f"c{number}", "amount": "12.50"} for number in range(CLAIMS_OF_A_USER)]
    workflow.fire("sync_complete", sync_id="s", **user)
    workflow.fire("detection_complete", sync_id="s", claims=claims, **user)
    for number in range(CLAIMS_OF_A_USER):
        named = {"claim_id": f"c{number}", "amazon_case_id": f"k{number}", **user}
        workflow.fire("claim_submitted", **named)
        if number < PAID:
            workflow.fire("payout_received", amount="12.50", reimbursement_id=f"r{number}", **named)


def _retold(told: dict[str, list[dict[str, Any]]], table: str, users: int) -> Iterator[list[Any]]:
    """Give a table's rows for others of whom the same is told; their chains are their own."""
    for number in range(1, users):
        user = f"user-{number:07}"
        hashes = _hashes(told["history"], user) if table in ("history", "lifecycles") else {}
        for row in told[table]:
            fresh = {
                name: hashes.get(value) or value.replace(TEMPLATE, user) if isinstance(value, str) else value
                for name, value in row.items()
            }
            if table == "events":
                _, fresh["fingerprint"] = event_and_fingerprint_of(DEFINITION, fresh)
            yield list(fresh.values())


def _hashes(rows: list[dict[str, Any]], user: str) -> dict[str, str]:
    """Give the hash of each row anew, by the one that it has."""
    heads: dict[int, str] = {}
    fresh: dict[str, str] = {}
    for row in rows:
        first = fresh[rows[0]["hash"]] if row["claim_id"] is not None else GENESIS
        columns = [user if name == "user_id" else row[name] for name in COLUMNS]
        heads[row["lifecycle"]] = fresh[row["hash"]] = chain(heads.get(row["lifecycle"], first), columns)
    return fresh


def beside_a_writer(path: Path, url: str) -> tuple[float, int, float, float]:
    """Check while another writes; give seconds, events written, and the log's size at most and in the end."""
    ended, sizes, written = Event(), [0], 0
    log = Path(f"{path}-wal")
    with Workflow.open(url, settings=Settings()) as writer, Workflow.open(url, settings=Settings()) as reader:

        def write() -> None:
            nonlocal written
            while not ended.is_set():
                writer.fire("sync_complete", user_id=f"writer-{written % 50}", sync_id=f"s{written}")
                sizes.append(log.stat().st_size)
                written += 1

        thread = Thread(target=write)
        thread.start()
        began = perf_counter()
        report = reader.check()
        seconds = perf_counter() - began
        ended.set()
        thread.join()
        if not report.sound:
            sys.exit(f"not sound beside a writer: {report.faults[:3]}")
        left = log.stat().st_size
    return seconds, written, max(sizes) / 2**20, left / 2**20


if __name__ == "__main__":
    main()
