"""What is measured inside a version of the project: a script, run where that version's code is found.

It asks for nothing but what both versions have: `Workflow.open`, `fire`, `fire_many`, handlers, and the
worker's command. `register` makes it a module of handlers too. Prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

from workflow_fsm import Settings, Transition, Workflow

USERS = 1000
BATCH = 1000
CLAIMS = 100
"""Of each user who owes effects."""
OWED_A_SECOND = 1500
DONE = "WORKFLOW_BENCH_DONE"
"""Names the file to which an effect that is done adds a byte."""


def register(workflow: Workflow) -> None:
    """Register a handler that adds a byte to a file."""
    done = os.open(os.environ[DONE], os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)

    @workflow.on_transition(trigger="detection_complete", name="nothing")
    def nothing(_told: Transition) -> None:
        os.write(done, b".")


def fire(url: str, threads: int, seconds: float) -> float:
    """Fire syncs of a thousand users from so many threads; give how many a second."""
    numbers = count()
    with Workflow.open(url, settings=Settings()) as workflow:
        began = perf_counter()

        def work() -> None:
            while perf_counter() - began < seconds:
                workflow.fire("sync_complete", **_event(next(numbers), "fired"))

        with ThreadPoolExecutor(threads) as pool:
            for future in [pool.submit(work) for _ in range(threads)]:
                future.result()
        return next(numbers) / (perf_counter() - began)


def fire_many(url: str, _threads: int, seconds: float) -> float:
    """Fire batches of a thousand syncs; give how many events a second."""
    with Workflow.open(url, settings=Settings()) as workflow:
        began, number = perf_counter(), 0
        while perf_counter() - began < seconds:
            some = range(number, number + BATCH)
            workflow.fire_many([{"trigger": "sync_complete", **_event(one, "many")} for one in some])
            number += BATCH
        return number / (perf_counter() - began)


def effects(url: str, workers: int, seconds: float) -> float:
    """Owe effects, and let worker processes do them; give how many a second."""
    done = Path(os.environ[DONE])
    done.touch()
    with Workflow.open(url, settings=Settings()) as workflow:
        register(workflow)
        users = int(OWED_A_SECOND * seconds) // CLAIMS
        for user in range(users):
            workflow.fire("sync_complete", user_id=f"user-{user}", sync_id="s")
            found = [{"claim_id": f"c{number}"} for number in range(CLAIMS)]
            workflow.fire("detection_complete", user_id=f"user-{user}", sync_id="s", claims=found)
    with ExitStack() as stack:
        for _ in range(workers):
            stack.callback(_worker(url).terminate)
        before, since = done.stat().st_size, perf_counter()
        while (now := done.stat().st_size) < users * CLAIMS and perf_counter() - since < seconds:
            sleep(0.02)
        return (now - before) / (perf_counter() - since)


def _event(number: int, run: str) -> dict[str, Any]:
    return {
        "user_id": f"user-{number % USERS}",
        "sync_id": f"{run}-{number}",
        "event_id": f"msg_{run}_{number:010}",
        "orders_count": 12,
    }


def _worker(url: str) -> subprocess.Popen[str]:
    given = {"WORKFLOW_DATABASE_URL": url, "WORKFLOW_HANDLERS": Path(__file__).stem}
    process = subprocess.Popen(
        [sys.executable, "-m", "workflow_fsm", "worker"],
        env=os.environ | given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = ""
    while "working" not in said:
        line = process.stdout.readline()
        said += line
        if not line:
            raise SystemExit(f"a worker did not start: {said}")
    return process


if __name__ == "__main__":
    _, what, url, many, seconds = sys.argv
    works = {"fire": fire, "fire_many": fire_many, "effects": effects}
    print(json.dumps({"a_second": works[what](url, int(many), float(seconds))}))
