"""A settable clock, ids that repeat, and a workflow on a real file: what every story starts from."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from workflow_fsm import Settings, Workflow


class Clock:
    """Gives the instant that it was set to; time passes by `advance` alone."""

    def __init__(self, at: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def advance(
        self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0
    ) -> datetime:
        self.at += timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        return self.at

    def text(self, *, days: float = 0, hours: float = 0, seconds: float = 0) -> str:
        """Write an instant so far from the present one as a body would."""
        return (self.at + timedelta(days=days, hours=hours, seconds=seconds)).isoformat()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ids() -> Callable[[], str]:
    """Made event ids: `made-1`, `made-2` and so on."""
    numbers = count(1)
    return lambda: f"made-{next(numbers)}"


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated store without a user, to be copied: migrating costs more than most stories."""
    path = tmp_path_factory.mktemp("template") / "claims.db"
    Workflow.open(f"sqlite:///{path}", settings=Settings()).close()
    return path


@pytest.fixture
def workflow(tmp_path: Path, empty_store: Path, clock: Clock, ids: Callable[[], str]) -> Iterator[Workflow]:
    """A workflow on a real file, `claims.db` in `tmp_path`."""
    path = tmp_path / "claims.db"
    shutil.copy(empty_store, path)
    with Workflow.open(f"sqlite:///{path}", settings=Settings(), clock=clock, ids=ids) as opened:
        yield opened


@pytest.fixture
def in_memory(clock: Clock, ids: Callable[[], str]) -> Iterator[Workflow]:
    """The same in memory, where a story is told hundreds of times."""
    with Workflow.open("sqlite:///:memory:", settings=Settings(), clock=clock, ids=ids) as opened:
        yield opened
