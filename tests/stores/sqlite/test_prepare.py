"""A store that is up to date is opened by a look, without what migrates."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from stat import S_IMODE
from time import monotonic

import pytest

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


@pytest.fixture
def usual_mask() -> Iterator[None]:
    """Let what is made be read by everybody, as most systems do."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {path.name: S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


@pytest.mark.usefixtures("usual_mask")
def test_what_is_made_for_a_store_is_its_owners_alone(tmp_path: Path) -> None:
    with Workflow.open(f"sqlite:///{tmp_path / 'claims.db'}", settings=Settings()) as workflow:
        workflow.fire("sync_complete", user_id="u1")
        files = ("claims.db", "claims.db-wal", "claims.db-shm", "claims.db.lock")
        assert modes(tmp_path) == dict.fromkeys(files, 0o600)


@pytest.mark.usefixtures("usual_mask")
def test_a_store_that_is_there_keeps_the_mode_that_it_has(tmp_path: Path) -> None:
    path = tmp_path / "claims.db"
    Path(f"{path}.lock").touch(mode=0o640)
    path.touch(mode=0o640)
    for _ in range(2):
        with Workflow.open(f"sqlite:///{path}", settings=Settings()) as workflow:
            workflow.fire("sync_complete", user_id="u1")
            assert set(modes(tmp_path).values()) == {0o640}
