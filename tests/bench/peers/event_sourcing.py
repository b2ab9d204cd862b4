"""`eventsourcing` on SQLite: saves of a new aggregate with one event, a row each."""

from __future__ import annotations

import sys
from typing import Any

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate

from tests.bench.peers import rates


class Sync(Aggregate):  # type: ignore[misc]  # the peer may be missing, and is Any either way
    """A sync that was completed."""

    def __init__(self, user_id: str, sync_id: str, orders_count: int) -> None:
        self.user_id = user_id
        self.sync_id = sync_id
        self.orders_count = orders_count


def main(path: str, threads: int, seconds: float) -> None:
    """Save for some seconds."""
    app = Application(env={"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": path})

    def save(_thread: int, number: int) -> None:
        app.save(Sync(f"user-{number % rates.USERS}", f"sync-{number}", 12))

    def ask(statement: str) -> Any:
        with app.recorder.datastore.transaction(commit=False) as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0]

    rate = rates.a_second(save, threads, seconds)
    rates.tell("eventsourcing", rate, rates.of_sqlite(ask))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
