"""A store's file, a workflow on it, and processes beside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import Clock
from tests.stores.damage import bare, live
from tests.stores.on_sqlite import Child, Start, opened
from workflow_fsm import Settings, Workflow

if TYPE_CHECKING:
    import psycopg


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "claims.db"


@pytest.fixture
def claims(path: Path) -> Iterator[Workflow]:
    with opened(path) as workflow:
        yield workflow


@pytest.fixture
def start() -> Iterator[Start]:
    """Start processes that end with the test."""
    started: list[Child] = []

    def begin(code: str, *arguments: object) -> Child:
        started.append(Child(code, *arguments))
        return started[-1]

    yield begin
    for child in started:
        if child.process.poll() is None:
            child.process.kill()
        child.process.communicate()


@pytest.fixture
def database(postgres_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection to the tests' PostgreSQL database, beside the store's own."""
    import psycopg

    with psycopg.connect(postgres_url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound store, which nobody writes to."""
    path, clock, numbers = tmp_path_factory.mktemp("audit") / "claims.db", Clock(), count(1)
    with Workflow.open(
        f"sqlite:///{path}", settings=Settings(), clock=clock, ids=lambda: f"made-{next(numbers)}"
    ) as workflow:
        live(workflow, clock)
    return path


@pytest.fixture
def copy(filled: Path) -> Iterator[sqlite3.Connection]:
    with bare(filled) as connection:
        yield connection
