"""How long the first page of each question across users takes in process, of a store with 100,000 claims.

`python -m tests.bench.questions` prints these alone; a URL behind it asks a PostgreSQL store.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.stores.filled import multiply, running
from webapp import ServiceSettings, create_app
from webapp.routes.webhooks import PREFIX
from workflow_fsm import Discard, Settings, Transition, Workflow

CLAIMS, USERS = 100_000, 20
OWN = 100
"""Claims of a user that real events make; they are told again by SQL."""
TURNS = 15
MOST_SECONDS = 0.1
"""How long a first page may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How many seconds a first page takes, in the library and as an HTTP answer in process.

    Of a processor, and the least of several: what the question costs on a machine that others use as well.
    """

    what: str
    in_python: float
    over_http: float
    rows: int


def main() -> None:
    """Measure, and print a table."""
    table = Table(title=f"the first page, of {CLAIMS:,} claims of {USERS} users", title_justify="left")
    for name in ("question", "rows", "library, ms", "HTTP, ms"):
        table.add_column(name, justify="left" if name == "question" else "right")
    with tempfile.TemporaryDirectory() as folder:
        url = sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{Path(folder) / 'claims.db'}"
        for one in ask_all(url):
            times = (f"{seconds * 1000:.1f}" for seconds in (one.in_python, one.over_http))
            table.add_row(one.what, f"{one.rows}", *times)
    Console(width=120).print(table)


def ask_all(url: str, claims: int = CLAIMS) -> list[Asked]:
    """Fill a store, and ask each question of it."""
    fill(url, claims)
    with Workflow.open(url, settings=Settings()) as workflow:
        client = create_app(workflow, settings=ServiceSettings()).test_client()

        def get(path: str) -> None:
            answer = client.get(f"{PREFIX}/{path}")
            assert answer.status_code == 200, answer.get_data(as_text=True)

        asked: list[Asked] = []
        for what, (question, filters, path) in QUESTIONS.items():
            ask = getattr(workflow, question)
            page = {"limit": 100, **filters} if question not in ("claim", "event") else dict(filters)
            rows, in_python = _timed(lambda ask=ask, page=page: _many(ask(**page)))  # type: ignore[misc]
            _, over_http = _timed(lambda path=path: get(path))  # type: ignore[misc]
            asked.append(Asked(what=what, in_python=in_python, over_http=over_http, rows=rows))
        return asked


def fill(url: str, claims: int) -> None:
    """Fill a store with claims in several states, a third of them paid, with money that waits and effects."""
    logging.getLogger("workflow_fsm").setLevel(logging.CRITICAL)
    with Workflow.open(url, settings=Settings()) as workflow:
        workflow.on_enter("matched", name="submit")(_nothing)
    with Workflow.open(url, settings=Settings()) as workflow:  # where what is owed to the other stays
        workflow.on_transition(trigger="payout_received", name="fails", tries=1)(_fail)
        for user in _users():
            _live(workflow, user)
        workflow.run_effects()
    with running(url) as run:
        for user in _users():
            multiply(run, user, claims // USERS // OWN)


def _users() -> list[str]:
    return [f"seller-{number:02}" for number in range(USERS)]


def _live(workflow: Workflow, user: str) -> None:
    found = [
        {
            "claim_id": f"c{number}",
            "amount": f"{number + 1}.50",
            "deadline_date": f"2031-{number % 12 + 1:02}-01T00:00:00Z",
            "currency": "EUR" if number % 5 == 0 else "USD",
        }
        for number in range(OWN)
    ]
    events: list[dict[str, Any]] = [
        {"trigger": "sync_complete", "user_id": user, "sync_id": "s"},
        {"trigger": "detection_complete", "user_id": user, "sync_id": "s", "claims": found},
    ]
    for number in range(OWN):
        claim = {"user_id": user, "claim_id": f"c{number}"}
        if number % 3 == 0:
            case = {**claim, "amazon_case_id": f"k{number}"}
            events.append({"trigger": "claim_submitted", **case})
            money = {
                "amount": "2.50",
                "currency": found[number]["currency"],
                "reimbursement_id": f"r{number}",
            }
            events.append({"trigger": "payout_received", **case, **money, "event_id": f"p{number}"})
        elif number % 3 == 1:
            events.append({"trigger": "evidence_matching_complete", **claim, "confidence": "0.9"})
        if number % 10 == 9:
            back = {**claim, "amount": "900.00", "event_id": f"b{number}"}
            events.append({"trigger": "payout_reversed", **back})
    workflow.fire_many(events)


def _timed(ask: Callable[[], Any]) -> tuple[Any, float]:
    took: list[float] = []
    for _ in range(TURNS):
        since = process_time()
        told = ask()
        took.append(process_time() - since)
    return told, min(took)


def _many(found: Any) -> int:
    return 1 if isinstance(found, dict) else len(list(found))


def _fail(transition: Transition) -> None:
    raise Discard("the marketplace is closed")


def _nothing(transition: Transition) -> None: ...


_CLAIM = {"user_id": "seller-07", "claim_id": "c33"}
_EVENT = {"user_id": "seller-07", "event_id": "p33"}
QUESTIONS: Mapping[str, tuple[str, Mapping[str, Any], str]] = {
    "claims": ("claims", {}, "claims"),
    "claims by deadline": ("claims", {"sort": "deadline"}, "claims?sort=deadline"),
    "claims by amount, the largest": ("claims", {"sort": "-amount"}, "claims?sort=-amount"),
    "claims that are paid": ("claims", {"state": "paid"}, "claims?state=paid"),
    "claims matched, in USD, by deadline": (
        "claims",
        {"state": "matched", "currency": "USD", "sort": "deadline"},
        "claims?state=matched&currency=USD&sort=deadline",
    ),
    "claims to be filed on their own": (
        "claims",
        {"decision": "auto_submit"},
        "claims?decision=auto_submit",
    ),
    "claims due before a day": (
        "claims",
        {"due_before": "2031-02-01T00:00:00Z"},
        "claims?due_before=2031-02-01T00:00:00Z",
    ),
    "claims that are overdue": ("claims", {"overdue": True}, "claims?overdue=1"),
    "claims that aren't": ("claims", {"overdue": False}, "claims?overdue=0"),
    "claims for which an event waits": ("claims", {"waiting": True}, "claims?waiting=1"),
    "claims for which none waits": ("claims", {"waiting": False}, "claims?waiting=0"),
    "claims of a case": ("claims", {"amazon_case_id": "k33"}, "claims?amazon_case_id=k33"),
    "claims of a reimbursement": ("claims", {"reimbursement_id": "r33"}, "claims?reimbursement_id=r33"),
    "claims called c3…": ("claims", {"q": "c3"}, "claims?q=c3"),
    "claims called c33-1…": ("claims", {"q": "c33-1"}, "claims?q=c33-1"),
    "one claim whole": ("claim", _CLAIM, "claims/seller-07/c33"),
    "money": ("money", {}, "money"),
    "money of a seller": ("money", {"user_id": "seller-07"}, "money?user_id=seller-07"),
    "money in EUR": ("money", {"currency": "EUR"}, "money?currency=EUR"),
    "money that is unapplied": ("money", {"standing": "unapplied"}, "money?standing=unapplied"),
    "money since a day": (
        "money",
        {"since": "2020-01-01T00:00:00Z", "standing": "recovered"},
        "money?since=2020-01-01T00:00:00Z&standing=recovered",
    ),
    "one event": ("event", _EVENT, "events/seller-07/p33"),
    "users": ("users", {}, "users"),
    "effects": ("effects", {}, "effects"),
    "effects that are dead": ("effects", {"standing": "dead"}, "effects?standing=dead"),
    "effects of a handler, owed": (
        "effects",
        {"handler": "submit", "standing": "owed"},
        "effects?handler=submit&standing=owed",
    ),
    "effects of a claim": ("effects", _CLAIM, "effects?user_id=seller-07&claim_id=c33"),
    "dead letters": ("dead_letters", {}, "deadletters"),
    "dead letters of a handler": ("dead_letters", {"handler": "fails"}, "deadletters?handler=fails"),
    "dead letters by reason": (
        "dead_letters",
        {"reason_contains": "too early"},
        "deadletters?reason=too%20early",
    ),
}

if __name__ == "__main__":
    main()
