"""Many threads fire at once: what a store made of it is what the pure core makes of it, event by event.

The order is that in which a user's events were numbered, in the transaction that decided them. So each
answer, each row of history and its number are the core's, or two decisions have seen each other half done.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.machine.ledger import Ledger
from tests.machine.plain import Plain
from tests.simulate.disturbed import disturbed
from workflow_fsm import (
    EventIdReused,
    NotAllowed,
    Outcome,
    Settings,
    Workflow,
    WorkflowError,
    claim_lifecycle,
)
from workflow_fsm.simulate.days import START, Message
from workflow_fsm.testing import ManualClock

ROUNDS = range(1, 1 + max(1, int(os.environ.get("WORKFLOW_FUZZ_SEEDS", "1")) // 10))
THREADS = 8
ROW = (
    "cursor",
    "lifecycle",
    "claim_id",
    "sync_id",
    "version",
    "trigger",
    "from_state",
    "to_state",
    "event_id",
)


@pytest.mark.parametrize("seed", ROUNDS)
def test_what_threads_fire_at_once_is_decided_as_if_one_behind_the_other(store_url: str, seed: int) -> None:
    clock = ManualClock(START)
    messages = list({one.fields["event_id"]: one for one in disturbed(seed, users=3)}.values())
    Random(seed).shuffle(messages)
    answers: dict[tuple[str, str], Outcome | WorkflowError] = {}
    with Workflow.open(store_url, settings=Settings(), clock=clock) as workflow:

        def fire(mine: list[Message]) -> None:
            for one in mine:
                try:
                    told: Outcome | WorkflowError = workflow.fire(one.trigger, **one.fields)
                except (NotAllowed, EventIdReused) as error:
                    told = error
                answers[one.fields["user_id"], one.fields["event_id"]] = told

        with ThreadPoolExecutor(THREADS) as pool:
            parts = [messages[number::THREADS] for number in range(THREADS)]
            for done in [pool.submit(fire, part) for part in parts]:
                done.result(timeout=50)
        assert workflow.check().faults == ()

    ledger = Ledger(stored_at(store_url))
    ledger.check()
    sent = {(one.fields["user_id"], one.fields["event_id"]): one for one in messages}
    plain = Plain(claim_lifecycle(), clock)
    for user in ledger.users():
        for row in ledger.rows("events", user):
            one = sent.pop((user, row["event_id"]))
            decided = plain.fire(one.trigger, **one.fields)
            assert said(answers[user, row["event_id"]]) == said(decided), one
        rows = [{name: getattr(row, name) for name in ROW} for row in plain.user(user).rows]
        assert [{name: row[name] for name in ROW} for row in ledger.rows("history", user)] == rows
    # What has no row was known by then: the same money, under another id.
    assert all(said(answers[pair])["status"] == "duplicate" for pair in sent)


def stored_at(url: str) -> Path | str:
    return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:") else url


def said(told: Outcome | WorkflowError) -> dict[str, Any]:
    return told.as_dict() if isinstance(told, Outcome) else {"code": told.code, "reason": str(told)}
