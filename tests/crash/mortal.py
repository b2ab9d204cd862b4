"""Connections that can be told to die, with their process, right before or after a commit.

SQLite's stand where `sqlite3.connect` would give plain ones; on PostgreSQL a commit is one call, which is
looked at.
"""

from __future__ import annotations

import os
import signal
import sqlite3
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any, Literal, NoReturn

Side = Literal["before", "after"]


@dataclass(slots=True)
class Fate:
    """On which side of which coming commit this process dies; on none, unless it is told."""

    side: Side | None = None
    commits: int = 0


FATE = Fate()


def die() -> NoReturn:
    """End this process as `kill -9` does: nothing is flushed, closed or told."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("it lives on")


def arm(side: Side, *, commits: int = 1) -> None:
    """Die right before, or right after, the so manieth commit that writes from now on."""
    FATE.side, FATE.commits = side, commits


def make_mortal() -> None:
    """Let every connection that is opened from now on be mortal."""
    sqlite3.connect = partial(sqlite3.connect, factory=Mortal)  # type: ignore[assignment]
    if find_spec("psycopg") is not None:
        _make_pipelines_mortal()


def _make_pipelines_mortal() -> None:
    from workflow_fsm.stores.postgres.pipeline import Pipeline, Ticket

    send, commit = Pipeline.send, Pipeline.commit
    writing: set[int] = set()

    def sending(pipeline: Pipeline, name: str, parameters: Any) -> Ticket:
        if name == "begin":
            writing.add(id(pipeline))
        return send(pipeline, name, parameters)

    def committing(pipeline: Pipeline) -> None:
        writes = id(pipeline) in writing
        writing.discard(id(pipeline))
        side = _count() if writes else None
        if side == "before":
            die()
        commit(pipeline)
        if side == "after":
            die()

    setattr(Pipeline, "send", sending)  # noqa: B010  # a method, which types can't tell
    setattr(Pipeline, "commit", committing)  # noqa: B010


class Mortal(sqlite3.Connection):
    """A connection that may die at a commit."""

    _writes = False

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Run a statement; a commit may be the last."""
        if sql == "BEGIN IMMEDIATE":
            self._writes = True
        if sql != "COMMIT" or not self._writes:
            return super().execute(sql, parameters)
        self._writes = False
        side = _count()
        if side == "before":
            die()
        done = super().execute(sql, parameters)
        if side == "after":
            die()
        return done


def _count() -> Side | None:
    """Count a commit; tell how this process dies at it, if it does."""
    FATE.commits -= 1
    return FATE.side if FATE.commits == 0 else None
