"""Live, where a store lost what it had told: whoever is further than it is told so, and nobody else."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.webapp.conftest import Api
from tests.webapp.services import Service, StartService
from tests.webapp.ws.following import Closed, Listener

LOST = 4409


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "claims.db"


@pytest.fixture
def service(start_service: StartService, store: Path) -> Service:
    return start_service(WORKFLOW_DATABASE_URL=f"sqlite:///{store}")


@pytest.fixture
def api(service: Service) -> Iterator[Api]:
    client = Api(service.url)
    yield client
    client.close()


def sync(api: Api, user: str, *numbers: int) -> None:
    for number in numbers:
        assert api.post("sync/complete", {"user_id": user, "sync_id": f"s{number}"}).status_code == 200


def restore(backup: Path, store: Path) -> None:
    """Put a backup in the place of a store, as a person does."""
    for beside in ("-wal", "-shm"):
        store.with_name(store.name + beside).unlink(missing_ok=True)
    os.replace(backup, store)


def back_up(store: Path, backup: Path) -> None:
    with closing(sqlite3.connect(store)) as source, closing(sqlite3.connect(backup)) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode = WAL")


def test_who_is_further_than_the_store_is_told_and_who_is_not_goes_on(
    service: Service, api: Api, store: Path, tmp_path: Path
) -> None:
    sync(api, "u1", 1)
    sync(api, "u2", 1)
    back_up(store, tmp_path / "backup.db")
    sync(api, "u1", 2, 3)
    sync(api, "u3", 1)
    with (
        Listener(service.port, "u1", 0) as further,
        Listener(service.port, "u3") as lost,
        Listener(service.port, "u2", 0) as level,
    ):
        cursor = further.read_many(3)[-1]["cursor"]
        reached = level.read()["cursor"]
        restore(tmp_path / "backup.db", store)
        for listener in (further, lost):
            with pytest.raises(Closed) as closed:
                listener.read(5)
            assert closed.value.code == LOST
            assert "read history anew" in str(closed.value.reason)
        with pytest.raises(Closed) as closed, Listener(service.port, "u1", cursor) as again:
            again.read(5)
        assert closed.value.code == LOST
        assert f"cursor {cursor}:" in str(closed.value.reason)
        sync(api, "u2", 2)
        assert level.read()["cursor"] > reached


def test_who_has_seen_all_there_is_waits_in_silence(service: Service, api: Api) -> None:
    sync(api, "u1", 1)
    with Listener(service.port, "u1", 0) as listener:
        cursor = listener.read()["cursor"]
    with Listener(service.port, "u1", cursor) as again, Listener(service.port, "unknown", 0) as unknown:
        assert again.is_silent()
        assert unknown.is_silent()


@pytest.mark.parametrize("since", [10**18, 2**63 - 2])
def test_a_cursor_that_never_was_is_told_in_a_close_that_fits(service: Service, since: int) -> None:
    with Listener(service.port, "u1", since) as listener, pytest.raises(Closed) as closed:
        listener.read(5)
    assert closed.value.code == LOST
    assert len(str(closed.value.reason).encode()) <= 123
