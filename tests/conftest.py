"""A settable clock, ids that repeat, and a workflow on a real store: what every story starts from.

Where it matters a story is told twice: on a SQLite file, and in a database of a real PostgreSQL server.
"""

from __future__ import annotations

import gc
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.machine import entered
from tests.stores.contents import EMPTY, Contents
from tests.stores.postgres.proxy import Proxy, proxied
from tests.stores.postgres.server import CannotRun, Server
from tests.webapp.services import processes, server, start_process, start_service, start_shared
from webapp.settings import ServiceSettings
from workflow_fsm import Settings, Workflow
from workflow_fsm.core.definition.claim import claim_lifecycle
from workflow_fsm.settings import variables
from workflow_fsm.stores.session import Database
from workflow_fsm.stores.store import Store
from workflow_fsm.stores.url import open_database
from workflow_fsm.testing import CountedIds, ManualClock
from workflow_fsm.workflow import utc_now

__all__ = ["processes", "server", "start_process", "start_service", "start_shared"]

Stored = Callable[[str], list[dict[str, Any]]]
EMPTIES = "empties"
"""What the connection calls itself that the tests empty a database by: not one of the store's."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cells", action="store_true", help="tell of each cell which test entered it first")


def pytest_configure(config: pytest.Config) -> None:
    entered.record(config)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Iterator[None]:
    """Look for no garbage while thousands of tests are collected, nor ever among them: they all stay."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session", autouse=True)
def nothing_configured() -> Iterator[None]:
    """No variable of the product's is set that whoever runs the tests has set for another purpose."""
    with pytest.MonkeyPatch.context() as patch:
        for name in (*variables(Settings), *variables(ServiceSettings)):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands at noon of 1 March 2026 until the test moves it."""
    return ManualClock(datetime(2026, 3, 1, 12, tzinfo=UTC))


@pytest.fixture
def ids() -> CountedIds:
    return CountedIds()


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated store without a user, to be copied: migrating costs more than most stories."""
    path = tmp_path_factory.mktemp("template") / "claims.db"
    Workflow.open(f"sqlite:///{path}", settings=Settings()).close()
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server for as long as the tests run."""
    try:
        server = Server()
    except CannotRun as error:
        pytest.skip(str(error))
    yield server
    server.remove()


@pytest.fixture(scope="session")
def postgres_store(postgres: Server) -> str:
    """A migrated database, which one test at a time has to itself."""
    pytest.importorskip("psycopg_pool", reason="psycopg is missing: pip install 'workflow-fsm[postgres]'")
    name = postgres.make()
    Workflow.open(postgres.url(name), settings=Settings()).close()
    return name


@pytest.fixture(scope="session")
def emptied(postgres: Server, postgres_store: str) -> Iterator[Callable[[], None]]:
    """Empties that database, over a connection that stays: a new one costs the server more than the rest."""
    import psycopg

    url = postgres.url(postgres_store)
    with psycopg.connect(url, autocommit=True, application_name=EMPTIES) as connection:

        def empty() -> None:
            connection.execute(EMPTY.encode())

        yield empty


@pytest.fixture
def postgres_url(postgres: Server, postgres_store: str, emptied: Callable[[], None]) -> str:
    """The URL of that database, without a user in it."""
    emptied()
    return postgres.url(postgres_store)


@pytest.fixture
def behind_proxy(postgres: Server, postgres_url: str) -> Iterator[tuple[str, Proxy]]:
    """The URL of an empty database behind a proxy that can cut a connection, and the proxy."""
    with tempfile.TemporaryDirectory(prefix="proxy-") as folder:
        socket = ".s.PGSQL.5432"
        with proxied(postgres.folder / socket, Path(folder) / socket) as proxy:
            yield postgres_url.partition("?")[0] + f"?host={folder}", proxy


@pytest.fixture
def sqlite_url(tmp_path: Path, empty_store: Path) -> str:
    """The URL of a migrated file, `claims.db` in `tmp_path`."""
    path = tmp_path / "claims.db"
    shutil.copy(empty_store, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def contents() -> Contents:
    """What stores hold that were filled once, for those that begin so."""
    return Contents()


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty store, of each kind in turn."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def stored(store_url: str) -> Stored:
    """Runs SQL in the store itself, beside all that we wrote to read and write it; gives its rows."""

    def run(sql: str) -> list[dict[str, Any]]:
        if store_url.startswith("sqlite:///"):
            path = store_url.removeprefix("sqlite:///")
            with closing(sqlite3.connect(path, isolation_level=None)) as connection:
                connection.row_factory = sqlite3.Row
                return [dict(row) for row in connection.execute(sql)]
        import psycopg
        from psycopg.rows import dict_row

        with psycopg.connect(store_url, autocommit=True, row_factory=dict_row) as served:
            cursor = served.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    return run


@pytest.fixture(scope="session")
def postgres_database(postgres: Server, postgres_store: str) -> Iterator[Callable[[], Database]]:
    """Gives that database as the store sees it: its connections stay from test to test, if none closes it."""
    opened: list[Database] = []

    def give() -> Database:
        if not opened or opened[-1]._connections._pool.closed:  # type: ignore[attr-defined]  # Postgres's own
            opened.append(open_database(postgres.url(postgres_store), utc_now()))
        return opened[-1]

    yield give
    for database in opened:
        database.close()


@pytest.fixture
def workflow(
    request: pytest.FixtureRequest, store_url: str, clock: ManualClock, ids: CountedIds
) -> Iterator[Workflow]:
    """A workflow on a real store."""
    if store_url.startswith("postgresql:"):
        store = Store(request.getfixturevalue("postgres_database")(), claim_lifecycle())
        yield Workflow(store, settings=Settings(), clock=clock, ids=ids)
        return
    with Workflow.open(store_url, settings=Settings(), clock=clock, ids=ids) as opened:
        yield opened


@pytest.fixture
def in_memory(clock: ManualClock, ids: CountedIds) -> Iterator[Workflow]:
    """The same in memory, where a story is told hundreds of times."""
    with Workflow.open("sqlite:///:memory:", settings=Settings(), clock=clock, ids=ids) as opened:
        yield opened
