"""Snapshots: users, copied out of a store few at a time, each as they stood at one moment.

A snapshot is open while rows are copied, and not while they are audited: the log of SQLite goes on, and no
timeout of PostgreSQL's is met. One user of whom much is kept is copied page by page in one snapshot.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from workflow_fsm.audit.definitions import Definitions
from workflow_fsm.audit.of_user.money import Currencies
from workflow_fsm.audit.of_user.user import spelled
from workflow_fsm.audit.parts import Range, Read
from workflow_fsm.audit.report import Tally
from workflow_fsm.audit.scratch import MOST_HELD, STATEMENTS, Complain, Scratch, handed_out
from workflow_fsm.audit.since import Seen
from workflow_fsm.stores.session import Columns, Session

_Who = tuple[Any, Columns | None]
"""A user's id, as the database spells it, and row."""

_USERS_AT_ONCE = 16
"""Users who are copied in one snapshot, at most."""
_NUMBERS_AT_ONCE = 2_000
"""How many numbers were handed out to them, unless one user alone has more."""


class Snapshots:
    """Users of a store, each with the rows as they were in one snapshot."""

    def __init__(
        self,
        read: Read,
        tally: Tally,
        currencies: Currencies,
        definitions: Definitions,
        seen: Seen | None,
        most_held: int = MOST_HELD,
    ) -> None:
        self._read = read
        self._tally = tally
        self._currencies = currencies
        self._definitions = definitions
        self._seen = seen
        self._most_held = most_held
        self._scratches: list[Scratch] = []

    def __enter__(self) -> Snapshots:
        return self

    def __exit__(self, *_error: object) -> None:
        for scratch in self._scratches:
            scratch.close()

    def every(self, whom: Range) -> Iterator[Scratch]:
        """Give the users in a range, in the order of their ids."""
        start: Any = "" if whom.after is None else whom.after
        seen: Any = whom.after
        is_last = False
        while not is_last:
            is_last, some, copied = self._read(lambda session: self._page(session, start, seen, whom.until))  # noqa: B023
            yield from copied
            if some:
                start = seen = some[-1][0]

    def strangers(self) -> Iterator[Scratch]:
        """Give those who have rows but are no users."""
        strangers = self._read(lambda session: [row["user_id"] for row in session.rows("every_stranger")])
        for key in strangers:
            yield from self._read(lambda session: self._copies(session, [(key, None)]))  # noqa: B023

    def some(self, users: Iterable[str]) -> Iterator[Scratch]:
        """Give some users, also who is none."""
        for user_id in sorted(set(users)):
            yield from self._read(lambda session: self._copies(session, [_find(session, user_id)]))  # noqa: B023

    def _page(
        self, session: Session, start: Any, seen: Any, until: Any
    ) -> tuple[bool, Sequence[_Who], Sequence[Scratch]]:
        """Copy users behind one, up to another: as many as are little together, or one who is much.

        Tell also whether they are the last.
        """
        some: list[_Who] = []
        numbers = 0
        page = session.rows("every_user", start=start, limit=_USERS_AT_ONCE + 2)
        is_last = len(page) < _USERS_AT_ONCE + 2
        for row in page:
            if row["user_id"] == seen:
                continue
            if until is not None and row["user_id"] > until:
                is_last = True
                break
            numbers += handed_out(row)
            if some and (numbers > _NUMBERS_AT_ONCE or len(some) == _USERS_AT_ONCE):
                is_last = False
                break
            some.append((row["user_id"], row))
        return is_last or not some, some, self._copies(session, some)

    def _copies(self, session: Session, users: Sequence[_Who]) -> Sequence[Scratch]:
        session.prefetch([("currencies", {}), *self._definitions.expected()])
        for key, _ in users if self._seen is not None else ():
            session.prefetch([("checked", {"user_id": spelled(key)})])
        for key, _ in users if self._seen is None or self._seen.since is None else ():
            session.expect(STATEMENTS, user_id=key)
        self._currencies.meet(session.rows("currencies"), self._tally)
        self._definitions.meet(session, self._tally)
        while len(self._scratches) < len(users):
            self._scratches.append(Scratch(self._most_held))
        for scratch, (key, row) in zip(self._scratches, users, strict=False):
            self._copy(session, scratch, key, row)
        return self._scratches[: len(users)]

    def _copy(self, session: Session, scratch: Scratch, key: Any, row: Columns | None) -> None:
        scratch.begin(key, row)
        if self._seen is not None:
            checked = session.rows("checked", user_id=spelled(key))
            scratch.checked = {one["check_id"]: one["cursor"] for one in checked}
            if self._seen.since is not None:
                scratch.before = self._seen.since.cursor(scratch.checked)
        if scratch.before is not None:
            scratch.load_heads(session, scratch.before)
        if not (scratch.is_unchanged or (row is not None and row["is_going"])):
            scratch.load(session, self._complainer(key))

    def _complainer(self, key: Any) -> Complain:
        return lambda table, row, reason: self._tally.fault(spelled(key), table, row, reason)


def _find(session: Session, user_id: str) -> _Who:
    for row in session.rows("every_user", start=user_id, limit=1):
        if spelled(row["user_id"]) == user_id:
            return row["user_id"], row
    return user_id, None
