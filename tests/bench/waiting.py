"""What waits and isn't concerned costs nothing, and what many wait for costs each of them once.

`python -m tests.bench.waiting` prints ratios, for SQLite and for PostgreSQL: what must be linear grows as the
numbers do, and what must be flat stays as it is.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.stores.postgres.server import CannotRun, server
from workflow_fsm import Settings, Workflow
from workflow_fsm.testing import ManualClock

URLs = Iterator[str]
"""URLs of empty stores of one kind."""
FEW, *MORE = FREED = (50, 100, 200, 400)
WAITING = (0, 500, 5_000)
DEADLINES = 100
TURNS = 20
IN_A_CALL = 250
FOUND = datetime(2026, 3, 1, 12, tzinfo=UTC)
DUE, LATER = "2026-03-02T12:00:00Z", datetime(2026, 3, 3, tzinfo=UTC)


def main() -> None:
    """Measure on each store, and print a table of each."""
    console = Console(width=150)
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        console.print(measured("SQLite", (f"sqlite:///{home}/{number}.db" for number in count())))
        try:
            running = stack.enter_context(server(lasting=True))
        except CannotRun as error:
            console.print(str(error))
            return
        console.print(measured("PostgreSQL", (running.url(running.make()) for _ in count())))


def measured(where: str, urls: URLs) -> Table:
    """Measure on one kind of store."""
    table = Table(title=f"waiting events, {where}", title_justify="left")
    for name in ("what", "how many", "ms", "beside"):
        table.add_column(name, justify="left" if name in ("what", "beside") else "right")
    what = "a detection that frees as many submissions and payouts by case"
    first = 0.0
    for many in FREED:
        took = freeing(next(urls), many)
        first = first or took
        beside = f"{took / first:.1f} times as long, for {many // FEW} times as many" if many > FEW else ""
        table.add_row(what, str(many), f"{took * 1000:,.0f}", beside)
    what = f"{DEADLINES} deadlines of a user with payouts of other cases"
    for many in WAITING[:2]:
        took = passing(next(urls), many)
        beside = f"{took / first:.2f} times as long" if many else ""
        first = took if not many else first
        table.add_row(what, str(many), f"{took * 1000:,.0f}", beside)
    for name, event in WAITERS.items():
        for many in WAITING:
            took = among(next(urls), event, many)
            beside = f"{took / first:.2f} times as long" if many else ""
            first = took if not many else first
            table.add_row(f"a submission beside {name}", str(many), f"{took * 1000:,.1f}", beside)
    return table


def freeing(url: str, many: int) -> float:
    """Let payouts by case wait, then submissions that name claim and case; give how long the detection is."""
    with opened(url) as workflow:
        fire(workflow, ({**by_case(number), "trigger": "payout_received"} for number in range(many)))
        fire(
            workflow,
            ({"trigger": "claim_submitted", "user_id": "u", **named(number)} for number in range(many)),
        )
        workflow.fire("sync_complete", user_id="u", sync_id="s")
        found = [{"claim_id": f"c{number}"} for number in range(many)]
        took = timed(lambda: workflow.fire("detection_complete", user_id="u", sync_id="s", claims=found))
        status = workflow.status("u")
        if status is None or status.counts != {"paid": many}:
            raise SystemExit(f"not all were freed: {status}")
        return took


def passing(url: str, waiting: int) -> float:
    """Let deadlines pass of a user of whom something waits; give how long that takes."""
    clock = ManualClock(FOUND)
    with opened(url, clock) as workflow:
        detect(workflow, [{"claim_id": f"d{number}", "deadline_date": DUE} for number in range(DEADLINES)])
        fire(workflow, ({**by_case(number), "trigger": "payout_received"} for number in range(waiting)))
        clock.advance(LATER - FOUND)

        def pass_all() -> None:
            while workflow.tick():
                pass

        return timed(pass_all)


def among(url: str, waiter: Callable[[int], dict[str, Any]], waiting: int) -> float:
    """Fire submissions of a user with events that wait for something else; give the median of how long."""
    with opened(url) as workflow:
        detect(workflow, [{"claim_id": f"f{number}"} for number in range(TURNS)])
        fire(workflow, ({"user_id": "u", **waiter(number)} for number in range(waiting)))
        took = [
            timed(
                lambda turn=turn: workflow.fire("claim_submitted", user_id="u", claim_id=f"f{turn}")  # type: ignore[misc]
            )
            for turn in range(TURNS)
        ]
        return median(took)


def by_case(number: int) -> dict[str, Any]:
    return {"user_id": "u", "amazon_case_id": f"k{number}", "event_id": f"p{number}", "amount": "1.00"}


def named(number: int) -> dict[str, Any]:
    return {"claim_id": f"c{number}", "amazon_case_id": f"k{number}", "event_id": f"s{number}"}


def detect(workflow: Workflow, claims: list[dict[str, Any]]) -> None:
    workflow.fire("sync_complete", user_id="u", sync_id="s")
    workflow.fire("detection_complete", user_id="u", sync_id="s", claims=claims)


def fire(workflow: Workflow, events: Iterator[dict[str, Any]]) -> None:
    """Fire events that wait, many in a call."""
    rest = list(events)
    while rest:
        for outcome in workflow.fire_many(rest[:IN_A_CALL]):
            if getattr(outcome, "status", None) != "deferred":
                raise SystemExit(f"it was to wait: {outcome}")
        rest = rest[IN_A_CALL:]


def opened(url: str, clock: ManualClock | None = None) -> Workflow:
    return Workflow.open(url, settings=Settings(), clock=clock or ManualClock(FOUND))


def timed(work: Callable[[], object]) -> float:
    since = perf_counter()
    work()
    return perf_counter() - since


WAITERS: dict[str, Callable[[int], dict[str, Any]]] = {
    "payouts by case": lambda number: {"trigger": "payout_received", **by_case(number)},
    "payouts by claim": lambda number: {
        "trigger": "payout_received",
        "claim_id": f"x{number}",
        "event_id": f"p{number}",
        "amount": "1.00",
    },
    "reversals by reimbursement": lambda number: {
        "trigger": "payout_reversed",
        "original_reimbursement_id": f"r{number}",
        "event_id": f"p{number}",
        "amount": "1.00",
    },
    "money that names nobody": lambda number: {
        "trigger": "payout_received",
        "event_id": f"p{number}",
        "amount": "1.00",
    },
    "rejections that name nobody": lambda number: {"trigger": "claim_rejected", "event_id": f"p{number}"},
}

if __name__ == "__main__":
    main()
