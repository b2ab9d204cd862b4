"""How many effects a second workers do whose handlers do nothing, and how long one waits from its commit on.

`python -m tests.bench.effects URL` is a worker process.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from random import Random
from time import perf_counter, sleep

from workflow_fsm import Settings, Transition, Workflow

OWED_A_SECOND = 1500
"""So many effects are owed beforehand for each second that is measured; done sooner, it ends sooner."""
CLAIMS = 100
"""Of each user."""
ARRIVALS = "WORKFLOW_BENCH_ARRIVALS"


def register(workflow: Workflow) -> None:
    """Register a handler that does nothing, or, where a file for it is named, tells there when it began."""
    arrivals = os.environ.get(ARRIVALS)
    file = None if arrivals is None else open(arrivals, "a", buffering=1)  # noqa: SIM115  # until the end

    @workflow.on_transition(trigger="detection_complete", name="nothing")
    def nothing(told: Transition) -> None:
        if file is not None:
            file.write(f"{told.user_id} {perf_counter()}\n")


def effects_a_second(path: Path, workers: int, seconds: float) -> float:
    """Owe effects of as many lifecycles, and let worker processes do them for some seconds."""
    with Workflow.open(f"sqlite:///{path}", settings=Settings()) as workflow:
        register(workflow)
        users = int(OWED_A_SECOND * seconds) // CLAIMS
        for user in range(users):
            _detect(workflow, f"user-{user}", CLAIMS)
    with ExitStack() as stack, closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for _ in range(workers):
            stack.enter_context(worker(path))
        before, since = _done(connection), perf_counter()
        done = before
        while done < users * CLAIMS and perf_counter() - since < seconds:
            sleep(0.05)
            done = _done(connection)
        return (done - before) / (perf_counter() - since)


def delays_here(path: Path, seconds: float) -> list[float]:
    """Fire an event at a time beside a worker in this process; give how long each effect waited."""
    with Workflow.open(f"sqlite:///{path}", settings=Settings()) as workflow:
        arrived: dict[str, float] = {}

        @workflow.on_transition(trigger="detection_complete", name="nothing")
        def nothing(told: Transition) -> None:
            arrived[told.user_id] = perf_counter()

        working = workflow.worker()
        working.start()
        committed = _fire(workflow, seconds, Random(1), longest_pause=0.02)
        sleep(0.5)
        working.stop()
    return sorted(max(0.0, arrived[user] - at) for user, at in committed.items())


def delays_elsewhere(path: Path, seconds: float) -> list[float]:
    """Do the same beside a worker of another process."""
    arrivals = path.with_suffix(".arrivals")
    with Workflow.open(f"sqlite:///{path}", settings=Settings()) as workflow:
        register(workflow)
        with worker(path, arrivals=arrivals):
            committed = _fire(workflow, seconds, Random(1), longest_pause=0.4)
            sleep(1.5)
    lines = (line.split() for line in arrivals.read_text().splitlines())
    arrived = {user: float(at) for user, at in lines}  # of one clock: the machine's since it started
    return sorted(max(0.0, arrived[user] - at) for user, at in committed.items())


@contextmanager
def worker(path: Path, *, arrivals: Path | None = None) -> Iterator[None]:
    """Run `workflow-fsm worker`, from when it works on."""
    kept = {name: value for name, value in os.environ.items() if name[:9] != "WORKFLOW_"}
    given = {"WORKFLOW_DATABASE_URL": f"sqlite:///{path}", "WORKFLOW_HANDLERS": "tests.bench.effects"}
    if arrivals is not None:
        given[ARRIVALS] = str(arrivals)
    process = subprocess.Popen(
        [sys.executable, "-m", "workflow_fsm", "worker"],
        env=kept | given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = ""
        while "working" not in said:
            line = process.stdout.readline()
            said += line
            if not line:
                raise SystemExit(f"a worker did not start: {said}")
        yield
    finally:
        process.terminate()
        process.communicate(timeout=20)


def _fire(workflow: Workflow, seconds: float, chance: Random, *, longest_pause: float) -> dict[str, float]:
    """Fire now and then; give when each was committed."""
    committed: dict[str, float] = {}
    until = perf_counter() + seconds
    while perf_counter() < until:
        user = f"user-{len(committed)}"
        _detect(workflow, user, 1)
        committed[user] = perf_counter()
        sleep(chance.uniform(0, longest_pause))
    return committed


def _detect(workflow: Workflow, user: str, claims: int) -> None:
    workflow.fire("sync_complete", user_id=user, sync_id="s")
    entries = [{"claim_id": f"c{number}"} for number in range(claims)]
    workflow.fire("detection_complete", user_id=user, sync_id="s", claims=entries)


def _done(connection: sqlite3.Connection) -> int:
    done = connection.execute("SELECT count(*) FROM effects WHERE standing = 'done'").fetchone()
    return int(done[0])
