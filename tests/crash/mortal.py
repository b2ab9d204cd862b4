"""Connections to SQLite that can be told to die, with their process, right before or after a commit.

They stand where `sqlite3.connect` would give plain ones: nothing of the store's own code is changed.
"""

from __future__ import annotations

import os
import signal
import sqlite3
from dataclasses import dataclass
from functools import partial
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
