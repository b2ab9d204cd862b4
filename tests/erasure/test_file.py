"""What a SQLite store's files hold after a user was forgotten: no byte of what was erased."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.erasure.forgetful import MARK, WHO, fill, register
from tests.stories.acts import detect, pay, sync
from workflow_fsm import Settings, Workflow


def telling(folder: Path, mark: str = MARK) -> dict[str, int]:
    """Count how often a mark stands in each file of a folder."""
    found = {path.name: path.read_bytes().count(mark.encode()) for path in folder.iterdir()}
    return {name: many for name, many in found.items() if many}


def test_no_byte_of_what_was_erased_is_left(sqlite_url: str, tmp_path: Path) -> None:
    with Workflow.open(sqlite_url, settings=Settings()) as workflow:
        register(workflow)
        fill(workflow, "somebody", "q0815")
        fill(workflow)
        workflow.run_effects()
        for number in range(30):
            fill(workflow, f"other-{number}", f"q0816-{number}")
        workflow.check()
        assert telling(tmp_path)
        workflow.forget(WHO, reason="a request for erasure", vacuum=True)
        assert telling(tmp_path) == {}
        assert workflow.check().sound
    assert telling(tmp_path) == {}


def test_of_much_little_is_left_without_writing_the_file_anew(sqlite_url: str, tmp_path: Path) -> None:
    """Fragments, in pages that are in use: what SQLite moves from page to page it doesn't overwrite."""
    with Workflow.open(sqlite_url, settings=Settings()) as workflow:
        for user, mark in ((WHO, MARK), ("somebody", "q0815"), ("aaa", "q0816")):
            sync(workflow, user_id=user)
            detect(workflow, *(f"c{number}-{mark}" for number in range(2_000)), user_id=user)
            pay(workflow, f"c1-{mark}", user_id=user)
        before = telling(tmp_path)
        workflow.forget(WHO, reason="a request for erasure")
        assert sum(telling(tmp_path).values()) < sum(before.values()) / 100
        sync(workflow, user_id=WHO)
        workflow.forget(WHO, reason="a request for erasure", vacuum=True)
        assert telling(tmp_path) == {}


def test_a_reader_that_stays_holds_up_the_log_and_that_is_said(
    sqlite_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Workflow.open(sqlite_url, settings=Settings()) as workflow:
        fill(workflow)
        with closing(sqlite3.connect(tmp_path / "claims.db", isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM users").fetchone()
            workflow.forget(WHO, reason="a request for erasure")
            assert telling(tmp_path)
        assert [one.message for one in caplog.records if "readers hold up the log" in one.message]
        sync(workflow, user_id="somebody")
        workflow.forget("somebody", reason="a request for erasure", vacuum=True)
    assert telling(tmp_path) == {}
