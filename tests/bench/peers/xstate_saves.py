"""`xstate-statemachine` with its SQLite store: a new machine, an event sent to it, its snapshot saved."""

from __future__ import annotations

import sys
from typing import Any

from xstate_statemachine import create_machine
from xstate_statemachine.persistence import SQLiteStore, persisted

from tests.bench.peers import rates

MACHINE = {
    "id": "claim",
    "initial": "new",
    "context": {"orders_count": 0},
    "states": {"new": {"on": {"sync_complete": "synced"}}, "synced": {}},
}


def main(path: str, seconds: float, journal_mode: str) -> None:
    """Save for some seconds."""
    machine = create_machine(MACHINE)
    store = SQLiteStore(path, journal_mode=journal_mode)

    def save(_thread: int, number: int) -> None:
        key = f"user-{number % rates.USERS}:sync-{number}"
        with persisted(store, key, machine) as claim:
            claim.send("sync_complete", orders_count=12)

    def ask(statement: str) -> Any:
        return store._conn().execute(statement).fetchone()[0]

    rate = rates.a_second(save, 1, seconds)
    rates.tell("xstate-statemachine", rate, rates.of_sqlite(ask))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), sys.argv[3])
