"""What a store needs of a database: named statements in a transaction, commits to join, snapshots to read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
Statement = tuple[str, Mapping[str, Any]]
"""A statement's name and its parameters."""
Write = tuple[str, Any]
"""What one go writes: a statement and its parameters, in the form that the database takes at once."""


class Columns(Protocol):
    """One row, its columns by name."""

    def __getitem__(self, name: str, /) -> Any: ...


class Session(Protocol):
    """The named statements of a dialect, inside a transaction that somebody else begins and ends."""

    def rows(self, name: str, **parameters: Any) -> Sequence[Columns]:
        """Run a statement and give all its rows."""

    def row(self, name: str, **parameters: Any) -> Columns | None:
        """Run a statement and give its first row."""

    def each(self, name: str, **parameters: Any) -> Iterator[Columns]:
        """Give one by one what a statement gives that reads all of a user's; no more than a page is held."""

    def run(self, name: str, parameters: Mapping[str, Any]) -> None:
        """Run a statement that gives no rows."""

    def expect(self, names: Iterable[str], *, user_id: Any) -> None:
        """Hear of which statements `each` will be asked for soon."""

    def gather(self, name: str, rows: Sequence[Mapping[str, Any]]) -> Sequence[Write]:
        """Give what writes rows by a statement that gives none, in as few goes as can be; nothing is sent."""

    def write(self, write: Write) -> None:
        """Write what a session of this database gathered."""

    def prefetch(self, statements: Iterable[Statement]) -> None:
        """Hear which statements will most likely be asked for next: a store far away is asked at once."""

    def savepoint(self) -> AbstractContextManager[None]:
        """Undo what was done inside where an exception leaves it, and only that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What work concerns, where that is one user and little: it may share its commit with others' work."""

    user_id: str
    expected: Iterable[Statement]
    """The statements that it will most likely run first; asked for once at most."""


class Listening(Protocol):
    """Ears for the calls of other processes."""

    def idle(self, idle: bool, /) -> None:
        """Say whether anybody here idles: nobody else is called."""

    def close(self) -> None:
        """Listen no more."""


class SilentListener:
    """Hears nothing: processes that share a file look by themselves."""

    def idle(self, idle: bool) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class Database(Protocol):
    """A dialect's database: transactions to write in, snapshots to read from."""

    @property
    def clock(self) -> Callable[[], datetime] | None:
        """What reads the clock of the server that keeps it; None where all processes are on one machine."""

    def tell_commits(self, hear: Callable[[int, float], None]) -> None:
        """Tell of each commit from now on: how many jobs were in it, and how many seconds it took."""

    def tell_failures(self, hear: Callable[[int, Exception], None]) -> None:
        """Tell of each commit that failed as a whole from now on: how many jobs waited for it, and why."""

    def write(
        self,
        work: Callable[[Session], T],
        *,
        scope: Scope | None = None,
        users: Sequence[str] = (),
        always: bool = False,
        apart: bool = False,
    ) -> T:
        """Do work in a transaction and commit it, `always` however many wait. Raises StoreUnavailable.

        `users` are those whose time it takes, where there is one writer; `apart`, it is known to take long.
        """

    def read(self, work: Callable[[Session], T]) -> T:
        """Do work on one snapshot. Raises StoreUnavailable."""

    def probe(self) -> None:
        """Try a write that leaves nothing behind, within a bound. Raises StoreUnavailable."""

    def wipe(self, *, rewrite: bool) -> bool:
        """Empty a log beside the file, and `rewrite` the file; tell whether that could be."""

    def notify(self) -> None:
        """Wake whoever idles in other processes, if that can be; never waits."""

    def listen(self, hear: Callable[[], None]) -> Listening:
        """Have `hear` called for each call of another process."""

    def close(self) -> None:
        """Close every connection."""


def walk(session: Session, statement: str, column: str, **given: Any) -> Iterator[str]:
    """Give each value that a column holds, by a look-up behind the one before it: none costs by its rows."""
    after = ""
    while (row := session.row(statement, after=after, **given)) is not None and row[column] is not None:
        after = row[column]
        yield after
