"""Readiness: a store is ready where it can be written to; asking costs little, and leaves nothing."""

from __future__ import annotations

import os
import resource
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from time import monotonic

import pytest

from tests.conftest import Stored
from tests.stores.sqlite.on_sqlite import Start, opened, sync, url
from tests.stores.sqlite.test_files import open_folder, somebody_else
from webapp import create_app
from workflow_fsm import StoreUnavailable, Workflow, WorkflowClosed

__all__ = ["open_folder"]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the file's write lock, as another process may."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_a_store_that_can_be_written_to_is_ready(workflow: Workflow) -> None:
    workflow.ready()


def test_a_thousand_that_ask_at_once_are_one_write(claims: Workflow, path: Path) -> None:
    sync(claims, 1)
    log = path.with_name("claims.db-wal")
    before, since = log.stat().st_size, monotonic()
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: claims.ready(), range(1000)))
    writes = (log.stat().st_size - before) / 4000  # of a page each
    assert 1 <= writes <= 2 + (monotonic() - since)


def test_asking_leaves_nothing_in_the_store(
    workflow: Workflow, store_url: str, stored: Stored, tmp_path: Path
) -> None:
    probe = workflow._store._database.probe
    probe()
    if store_url.startswith("sqlite"):
        before = (tmp_path / "claims.db").stat().st_size
        for _ in range(250):
            probe()
        assert (tmp_path / "claims.db").stat().st_size == before
        assert (tmp_path / "claims.db-wal").stat().st_size < 1_000_000
        return
    size = "SELECT pg_total_relation_size('workflow_fsm_migrations') AS size"
    before = stored(size)[0]["size"]
    for _ in range(300):
        probe()
    assert stored(size)[0]["size"] == before


def test_a_store_that_was_closed_is_not_ready(workflow: Workflow) -> None:
    with Workflow.open("sqlite:///:memory:") as memory:
        memory.ready()
    with pytest.raises(WorkflowClosed):
        memory.ready()


# -- on SQLite


def test_a_file_whose_lock_another_holds_is_not_ready_within_a_bound_and_told_over_http(
    claims: Workflow, path: Path
) -> None:
    client = create_app(claims).test_client()
    with locked(path):
        since = monotonic()
        response = client.get("/readyz")
        assert monotonic() - since < 3
        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) >= 1
        assert "another process holds its write lock" in response.get_json(force=True)["detail"]
        assert client.get("/healthz").status_code == 200
        assert claims.status("u") is None
    claims._readiness.forget()
    assert client.get("/readyz").status_code == 200


def test_a_long_commit_of_our_own_is_no_reason_not_to_be_ready(claims: Workflow) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work(_unit: object) -> None:
        begun.set()
        assert go_on.wait(20)

    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(claims._store.commit, work)
        assert begun.wait(10)
        claims.ready()
        go_on.set()
        late.result(timeout=10)


ASK = """
import sys
from workflow_fsm import StoreUnavailable, Workflow

with Workflow.open(f"sqlite:///{sys.argv[1]}") as workflow:
    workflow.fire("sync_complete", user_id="u", sync_id="s")
    print("open", flush=True)
    while sys.stdin.readline():
        workflow._readiness.forget()
        try:
            workflow.ready()
            print("ready", flush=True)
        except StoreUnavailable as unavailable:
            print(unavailable, flush=True)
"""


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="no limit of another process can be set here")
def test_a_full_disk_is_not_ready_and_is_once_there_is_room(start: Start, path: Path) -> None:
    child = start(ASK, path)
    assert child.hear() == "open"
    child.say()
    assert child.hear() == "ready"
    limits = resource.prlimit(child.process.pid, resource.RLIMIT_FSIZE)
    log = path.with_name("claims.db-wal")
    resource.prlimit(child.process.pid, resource.RLIMIT_FSIZE, (log.stat().st_size, limits[1]))
    child.say()
    assert "disk" in child.hear()
    resource.prlimit(child.process.pid, resource.RLIMIT_FSIZE, limits)
    child.say()
    assert child.hear() == "ready"


def test_a_read_only_file_is_not_ready(open_folder: Path) -> None:
    path = open_folder / "claims.db"
    with somebody_else():
        opened(path).close()
        os.chmod(path, 0o444)
        with opened(path) as workflow, pytest.raises(StoreUnavailable, match="read-only; make them writable"):
            workflow.ready()


def test_two_processes_ask_of_one_busy_file_and_both_are_ready(claims: Workflow, path: Path) -> None:
    stop = threading.Event()

    def write(number: int) -> None:
        while not stop.is_set():
            sync(claims, number)
            number += 1

    with ThreadPoolExecutor(1) as pool, Workflow.open(url(path)) as other:
        writing = pool.submit(write, 1)
        try:
            for _ in range(3):
                for workflow in (claims, other):
                    workflow._readiness.forget()
                    workflow.ready()
        finally:
            stop.set()
            writing.result(timeout=10)
