"""Together: jobs of one commit that share a savepoint, since none of them is likely to fail.

A savepoint each took a twelfth of an event's work. Where one fails that had written something, all that share
its savepoint are undone, and done once more behind one of their own.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from workflow_fsm.stores.group_commit.turns import Job
from workflow_fsm.stores.session import Session
from workflow_fsm.stores.sqlite.errors import OF_THE_JOB


class Together:
    """The jobs that were done behind one savepoint, in a transaction that somebody else begins and ends."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        session: Session,
        attempt: Callable[[Job[Any], Session], None],
    ) -> None:
        """`attempt` does a job behind a savepoint of its own, and tells it what it raised."""
        self._connection = connection
        self._session = session
        self._attempt = attempt
        self._jobs: list[Job[Any]] = []

    def do(self, job: Job[Any]) -> None:
        """Do one more: with the others where it may be done again, else by itself."""
        if not job.repeatable or job.alone:
            self.end()
            self._attempt(job, self._session)
            return
        if not self._jobs:
            self._connection.execute("SAVEPOINT together")
        self._jobs.append(job)
        before = self._connection.total_changes
        try:
            job.result = job.work(self._session)
        except Exception as error:
            if isinstance(error, sqlite3.Error) and not isinstance(error, OF_THE_JOB):
                raise
            if self._connection.total_changes == before:
                job.error = error
            else:
                self._do_again()

    def end(self) -> None:
        """Keep what they did, for the transaction to commit."""
        if self._jobs:
            self._connection.execute("RELEASE together")
            self._jobs = []

    def _do_again(self) -> None:
        jobs = [job for job in self._jobs if job.error is None]
        self._connection.execute("ROLLBACK TO together")
        self.end()
        for job in jobs:
            self._attempt(job, self._session)
