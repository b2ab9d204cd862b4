"""A sound store, and copies of it to damage."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.audit.damage import bare, copied, live
from workflow_fsm.testing import ManualClock, open_workflow


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "claims.db"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound store, which nobody writes to."""
    path, clock = tmp_path_factory.mktemp("audit") / "claims.db", ManualClock()
    with open_workflow(f"sqlite:///{path}", clock=clock) as workflow:
        live(workflow, clock)
    return path


@pytest.fixture(scope="module")
def bare_store(filled: Path) -> Iterator[sqlite3.Connection]:
    """That store in tables that take whatever they are given, which nobody writes to either."""
    with bare(filled) as connection:
        yield connection


@pytest.fixture
def copy(bare_store: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    with copied(bare_store) as connection:
        yield connection
