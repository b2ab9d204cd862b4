"""A store that is up to date is opened by a look, without what migrates."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from time import monotonic

from workflow_fsm import Settings, Workflow
from workflow_fsm.stores.sqlite.migrate import migrations
from workflow_fsm.stores.statements import migrations as told


def test_what_a_store_is_held_to_are_the_migrations_there_are() -> None:
    assert tuple(migration.name for migration in migrations._migrations) == tuple(told("sqlite"))


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
