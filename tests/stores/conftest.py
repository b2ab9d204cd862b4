"""A store's file, a workflow on it, and processes beside it; and copies of the first edition's two stores."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.stores.contents import held, put
from tests.stores.postgres.server import Server
from tests.stores.sqlite.on_sqlite import Child, Start, opened
from workflow_fsm import Settings, Workflow
from workflow_fsm.testing import ManualClock

if TYPE_CHECKING:
    import psycopg

FIRST_EDITION = Path(__file__).parent.parent / "data" / "first_edition"


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


@pytest.fixture(scope="session")
def told() -> dict[str, Any]:
    """What the first edition said of the stores that it left."""
    found: dict[str, Any] = json.loads((FIRST_EDITION / "expected.json").read_text())
    return found


@pytest.fixture(scope="session")
def first_edition_dump(postgres: Server) -> str:
    """A database that the first edition's dump was loaded into, to be copied."""
    name = postgres.make()
    postgres.execute((FIRST_EDITION / "claims.sql").read_text(), name)
    return name


@pytest.fixture(params=["sqlite", "postgres"])
def first_edition_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a copy of the first edition's store, of each kind in turn; nobody has opened it yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{shutil.copy(FIRST_EDITION / 'claims.db', tmp_path)}"
        return
    postgres: Server = request.getfixturevalue("postgres")
    name = postgres.make(request.getfixturevalue("first_edition_dump"))
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture(scope="session")
def migrated_once(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest, told: dict[str, Any]
) -> Callable[[str], tuple[str, bytes]]:
    """Gives the URL of the first edition's store of a kind, opened once since then, and what it holds."""
    migrated: dict[str, tuple[str, bytes]] = {}

    def give(kind: str) -> tuple[str, bytes]:
        if kind not in migrated:
            if kind == "sqlite":
                folder = tmp_path_factory.mktemp("migrated")
                url = f"sqlite:///{shutil.copy(FIRST_EDITION / 'claims.db', folder)}"
            else:
                postgres: Server = request.getfixturevalue("postgres")
                url = postgres.url(postgres.make(request.getfixturevalue("first_edition_dump")))
            clock = ManualClock(datetime.fromisoformat(told["as_of"]))
            Workflow.open(url, settings=Settings(), clock=clock).close()
            migrated[kind] = (url, held(url))
        return migrated[kind]

    return give


@pytest.fixture(params=["sqlite", "postgres"])
def migrated_url(
    request: pytest.FixtureRequest, tmp_path: Path, migrated_once: Callable[[str], tuple[str, bytes]]
) -> str:
    """The URL of the first edition's store as its migration left it, of each kind in turn."""
    url, holding = migrated_once(request.param)
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'claims.db'}"
    put(url, holding)
    return url


@pytest.fixture
def later(told: dict[str, Any]) -> ManualClock:
    """A clock that stands where the first edition left it."""
    return ManualClock(datetime.fromisoformat(told["as_of"]))


@pytest.fixture
def reopen(first_edition_url: str, later: ManualClock) -> Callable[[], Workflow]:
    """Opens that copy, as often as is asked."""
    numbers = count(1)
    return lambda: Workflow.open(
        first_edition_url, settings=Settings(), clock=later, ids=lambda: f"later-{next(numbers)}"
    )


@pytest.fixture
def reopened(migrated_url: str, later: ManualClock) -> Iterator[Workflow]:
    """A workflow on a copy that was opened before, as all were but once."""
    numbers = count(1)
    with Workflow.open(
        migrated_url, settings=Settings(), clock=later, ids=lambda: f"later-{next(numbers)}"
    ) as workflow:
        yield workflow
