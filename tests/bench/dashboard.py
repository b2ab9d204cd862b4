"""How large the dashboard's pages are, and how long each takes in process, of a store with 100,000 claims.

`python -m tests.bench.dashboard` prints these; a URL behind it asks a PostgreSQL store.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.table import Table

from tests.bench.questions import CLAIMS, USERS, fill
from webapp import ServiceSettings, create_app
from workflow_fsm import Settings, Workflow

PATHS = (
    "/",
    "/dashboard/attention",
    "/dashboard/claims",
    "/dashboard/claims?state=matched&decision=auto_submit&sort=deadline",
    "/dashboard/claims?overdue=1&currency=EUR&sort=-amount",
    "/dashboard/claims?find=c1",
    "/dashboard/claim?user_id=seller-00&claim_id=c0",
    "/dashboard/users",
    "/dashboard/user?user_id=seller-00",
    "/dashboard/money",
    "/dashboard/effects",
    "/dashboard/deadletters",
    "/dashboard/deadletters/all?act=retry&kind=effect",
)
TURNS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A page: how many bytes it has, how many seconds it took first, and at best after that."""

    path: str
    size: int
    first: float
    least: float


def main() -> None:
    """Measure, and print a table."""
    table = Table(title=f"pages of {CLAIMS:,} claims of {USERS} users", title_justify="left")
    for name in ("page", "KB", "first, ms", "then, ms"):
        table.add_column(name, justify="left" if name == "page" else "right")
    with tempfile.TemporaryDirectory() as folder:
        url = sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{Path(folder) / 'claims.db'}"
        for one in load_all(url):
            row = (f"{one.size / 1000:.1f}", f"{one.first * 1000:.0f}", f"{one.least * 1000:.0f}")
            table.add_row(one.path, *row)
    Console(width=120).print(table)


def load_all(url: str, claims: int = CLAIMS) -> list[Loaded]:
    """Fill a store, and load each page of it."""
    fill(url, claims)
    with Workflow.open(url, settings=Settings()) as workflow:
        client = create_app(workflow, settings=ServiceSettings()).test_client()

        def load(path: str) -> tuple[int, float]:
            since = perf_counter()
            answer = client.get(path, headers={"Accept": "text/html"})
            assert answer.status_code == 200, answer.get_data(as_text=True)
            return len(answer.get_data()), perf_counter() - since

        loaded = []
        for path in PATHS:
            size, first = load(path)
            loaded.append(
                Loaded(path=path, size=size, first=first, least=min(load(path)[1] for _ in range(TURNS)))
            )
        return loaded


if __name__ == "__main__":
    main()
