"""A workflow from its opening to its end: what it takes, and what it refuses with a sentence."""

from __future__ import annotations

import logging
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from time import monotonic, sleep

import pytest

import workflow_fsm
from workflow_fsm import (
    InvalidEvent,
    Settings,
    SettingsInvalid,
    StoreRefused,
    StoreUnavailable,
    Transition,
    Workflow,
    WorkflowClosed,
    WorkflowError,
    claim_lifecycle,
)
from workflow_fsm.testing import ManualClock, matched, open_workflow, synced

# -- its end


def effects_threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("effects-")]


def test_closing_a_workflow_ends_its_workers(store_url: str) -> None:
    """ "`workflow.close()` ends its worker (today six threads warn for ever)" """
    with open_workflow(store_url) as workflow:
        workflow.worker(threads=2).start()
        workflow.worker(threads=1).start()
        assert len(effects_threads()) >= 7
    assert effects_threads() == []
    workflow.close()


def test_a_worker_is_a_context_manager(sqlite_url: str) -> None:
    """ "a worker is a context manager" """
    with open_workflow(sqlite_url) as workflow:
        seen: list[str] = []
        workflow.on_enter("matched", name="see")(lambda told: seen.append(told.user_id))
        with workflow.worker(threads=1) as worker:
            assert worker.threads == 1
            matched(workflow)
            until = monotonic() + 10
            while not seen and monotonic() < until:
                sleep(0.01)
        assert seen == ["u1"]
        assert effects_threads() == []


def test_a_second_start_says_what_is_wrong(sqlite_url: str) -> None:
    """ "a second `start` says what is wrong" """
    with open_workflow(sqlite_url) as workflow, workflow.worker(threads=1) as worker:
        with pytest.raises(RuntimeError, match=r"started once; make another: workflow\.worker\(\)"):
            worker.start()
        worker.stop()
        with pytest.raises(RuntimeError, match="started once"):
            worker.start()


def test_a_handler_may_close_its_workflow(sqlite_url: str) -> None:
    workflow, closed = open_workflow(sqlite_url), threading.Event()

    @workflow.on_enter("matched")
    def close(told: Transition) -> None:
        workflow.close()
        closed.set()

    matched(workflow)
    workflow.worker(threads=1).start()
    assert closed.wait(10)
    until = monotonic() + 10
    while effects_threads() and monotonic() < until:
        sleep(0.01)
    assert effects_threads() == []


def test_a_closed_workflow_raises_what_no_retry_mends(store_url: str) -> None:
    """ "A closed workflow raises `WorkflowClosed`, which no retry mends." """
    workflow = open_workflow(store_url)
    workflow.close()
    for ask in (
        lambda: synced(workflow),
        lambda: workflow.status("u1"),
        lambda: workflow.history("u1"),
        workflow.run_effects,
        workflow.tick,
        workflow.ready,
        lambda: workflow.on_enter("matched", name="see")(lambda told: None),
    ):
        with pytest.raises(WorkflowClosed, match="closed; open another") as caught:
            ask()
        assert caught.value.code == "workflow-closed"
        assert isinstance(caught.value, WorkflowError)
        assert not isinstance(caught.value, StoreUnavailable)


# -- its beginning


def test_a_path_names_a_sqlite_file(tmp_path: Path) -> None:
    """ "`Workflow.open(Path)` an AttributeError (take it)" """
    path = tmp_path / "claims of ours.db"
    with Workflow.open(path) as workflow:
        synced(workflow)
    with Workflow.open(f"sqlite:///{path}") as workflow:
        assert workflow.status("u1") is not None


@pytest.mark.parametrize("url", ["", 3, b"sqlite:///claims.db"])
def test_what_names_no_store_is_refused_and_makes_no_file(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "`open("")` makes a file" """
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsInvalid, match="sqlite:///"):
        Workflow.open(url)
    with pytest.raises(SettingsInvalid, match="sqlite:///"):
        Workflow.open(settings=Settings(database_url=""))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("tables", [["notes"], ["users", "events"], ["notes", "_sqlite_migrations"]])
@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_another_applications_file_is_refused_untouched(
    tmp_path: Path, tables: list[str], journal: str
) -> None:
    """ "A SQLite file that is another application's is refused, untouched." """
    path = tmp_path / "theirs.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal}").fetchone()
        for table in tables:
            connection.execute(f"CREATE TABLE {table} (migration_set TEXT, name TEXT, body TEXT)")
            connection.execute(f"INSERT INTO {table} VALUES ('theirs', 'first', 'hello')")  # noqa: S608
        connection.commit()
    before = path.read_bytes()
    with pytest.raises(StoreRefused, match="another application's SQLite file"):
        Workflow.open(path)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["theirs.db"]


def test_an_empty_file_and_one_left_half_made_become_stores(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    Workflow.open(tmp_path / "empty.db").close()
    half = tmp_path / "half.db"
    with closing(sqlite3.connect(half)) as connection:
        connection.execute("CREATE TABLE _sqlite_migrations (migration_set TEXT, name TEXT, applied_at TEXT)")
        connection.commit()
    Workflow.open(half).close()


def test_a_clock_without_an_offset_is_refused(tmp_path: Path) -> None:
    """ "A naive clock … get a sentence" """
    naive = lambda: datetime(2026, 1, 1)  # noqa: DTZ001, E731  # as a stranger may write it
    with pytest.raises(SettingsInvalid, match=r"clock gives datetime.*aware"):
        Workflow.open(tmp_path / "claims.db", clock=naive)
    assert not (tmp_path / "claims.db").exists()


# -- what it is asked


def test_a_date_is_refused_with_a_sentence(workflow: Workflow) -> None:
    """ "`datetime.date` … get a sentence" """
    told = {"claim_id": "c1", "deadline_date": date(2026, 5, 1)}
    with pytest.raises(InvalidEvent, match="is a date without a time; give a datetime"):
        workflow.fire("detection_complete", user_id="u1", sync_id="s1", claims=[told])
    told["deadline_date"] = datetime(2026, 5, 1, tzinfo=UTC)
    assert workflow.fire("detection_complete", user_id="u1", sync_id="s1", claims=[told]).event_id


@pytest.mark.parametrize("limit", [0, -1, 1.5, "10", True, None])
def test_a_limit_that_is_none_is_refused_everywhere(workflow: Workflow, limit: int) -> None:
    """ "`limit` is checked everywhere." None is all, where a list may be given whole."""
    synced(workflow)
    for ask in (
        lambda: workflow.status("u1", limit=0 if limit is None else limit),
        lambda: workflow.history("u1", limit=0 if limit is None else limit),
        lambda: workflow.dead_letters(limit=limit),
        lambda: workflow.acts("u1", limit=limit),
        lambda: workflow.owed(limit=limit),
        lambda: workflow.tick(limit=limit),
    ):
        with pytest.raises(InvalidEvent, match=r"limit: is .*; it must be a whole number"):
            ask()


@pytest.mark.parametrize("limit", [1001, 10**30])
def test_a_page_holds_a_thousand_at_most(workflow: Workflow, limit: int) -> None:
    for ask in (
        lambda: workflow.status("u1", limit=limit),
        lambda: workflow.history("u1", limit=limit),
        lambda: workflow.dead_letters(limit=limit),
        lambda: workflow.acts("u1", limit=limit),
    ):
        with pytest.raises(InvalidEvent, match="from 1 to 1000"):
            ask()


def test_what_is_allowed_of_a_user_is_known_where_the_user_is(workflow: Workflow) -> None:
    """ "`allowed` of an unknown user agrees with `status`" """
    assert (workflow.status("u1"), workflow.allowed("u1"), workflow.allowed("u1", "c1")) == (None,) * 3
    synced(workflow)
    assert workflow.allowed("u1") == ("detection_complete",)
    assert workflow.allowed("u1", "c1") == claim_lifecycle().allowed(None)


@pytest.mark.parametrize(
    ("told", "meant"), [("claim_submited", "claim_submitted"), ("payout_recieved", "payout_received")]
)
def test_a_trigger_that_is_misspelt_is_told_what_is_meant(workflow: Workflow, told: str, meant: str) -> None:
    """ "Close names get a "did you mean", for triggers and for fields alike" """
    with pytest.raises(InvalidEvent, match=f"did you mean '{meant}'\\?"):
        workflow.fire(told, user_id="u1")
    with pytest.raises(InvalidEvent, match=f"did you mean '{meant}'\\?"):
        workflow.explain("u1", None, told)
    with pytest.raises(InvalidEvent) as caught:
        workflow.fire("xyzzy", user_id="u1")
    assert "did you mean" not in str(caught.value)


def test_a_field_that_is_misspelt_is_told_what_is_meant(workflow: Workflow) -> None:
    with pytest.raises(InvalidEvent, match="did you mean `amount`"):
        workflow.fire("payout_received", user_id="u1", claim_id="c1", amonut="5.00")
    assert "did you mean `currency`" in str(
        workflow.fire("payout_received", user_id="u1", claim_id="c1", amount="5.00", curency="USD").hint
    )


def test_a_workflow_shows_its_store_without_what_is_secret(tmp_path: Path) -> None:
    """ "`repr(workflow)`" """
    workflow = Workflow.open(tmp_path / "claims.db")
    assert repr(workflow) == f"<Workflow of sqlite:///{tmp_path}/claims.db>"
    workflow.close()
    assert repr(workflow).endswith("claims.db, closed>")


def test_the_package_knows_its_version() -> None:
    """ "`__version__`" """
    assert workflow_fsm.__version__.count(".") == 2


def test_a_records_keys_are_completed(workflow: Workflow) -> None:
    """ "completion on records" """
    outcome = synced(workflow)
    status = workflow.status("u1")
    assert status is not None
    assert {*status} <= {*dir(status)}
    assert status._ipython_key_completions_() == list(status)
    (moved,) = outcome.transitions
    assert {"from_", "to"} <= {*dir(moved)}
    assert "from" not in dir(moved)


def test_info_of_transitions_is_kept_out_of_the_log(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """ "INFO of `transitions` is kept out of the log." """
    with caplog.at_level(logging.INFO), open_workflow(clock=clock) as workflow:
        matched(workflow)
    assert [one for one in caplog.records if one.name.startswith("transitions")] == []
