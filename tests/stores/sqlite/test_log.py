"""The log beside a SQLite file: what it took of the disk it gives back, as soon as readers let it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from workflow_fsm.stores.session import Session
from workflow_fsm.stores.sqlite.database import SQLite

BOUND = 2**20


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLite]:
    store = SQLite(str(tmp_path / "claims.db"), log_bytes=BOUND)
    yield store
    store.close()


def put(store: SQLite, number: int) -> None:
    """Write some tens of kilobytes."""

    def work(session: Session) -> None:
        pattern = f"{number}" * 50_000
        name = f"h{number % 5}"
        known = session.row("handler", handler=name)
        before = None if known is None else known["pattern"]
        session.run(
            "put_handler", {"handler": name, "pattern": pattern, "registered_at": "", "before": before}
        )

    store.write(work)


def log_bytes(store: SQLite) -> int:
    return Path(f"{store.path}-wal").stat().st_size


def test_a_log_that_grew_beside_a_reader_is_given_back_when_the_reader_has_gone(store: SQLite) -> None:
    with closing(sqlite3.connect(store.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM users").fetchone()
        for number in range(60):
            put(store, number)
        grown = log_bytes(store)
    assert grown > 3 * BOUND
    store._bound._tried_at = float("-inf")  # as if it had last been tried long ago
    put(store, 1)
    assert log_bytes(store) <= BOUND


def test_whoever_ends_reading_gives_back_what_the_log_took_meanwhile(store: SQLite) -> None:
    def read(session: Session) -> None:
        session.rows("handlers")
        for number in range(60):
            put(store, number)
        store._bound._tried_at = float("-inf")  # as if it had last been tried long ago

    store.read(read)
    assert log_bytes(store) <= BOUND


def test_what_was_committed_while_the_log_was_emptied_is_there(store: SQLite) -> None:
    for number in range(60):
        put(store, number)
        store._bound._tried_at = float("-inf")
    rows = store.read(lambda session: session.rows("handlers"))
    assert [row["pattern"][:2] for row in rows] == ["55", "56", "57", "58", "59"]


def test_what_a_large_commit_wrote_is_brought_into_the_file_once_others_go_on(store: SQLite) -> None:
    sizes: list[int] = []
    store.tell_commits(lambda _jobs, _seconds: sizes.append(Path(store.path).stat().st_size))

    def work(session: Session) -> None:
        row = {"handler": "large", "pattern": "x" * 45_000_000, "registered_at": "", "before": None}
        session.run("put_handler", row)

    store.write(work, users=["u"], apart=True)
    assert sizes[-1] < BOUND
    assert Path(store.path).stat().st_size > 40_000_000
    put(store, 1)
    assert log_bytes(store) <= BOUND
