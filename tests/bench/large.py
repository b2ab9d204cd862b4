"""How long another user's small event takes beside one that is for many claims, on either store.

`python -m tests.bench.large` prints these alone. What is small is fired again and again while the large event
is read, decided and committed; the worst of it is told beside the median with nothing large at all.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, sleep
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.stores.postgres.server import server
from workflow_fsm import Settings, Workflow, WorkflowError

SENDERS = 4
"""How many users send small events beside the large one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Seconds: what the large took, a small event alone (median), and beside it (median and worst)."""

    what: str
    took: float
    alone: float
    beside: float
    worst: float
    memory: int
    answers: str


def main() -> None:
    """Measure, and print a table for each store."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        show("SQLite", measure(f"sqlite:///{home / 'large.db'}"))
        if "sqlite" not in sys.argv[1:]:
            running = stack.enter_context(server(lasting=True))
            show("PostgreSQL", measure(running.url(running.make())))


def show(store: str, found: Iterator[Beside]) -> None:
    """Print what was found of a store."""
    table = Table(title=f"another user's event beside a large one, {store}", title_justify="left")
    for name in ("what", "took s", "small alone ms", "beside it ms", "worst ms", "peak MB", "answers"):
        table.add_column(name, justify="left" if name in ("what", "answers") else "right")
    for one in found:
        table.add_row(
            one.what,
            f"{one.took:.2f}",
            f"{one.alone * 1000:.1f}",
            f"{one.beside * 1000:.1f}",
            f"{one.worst * 1000:.0f}",
            str(one.memory),
            one.answers,
        )
    Console(width=120).print(table)


def measure(url: str) -> Iterator[Beside]:
    """Send large events of a user, while others send small ones."""
    with Workflow.open(url, settings=Settings()) as workflow:
        workflow.on_enter("matched", name="noted")(lambda transition: None)
        for many in (10_000, 50_000):
            workflow.fire("sync_complete", user_id=f"large-{many}", sync_id="s")
            yield beside(workflow, f"a detection of {many:,} claims", [detection(many)])
        matches = [match(10_000, f"0.{n}") for n in range(51, 61)]
        yield beside(workflow, "a match that names none, 10,000 claims", matches[:1])
        yield beside(workflow, "ten of these in one request", matches)


def detection(many: int) -> Mapping[str, Any]:
    """Make a detection of many short claims."""
    claims = [{"claim_id": f"c{number}"} for number in range(many)]
    return {
        "trigger": "detection_complete",
        "user_id": f"large-{many}",
        "sync_id": "s",
        "claims": claims,
    }


def match(many: int, confidence: str) -> Mapping[str, Any]:
    """Make a match that names no claim."""
    return {
        "trigger": "evidence_matching_complete",
        "user_id": f"large-{many}",
        "confidence": confidence,
    }


def beside(workflow: Workflow, what: str, events: Sequence[Mapping[str, Any]]) -> Beside:
    """Fire large events, as one request would, while others fire small ones."""
    alone = [small(workflow, 0) for _ in range(50)]
    found: list[float] = []
    over = threading.Event()

    def send(sender: int) -> None:
        while not over.is_set():
            found.append(small(workflow, sender))
            sleep(0.005)

    threads = [threading.Thread(target=send, args=(sender,)) for sender in range(SENDERS)]
    for thread in threads:
        thread.start()
    since = perf_counter()
    outcomes = taken(lambda: workflow.fire_many(events))
    took = perf_counter() - since
    over.set()
    for thread in threads:
        thread.join()
    return Beside(
        what=what,
        took=took,
        alone=median(alone),
        beside=median(found),
        worst=max(found),
        memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        answers=", ".join(f"{outcomes.count(one)} {one}" for one in dict.fromkeys(outcomes)),
    )


def taken(fire: Callable[[], Sequence[Any]]) -> list[str]:
    """Give what became of some events: a status, or an error's code."""
    return [one.code if isinstance(one, WorkflowError) else one.status for one in fire()]


def small(workflow: Workflow, sender: int) -> float:
    """Fire a small event of another user; give how long it took."""
    since = perf_counter()
    workflow.fire("sync_complete", user_id=f"small-{sender}", sync_id=f"s-{since}")
    return perf_counter() - since


if __name__ == "__main__":
    main()
