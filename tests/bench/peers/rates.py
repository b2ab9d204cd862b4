"""How often a second a peer does something, and what it syncs: what the peers' scripts share.

They run in an environment of the peers' own, so nothing but the standard library is asked for here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from itertools import count
from time import perf_counter
from typing import Any

USERS = 1000
WARM_CALLS = 20
SYNCHRONOUS = ("OFF", "NORMAL", "FULL", "EXTRA")

Ask = Callable[[str], Any]
"""Runs a statement on a connection of the peer's, and gives its one value."""


def a_second(work: Callable[[int, int], None], threads: int, seconds: float) -> float:
    """Work from so many threads, each given its own number and that of the event; give how often a second."""
    numbers = count()
    for _ in range(WARM_CALLS):
        work(0, next(numbers))
    began = perf_counter()

    def repeat(thread: int) -> int:
        done = 0
        while perf_counter() - began < seconds:
            work(thread, next(numbers))
            done += 1
        return done

    with ThreadPoolExecutor(threads) as pool:
        done = sum(pool.map(repeat, range(threads)))
    return done / (perf_counter() - began)


def of_sqlite(ask: Ask) -> dict[str, Any]:
    """Tell what a connection to SQLite syncs, and whether that is each commit.

    By a rollback journal the file itself is synced, but for OFF; by a log (WAL) only FULL syncs each commit.
    """
    journal, synchronous = str(ask("PRAGMA journal_mode")).upper(), int(ask("PRAGMA synchronous"))
    each = synchronous >= (2 if journal == "WAL" else 1)
    said = f"{'WAL' if journal == 'WAL' else f'journal {journal}'}, synchronous {SYNCHRONOUS[synchronous]}"
    return {"synced": said, "each": each}


def of_postgres(ask: Ask) -> dict[str, Any]:
    """Tell the same of one to PostgreSQL."""
    fsync, commit = ask("SHOW fsync"), ask("SHOW synchronous_commit")
    each = fsync == "on" and commit not in ("off",)
    return {"synced": f"fsync {fsync}, synchronous_commit {commit}", "each": each}


def tell(distribution: str, rate: float, synced: dict[str, Any]) -> None:
    """Print what was measured: one line of JSON."""
    print(json.dumps({"a_second": rate, "version": version(distribution), **synced}))
