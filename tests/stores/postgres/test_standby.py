"""Standbys: one that is read-only takes nothing, and one that is waited for and gone keeps nobody waiting."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep

import psycopg
import pytest
import requests

from tests.stores.postgres.proxy import proxied
from tests.stores.postgres.server import STANDBY, CannotRun, Server, server, standby
from tests.stores.postgres.test_errors import is_ready, wait_for
from tests.stories.acts import status, sync
from tests.webapp.services import StartService
from webapp.routes.webhooks import PREFIX
from workflow_fsm import Settings, StoreUnavailable, Workflow

WAITING = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
SOCKET = ".s.PGSQL.5432"
READ_ONLY = "this is a standby, read-only; name the primary"
UNKNOWN = "its fate is unknown; send it again"


@pytest.fixture(scope="module")
def primary() -> Iterator[Server]:
    """A server of these tests' own, which others' commits don't wait on."""
    try:
        with server() as running:
            yield running
    except CannotRun as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def follower(primary: Server) -> Iterator[Server]:
    """Its hot standby."""
    try:
        with standby(primary) as running:
            yield running
    except CannotRun as error:
        pytest.skip(str(error))


@pytest.fixture
def url(primary: Server) -> Iterator[str]:
    """The URL of an empty store on it, whose commits wait for no standby when the test ends."""
    name = primary.make()
    Workflow.open(primary.url(name), settings=Settings()).close()
    yield primary.url(name)
    wait_for_standby(primary, "")
    primary.drop(name)


def wait_for_standby(primary: Server, name: str) -> None:
    """Let every commit wait for the standby of that name from now on."""
    with psycopg.connect(primary.url(), autocommit=True) as connection:
        connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'".encode())
        connection.execute("SELECT pg_reload_conf()")
        shown = "SELECT current_setting('synchronous_standby_names')"
        wait_for(lambda: connection.execute(shown).fetchone() == (name,))
    sleep(0.2)  # every backend reads it between two statements


def test_a_hot_standby_is_read_but_not_ready(url: str, primary: Server, follower: Server) -> None:
    with Workflow.open(url, settings=Settings()) as workflow:
        sync(workflow)
    name = url.partition("@/")[2].partition("?")[0]
    wait_for(lambda: _users(follower, name) == [("u1",)])
    with Workflow.open(follower.url(name), settings=Settings()) as workflow:
        assert status(workflow).state == "synced"
        with pytest.raises(StoreUnavailable, match=READ_ONLY):
            workflow.ready()


def test_what_a_standby_refuses_is_asked_of_it_once(url: str, follower: Server) -> None:
    """It says 0A000 of a transaction that is to write, as others say of a statement that is outdated."""
    with Workflow.open(url, settings=Settings()) as workflow:
        workflow.on_enter("synced", name="note")(lambda told: None)
        sync(workflow)
    name = url.partition("@/")[2].partition("?")[0]
    wait_for(lambda: _users(follower, name) == [("u1",)])
    with (
        tempfile.TemporaryDirectory(prefix="proxy-") as folder,
        proxied(follower.folder / SOCKET, Path(folder) / SOCKET) as proxy,
        Workflow.open(f"postgresql://workflow@/{name}?host={folder}", settings=Settings()) as workflow,
    ):
        asked: list[Callable[[], object]] = [
            lambda: sync(workflow),
            lambda: workflow.drop_handler("note"),
        ]
        for ask in asked:
            opened = proxy.connections
            with pytest.raises(StoreUnavailable, match=READ_ONLY):
                ask()
            assert proxy.connections - opened < 4  # the pool replaces those that it closes


def _users(follower: Server, name: str) -> object:
    try:
        return follower.execute("SELECT user_id FROM users", name)
    except psycopg.Error:
        return None


def test_a_commit_that_waits_for_a_standby_that_nobody_is_has_an_unknown_fate(
    url: str, primary: Server
) -> None:
    with Workflow.open(url, settings=Settings()) as workflow:
        sync(workflow, "s1")
        wait_for_standby(primary, "nobody_is_called_so")
        since = monotonic()
        with pytest.raises(StoreUnavailable, match=UNKNOWN) as caught:
            sync(workflow, "s2", event_id="e2")
        assert 4 < monotonic() - since < 8
        assert caught.value.retry_after >= 1
        with pytest.raises(StoreUnavailable, match="synchronous standby that doesn't answer"):
            workflow.ready()
        wait_for_standby(primary, "")
        outcome = sync(workflow, "s2", event_id="e2")
        assert (outcome.status, outcome.first_status) == ("duplicate", "applied")
        assert workflow.check().sound


def test_a_commit_that_was_cancelled_while_it_waited_for_a_standby_is_no_acknowledgement(
    url: str, primary: Server
) -> None:
    """PostgreSQL itself says that it has committed, and only warns."""
    with Workflow.open(url, settings=Settings()) as workflow:
        sync(workflow, "s1")
        wait_for_standby(primary, "nobody_is_called_so")

        def cancel() -> None:
            wait_for(lambda: primary.execute(WAITING))

        for _ in range(2):  # the repeat finds it kept on that server, and is no acknowledgement either
            canceller = Thread(target=cancel)
            canceller.start()
            since = monotonic()
            with pytest.raises(StoreUnavailable, match=f"might not have been replicated.*{UNKNOWN}"):
                sync(workflow, "s2", event_id="e2")
            assert monotonic() - since < 4
            canceller.join()
        assert [one.sync_id for one in status(workflow).syncs] == ["s1", "s2"]


def test_no_tries_are_used_up_while_commits_wait_for_a_standby(url: str, primary: Server) -> None:
    done: list[str] = []
    with Workflow.open(url, settings=Settings()) as workflow:
        workflow.on_enter("synced", name="note")(lambda told: done.append(told.user_id))
        for number in range(10):
            sync(workflow, user_id=f"u{number}")
        wait_for_standby(primary, "nobody_is_called_so")
        over = Event()

        def cancel_all() -> None:
            while not over.wait(0.05):
                primary.execute(WAITING)

        canceller = Thread(target=cancel_all)
        canceller.start()
        worker = workflow.worker(threads=2)
        worker.start()
        sleep(3)
        begun = sum(one.attempt for one in workflow.owed())
        over.set()
        canceller.join()
        assert done == []
        assert begun <= 2  # one for each thread
        wait_for_standby(primary, "")
        wait_for(lambda: len(done) >= 8)
        worker.stop()


def test_every_post_is_answered_while_the_standby_is_gone_and_its_repeat_once_it_is_back(
    url: str, primary: Server, follower: Server, start_service: StartService
) -> None:
    service = start_service(WORKFLOW_DATABASE_URL=url)
    wait_for_standby(primary, STANDBY)

    def post(number: int) -> requests.Response:
        body = {"user_id": f"u{number}", "sync_id": "s", "event_id": f"e{number}"}
        return requests.post(f"{service.url}{PREFIX}/sync/complete", json=body, timeout=30)

    def ready() -> int:
        return requests.get(f"{service.url}/readyz", timeout=10).status_code

    assert post(0).status_code == 200
    assert ready() == 200
    follower.stop()
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(post, range(1, 41)))
        assert ready() == 503
    assert {answer.status_code for answer in answers} == {503}
    assert any(UNKNOWN in answer.json()["detail"] for answer in answers)
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in answers)
    follower.start()
    wait_for(lambda: ready() == 200, seconds=30)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(post, range(41)))
    assert {answer.status_code for answer in answers} == {200}
    with Workflow.open(url, settings=Settings()) as workflow:
        assert is_ready(workflow)
        report = workflow.check()
        assert (report.sound, report.users) == (True, 41)
