"""What is committed together on SQLite: each job has its own answer, and what one raises undoes that one."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from workflow_fsm import claim_lifecycle
from workflow_fsm.stores.session import Scope, Session
from workflow_fsm.stores.sqlite.database import SQLite
from workflow_fsm.stores.store import Store


class Crowd:
    """Jobs that are brought to a writer while it is held up, so that it takes them into one commit."""

    def __init__(self, database: SQLite) -> None:
        self._database = database
        self._held, self._go = threading.Event(), threading.Event()

    def bring(self, jobs: list[Any], *scopes: Scope | None) -> list[Any]:
        """Let each job come from a thread of its own; give what each was answered, errors too.

        `scopes` are one for each job, or one for all.
        """

        def hold(session: Session) -> None:
            self._held.set()
            assert self._go.wait(10)

        def attempt(job: Any, scope: Scope | None) -> Any:
            try:
                return self._database.write(job, scope=scope)
            except Exception as error:
                return error

        with ThreadPoolExecutor(len(jobs) + 1) as pool:
            holding = pool.submit(self._database.write, hold)
            assert self._held.wait(10)
            of_each = scopes if len(scopes) == len(jobs) else scopes * len(jobs)
            futures = [pool.submit(attempt, job, scope) for job, scope in zip(jobs, of_each, strict=True)]
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


SHARED = Scope(user_id="u", expected=())
shared_or_not = pytest.mark.parametrize("scope", [None, SHARED], ids=["by itself", "with others"])


@shared_or_not
def test_events_that_wait_together_are_committed_together_and_each_gets_its_own_answer(
    path: Path, scope: Scope | None
) -> None:
    database = Store(SQLite(str(path)), claim_lifecycle())._database
    assert isinstance(database, SQLite)
    names = [f"a{number}" for number in range(20)]
    with closing(database), closing(sqlite3.connect(path)) as watcher:
        before = watcher.execute("PRAGMA data_version").fetchone()
        answers = Crowd(database).bring([linking(name) for name in names], scope)
        assert watcher.execute("PRAGMA data_version").fetchone() != before

    assert answers == names
    assert aliases_in(path) == sorted(names)


@pytest.mark.parametrize("error", [ValueError("of its own"), sqlite3.IntegrityError("of its own")], ids=repr)
@shared_or_not
def test_a_failing_event_rolls_back_alone(path: Path, error: Exception, scope: Scope | None) -> None:
    """What one of them raises undoes that one, and is told to its bringer only."""
    with closing(SQLite(str(path))) as database:
        answers = Crowd(database).bring([linking("a"), linking("b", error), linking("c")], scope)

    assert (answers[0], answers[2]) == ("a", "c")
    assert isinstance(answers[1], Exception)
    assert aliases_in(path) == ["a", "c"]


@shared_or_not
def test_a_row_that_the_schema_refuses_fails_its_own_event_alone(path: Path, scope: Scope | None) -> None:
    with closing(SQLite(str(path))) as database:
        answers = Crowd(database).bring([linking("a"), linking("a"), linking("b")], scope)

    assert answers[0] == "a"
    assert isinstance(answers[1], Exception)
    assert answers[2] == "b"
    assert aliases_in(path) == ["a", "b"]


def test_what_fails_before_it_wrote_anything_has_nobody_do_anything_again(path: Path) -> None:
    done = []

    def noting(name: str, error: Exception | None = None) -> Any:
        def job(session: Session) -> str:
            done.append(name)
            if error is not None:
                raise error
            return str(linking(name)(session))

        return job

    with closing(SQLite(str(path))) as database:
        fails = noting("b", ValueError("of its own"))
        answers = Crowd(database).bring([noting("a"), fails, noting("c")], SHARED)

    assert (answers[0], answers[2], str(answers[1])) == ("a", "c", "of its own")
    assert sorted(done) == ["a", "b", "c"]
    assert aliases_in(path) == ["a", "c"]


def test_jobs_of_both_kinds_in_one_commit_are_each_undone_alone(path: Path) -> None:
    """What may not be done again isn't, whoever beside it fails."""
    done = []

    def once(session: Session) -> str:
        done.append("once")
        return str(linking("once")(session))

    with closing(SQLite(str(path))) as database:
        jobs = [linking("a"), linking("b", ValueError("b")), once, linking("c"), linking("c"), linking("d")]
        answers = Crowd(database).bring(jobs, SHARED, SHARED, None, SHARED, SHARED, SHARED)

    assert [str(one) for one in answers[:4]] == ["a", "b", "once", "c"]
    assert isinstance(answers[4], Exception)
    assert aliases_in(path) == ["a", "c", "d", "once"]
    assert done == ["once"]
