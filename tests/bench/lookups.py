"""What an event costs of a user with few claims, beside one of a user with many: look-ups must cost the same.

`python -m tests.bench.lookups` prints these alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

from rich.console import Console
from rich.table import Table

from tests.stores.filled import multiply, running
from workflow_fsm import NotAllowed, Settings, Transition, Workflow

FEW, MANY = 200, 20_000
TURNS = 60
FILED, PAID, OWING = USERS = ("filed", "paid", "owing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """How many seconds an event takes, the median, of a user with few claims and of one with many."""

    what: str
    few: float
    many: float


def main() -> None:
    """Measure, and print a table."""
    table = Table(title=f"an event of a user with {FEW} claims, and with {MANY:,}", title_justify="left")
    for name in ("what", f"{FEW}, ms", f"{MANY:,}, ms", "beside"):
        table.add_column(name, justify="left" if name in ("what", "beside") else "right")
    with tempfile.TemporaryDirectory() as folder:
        for cost in look_up(Path(folder)):
            ratio = f"{cost.many / cost.few:.2f} times as long"
            table.add_row(cost.what, f"{cost.few * 1000:.2f}", f"{cost.many * 1000:.2f}", ratio)
    Console(width=120).print(table)


def look_up(home: Path) -> list[Cost]:
    """Fire the same events into a store with few claims and one with many, by turns."""
    with ExitStack() as stack:
        few, many = (
            stack.enter_context(Workflow.open(fill(home / f"{claims}.db", claims), settings=Settings()))
            for claims in (FEW, MANY)
        )
        return [_measure(what, fire, few, many) for what, fire in _EVENTS.items()]


def fill(path: Path, claims: int) -> str:
    """Fill a store with three users of so many claims each; give its URL."""
    url = f"sqlite:///{path}"
    with Workflow.open(url, settings=Settings()) as workflow:
        workflow.on_enter("detected", name="noted")(_nothing)
        for user in USERS:
            workflow.fire("sync_complete", user_id=user, sync_id="s")
            found = [{"claim_id": f"c{number}"} for number in range(FEW)]
            workflow.fire("detection_complete", user_id=user, sync_id="s", claims=found)
        for number in range(FEW):
            claim = {"user_id": FILED, "claim_id": f"c{number}"}
            workflow.fire("claim_submitted", **claim, amazon_case_id=f"k{number}")
            if number >= TURNS:
                _pay(workflow, number)
            workflow.fire("payout_received", user_id=PAID, claim_id=f"c{number}", amount="1.00")
    with running(url) as run:
        run("UPDATE effects SET standing = 'done'")
        for user in USERS:
            multiply(run, user, claims // FEW)
    return url


def _measure(what: str, fire: Callable[[Workflow, int], object], *stores: Workflow) -> Cost:
    took: list[list[float]] = [[] for _ in stores]
    for turn in range(TURNS):
        for workflow, each in zip(stores, took, strict=True):
            since = perf_counter()
            fire(workflow, turn)
            each.append(perf_counter() - since)
    few, many = map(median, took)
    return Cost(what=what, few=few, many=many)


def _pay(workflow: Workflow, number: int) -> None:
    workflow.fire(
        "payout_received",
        user_id=FILED,
        claim_id=f"c{number}",
        amazon_case_id=f"k{number}",
        reimbursement_id=f"r{number}",
        amount="1.00",
    )


def _reject(workflow: Workflow, turn: int) -> None:
    with suppress(NotAllowed):
        workflow.fire("claim_rejected", user_id=PAID, event_id=f"rejected-{turn}")


def _submit(workflow: Workflow, turn: int) -> None:
    workflow.fire("claim_submitted", user_id=OWING, claim_id=f"c{turn}", event_id=f"submitted-{turn}")


def _nothing(told: Transition) -> None:
    pass


_EVENTS: Mapping[str, Callable[[Workflow, int], object]] = {
    "a payout that names claim, case and reimbursement": _pay,
    "a rejection that names none, of a user whose claims are paid": _reject,
    "a submission that makes an effect void, of a user with an effect a claim": _submit,
}

if __name__ == "__main__":
    main()
