"""The SQLite store under threads and processes: one writer, and readers beside it.

"Nothing acknowledged is lost".
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.machine.ledger import Ledger
from tests.stores.sqlite.on_sqlite import DEFAULTS, Start, kept_in, opened, sync, url
from webapp import create_app
from workflow_fsm import StoreRefused, StoreUnavailable, Workflow, claim_lifecycle
from workflow_fsm.core.definition import KNOWN, WAIT, State, Trigger, go

# -- threads


def test_forty_threads_on_one_user_lose_nothing_and_number_everything_once(
    claims: Workflow, path: Path
) -> None:
    start = threading.Barrier(40)

    def work(thread: int) -> list[tuple[str, str]]:
        start.wait()
        told = []
        for number in range(thread * 10, thread * 10 + 10):
            outcome = claims.fire("sync_complete", user_id="u", sync_id=f"s{number}", event_id=f"e{number}")
            told.append((outcome.event_id, outcome.transitions[0]["sync_id"]))
        return told

    with ThreadPoolExecutor(40) as pool:
        told = [pair for future in [pool.submit(work, one) for one in range(40)] for pair in future.result()]

    # Each got its own answer, and all that was acknowledged is there exactly once.
    assert told == [(f"e{number}", f"s{number}") for number in range(400)]
    assert sorted(kept_in(path)) == sorted(f"e{number}" for number in range(400))
    cursors = [row["cursor"] for page in pages(claims) for row in page]
    assert len(cursors) == 400
    assert cursors == sorted(set(cursors))
    Ledger(path).check()


def pages(workflow: Workflow) -> Iterator[list[Any]]:
    cursor: int | None = 0
    while cursor is not None:
        page = workflow.history("u", limit=70, cursor=cursor)
        assert page is not None
        yield page
        cursor = page.next_cursor


def test_readers_beside_a_writer_see_only_whole_commits(claims: Workflow) -> None:
    seen: set[str | None] = set()
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            for user in range(60):
                status = claims.status(f"u{user}")
                seen.add(None if status is None else status.state)

    def write() -> None:
        for user in range(60):
            user_id = f"u{user}"
            claims.fire_many(
                [
                    {"trigger": "sync_complete", "user_id": user_id, "sync_id": "s"},
                    {
                        "trigger": "detection_complete",
                        "user_id": user_id,
                        "sync_id": "s",
                        "claims": [{"claim_id": "c"}],
                    },
                    {"trigger": "payout_received", "user_id": user_id, "claim_id": "c", "amount": "1.00"},
                ]
            )

    with ThreadPoolExecutor(4) as pool:
        reading = [pool.submit(read) for _ in range(3)]
        pool.submit(write).result()
        ended.set()
        for future in reading:
            future.result()

    assert {None, "paid"} >= seen
    status = claims.status("u59")
    assert status is not None
    assert status.state == "paid"


def test_stores_in_memory_have_nothing_in_common() -> None:
    """Not even what the first of a process held when the second was opened."""
    with Workflow.open("sqlite:///:memory:", settings=DEFAULTS) as first:
        assert sync(first, 1) == "applied"
        with Workflow.open("sqlite:///:memory:", settings=DEFAULTS) as second:
            assert second.status("u") is None
            assert sync(second, 1) == "applied"
            assert sync(first, 1) == "duplicate"
            assert second.check().sound


def test_memory_is_one_connection_readers_included() -> None:
    with Workflow.open("sqlite:///:memory:", settings=DEFAULTS) as workflow, ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda number: sync(workflow, number), range(50)))
        shown = list(pool.map(lambda _: workflow.status("u"), range(8)))

    assert told == ["applied"] * 50
    for status in shown:
        assert status is not None
        assert len(status.syncs) == 50


# -- processes


OPEN_AND_WRITE = """
import sys
from workflow_fsm import Workflow

path, name, many = sys.argv[1], sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
with Workflow.open(f"sqlite:///{path}") as workflow:
    for number in range(many):
        each = f"{name}-{number}"
        outcome = workflow.fire("sync_complete", user_id="u", sync_id=each, event_id=each)
        assert outcome.status == "applied", outcome
"""


def test_four_processes_open_one_new_file_at_once_and_all_write_to_it(start: Start, path: Path) -> None:
    children = [start(OPEN_AND_WRITE, path, f"p{number}", 25) for number in range(4)]
    for child in children:
        assert child.hear() == "ready"
    for child in children:
        child.say()
    for child in children:
        child.end()

    assert sorted(kept_in(path)) == sorted(f"p{one}-{number}" for one in range(4) for number in range(25))
    Ledger(path).check()


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the file's write lock, as another process would."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_a_write_lock_held_too_long_is_store_unavailable_and_then_it_works_again(path: Path) -> None:
    with opened(path, busy_seconds=0.1) as workflow:
        sync(workflow, 1)
        with held(path):
            with pytest.raises(StoreUnavailable, match="another process holds its write lock"):
                sync(workflow, 2)
            # "readers beside it"
            assert workflow.status("u") is not None
        assert sync(workflow, 2) == "applied"

    assert kept_in(path) == ["e1", "e2"]


def test_a_write_lock_held_too_long_is_503_with_retry_after(path: Path) -> None:
    """ "busy: wait, then 503 with `Retry-After`" """
    with opened(path, busy_seconds=0.1) as workflow:
        client = create_app(workflow).test_client()
        body = {"user_id": "u", "sync_id": "s", "event_id": "e"}
        with held(path):
            response = client.post("/api/v1/workflow/sync/complete", json=body)
            many = client.post("/api/v1/workflow/events", json=[{"trigger": "sync_complete", **body}])
        again = client.post("/api/v1/workflow/sync/complete", json=body)

    for one in (response, many):
        assert one.status_code == 503
        assert int(one.headers["Retry-After"]) >= 1
        assert one.content_type == "application/problem+json"
    assert (again.status_code, again.get_json()["status"]) == (200, "applied")


def test_a_write_lock_that_is_let_go_in_time_is_waited_for(path: Path) -> None:
    with opened(path) as workflow, ThreadPoolExecutor(1) as pool:
        with held(path):
            waiting = pool.submit(sync, workflow, 1)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.2)
        assert waiting.result(timeout=5) == "applied"


# -- stores that are refused


def test_a_store_of_a_newer_version_is_refused_with_a_sentence(path: Path) -> None:
    opened(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('workflow_fsm', '9999_from_the_future', '2030-01-01')"
        )
        connection.commit()

    with pytest.raises(StoreRefused, match=r"9999_from_the_future.*upgrade workflow-fsm"):
        opened(path)


def test_a_store_with_states_that_the_definition_does_not_know_is_refused(path: Path) -> None:
    plain = claim_lifecycle()
    review = plain.variant(
        name="reviewed claim",
        states=[*plain.states[:4], State(name="in_review"), *plain.states[4:]],
        cells={
            "matched": {"claim_submitted": go("in_review")},
            "in_review": {
                trigger.name: go("submitted") if trigger.name == "claim_submitted" else KNOWN
                for trigger in plain.triggers
            }
            | {"payout_received": go("paid"), "payout_reversed": WAIT},
        },
    )
    with Workflow.open(url(path), definition=review, settings=DEFAULTS) as workflow:
        workflow.fire("sync_complete", user_id="u", sync_id="s")
        workflow.fire("detection_complete", user_id="u", sync_id="s", claims=[{"claim_id": "c"}])
        workflow.fire("evidence_matching_complete", user_id="u", claim_id="c")
        workflow.fire("claim_submitted", user_id="u", claim_id="c", event_id="filed")

    with pytest.raises(StoreRefused, match="'in_review', which the definition 'claim' doesn't know"):
        Workflow.open(url(path), settings=DEFAULTS)
    with Workflow.open(url(path), definition=review, settings=DEFAULTS) as workflow:
        outcome = workflow.fire("claim_submitted", user_id="u", claim_id="c", event_id="reviewed")
        assert [row["to"] for row in outcome.transitions] == ["submitted"]


def test_a_store_with_waiting_triggers_that_the_definition_does_not_know_is_refused(path: Path) -> None:
    plain = claim_lifecycle()
    submitted = plain.trigger("claim_submitted")
    assert submitted is not None
    appealed = Trigger(name="claim_appealed", addressing=submitted.addressing, fields=submitted.fields)
    appeals = plain.variant(
        name="appealed claim",
        triggers=[*plain.triggers, appealed],
        cells={
            None: {"claim_appealed": WAIT},
            **{
                state.name: {"claim_appealed": go("submitted") if state.name == "rejected" else WAIT}
                for state in plain.states
            },
        },
    )
    with Workflow.open(url(path), definition=appeals, settings=DEFAULTS) as workflow:
        assert workflow.fire("claim_appealed", user_id="u", claim_id="c").status == "deferred"

    with pytest.raises(StoreRefused, match="'claim_appealed'"):
        Workflow.open(url(path), settings=DEFAULTS)
