"""A store with one user of whom much is kept, and some of whom little is: for plans, and for times.

What real events left of the one is told many times over, by SQL in the tables. Each telling has ids and
numbers of its own, and claims stay in the sync that they are of. The chains of what is told again don't fold.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import count
from typing import Any

from tests.stories.acts import detect, sync
from workflow_fsm import Discard, Settings, Transition, Workflow
from workflow_fsm.testing import ManualClock

BIG, SMALL = "big", "small-1"
USERS = (BIG, SMALL, "small-2")
Run = Callable[[str], Any]
"""Runs SQL, and gives the cursor of its rows."""

STEP = 1_000_000
"""How far the numbers of one telling are from those of the next."""
_MARK, _FAR = "'-' || copies.n", f"copies.n * {STEP}"
_OWN: Mapping[str, Mapping[str, str]] = {
    "lifecycles": {
        "id": f"id + {_FAR}",
        "claim_id": f"claim_id || {_MARK}",
        "sync_id": f"CASE WHEN claim_id IS NULL THEN sync_id || {_MARK} ELSE sync_id END",
        "cursor": f"cursor + {_FAR}",
        "merged_into": f"merged_into || {_MARK}",
    },
    "history": {
        "cursor": f"cursor + {_FAR}",
        "lifecycle": f"CASE WHEN lifecycle = 0 THEN 0 ELSE lifecycle + {_FAR} END",
        "claim_id": f"claim_id || {_MARK}",
        "sync_id": f"CASE WHEN claim_id IS NULL THEN sync_id || {_MARK} ELSE sync_id END",
        "version": f"CASE WHEN lifecycle = 0 THEN version + {_FAR} ELSE version END",
        "event_id": f"event_id || {_MARK}",
    },
    "events": {
        "seq": f"seq + {_FAR}",
        "event_id": f"event_id || {_MARK}",
        "reimbursement_id": f"reimbursement_id || {_MARK}",
        "original_id": f"original_id || {_MARK}",
    },
    "event_ids": {"event_id": f"event_id || {_MARK}", "seq": f"seq + {_FAR}"},
    "waits": {"name": f"CASE WHEN name = '' THEN '' ELSE name || {_MARK} END", "seq": f"seq + {_FAR}"},
    "cases": {
        "case_id": f"CASE WHEN case_id = '' THEN '' ELSE case_id || {_MARK} END",
        "claim_id": f"claim_id || {_MARK}",
        "seq": f"seq + {_FAR}",
    },
    "aliases": {"alias": f"alias || {_MARK}", "claim_id": f"claim_id || {_MARK}"},
    "effects": {
        "seq": f"seq + {_FAR}",
        "lifecycle": f"CASE WHEN lifecycle = 0 THEN 0 ELSE lifecycle + {_FAR} END",
        "cursor": f"cursor + {_FAR}",
    },
}
"""What each telling has of its own, by table and column."""


def fill(url: str, times: int) -> None:
    """Fill a store with users whose claims are in every state; keep of the big one so many times as much."""
    numbers = count(1)
    with Workflow.open(
        url, settings=Settings(), clock=ManualClock(), ids=lambda: f"made-{next(numbers)}"
    ) as workflow:
        workflow.on_transition(trigger="payout_received", name="fails", tries=1)(_fail)
        workflow.on_enter("submitted", name="succeeds")(_succeed)
        for user in USERS:
            _live(workflow, user)
        workflow.run_effects()
        for letter in workflow.dead_letters(kind="effect", limit=1000):
            if letter["claim_id"] in ("c2", "c3"):
                workflow.drop_dead_letter(letter["id"], actor="a person", reason="done by hand")
        for letter in workflow.dead_letters(kind="event", trigger="claim_rejected", limit=1000):
            workflow.drop_dead_letter(letter["id"], actor="a person", reason="told twice")
        workflow.on_enter("matched", name="waits")(_succeed)
        workflow.on_request("asked")(lambda asked: None)
        for user in USERS:
            workflow.request("asked", user_id=user)
            _fire(workflow, user, "evidence_matching_complete", ("c9", "c10"), confidence="0.9")
    with running(url) as run:
        multiply(run, BIG, times)


def multiply(run: Run, user: str, times: int) -> None:
    """Keep of a user so many times what is kept."""
    if times == 1:
        return
    for table, own in _OWN.items():
        names = [column[0] for column in run(f"SELECT * FROM {table} LIMIT 0").description]  # noqa: S608  # of ours
        into = ", ".join(f'"{name}"' for name in names)
        values = ", ".join(own.get(name, f'{table}."{name}"') for name in names)
        run(
            f"""
            WITH RECURSIVE copies (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copies WHERE n < {times - 1})
            INSERT INTO {table} ({into}) SELECT {values} FROM {table} CROSS JOIN copies
            WHERE user_id = '{user}'
            """  # noqa: S608  # of ours
        )
    run(f"UPDATE users SET cursor = cursor + {times * STEP} WHERE user_id = '{user}'")  # noqa: S608  # of ours


@contextmanager
def running(url: str) -> Iterator[Run]:
    """Run SQL in a store, beside all that we wrote to read and write it; it is committed at the end."""
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
            connection.execute("BEGIN")
            yield connection.execute
            connection.execute("COMMIT")
        return
    import psycopg

    with psycopg.connect(url) as served:
        yield lambda sql: served.execute(sql.encode())


def _live(workflow: Workflow, user: str) -> None:
    """Let one user's events come: claims with cases and without, and what waits or is refused."""
    names = [f"c{number}" for number in range(12)]
    for name in ("s", "t"):
        sync(workflow, name, user_id=user)
    detect(workflow, *names, sync_id="s", user_id=user)
    _fire(workflow, user, "claim_submitted", names[:6], own="amazon_case_id")
    _fire(workflow, user, "claim_submitted", names[6:8])
    _fire(workflow, user, "payout_received", names[:4], own="reimbursement_id", amount="1.00")
    _fire(workflow, user, "claim_rejected", names[4:5])
    told = {"user_id": user, "claim_id": "c3", "amount": "0.50", "event_id": "reversal"}
    reversal = {**told, "original_reimbursement_id": "reimbursement_id-c3"}
    workflow.submit(
        [workflow.read("payout_reversed", reversal, ids=[("webhook-id", "minted")])], actor="test"
    )
    workflow.link(user_id=user, claim_id="c10", alias="c11")
    workflow.link(user_id=user, claim_id="c1", alias="x1")
    _fire(workflow, user, "claim_submitted", ("unknown",))
    _fire(workflow, user, "payout_received", ("unknown",), amount="2.00")
    _fire(workflow, user, "claim_rejected", ("c1",))
    for number in range(4):
        sync(workflow, f"p{number}", user_id=user)


def _fire(
    workflow: Workflow,
    user: str,
    trigger: str,
    claims: Sequence[str],
    *,
    own: str | None = None,
    **fields: object,
) -> None:
    """Fire an event for each of some claims; `own` is a field that is its own each time."""
    workflow.fire_many(
        [
            {
                "trigger": trigger,
                "user_id": user,
                "claim_id": name,
                "event_id": f"{trigger}-{name}",
                **({} if own is None else {own: f"{own}-{name}"}),
                **fields,
            }
            for name in claims
        ]
    )


def _fail(told: Transition) -> None:
    raise Discard("it can't be done")


def _succeed(told: Transition) -> None:
    pass
