"""DBOS: durable workflows of one step, each under an id of its own, on SQLite or PostgreSQL.

`--wal` puts a SQLite file into WAL first: DBOS leaves the mode of a file as it finds it.
"""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from typing import Any

from dbos import DBOS, SetWorkflowID

from tests.bench.peers import rates


def note(_user_id: str, _sync_id: str, orders_count: int) -> int:
    """Do nothing, as a step: what it gives is recorded."""
    return orders_count


step = DBOS.step()(note)


def take(user_id: str, sync_id: str, orders_count: int) -> int:
    """Take an event, as a workflow."""
    return int(step(user_id, sync_id, orders_count))


workflow = DBOS.workflow()(take)


def main(url: str, threads: int, seconds: float, *, wal: bool) -> None:
    """Run workflows for some seconds."""
    if wal:
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
    running = DBOS(config={"name": "bench", "system_database_url": url, "log_level": "ERROR"})
    DBOS.launch()

    def run(_thread: int, number: int) -> None:
        with SetWorkflowID(f"msg_{number:010}"):
            workflow(f"user-{number % rates.USERS}", f"sync-{number}", 12)

    def ask(statement: str) -> Any:
        with running._sys_db.engine.connect() as connection:
            return connection.exec_driver_sql(statement).scalar()

    rate = rates.a_second(run, threads, seconds)
    synced = rates.of_sqlite(ask) if url.startswith("sqlite") else rates.of_postgres(ask)
    rates.tell("dbos", rate, synced)
    sys.stdout.flush()
    DBOS.destroy()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), wal="--wal" in sys.argv)
