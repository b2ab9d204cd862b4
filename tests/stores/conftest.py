"""A store's file, a workflow on it, and processes beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stores.on_sqlite import Child, Start, opened
from workflow_fsm import Workflow


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
