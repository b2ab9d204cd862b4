"""Which indexes an event writes anew: on SQLite each that names a column which its statement sets.

It does so whether the column changes or not, and each is a page of the log at least.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from workflow_fsm.stores.sqlite.database import SQLite
from workflow_fsm.stores.statements import statements

WRITTEN = {
    "lifecycles_due": "timers find what is due",
    "lifecycles_forked": "few are, and it is empty for all others",
    "lifecycles_in_state": "who is in a state, one user's",
    "lifecycles_in_sync": "the same within a sync",
    "lifecycles_listed_by_amount": "claims are listed so, and all of it moves with the state",
    "lifecycles_listed_by_due": "claims are listed so, and counted",
    "lifecycles_listed_by_entry": "claims are listed so",
    "lifecycles_merged": "few are",
    "lifecycles_merged_in_sync": "few are",
}
"""With each, what it is for: all of these change with the state, or are small."""


def test_what_moves_a_claim_writes_no_index_that_could_have_stayed(path: Path) -> None:
    SQLite(str(path)).close()
    told = statements("sqlite")["update_lifecycle"].partition("SET")[2].partition("WHERE")[0]
    columns = re.findall(r"(\w+) =", told)
    naming = re.compile(rf"\b({'|'.join(columns)})\b")
    with closing(sqlite3.connect(path)) as connection:
        indexes = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE tbl_name = 'lifecycles' AND sql LIKE 'CREATE%INDEX%'"
        ).fetchall()
    assert {name for name, made in indexes if naming.search(made.partition("(")[2])} == WRITTEN.keys()
