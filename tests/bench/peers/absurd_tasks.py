"""`absurd-sdk` on PostgreSQL: tasks spawned, each under an idempotency key; or done by one worker.

Its schema is the one that `absurdctl` brings along, as `absurdctl init` would run it by `psql`.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from threading import Thread
from time import perf_counter, sleep
from typing import Any

import absurdctl
import psycopg
from absurd_sdk import Absurd

from tests.bench.peers import rates

OWED_A_SECOND = 1500
AT_ONCE = 4
"""So many tasks a worker does at once; this project's does as many effects."""


def spawn(url: str, threads: int, seconds: float) -> float:
    """Spawn tasks from so many threads, each with a connection."""
    with ExitStack() as stack:
        clients = [stack.enter_context(psycopg.connect(url, autocommit=True)) for _ in range(threads)]
        queues = [Absurd(client) for client in clients]

        def one(thread: int, number: int) -> None:
            _spawn(queues[thread], number)

        return rates.a_second(one, threads, seconds)


def work(url: str, _threads: int, seconds: float) -> float:
    """Owe tasks that do nothing, and let a worker do them; measured over the middle of it."""
    owed, done = int(OWED_A_SECOND * seconds), 0
    with psycopg.connect(url, autocommit=True) as connection:
        queue = Absurd(connection)

        def nothing(_parameters: Any, _context: Any) -> None:
            nonlocal done
            done += 1

        queue.register_task("note")(nothing)
        with connection.transaction():
            for number in range(owed):
                _spawn(queue, number)
        worker = Thread(target=queue.start_worker, kwargs={"concurrency": AT_ONCE})
        worker.start()
        while (first := done) < owed // 10:
            sleep(0.005)
        began = perf_counter()
        while (last := done) < owed * 9 // 10 and perf_counter() - began < seconds:
            sleep(0.005)
        elapsed = perf_counter() - began
        queue.stop_worker()
        worker.join()
    return (last - first) / elapsed


def _spawn(queue: Any, number: int) -> None:
    told = {"user_id": f"user-{number % rates.USERS}", "sync_id": f"sync-{number}", "orders_count": 12}
    queue.spawn("note", told, queue="default", idempotency_key=f"msg_{number:010}")


def main(what: str, url: str, threads: int, seconds: float) -> None:
    """Install the schema, make a queue, measure."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(absurdctl.BUNDLED_SCHEMA_SQL)
        Absurd(connection).create_queue()

        def ask(statement: str) -> Any:
            row = connection.execute(statement.encode()).fetchone()
            return row and row[0]

        synced = rates.of_postgres(ask)
    rates.tell("absurd-sdk", {"spawn": spawn, "work": work}[what](url, threads, seconds), synced)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
