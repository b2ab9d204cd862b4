"""A store's file, a workflow on it, and processes beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.stores.sqlite.on_sqlite import Child, Start, opened
from workflow_fsm import Workflow

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
