"""Rows held in memory and rows that SQLite is asked for: wherever one begins, the same is said."""

from __future__ import annotations

import sqlite3
from dataclasses import astuple, replace

from tests.audit.damage import audited
from workflow_fsm import claim_lifecycle
from workflow_fsm.audit.audit import audit
from workflow_fsm.stores.sqlite.session import SQLiteSession

DAMAGE = (
    "DELETE FROM lifecycles WHERE claim_id = 'c2'",
    "DELETE FROM waits",
    "UPDATE events SET amount = '1.00' WHERE reimbursement_id = 'r1'",
    "UPDATE history SET reason = 'é' || char(55296) WHERE cursor = 7",
    "UPDATE cases SET state = 'paid', seq = 2.5",
    "INSERT INTO aliases VALUES ('u1', 'c1', NULL)",
    "INSERT INTO events SELECT * FROM events WHERE seq = 1",
)


def test_it_means_nothing_past_how_many_rows_a_user_is_no_longer_held(copy: sqlite3.Connection) -> None:
    """Each limit is one row past which the user, in some table, is: also none, and all of them."""
    most = max(
        many for (many,) in copy.execute("SELECT count(*) FROM history UNION SELECT count(*) FROM events")
    )
    for change in ("", *DAMAGE):
        copy.execute(change or "SELECT 1")
        told = audited(copy)
        assert bool(told.found) == bool(change)
        for limit in range(1, most + 2):
            found = audit(SQLiteSession(copy), claim_lifecycle(), most_held=limit)
            assert replace(found, faults=()) == replace(told, faults=())
            assert sorted(map(astuple, found.faults)) == sorted(map(astuple, told.faults))
