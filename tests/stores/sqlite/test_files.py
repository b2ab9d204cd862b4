"""The SQLite store on files that are none, that fill their disk, are taken away or can't be written to.

Where it can't work: "a clear error, nothing acknowledged, and service again once mended".
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from tests.machine.ledger import Ledger
from tests.stores.sqlite.on_sqlite import Start, kept_in, opened, sync
from workflow_fsm import StoreRefused, StoreUnavailable, Workflow


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(path: Path) -> None:
    path.write_text("These are notes, and no database.\n" * 200)
    before = path.read_bytes()

    with pytest.raises(StoreRefused, match="no SQLite database"):
        opened(path)
    assert path.read_bytes() == before


def test_a_folder_that_does_not_exist_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(StoreRefused, match="missing"):
        opened(tmp_path / "missing" / "claims.db")
    assert not (tmp_path / "missing").exists()


def test_a_folder_in_place_of_a_file_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(StoreRefused, match="can't be opened"):
        opened(tmp_path)


# -- disks and files that fail while the store is open

FILL_THE_DISK = """
import json, sys
from workflow_fsm import StoreUnavailable, Workflow

with Workflow.open(f"sqlite:///{sys.argv[1]}") as workflow:
    def fire(number):
        named = {"sync_id": f"s{number}", "event_id": f"e{number}"}
        workflow.fire("sync_complete", user_id="u", filler="x" * 2000, **named)

    print("ready", flush=True)
    sys.stdin.readline()
    taken, errors = 0, []
    while taken < 1000 and len(errors) < 3:  # in a row: where the log is full, the file may have room
        try:
            fire(taken)
            taken, errors = taken + 1, []
        except StoreUnavailable as unavailable:
            errors.append(str(unavailable))
    print(json.dumps({"taken": taken, "errors": errors, "read": len(workflow.status("u").syncs)}), flush=True)
    sys.stdin.readline()
    for number in range(taken, taken + 50):
        fire(number)
    print("mended", flush=True)
"""


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="no limit of another process can be set here")
def test_a_full_disk_is_a_clear_error_and_once_there_is_room_it_goes_on_without_a_restart(
    start: Start, path: Path
) -> None:
    child = start(FILL_THE_DISK, path)
    assert child.hear() == "ready"
    limits = resource.prlimit(child.process.pid, resource.RLIMIT_FSIZE)

    resource.prlimit(child.process.pid, resource.RLIMIT_FSIZE, (400_000, limits[1]))
    child.say()
    told = json.loads(child.hear())
    acknowledged = [f"e{number}" for number in range(told["taken"])]
    assert 0 < told["taken"] < 1000
    assert len(told["errors"]) == 3
    for error in told["errors"]:
        assert error.startswith("the store can't be used just now: ")
        assert "disk" in error
    # Readers go on, and nothing that was acknowledged is lost.
    assert told["read"] == told["taken"]

    resource.prlimit(child.process.pid, resource.RLIMIT_FSIZE, limits)
    child.say()
    assert child.hear() == "mended"
    child.end()

    assert kept_in(path) == acknowledged + [f"e{told['taken'] + number}" for number in range(50)]
    Ledger(path).check()


def copy_of(path: Path, to: Path) -> None:
    """Copy a store whole, past its log."""
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)


def sidecars(path: Path) -> list[Path]:
    return [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm")]


@pytest.mark.parametrize("with_its_log", [True, False])
def test_nothing_is_acknowledged_into_a_file_that_was_deleted(
    claims: Workflow, path: Path, tmp_path: Path, with_its_log: bool
) -> None:
    sync(claims, 1)
    copy_of(path, tmp_path / "backup.db")
    for file in sidecars(path) if with_its_log else [path]:
        file.unlink()

    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="put the file back"):
            sync(claims, 2)
    # A new, empty file that nobody asked for would be worse than an error.
    assert not path.exists()

    shutil.move(tmp_path / "backup.db", path)
    sync_there(claims, path, 2, "u")
    assert kept_in(path) == ["e1", "e2"]
    assert sync(claims, 1) == "duplicate"


def replace(path: Path, user_id: str) -> None:
    """Put another store, in which that user has one event, in the place of a file."""
    other = path.with_name("other.db")
    with opened(other) as elsewhere:
        sync(elsewhere, 1, user_id=user_id)
    os.replace(other, path)


def sync_there(workflow: Workflow, path: Path, number: int, user_id: str) -> None:
    """Sync into a file that was replaced, once the log of the file before, which is none of its, is gone."""
    try:
        assert sync(workflow, number, user_id=user_id) == "applied"
    except StoreUnavailable:
        for file in sidecars(path)[1:]:
            file.unlink(missing_ok=True)
        assert sync(workflow, number, user_id=user_id) == "applied"


@pytest.mark.parametrize("read", [True, False])
def test_a_file_that_was_replaced_gets_what_is_acknowledged_from_then_on(
    claims: Workflow, path: Path, read: bool
) -> None:
    for number in range(5):
        sync(claims, number)
    if read:
        claims.status("u")
    replace(path, "second")

    sync_there(claims, path, 7, "second")
    assert claims.status("u") is None
    claims.close()
    assert kept_in(path, "second") == ["e1", "e7"]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    ledger = Ledger(path)
    ledger.check()
    assert ledger.users() == ["second"]


def test_a_file_that_was_replaced_twice_gets_what_is_acknowledged_from_then_on(
    claims: Workflow, path: Path
) -> None:
    sync(claims, 1)
    for user in ("second", "third", "fourth"):
        replace(path, user)
        sync_there(claims, path, 7, user)

    claims.close()
    assert Ledger(path).users() == ["fourth"]
    assert kept_in(path, "fourth") == ["e1", "e7"]


def test_a_file_that_is_replaced_after_its_first_event_gets_the_second(path: Path) -> None:
    with opened(path) as workflow:
        sync(workflow, 1)
        replace(path, "elsewhere")

        sync_there(workflow, path, 2, "elsewhere")

    assert Ledger(path).users() == ["elsewhere"]
    assert kept_in(path, "elsewhere") == ["e1", "e2"]


def test_a_file_that_was_replaced_is_no_longer_read(claims: Workflow, path: Path) -> None:
    sync(claims, 1)
    assert claims.status("u") is not None
    replace(path, "elsewhere")

    with suppress(StoreUnavailable):  # while the log of the file before lies beside it
        assert claims.status("u") is None
    for file in sidecars(path)[1:]:
        file.unlink(missing_ok=True)
    assert claims.status("u") is None
    assert claims.status("elsewhere") is not None


def test_a_file_that_was_deleted_is_not_read_as_if_it_were_there(claims: Workflow, path: Path) -> None:
    sync(claims, 1)
    assert claims.status("u") is not None
    for file in sidecars(path):
        file.unlink()

    with pytest.raises(StoreUnavailable):
        claims.status("u")
    with pytest.raises(StoreUnavailable):
        claims.ready()


@contextmanager
def somebody_else() -> Iterator[None]:
    """Be a user of the machine whom permissions bind; root is bound by none."""
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(me)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody can reach (those of pytest are the runner's alone)."""
    with tempfile.TemporaryDirectory(dir=tempfile.gettempdir()) as folder:
        os.chmod(folder, 0o777)
        yield Path(folder)
        os.chmod(folder, 0o777)


def test_a_read_only_folder_is_refused_with_a_sentence_and_works_once_it_is_writable(
    open_folder: Path,
) -> None:
    path = open_folder / "claims.db"
    os.chmod(open_folder, 0o555)
    with somebody_else(), pytest.raises(StoreRefused, match=r"can't be opened.*([Pp]ermission|read-only)"):
        opened(path)
    os.chmod(open_folder, 0o777)
    with somebody_else(), opened(path) as workflow:
        assert sync(workflow, 1) == "applied"


def test_a_read_only_file_is_a_clear_error_and_works_once_it_is_writable_without_a_restart(
    open_folder: Path,
) -> None:
    path = open_folder / "claims.db"
    with somebody_else():
        with opened(path) as workflow:
            sync(workflow, 1)
        os.chmod(path, 0o444)
        with opened(path) as workflow:
            for _ in range(2):
                with pytest.raises(StoreUnavailable, match="read-only; make them writable"):
                    sync(workflow, 2)
            status = workflow.status("u")
            for file in sidecars(path):
                if file.exists():
                    os.chmod(file, 0o644)
            with suppress(StoreUnavailable):  # SQLite may notice at the second try
                sync(workflow, 2)
            assert sync(workflow, 2) in ("applied", "duplicate")

    assert status is not None
    assert kept_in(path) == ["e1", "e2"]
