"""Scratch: one user's rows, copied out of the store in one short snapshot, and what is noted of them.

Of whom little is kept, they are held as they are. Else, and where something is asked that takes SQLite to
answer, they are in a temporary database, in a file without a name where it grows: so that an audit keeps no
transaction of the store's open while it thinks, and holds no more than a page of a user of whom much is kept.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from operator import itemgetter
from threading import Lock
from typing import Any

from workflow_fsm.audit.answers import answer
from workflow_fsm.audit.held import HeldRows, NotAnswered
from workflow_fsm.audit.report import text_of
from workflow_fsm.core.model.lifecycle import COLUMNS
from workflow_fsm.stores.session import Columns, Session
from workflow_fsm.stores.statements import named

Values = Columns
"""A row as it stands in its table, its text read."""
Complain = Callable[[str, object, str], None]
"""Takes a table, the key of a row in it and what is wrong with that row."""

EVERY = {
    "lifecycles": (
        "every_lifecycle",
        "id",
        "id claim_id sync_id state version entered_at cursor head origin parent forked due_at facts paid "
        "units entered merged_into listed_decision listed_currency listed_deadline listed_amount",
    ),
    "history": ("every_row", "cursor", " ".join((*COLUMNS, "hash", "definition"))),
    "events": (
        "every_event",
        "seq",
        "user_id seq event_id trigger standing received_at occurred_at expires_at settled fingerprint "
        "body shares answer actor reimbursement_id currency amount letter letter_at units overlay doubt "
        "original_id line_id id_given booked_case dropped",
    ),
    "effects": (
        "every_effect",
        "seq",
        "seq lifecycle cursor handler on_enter standing owed_at due_at ready_at attempt forgiven key about",
    ),
    "waits": ("every_wait", "seq", "kind name seq"),
    "cases": (
        "every_case",
        "case_id",
        "case_id claim_id sync_id state at seq told paid units alone",
    ),
    "aliases": ("every_alias", "alias", "alias claim_id"),
    "event_ids": ("every_event_id", "event_id", "event_id seq"),
}
"""Of each table: the statement that reads all of a user's rows, their key within the user, their columns."""
STATEMENTS = tuple(statement for statement, _, _ in EVERY.values())

_NOTED = {
    "placed": "place",
    "syncs": "sync_id, cursor, origins, is_sound",
    "heads": "lifecycle, hash",
    "old_heads": "lifecycle, hash",
    "unread": "seq",
    "parts": "event_id, seq, number, lifecycle, standing, claim",
    "told_waits": "kind, name, seq",
    "bookings": "lifecycle, seq, event_id, currency, amount, units, sign, has_case, has_original",
    "payouts": "reimbursement_id, case_id, PRIMARY KEY (reimbursement_id, case_id)",
    "concerns": "claim_id, sync_id, seq",
    "filed": "lifecycle",
    "loose": "case_id",
    "doubted": "seq",
}
"""What is noted, beside the tables of the store."""
_INDEXES = (
    "lifecycles (id)",
    "lifecycles (claim_id)",
    "lifecycles (sync_id) WHERE claim_id IS NULL",
    "history (event_id, lifecycle)",
    "history (cursor)",
    "history (to_state) WHERE lifecycle = 0",
    "events (seq)",
    "events (event_id)",
    "aliases (alias)",
    "aliases (claim_id)",
    "cases (claim_id, sync_id)",
    "syncs (sync_id)",
    "heads (lifecycle)",
    "unread (seq)",
    "parts (event_id, lifecycle)",
    "bookings (lifecycle)",
    "concerns (claim_id, sync_id)",
    "filed (lifecycle)",
    "loose (case_id)",
)
_CACHE_KIB = 4096
MOST_HELD, _MOST_TEXT = 2_000, 2**19
"""So many rows of one table, and so much of their text that may be long, are held as they are."""
_LONG = {"events": ("body", "shares", "answer"), "lifecycles": ("facts",), "history": ("reason",)}
"""Columns of tables whose text may be long."""
_TABLES = {
    **{table: ", ".join(f'"{name}"' for name in names.split()) for table, (_, _, names) in EVERY.items()},
    **_NOTED,
}
_MAKING = Lock()


class Scratch:
    """The rows of one user at a time, `key` as the database spells the id; `user` is None where no row is.

    There are `many` rows. `checked` is what earlier checks saw of the user, by their ids; `before` what the
    one saw from which this one goes on. Of no table more than `most_held` rows are held: of 0, none ever.
    """

    def __init__(self, most_held: int = MOST_HELD) -> None:
        self.key: Any = None
        self.user: Columns | None = None
        self.many = 0
        self.checked: Mapping[str, Any] = {}
        self.before: int | None = None
        self._sql = _statements()
        self._most_held = most_held
        self._held: HeldRows | None = None
        self._filled: set[str] = set()
        self._connection = sqlite3.connect("", isolation_level=None, cached_statements=256)
        with _MAKING:
            _empty().backup(self._connection)
        self._connection.row_factory = sqlite3.Row
        for pragma in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHE_KIB}"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute("BEGIN")

    @property
    def cursor(self) -> int:
        """The number that was handed out last to the user."""
        return self.user["cursor"] if self.user is not None and isinstance(self.user["cursor"], int) else 0

    @property
    def handed_out(self) -> int:
        """How many numbers were handed out to the user: those of new users begin behind one."""
        return handed_out(self.user)

    @property
    def is_unchanged(self) -> bool:
        """Whether the user has nothing new since the check from which this one goes on."""
        return self.before is not None and self.cursor == self.before

    def begin(self, key: Any, user: Columns | None) -> None:
        """Forget the rows that are here, for those of another user."""
        for table in self._filled:
            self._connection.execute(f"DELETE FROM {table}")  # noqa: S608  # of ours
        self._filled.clear()
        self._held = HeldRows() if self._most_held else None
        self.key, self.user, self.many, self.checked, self.before = key, user, 0, {}, None

    def load(self, session: Session, complain: Complain) -> None:
        """Take the rows of the user; complain of what isn't UTF-8."""
        for table, (statement, key_column, columns) in EVERY.items():
            names = columns.split()
            rows = self._read(table, key_column, names, session.each(statement, user_id=self.key), complain)
            if self._held is not None and not self._hold(self._held, table, names, rows):
                self._spill()
            if self._held is None:
                self._filled.add(table)
                into = f"INSERT INTO {table} VALUES ({', '.join('?' * len(names))})"  # noqa: S608  # of ours
                self._connection.executemany(into, rows)

    def load_heads(self, session: Session, cursor: int) -> None:
        """Take the heads that the user's chains had when a number had been handed out last."""
        rows = session.each("heads_until", user_id=self.key, cursor=cursor)
        heads = ((row["lifecycle"], text_of(row["hash"])) for row in rows)
        if self._held is None or not self._hold(self._held, "old_heads", ("lifecycle", "hash"), heads):
            self._spill()
            self._filled.add("old_heads")
            self._connection.executemany("INSERT INTO old_heads VALUES (?, ?)", heads)

    def heads(self, name: str) -> Iterator[tuple[int, str]]:
        """Give heads of chains, the hash of the last row of each, by lifecycle."""
        for row in self.each(name):
            yield row["lifecycle"], row["hash"]

    def each(self, name: str, /, **parameters: Any) -> Iterator[Values]:
        """Give what a statement gives, one by one."""
        if self._held is not None:
            try:
                return iter(answer(self._held, name, parameters))
            except NotAnswered:
                self._spill()
        return self._connection.execute(self._sql[name], parameters)

    def first(self, name: str, /, **parameters: Any) -> Values | None:
        """Give the first of what a statement gives."""
        return next(self.each(name, **parameters), None)

    def note(self, name: str, /, **values: Any) -> None:
        """Run a statement that gives nothing."""
        if self._held is not None:
            try:
                self._held.note(name, _filled_by(name), values)
                return
            except NotAnswered:
                self._spill()
        self._filled.add(_filled_by(name))
        self._connection.execute(self._sql[name], values)

    def note_all(self, name: str, values: Iterable[Mapping[str, Any]]) -> None:
        """Run such a statement with several values."""
        for one in values:
            self.note(name, **one)

    def close(self) -> None:
        """Give back what it took."""
        self._connection.close()

    def _hold(self, held: HeldRows, table: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> bool:
        """Hold rows of a table; tell whether that were all, and not so much that SQLite should have them."""
        long = _LONG.get(table, ())
        taken = held.tables.setdefault(table, [])
        for row in rows:
            one = dict(zip(names, row, strict=True))
            taken.append(one)
            for name in long:
                text = one[name]
                if text.__class__ is str:
                    held.text += len(text)
            if len(taken) > self._most_held or held.text > _MOST_TEXT:
                return False
        return True

    def _spill(self) -> None:
        """Have SQLite take what is held."""
        held, self._held = self._held, None
        for table, rows in held.tables.items() if held is not None else ():
            if rows:
                self._filled.add(table)
                names = ", ".join(f'"{name}"' for name in rows[0])
                places = ", ".join(f":{name}" for name in rows[0])
                into = f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({places})"  # noqa: S608  # of ours
                self._connection.executemany(into, rows)

    def _read(
        self, table: str, key: str, names: Sequence[str], rows: Iterable[Columns], complain: Complain
    ) -> Iterator[Sequence[Any]]:
        pick: Callable[[Any], Sequence[Any]] | None = None
        for row in rows:
            pick = pick or _picking(row, names)
            self.many += 1
            values = pick(row)
            try:
                yield [value.decode() if value.__class__ is bytes else value for value in values]
            except UnicodeDecodeError:
                yield [_spelled(value) for value in values]
                for name, value in zip(names, values, strict=True):
                    if isinstance(value, bytes) and _spelled(value).encode() != value:
                        complain(table, _spelled(row[key]), f"its {name} is not UTF-8")


def handed_out(user: Columns | None) -> int:
    """Give how many numbers were handed out to a user."""
    cursor, first = (None, None) if user is None else (user["cursor"], user["first"])
    if not isinstance(cursor, int):
        return 0
    return cursor if not isinstance(first, int) else max(cursor - first + 1, 0)


def _picking(row: Columns, names: Sequence[str]) -> Callable[[Any], Sequence[Any]]:
    """Give what picks columns: of SQLite's rows by place, as those look through all names for each."""
    if not isinstance(row, sqlite3.Row):
        return itemgetter(*names)
    places = {name: place for place, name in enumerate(row.keys())}
    return itemgetter(*(places[name] for name in names))


def _spelled(value: Any) -> Any:
    """Give a column's text, from its bytes."""
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else value


@cache
def _empty() -> sqlite3.Connection:
    """Make an empty scratch, to copy: quicker than to make each anew."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    for table, columns in _TABLES.items():
        connection.execute(f"CREATE TABLE {table} ({columns})")
    for number, index in enumerate(_INDEXES):
        connection.execute(f"CREATE INDEX index_{number} ON {index}")
    return connection


@cache
def _filled_by(name: str) -> str:
    """Give the table that a statement inserts into."""
    return _statements()[name].split()[2]


@cache
def _statements() -> Mapping[str, str]:
    return named(resources.files(__package__).joinpath("scratch.sql").read_text(encoding="utf-8"))
