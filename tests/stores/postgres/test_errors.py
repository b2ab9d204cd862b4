"""A connection or server that ends: whoever asks is told to come again, and all goes on when it is back."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psycopg
import pytest

from tests.conftest import EMPTIES
from tests.stores.postgres.proxy import Proxy
from tests.stores.postgres.server import Server, server
from tests.stories.acts import find, pay, status, sync
from workflow_fsm import (
    Settings,
    SettingsInvalid,
    StoreRefused,
    StoreUnavailable,
    Transition,
    Workflow,
    WorkflowClosed,
)
from workflow_fsm.stores.unit_of_work import UnitOfWork
from workflow_fsm.stores.url import shown


@pytest.fixture
def workflow(postgres_url: str) -> Iterator[Workflow]:
    with Workflow.open(postgres_url, settings=Settings()) as opened:
        yield opened


@pytest.fixture(scope="module")
def own(postgres: Server) -> Iterator[Server]:
    """A server that may be crashed: what it commits is on its disk."""
    with server(lasting=True) as running:
        yield running


def end_all(database: psycopg.Connection[Any]) -> int:
    """End every connection of stores to the database; give how many there were."""
    return len(
        database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name <> %s",
            (EMPTIES,),
        ).fetchall()
    )


def test_connections_that_were_ended_while_they_lay_idle_are_noticed_by_nobody(
    workflow: Workflow, database: psycopg.Connection[Any]
) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: sync(workflow, f"s{n}", user_id=f"u{n}"), range(8)))
    assert end_all(database)
    sleep(0.05)
    assert sync(workflow, "again").status == "applied"
    assert status(workflow).state == "synced"


def test_work_whose_connection_ends_before_its_commit_is_done_anew(
    workflow: Workflow, database: psycopg.Connection[Any]
) -> None:
    begun: list[int] = []

    def work(unit: UnitOfWork) -> None:
        begun.append(len(begun))
        unit.session.run("insert_alias", {"user_id": "u1", "alias": "a", "claim_id": "c"})
        if len(begun) == 1:
            end_all(database)
        assert unit.session.row("alias", user_id="u1", alias="a")

    workflow._store.commit(work, users=["u1"])
    assert begun == [0, 1]
    assert database.execute("SELECT user_id, alias FROM aliases").fetchall() == [("u1", "a")]


@pytest.mark.parametrize(("cut_at", "repeat"), [(b"commit\0", "duplicate"), (b"lock_free_user\0", "applied")])
def test_a_commit_that_nobody_answered_is_unavailable_and_its_repeat_answers_right(
    behind_proxy: tuple[str, Proxy], cut_at: bytes, repeat: str
) -> None:
    """The commit was done and its answer lost; or nothing was done, which is tried again unseen."""
    url, proxy = behind_proxy
    with Workflow.open(url, settings=Settings()) as workflow:
        find(workflow, "c1")
        proxy.cut_at = cut_at
        if repeat == "duplicate":
            with pytest.raises(StoreUnavailable, match="may have been done or not") as caught:
                pay(workflow, "c1", "12.50", event_id="p1")
            assert caught.value.retry_after >= 1
        else:
            assert pay(workflow, "c1", "12.50", event_id="p0").status == "applied"
        assert proxy.cuts == 1
        outcome = pay(workflow, "c1", "12.50", event_id="p1")
        assert (outcome.status, outcome.first_status or "applied") == (repeat, "applied")
        assert workflow.check().sound


def test_a_commit_that_fails_keeps_nothing_and_its_repeat_is_taken(
    workflow: Workflow, database: psycopg.Connection[Any]
) -> None:
    """A server that stops under a commit: nothing of it is there when it is back."""
    sync(workflow)
    database.execute(
        """
        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql
        AS 'BEGIN PERFORM pg_sleep(5); RETURN NULL; END';
        CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON events
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()
        """
    )
    try:
        with ThreadPoolExecutor(1) as pool:
            late = pool.submit(sync, workflow, "s2", event_id="e2")
            sleep(0.3)
            assert end_all(database)
            with pytest.raises(StoreUnavailable) as caught:
                late.result(timeout=20)
        assert caught.value.retry_after >= 1
    finally:
        database.execute("DROP TRIGGER slow ON events; DROP FUNCTION slow")
    assert sync(workflow, "s2", event_id="e2").status == "applied"
    assert workflow.check().sound


def test_a_server_that_crashes_and_comes_back_is_used_again_by_services_and_workers(own: Server) -> None:
    done: list[str] = []
    with Workflow.open(own.url(own.make()), settings=Settings()) as workflow:

        @workflow.on_enter("synced")
        def note(transition: Transition) -> None:
            done.append(transition.sync_id)

        worker = workflow.worker(threads=2)
        worker.start()
        sync(workflow, "s1")
        wait_for(lambda: done == ["s1"])
        own.crash()
        with pytest.raises(StoreUnavailable) as caught:
            sync(workflow, "lost")
        assert caught.value.retry_after >= 1
        with pytest.raises(StoreUnavailable):
            workflow.status("u1")
        with pytest.raises(StoreUnavailable):
            workflow.ready()
        own.start()
        wait_for(lambda: is_ready(workflow))
        assert sync(workflow, "s2").status == "applied"
        wait_for(lambda: done == ["s1", "s2"])
        worker.stop()
        assert [one.sync_id for one in status(workflow).syncs] == ["s1", "s2"]
        assert workflow.check().sound


def test_a_handler_that_runs_while_the_server_crashes_is_not_run_again(own: Server) -> None:
    begun: list[str] = []
    crashed = threading.Event()
    with Workflow.open(own.url(own.make()), settings=Settings()) as workflow:

        @workflow.on_enter("synced")
        def crash(transition: Transition) -> None:
            begun.append(transition.sync_id)
            own.crash()
            crashed.set()

        worker = workflow.worker(threads=1)
        worker.start()
        sync(workflow, "s1")
        assert crashed.wait(timeout=10)
        own.start()
        wait_for(lambda: is_ready(workflow))
        wait_for(lambda: workflow.owed() == [])
        worker.stop()
        assert begun == ["s1"]


def test_an_effect_that_was_settled_by_a_commit_that_nobody_answered_is_settled(
    behind_proxy: tuple[str, Proxy],
) -> None:
    url, proxy = behind_proxy
    with Workflow.open(url, settings=Settings()) as workflow:
        workflow.on_enter("synced", name="note")(lambda transition: None)
        sync(workflow, "s1")
        engine = workflow._engine
        taken = engine.leasing.lease()
        assert taken is not None
        proxy.cut_at = b"commit\0"
        with pytest.raises(StoreUnavailable, match="may have been done or not"):
            engine.do(taken)
        assert engine.settle(taken, engine.run(taken)) == "done"
        assert engine.leasing.lease() is None


def test_a_server_that_is_restarted_is_used_again_at_once(own: Server) -> None:
    with Workflow.open(own.url(own.make()), settings=Settings()) as workflow:
        sync(workflow, "s1")
        own.stop()
        own.start()
        assert sync(workflow, "s2").status == "applied"


def test_a_standby_takes_no_events_and_says_what_to_name(postgres: Server, postgres_url: str) -> None:
    url = f"{postgres_url}&options=-cdefault_transaction_read_only%3Don"
    with Workflow.open(url, settings=Settings()) as workflow:
        assert sync(workflow).status == "applied"  # what is only a default is not heeded
        assert status(workflow).state == "synced"


def test_what_nobody_answers_at_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="can't be used just now"):
        Workflow.open(f"postgresql://u:hush@/d?host={tmp_path}", settings=Settings())


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hu%zzsh@localhost/d",
        "postgresql://u:hush@localhost:99999/d",
        "postgresql://u:hush@localhost/d?sslmod=require",
        "postgresql://u@localhost/d?password=hush&connect_timeout=1&port=1",
        "postgres://u:hush@localhost:1/d",
        "postgresql://u:hush@[::1/d",
        "postgresql://u:hush%00@localhost:1/d",
    ],
)
def test_no_secret_is_ever_told(url: str) -> None:
    with pytest.raises((SettingsInvalid, StoreRefused, StoreUnavailable)) as caught:
        Workflow.open(url, settings=Settings())
    told: BaseException | None = caught.value
    while told is not None:
        assert "hu" not in str(told).replace("authentication", ""), told
        told = None if told.__suppress_context__ else told.__cause__ or told.__context__


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://u:hush@h:5432/d?password=hush&sslmode=require", "postgresql://…@h:5432/d"),
        ("postgres:///d?user=u&password=hush", "postgres:///d"),
        ("postgresql://u:hush@[::1/d", "postgresql://…@…"),
        ("mysql://u:hush@h/d", "mysql://…@h/d"),
        ("sqlite:///claims.db", "sqlite:///claims.db"),
    ],
)
def test_a_url_is_shown_without_what_may_be_secret(url: str, told: str) -> None:
    assert shown(url) == told
    assert "hush" not in repr(Settings(database_url=url))


def test_a_database_or_role_that_is_not_there_is_refused(postgres: Server) -> None:
    with pytest.raises(StoreRefused, match='database "nowhere" does not exist'):
        Workflow.open(postgres.url("nowhere"), settings=Settings())
    with pytest.raises(StoreRefused, match='role "nobody" does not exist'):
        Workflow.open(postgres.url().replace("workflow@", "nobody@"), settings=Settings())


def test_without_psycopg_a_sentence_says_what_to_install() -> None:
    script = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from workflow_fsm import Settings, SettingsInvalid, Workflow\n"
        "try: Workflow.open('postgresql://u:hush@h/d', settings=Settings())\n"
        "except SettingsInvalid as error: print(error)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    ran = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=30,
        env=environment,
        check=True,
    )
    assert ran.stdout == (
        "postgresql://…@h/d needs psycopg, which is not installed: pip install 'workflow-fsm[postgres]'\n"
    )


def test_a_store_that_was_closed_says_so(postgres_url: str) -> None:
    workflow = Workflow.open(postgres_url, settings=Settings())
    workflow.close()
    with pytest.raises(WorkflowClosed):
        sync(workflow)


def test_closing_leaves_no_threads_and_no_connections(
    postgres_url: str, database: psycopg.Connection[Any]
) -> None:
    before = set(threading.enumerate())
    with Workflow.open(postgres_url, settings=Settings()) as workflow:
        workflow.on_enter("synced", name="noted")(lambda transition: None)
        worker = workflow.worker(threads=2)
        worker.start()
        sync(workflow)
        wait_for(lambda: workflow.owed() == [])
        worker.stop()
    wait_for(lambda: not {one for one in threading.enumerate() if one.is_alive()} - before)
    wait_for(lambda: not end_all(database))


def is_ready(workflow: Workflow) -> bool:
    try:
        workflow.ready()
    except StoreUnavailable:
        return False
    return True


def wait_for(holds: Any, seconds: float = 15) -> None:
    until = monotonic() + seconds
    while not holds():
        assert monotonic() < until
        sleep(0.02)
