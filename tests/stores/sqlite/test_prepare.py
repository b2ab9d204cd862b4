"""A store that is up to date is opened by a look; only one that isn't is migrated."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from time import monotonic

from workflow_fsm import Settings, Workflow
from workflow_fsm.stores.sqlite.migrate import migrations
from workflow_fsm.stores.sqlite.prepare import MIGRATIONS


def test_what_a_store_is_held_to_are_the_migrations_there_are() -> None:
    assert tuple(migration.name for migration in migrations._migrations) == MIGRATIONS


def test_a_store_that_is_up_to_date_is_opened_without_loading_what_migrates(sqlite_url: str) -> None:
    code = (
        "import sys; from workflow_fsm import Workflow\n"
        "Workflow.open(sys.argv[1]).close(); sys.exit('sqlite_utils' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    subprocess.run([sys.executable, "-c", code, sqlite_url], check=True, env=environment)


def test_it_is_opened_beside_whoever_writes_for_long(sqlite_url: str) -> None:
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        began = monotonic()
        with Workflow.open(sqlite_url, settings=Settings()) as workflow:
            assert workflow.status("u1") is None
        assert monotonic() - began < 2


def test_a_store_of_an_older_version_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "claims.db"
    Workflow.open(f"sqlite:///{path}", settings=Settings()).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM _sqlite_migrations WHERE name = ?", [MIGRATIONS[-1]])
        for index in ("events_figures", "events_waiting", "effects_figures", "lifecycles_figures"):
            connection.execute(f"DROP INDEX {index}")
    with Workflow.open(f"sqlite:///{path}", settings=Settings()) as workflow:
        workflow.fire("sync_complete", user_id="u1")
        assert workflow.figures().events
    with closing(sqlite3.connect(path)) as connection:
        names = connection.execute("SELECT name FROM _sqlite_migrations ORDER BY name").fetchall()
    assert tuple(name for (name,) in names) == MIGRATIONS
