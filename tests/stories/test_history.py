"""History: one chain of rows a lifecycle, which anybody can fold."""

from __future__ import annotations

import json
from hashlib import sha256

from tests.stories.acts import (
    detect,
    find,
    pay,
    submit,
    sync,
)
from workflow_fsm import Workflow


def test_the_first_row_of_a_sync_stands_once_and_begins_every_claims_history(workflow: Workflow) -> None:
    """ "History is one chain of rows a lifecycle. The sync's first row stands once in the user's history …,
    as version 1 of every claim that forks from it; a claim's own history begins with it, and the claim's
    next row chains to its hash." """
    find(workflow, "c1", "c2")
    submit(workflow, "c2")
    everything = workflow.history("u1")
    first, second = workflow.history("u1", "c1"), workflow.history("u1", "c2")
    assert everything is not None
    assert first is not None
    assert second is not None
    assert [(row.claim_id, row.version, row.to) for row in everything] == [
        (None, 1, "synced"),
        (None, 2, "detected"),
        ("c1", 2, "detected"),
        ("c2", 2, "detected"),
        ("c2", 3, "submitted"),
    ]
    assert first == [everything[0], everything[2]]
    assert second == [everything[0], everything[3], everything[4]]
    assert [row.version for row in second] == [1, 2, 3]
    assert len({row.hash for row in everything}) == 5
    assert [row.cursor for row in everything] == sorted({row.cursor for row in everything})
    assert all(row.cursor > 0 for row in everything)


def test_a_history_can_be_checked_from_outside(workflow: Workflow) -> None:
    """ "a claim's own history begins with it, and the claim's next row chains to its hash" """
    find(workflow, "c1", "c2")
    submit(workflow, "c1", occurred_at="2026-01-01T00:00:00Z")
    pay(workflow, "c1")
    for name in ("c1", "c2"):
        rows = workflow.history("u1", name)
        assert rows is not None
        previous, own = "0" * 64, rows[1].cursor
        for row in rows:
            columns = ["u1", row.cursor, row.cursor if row.version == 1 else own]
            columns += [row[key] for key in ("claim_id", "sync_id", "version", "trigger", "from", "to")]
            columns += [row[key] for key in ("event_id", "at", "occurred_at", "actor")] + [None]
            text = json.dumps([previous, *columns], separators=(",", ":"))
            assert row.hash == sha256(text.encode()).hexdigest()
            previous = row.hash


def test_occurred_at_is_kept_and_shown_and_orders_nothing(workflow: Workflow) -> None:
    """ "`occurred_at` is kept and shown, and orders nothing." """
    sync(workflow, occurred_at="2026-03-01T00:00:00+02:00")
    detect(workflow, "c1", occurred_at="2026-01-01T00:00:00Z")
    submit(workflow, "c1")
    rows = workflow.history("u1", "c1")
    assert rows is not None
    assert [row.occurred_at for row in rows] == [
        "2026-02-28T22:00:00.000000Z",
        "2026-01-01T00:00:00.000000Z",
        None,
    ]
    assert {row.at for row in rows} == {"2026-03-01T12:00:00.000000Z"}
