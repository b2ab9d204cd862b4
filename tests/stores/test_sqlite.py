"""The SQLite store under threads, processes, full disks, and files that are taken away.

"Nothing acknowledged is lost", and where the store can't work: "a clear error, nothing acknowledged, and
service again once mended".
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.machine.ledger import Ledger
from webapp import create_app
from workflow_fsm import Settings, StoreRefused, StoreUnavailable, Workflow, claim_lifecycle
from workflow_fsm.core.definition import KNOWN, WAIT, State, Trigger, go
from workflow_fsm.stores.session import Session
from workflow_fsm.stores.sqlite import SQLite
from workflow_fsm.stores.store import Store

DEFAULTS = Settings.from_environment({})


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def opened(path: Path, *, busy_seconds: float = 5.0) -> Workflow:
    """Open a store that waits so long for other processes' writes."""
    store = Store(SQLite(str(path), busy_seconds=busy_seconds), claim_lifecycle())
    return Workflow(store, settings=DEFAULTS)


def sync(workflow: Workflow, number: int, user_id: str = "u") -> str:
    outcome = workflow.fire("sync_complete", user_id=user_id, sync_id=f"s{number}", event_id=f"e{number}")
    return outcome.status


def kept_in(path: Path, user_id: str = "u") -> list[str]:
    """Read the ids of a user's events out of a file, past the code."""
    return [row["event_id"] for row in Ledger(path).rows("events", user_id)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "claims.db"


@pytest.fixture
def claims(path: Path) -> Iterator[Workflow]:
    with opened(path) as workflow:
        yield workflow


# -- threads


def test_forty_threads_on_one_user_lose_nothing_and_number_everything_once(
    claims: Workflow, path: Path
) -> None:
    start = threading.Barrier(40)

    def work(thread: int) -> list[tuple[str, str]]:
        start.wait()
        told = []
        for number in range(thread * 10, thread * 10 + 10):
            outcome = claims.fire("sync_complete", user_id="u", sync_id=f"s{number}", event_id=f"e{number}")
            told.append((outcome.event_id, outcome.transitions[0]["sync_id"]))
        return told

    with ThreadPoolExecutor(40) as pool:
        told = [pair for future in [pool.submit(work, one) for one in range(40)] for pair in future.result()]

    # Each got its own answer, and all that was acknowledged is there exactly once.
    assert told == [(f"e{number}", f"s{number}") for number in range(400)]
    assert sorted(kept_in(path)) == sorted(f"e{number}" for number in range(400))
    cursors = [row["cursor"] for page in pages(claims) for row in page]
    assert len(cursors) == 400
    assert cursors == sorted(set(cursors))
    Ledger(path).check()


def pages(workflow: Workflow) -> Iterator[list[Any]]:
    cursor: int | None = 0
    while cursor is not None:
        page = workflow.history("u", limit=70, cursor=cursor)
        assert page is not None
        yield page
        cursor = page.next_cursor


class Crowd:
    """Jobs that are brought to a writer while it is held up, so that it takes them into one commit."""

    def __init__(self, database: SQLite) -> None:
        self._database = database
        self._held, self._go = threading.Event(), threading.Event()

    def bring(self, jobs: list[Any]) -> list[Any]:
        """Let each job come from a thread of its own; give what each was answered, errors too."""

        def hold(session: Session) -> None:
            self._held.set()
            assert self._go.wait(10)

        def attempt(job: Any) -> Any:
            try:
                return self._database.write(job)
            except Exception as error:
                return error

        with ThreadPoolExecutor(len(jobs) + 1) as pool:
            holding = pool.submit(self._database.write, hold)
            assert self._held.wait(10)
            futures = [pool.submit(attempt, job) for job in jobs]
            while len(self._database._queue) < len(jobs):
                pass
            self._go.set()
            holding.result()
            return [future.result() for future in futures]


def linking(alias: str, error: Exception | None = None) -> Any:
    """Make a job that writes one row, and then fails where an error is given."""

    def job(session: Session) -> str:
        session.run("insert_alias", {"user_id": "u", "alias": alias, "claim_id": "c"})
        if error is not None:
            raise error
        return alias

    return job


def aliases_in(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [alias for (alias,) in connection.execute("SELECT alias FROM aliases ORDER BY alias")]


def test_events_that_wait_together_are_committed_together_and_each_gets_its_own_answer(path: Path) -> None:
    database = Store(SQLite(str(path)), claim_lifecycle())._database
    assert isinstance(database, SQLite)
    names = [f"a{number}" for number in range(20)]
    with closing(database), closing(sqlite3.connect(path)) as watcher:
        before = watcher.execute("PRAGMA data_version").fetchone()
        answers = Crowd(database).bring([linking(name) for name in names])
        assert watcher.execute("PRAGMA data_version").fetchone() != before

    assert answers == names
    assert aliases_in(path) == sorted(names)


@pytest.mark.parametrize("error", [ValueError("of its own"), sqlite3.IntegrityError("of its own")], ids=repr)
def test_a_failing_event_rolls_back_alone(path: Path, error: Exception) -> None:
    """ "with a savepoint each": what one of them raises undoes that one, and is told to its bringer only."""
    with closing(SQLite(str(path))) as database:
        answers = Crowd(database).bring([linking("a"), linking("b", error), linking("c")])

    assert (answers[0], answers[2]) == ("a", "c")
    assert isinstance(answers[1], Exception)
    assert aliases_in(path) == ["a", "c"]


def test_a_row_that_the_schema_refuses_fails_its_own_event_alone(path: Path) -> None:
    with closing(SQLite(str(path))) as database:
        answers = Crowd(database).bring([linking("a"), linking("a"), linking("b")])

    assert answers[0] == "a"
    assert isinstance(answers[1], Exception)
    assert answers[2] == "b"
    assert aliases_in(path) == ["a", "b"]


def test_readers_beside_a_writer_see_only_whole_commits(claims: Workflow) -> None:
    seen: set[str | None] = set()
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            for user in range(60):
                status = claims.status(f"u{user}")
                seen.add(None if status is None else status.state)

    def write() -> None:
        for user in range(60):
            user_id = f"u{user}"
            claims.fire_many(
                [
                    {"trigger": "sync_complete", "user_id": user_id, "sync_id": "s"},
                    {
                        "trigger": "detection_complete",
                        "user_id": user_id,
                        "sync_id": "s",
                        "claims": [{"claim_id": "c"}],
                    },
                    {"trigger": "payout_received", "user_id": user_id, "claim_id": "c", "amount": "1.00"},
                ]
            )

    with ThreadPoolExecutor(4) as pool:
        reading = [pool.submit(read) for _ in range(3)]
        pool.submit(write).result()
        ended.set()
        for future in reading:
            future.result()

    assert {None, "paid"} >= seen
    status = claims.status("u59")
    assert status is not None
    assert status.state == "paid"


def test_memory_is_one_connection_readers_included() -> None:
    with Workflow.open("sqlite:///:memory:", settings=DEFAULTS) as workflow, ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda number: sync(workflow, number), range(50)))
        shown = list(pool.map(lambda _: workflow.status("u"), range(8)))

    assert told == ["applied"] * 50
    for status in shown:
        assert status is not None
        assert len(status.syncs) == 50


# -- processes


class Child:
    """A Python process on our packages, spoken to line by line."""

    def __init__(self, code: str, *arguments: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def say(self, line: str = "go") -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        """Wait for its end, which must be a good one."""
        _, errors = self.process.communicate(timeout=30)
        assert self.process.returncode == 0, errors


Start = Callable[..., Child]


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


OPEN_AND_WRITE = """
import sys
from workflow_fsm import Workflow

path, name, many = sys.argv[1], sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
with Workflow.open(f"sqlite:///{path}") as workflow:
    for number in range(many):
        each = f"{name}-{number}"
        outcome = workflow.fire("sync_complete", user_id="u", sync_id=each, event_id=each)
        assert outcome.status == "applied", outcome
"""


def test_four_processes_open_one_new_file_at_once_and_all_write_to_it(start: Start, path: Path) -> None:
    children = [start(OPEN_AND_WRITE, path, f"p{number}", 25) for number in range(4)]
    for child in children:
        assert child.hear() == "ready"
    for child in children:
        child.say()
    for child in children:
        child.end()

    assert sorted(kept_in(path)) == sorted(f"p{one}-{number}" for one in range(4) for number in range(25))
    Ledger(path).check()


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the file's write lock, as another process would."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_a_write_lock_held_too_long_is_store_unavailable_and_then_it_works_again(path: Path) -> None:
    with opened(path, busy_seconds=0.1) as workflow:
        sync(workflow, 1)
        with held(path):
            with pytest.raises(StoreUnavailable, match="another process holds its write lock"):
                sync(workflow, 2)
            # "readers beside it"
            assert workflow.status("u") is not None
        assert sync(workflow, 2) == "applied"

    assert kept_in(path) == ["e1", "e2"]


def test_a_write_lock_held_too_long_is_503_with_retry_after(path: Path) -> None:
    """ "busy: wait, then 503 with `Retry-After`" """
    with opened(path, busy_seconds=0.1) as workflow:
        client = create_app(workflow).test_client()
        body = {"user_id": "u", "sync_id": "s", "event_id": "e"}
        with held(path):
            response = client.post("/api/v1/workflow/sync/complete", json=body)
            many = client.post("/api/v1/workflow/events", json=[{"trigger": "sync_complete", **body}])
        again = client.post("/api/v1/workflow/sync/complete", json=body)

    for one in (response, many):
        assert one.status_code == 503
        assert int(one.headers["Retry-After"]) >= 1
        assert one.content_type == "application/problem+json"
    assert (again.status_code, again.get_json()["status"]) == (200, "applied")


def test_a_write_lock_that_is_let_go_in_time_is_waited_for(path: Path) -> None:
    with opened(path) as workflow, ThreadPoolExecutor(1) as pool:
        with held(path):
            waiting = pool.submit(sync, workflow, 1)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.2)
        assert waiting.result(timeout=5) == "applied"


# -- stores that are refused


def test_a_store_of_a_newer_version_is_refused_with_a_sentence(path: Path) -> None:
    opened(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('workflow_fsm', '9999_from_the_future', '2030-01-01')"
        )
        connection.commit()

    with pytest.raises(StoreRefused, match=r"9999_from_the_future.*upgrade workflow-fsm"):
        opened(path)


def test_a_store_with_states_that_the_definition_does_not_know_is_refused(path: Path) -> None:
    plain = claim_lifecycle()
    review = plain.variant(
        name="reviewed claim",
        states=[*plain.states[:4], State(name="in_review"), *plain.states[4:]],
        cells={
            "matched": {"claim_submitted": go("in_review")},
            "in_review": {
                trigger.name: go("submitted") if trigger.name == "claim_submitted" else KNOWN
                for trigger in plain.triggers
            }
            | {"payout_received": go("paid"), "payout_reversed": WAIT},
        },
    )
    with Workflow.open(url(path), definition=review, settings=DEFAULTS) as workflow:
        workflow.fire("sync_complete", user_id="u", sync_id="s")
        workflow.fire("detection_complete", user_id="u", sync_id="s", claims=[{"claim_id": "c"}])
        workflow.fire("evidence_matching_complete", user_id="u", claim_id="c")
        workflow.fire("claim_submitted", user_id="u", claim_id="c", event_id="filed")

    with pytest.raises(StoreRefused, match="'in_review', which the definition 'claim' doesn't know"):
        Workflow.open(url(path), settings=DEFAULTS)
    with Workflow.open(url(path), definition=review, settings=DEFAULTS) as workflow:
        outcome = workflow.fire("claim_submitted", user_id="u", claim_id="c", event_id="reviewed")
        assert [row["to"] for row in outcome.transitions] == ["submitted"]


def test_a_store_with_waiting_triggers_that_the_definition_does_not_know_is_refused(path: Path) -> None:
    plain = claim_lifecycle()
    submitted = plain.trigger("claim_submitted")
    assert submitted is not None
    appealed = Trigger(name="claim_appealed", addressing=submitted.addressing, fields=submitted.fields)
    appeals = plain.variant(
        name="appealed claim",
        triggers=[*plain.triggers, appealed],
        cells={
            None: {"claim_appealed": WAIT},
            **{
                state.name: {"claim_appealed": go("submitted") if state.name == "rejected" else WAIT}
                for state in plain.states
            },
        },
    )
    with Workflow.open(url(path), definition=appeals, settings=DEFAULTS) as workflow:
        assert workflow.fire("claim_appealed", user_id="u", claim_id="c").status == "deferred"

    with pytest.raises(StoreRefused, match="'claim_appealed'"):
        Workflow.open(url(path), settings=DEFAULTS)


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
    claims.ready()
    for file in sidecars(path):
        file.unlink()

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
