"""Ahead: much is decided on a snapshot, beside the writer, and written where its user hasn't changed since.

Deciding takes most of the time that much work takes, and is pure: nobody need wait for it. What it would
write is kept, statement by statement, and runs of one statement are written at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from workflow_fsm.stores.definitions import WorkedUnder
from workflow_fsm.stores.session import Columns, Session, Statement, Write
from workflow_fsm.stores.unit_of_work import UnitOfWork, last_forgotten

T = TypeVar("T")

_TOLD = ("cursor", "updated_at", "recovered", "unapplied", "currencies")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided(Generic[T]):
    """A decision that isn't written yet: `met` is what it was made on, the columns of its user's row.

    `after` is the number behind which a new user's begin.
    """

    user_id: str
    result: T
    unit: UnitOfWork
    met: tuple[Any, ...] | None
    after: int | None
    writes: Sequence[Write]


def decide_ahead(
    session: Session,
    under: WorkedUnder,
    user_id: str,
    change: Callable[[UnitOfWork], T],
    currencies: Mapping[str, int],
) -> Decided[T]:
    """Do one change of a user's on a snapshot, which nothing is written to."""
    recording = _Recording(session)
    unit = UnitOfWork(recording, under, currencies)
    result = change(unit)
    return Decided(
        user_id=user_id,
        result=result,
        unit=unit,
        met=met(recording.met),
        after=recording.after,
        writes=recording.gathered(),
    )


def write_decided(
    session: Session, decided: Decided[T], before: Callable[[Session], None] | None = None
) -> bool:
    """Write what was decided, and `before` it what belongs to it, under the lock of its user.

    Not where the user has changed meanwhile.
    """
    row = session.row("lock_user", user_id=decided.user_id)
    if met(row) != decided.met or (decided.after is not None and last_forgotten(session) != decided.after):
        return False
    if before is not None:
        before(session)
    for write in decided.writes:
        session.write(write)
    if row is not None and decided.met is None and not decided.writes:
        session.run("forget_user", {"user_id": decided.user_id})
    return True


class _Recording:
    """A session that reads through another, and keeps what it is told to write."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.met: Columns | None = None
        self.after: int | None = None
        self._writes: list[Write] = []
        self._name = ""
        self._rows: list[Mapping[str, Any]] = []

    def gathered(self) -> Sequence[Write]:
        """Give all that it was told to write, in order, runs of one statement together."""
        self._begin("")
        return self._writes

    def rows(self, name: str, **parameters: Any) -> Sequence[Columns]:
        return self._session.rows(name, **parameters)

    def row(self, name: str, **parameters: Any) -> Columns | None:
        if name == "lock_user":
            self.met = self._session.row("user", **parameters)
            return self.met
        row = self._session.row(name, **parameters)
        if name == "last_forgotten" and row is not None:
            self.after = row["cursor"] or 0
        return row

    def each(self, name: str, **parameters: Any) -> Iterator[Columns]:
        return self._session.each(name, **parameters)

    def expect(self, names: Iterable[str], *, user_id: Any) -> None:
        self._session.expect(names, user_id=user_id)

    def run(self, name: str, parameters: Mapping[str, Any]) -> None:
        if name != self._name:
            self._begin(name)
        self._rows.append(parameters)

    def gather(self, name: str, rows: Sequence[Mapping[str, Any]]) -> Sequence[Write]:
        return self._session.gather(name, rows)

    def write(self, write: Write) -> None:
        self._begin("")
        self._writes.append(write)

    def prefetch(self, statements: Iterable[Statement]) -> None:
        self._session.prefetch((name, told) for name, told in statements if name != "lock_user")

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        yield

    def _begin(self, name: str) -> None:
        if self._rows:
            self._writes.extend(self._session.gather(self._name, self._rows))
        self._name, self._rows = name, []


def met(row: Columns | None) -> tuple[Any, ...] | None:
    """Give what tells a user's row from itself after any change; None where nothing is known of the user."""
    return None if row is None or not row["updated_at"] else tuple(row[name] for name in _TOLD)
