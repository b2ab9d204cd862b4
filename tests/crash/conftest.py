"""Processes that are killed, what they leave on disk, and how it is read past their code."""

from __future__ import annotations

import os
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from tests.crash.record import Record
from tests.forked import Forked
from tests.machine.ledger import Ledger

KILLS = int(os.environ.get("WORKFLOW_CRASH_KILLS", "10"))
LONG = KILLS >= 200
"""Whether leases are waited out too, and not only clocks set ahead of them."""

Begin = Callable[..., Forked]
_EFFECTS = "SELECT * FROM effects ORDER BY user_id, seq"


@dataclass(frozen=True, slots=True)
class Disk:
    """What a test's processes share: a store and a record of what they did."""

    store: Path
    record: Record
    log: Path
    database: str | None = None
    """The URL of the store where it is no file."""

    @property
    def url(self) -> str:
        return self.database or f"sqlite:///{self.store}"

    def effects(self) -> list[dict[str, Any]]:
        """Give the rows of all effects, in the order in which a user owes them."""
        if self.database is not None:
            import psycopg
            from psycopg.rows import dict_row

            with psycopg.connect(self.database, row_factory=dict_row) as served:
                return served.execute(_EFFECTS.encode()).fetchall()
        with closing(sqlite3.connect(self.store)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(_EFFECTS)]

    def end_leases(self) -> None:
        """Let all leases have run out, where that goes by a server's clock, which no process sets ahead."""
        if self.database is not None:
            import psycopg

            with psycopg.connect(self.database, autocommit=True) as served:
                served.execute(b"UPDATE effects SET ready_at = '2000-01-01' WHERE standing = 'taken'")

    def unfinished(self) -> int:
        with closing(sqlite3.connect(self.store)) as connection:
            told = connection.execute("SELECT count(*) FROM effects WHERE standing IN ('owed', 'taken')")
            return int(told.fetchone()[0])

    def has_more_acknowledged(self, *, than: int) -> bool:
        return len(self.record.lines("acknowledged")) > than

    def check_acknowledged(self) -> Ledger:
        """Hold that what was acknowledged is there, exactly once, and what else a store promises."""
        ledger = Ledger(self.database or self.store)
        kept = Counter(
            (user, row["event_id"]) for user in ledger.users() for row in ledger.rows("events", user)
        )
        for line in self.record.lines("acknowledged"):
            assert kept[line["user_id"], line["event_id"]] == 1, line
        assert set(kept.values()) <= {1}
        ledger.check()
        return ledger

    def check_work(self) -> None:
        """Hold that each key's effect was done, and each lifecycle's in order."""
        effects = {row["key"]: row for row in self.effects()}
        done = self.record.lines("done")
        assert {row["standing"] for row in effects.values()} <= {"done", "void"}
        keys = {line["key"] for line in done}
        assert keys == {key for key, row in effects.items() if row["standing"] == "done"}
        order: dict[tuple[str, int], list[int]] = defaultdict(list)
        for line in done:
            row = effects[line["key"]]
            order[row["user_id"], row["lifecycle"]].append(row["seq"])
        for seqs in order.values():
            assert seqs == sorted(seqs)


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path / "claims.db", Record(tmp_path / "record.jsonl"), tmp_path / "log")


@pytest.fixture
def disk_or_server(request: pytest.FixtureRequest, disk: Disk) -> Disk:
    """The same, or with a database in the place of the file, as the test says."""
    return replace(disk, database=request.getfixturevalue("postgres_url")) if request.param else disk


@pytest.fixture
def begin(disk: Disk) -> Iterator[Begin]:
    """Begin a Python process on the store; what is left of them at the end is killed."""
    begun: list[Forked] = []

    def begin_it(*arguments: str, **environment: str) -> Forked:
        given = {"WORKFLOW_DATABASE_URL": disk.url, "CRASH_RECORD": str(disk.record.path)}
        begun.append(
            Forked(*arguments, cwd=disk.store.parent, stdout=disk.log, variables=given | environment)
        )
        return begun[-1]

    yield begin_it
    for process in begun:
        process.kill()
        process.wait()


def until(holds: Callable[[], object], disk: Disk, *, seconds: float) -> None:
    """Wait until something holds; fail, with what the processes said, where it never does."""
    end = monotonic() + seconds
    while not holds():
        assert monotonic() < end, f"it never came to hold: {disk.log.read_text()}"
        sleep(0.02)
