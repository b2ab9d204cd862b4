"""The session of PostgreSQL: what is asked ahead of its use, and of whom it is known that they have a row.

One lasts as long as a transaction. A user's row, once locked, lets what was read of them stand until it is
written to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

from workflow_fsm.stores.postgres.pipeline import NoText, Pipeline, Rows, Ticket
from workflow_fsm.stores.session import Statement, Write
from workflow_fsm.stores.statements import first_page

_MOST_KNOWN = 50_000
"""Users remembered to have a row, or to have nothing that waits: some megabytes."""
_PAGE = 500
"""Rows that a statement gives at most which gives all of a user's, a page at a time."""


class PostgresSession:
    """The named statements on a connection, inside a transaction that somebody else begins and ends.

    What gives no rows isn't waited for until a row is asked for, or the commit: its error comes up there.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        *,
        writes: bool,
        known: set[str] | None = None,
        quiet: set[str] | None = None,
    ) -> None:
        """`known` are users who have a row, as far as is remembered; more are added. `quiet` are those of
        whom nothing waited when they were last asked of: who waits is asked ahead of others alone."""
        self._pipeline = pipeline
        self._writes = writes
        self._known = set() if known is None else known
        self._quiet = set() if quiet is None else quiet
        self._ahead = _Ahead()

    def prefetch(self, statements: Iterable[Statement]) -> None:
        """Ask what will be asked later, until the user whom it concerns is written to."""
        meets_new = False
        for name, parameters in statements:
            key = _key(name, parameters)
            if name == "waiting" and parameters["user_id"] in self._quiet:
                continue
            if self._ahead.get(key) is None:
                with suppress(NoText):
                    self._ahead.put(key, self._send(name, parameters))
                    meets_new = meets_new or self._may_be_new(name, parameters)
        if meets_new:
            self._ask_where_new_begin()

    def lock_free(self, users: Iterable[str], statements: Iterable[Statement]) -> dict[str, dict[str, Any]]:
        """Lock those of some users, given in order, whom nobody holds; give their rows.

        `statements` are asked ahead, on the same way to the server and back.
        """
        self._pipeline.send("wait_for_nobody", {})
        tickets = {}
        for user_id in users:
            if user_id not in self._known:
                self._pipeline.send("make_user", {"user_id": user_id})
            tickets[user_id] = self._pipeline.send("lock_free_user", {"user_id": user_id})
        if not self._known.issuperset(tickets):
            self._ask_where_new_begin()
        self.prefetch(statements)
        self._pipeline.wait()
        free = {}
        for user_id, ticket in tickets.items():
            if ticket.rows:
                free[user_id] = ticket.rows[0]
                self._remember(user_id, ticket.rows[0])
                self._ahead.put(_key("lock_user", {"user_id": user_id}), ticket)
            else:
                self._ahead.forget(user_id)
        return free

    def rows(self, name: str, **parameters: Any) -> Rows:
        """Run a statement and give all its rows: none where it asks for what no text can be."""
        key = _key(name, parameters)
        ticket = self._ahead.get(key) if self._writes else self._ahead.pop(key)
        if ticket is None:
            try:
                ticket = self._send(name, parameters)
            except NoText:
                return []
            if self._may_be_new(name, parameters):
                self._ask_where_new_begin()
            if name in _WRITING:
                self._ahead.forget(parameters.get("user_id"))
            elif self._writes and "user_id" in parameters:
                self._ahead.put(key, ticket)  # whose row is locked, so that nobody else changes it
        if ticket.rows is None:
            self._pipeline.wait()
        assert ticket.rows is not None
        if name == "lock_user" and not ticket.rows:  # its row was there, and was taken away meanwhile
            self._ahead.forget(parameters["user_id"])
            return self.rows(name, **parameters)
        if name == "anything_waits":
            self._note_quiet(parameters["user_id"], quiet=not ticket.rows)
        return ticket.rows

    def row(self, name: str, **parameters: Any) -> dict[str, Any] | None:
        """Run a statement and give its first row."""
        rows = self.rows(name, **parameters)
        return rows[0] if rows else None

    def each(self, name: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Give one by one what a statement gives that reads all of a user's, a page behind the other."""
        begin = _first_page(name)
        while True:
            page = self.rows(name, **parameters, **begin)
            yield from page
            if not page or len(page) == page[-1].get("of", len(page)) < _PAGE:
                return
            keys = [page[-1][one.removeprefix("from_")] for one in begin]
            keys[-1] = keys[-1] + 1 if isinstance(keys[-1], int) else keys[-1] + "\x01"
            begin = dict(zip(begin, keys, strict=True))

    def expect(self, names: Iterable[str], *, user_id: Any) -> None:
        """Ask for the first pages of what `each` will be asked for."""
        self.prefetch((name, {"user_id": user_id, **_first_page(name)}) for name in names)

    def run(self, name: str, parameters: Mapping[str, Any]) -> None:
        """Run a statement that gives no rows."""
        self._ahead.forget(parameters.get("user_id"))
        if name == "insert_wait":
            self._quiet.discard(parameters["user_id"])
        self._pipeline.send(name, parameters)

    def gather(self, name: str, rows: Sequence[Mapping[str, Any]]) -> Sequence[Write]:
        """Give what writes rows: each goes out behind the other, as nobody is waited for."""
        return [(name, row) for row in rows]

    def write(self, write: Write) -> None:
        """Write what was gathered."""
        self.run(*write)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what was done inside where an exception leaves it, and only that."""
        self._pipeline.send("savepoint", {})
        try:
            yield
        except BaseException:
            self._ahead.clear()
            if self._pipeline.is_alive:
                self._pipeline.send("rollback_to", {})
                self._pipeline.send("release", {})
                self._pipeline.wait()
            raise
        self._pipeline.send("release", {})

    def _may_be_new(self, name: str, parameters: Mapping[str, Any]) -> bool:
        """Tell whether a statement locks a user who may be new."""
        return name == "lock_user" and parameters["user_id"] not in self._known

    def _ask_where_new_begin(self) -> None:
        """Ask ahead for the number behind which new users' begin, under the locks that were asked for."""
        self._ahead.put(_NEW, self._pipeline.send("last_forgotten", {}))

    def _remember(self, user_id: str, row: Mapping[str, Any]) -> None:
        """Remember a user who has a row that this transaction didn't make, and that nobody takes away."""
        if row["updated_at"]:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known.add(user_id)

    def _note_quiet(self, user_id: str, *, quiet: bool) -> None:
        """Remember whether anything of a user's waits: another process may change that, which costs a way."""
        if not quiet:
            self._quiet.discard(user_id)
        elif user_id not in self._quiet:
            if len(self._quiet) >= _MOST_KNOWN:
                self._quiet.clear()
            self._quiet.add(user_id)

    def _send(self, name: str, parameters: Mapping[str, Any]) -> Ticket:
        """Send a statement; whose row is to be locked gets one first, on the same way to the server."""
        if name == "lock_user":
            self._pipeline.send("make_user", parameters)
        return self._pipeline.send(name, parameters)


class _Ahead:
    """What was asked ahead, by whom it is of: of many, one's is forgotten without a look at the others'."""

    def __init__(self) -> None:
        self._of: dict[Any, dict[tuple[Any, ...], Ticket]] = {}

    def get(self, key: tuple[Any, ...]) -> Ticket | None:
        """Give what was asked by a key."""
        its = self._of.get(key[1])
        return None if its is None else its.get(key)

    def put(self, key: tuple[Any, ...], ticket: Ticket) -> None:
        """Keep what was asked by a key."""
        self._of.setdefault(key[1], {})[key] = ticket

    def pop(self, key: tuple[Any, ...]) -> Ticket | None:
        """Give what was asked by a key, once."""
        its = self._of.get(key[1])
        return None if its is None else its.pop(key, None)

    def forget(self, user_id: object) -> None:
        """Forget what was asked of a user, or (None) of nobody, where one of those is written to."""
        its = self._of.pop(user_id, None)
        if its is not None and _NEW in its:
            self._of[user_id] = {_NEW: its[_NEW]}

    def clear(self) -> None:
        """Forget all."""
        self._of.clear()


_WRITING = frozenset(
    {
        "drop_handler",
        "put_handler",
        "void_effects_of_handler",
        "revive_effect",
        "restore_effect",
        "extend_effect",
        "settle_effect",
    }
)
"""Statements that write and give rows."""


def _key(name: str, parameters: Mapping[str, Any]) -> tuple[Any, ...]:
    return (name, parameters.get("user_id"), *sorted(parameters.items()))


_NEW = _key("last_forgotten", {})


@cache
def _first_page(name: str) -> dict[str, Any]:
    return first_page("postgres", name)
