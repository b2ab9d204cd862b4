"""Audit: reads everything a store holds, folds its chains, adds up its events and money, names what is wrong.

One user at a time, copied in a snapshot that ends before the audit of what was copied begins: no transaction
of the store's is open for long, and memory is bounded by a single event. What is said of a user is true of
one moment; of two users, each has its own. Nothing is mended, and nothing that a damaged row holds makes it
fail: what can't be read is a fault of that row.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from itertools import chain, islice
from pathlib import Path

from workflow_fsm.audit.definitions import Definitions
from workflow_fsm.audit.of_user.money import Currencies
from workflow_fsm.audit.of_user.user import User, spelled
from workflow_fsm.audit.parts import AuditedPart, Elsewhere, Range, Read, ranges
from workflow_fsm.audit.report import Report, Tally, unread
from workflow_fsm.audit.scratch import MOST_HELD, Scratch
from workflow_fsm.audit.since import Seen
from workflow_fsm.audit.snapshots import Snapshots
from workflow_fsm.core.definition import Definition
from workflow_fsm.core.errors import RowUnreadable
from workflow_fsm.core.values.instants import read_instant
from workflow_fsm.read.stubs import digest, stub_of
from workflow_fsm.stores.mapping import pattern_of
from workflow_fsm.stores.session import Columns, Session

Progress = Callable[[int, int], None]
"""Told how much was audited, and how much there is, in numbers that were handed out."""


def audit(session: Session, definition: Definition, *, most_held: int = MOST_HELD) -> Report:
    """Audit all that a session can read; of a user with more rows than `most_held` in a table by SQLite."""
    with Audit(lambda work: work(session), definition, most_held=most_held) as whole:
        return whole.run()


class Audit:
    """An audit of what is in a store, or of some users, or of what came `since` the check of a root.

    Raises RootUnknown where no check of that root is known.
    """

    def __init__(
        self,
        read: Read,
        definition: Definition,
        *,
        users: Sequence[str] | None = None,
        since: str | None = None,
        progress: Progress | None = None,
        most_held: int = MOST_HELD,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        self._read = read
        self._definitions = Definitions(definition)
        self._users = users
        self._since = since
        self._progress = progress
        self._most_held = most_held
        self._elsewhere = elsewhere
        self._tally = Tally()
        self._currencies = Currencies()
        self._root, self._old_root = hashlib.sha256(), hashlib.sha256()
        self._add: Callable[[bytes], object] = self._root.update
        self._add_old: Callable[[bytes], object] = self._old_root.update
        self._audited = 0
        self._stubs: Sequence[Columns] = ()
        self.seen: Seen | None = None if users is not None else read(self._see)

    def __enter__(self) -> Audit:
        return self

    def __exit__(self, *_error: object) -> None:
        if self.seen is not None:
            self.seen.close()

    def run(self) -> Report:
        """Audit, and report."""
        extent = self._read(_extent) if self._progress is not None and self._users is None else 0
        done = 0
        if self._users is None and self._since is None:
            self._read(self._whole_store)
            self._forgotten()

        def tell(more: int) -> None:
            nonlocal done
            done += more
            if self._progress is not None:
                self._progress(done, max(done, extent))

        several = ranges(self._read) if self._elsewhere is not None and self._users is None else iter(())
        first = list(islice(several, 2))
        with self._snapshots() as snapshots:
            if self._elsewhere is not None and len(first) > 1:
                with self._elsewhere(chain(first, several), since=self._since) as parts:
                    for part in parts:
                        tell(self._take(part))
            else:
                users = self._users
                for scratch in snapshots.every(Range()) if users is None else snapshots.some(users):
                    tell(self._one(scratch))
            if self._users is None and self._since is None:
                for scratch in snapshots.strangers():
                    tell(self._one(scratch))
        for currency, reason in self._currencies.missing():
            self._tally.fault("", "currencies", currency, reason)
        if self._since is not None and self._old_root.hexdigest() != self._since:
            reason = (
                f"what was there when a check printed {self._since} is not there as it was: a row of history "
                "was changed, or a chain's end was cut off; a check of all says which"
            )
            self._tally.fault("", "", "", reason)
        return self._tally.report(root=self._root.hexdigest(), users=self._audited)

    def part(self, whom: Range, folder: Path) -> AuditedPart:
        """Audit some users alone, who follow one another; lines of the roots go into files in a folder."""
        handed_out = 0
        lines, old_lines, seen = (folder / name for name in ("lines", "old_lines", "seen"))
        with lines.open("wb") as new, old_lines.open("wb") as old, self._snapshots() as snapshots:
            self._add, self._add_old = new.write, old.write
            for scratch in snapshots.every(whom):
                handed_out += self._one(scratch)
        with seen.open("w", encoding="utf-8") as noted:
            for line in () if self.seen is None else self.seen.noted():
                noted.write(line)
        return AuditedPart(
            users=self._audited,
            handed_out=handed_out,
            tally=self._tally,
            missing=frozenset(currency for currency, _ in self._currencies.missing()),
            lines=lines,
            old_lines=old_lines,
            seen=seen,
        )

    def _take(self, part: AuditedPart) -> int:
        """Take over what was found elsewhere; give how many numbers were handed out to those users."""
        self._audited += part.users
        self._tally.take(part.tally)
        self._currencies.miss(part.missing)
        for path, add in ((part.lines, self._add), (part.old_lines, self._add_old)):
            with path.open("rb") as lines:
                for line in lines:
                    add(line)
        if self.seen is not None:
            self.seen.take(part.seen)
        return part.handed_out

    def _snapshots(self) -> Snapshots:
        return Snapshots(
            self._read, self._tally, self._currencies, self._definitions, self.seen, self._most_held
        )

    def _one(self, scratch: Scratch) -> int:
        """Audit one user, or take over what was seen of one who has nothing new.

        Give how many numbers were handed out to the user.
        """
        user_id = spelled(scratch.key)
        if scratch.user is not None and scratch.user["is_going"]:
            self._tally.forgetting.append(user_id)
            return scratch.handed_out
        for lifecycle, head in scratch.heads("old_heads_of"):
            self._add_old(_line(user_id, lifecycle, head))
        if self.seen is not None and scratch.user is not None:
            self.seen.note(user_id, scratch.cursor, scratch.checked)
        if scratch.is_unchanged:
            for lifecycle, head in scratch.heads("old_heads_of"):
                self._add(_line(user_id, lifecycle, head))
            return scratch.handed_out
        if self._users is not None and scratch.user is None and not scratch.many:
            self._tally.fault(user_id, "users", user_id, "nothing is kept of this user")
            return scratch.handed_out
        if scratch.before is not None and scratch.cursor < scratch.before:
            was = f"it was {scratch.before} when a check printed {self._since}"
            self._tally.fault(user_id, "users", user_id, f"cursor is {scratch.cursor}, and {was}")
        self._audited += 1
        User(scratch, self._definitions, self._tally, self._currencies).examine()
        for lifecycle, head in scratch.heads("heads_of"):
            self._add(_line(user_id, lifecycle, head))
        return scratch.handed_out

    def _see(self, session: Session) -> Seen:
        """See who was forgotten, and which checks there were; both roots begin with the stubs."""
        session.prefetch([("forgotten", {}), ("checks", {})])
        self._stubs = session.rows("forgotten")
        seen = Seen(session, self._since, forgotten=len(self._stubs))
        for row in self._stubs:
            line = json.dumps(["", row["id"], digest(row)], separators=(",", ":")).encode() + b"\n"
            self._root.update(line)
            self._old_root.update(line)
        return seen

    def _forgotten(self) -> None:
        """Count what stubs tell of those who were forgotten."""
        for row in self._stubs:
            self._tally.forgotten += 1
            try:
                stub = stub_of(row)
            except RowUnreadable as error:
                self._tally.fault("", "forgotten", row["id"], unread(error))
                continue
            for standing, many in stub.standings().items():
                self._tally.received += many
                self._tally.standings[standing] += many
            for currency, told in stub.money.items():
                for name, amount in told.items():
                    self._tally.add(currency, amount, name)

    def _whole_store(self, session: Session) -> None:
        """Ask the database what is wrong with its file, and look at what is of no user."""
        session.prefetch([("every_complaint", {}), ("handlers", {})])
        for complaint in session.rows("every_complaint"):
            self._tally.fault("", "", "", f"the database says of itself: {complaint['complaint']}")
        for row in session.rows("handlers"):
            try:
                pattern_of(row)
                read_instant(row["registered_at"])
            except Exception as error:  # whatever a damaged row does to its reader
                reason = f"{unread(error)}; it is owed nothing until its program registers it again"
                self._tally.fault("", "handlers", row["name"], reason)


def _extent(session: Session) -> int:
    row = session.row("extent")
    return 0 if row is None else int(row["numbers"])


def _line(user_id: str, lifecycle_id: int, head: str) -> bytes:
    """Give what the root is made of, for one chain."""
    return json.dumps([user_id, lifecycle_id, head], separators=(",", ":")).encode() + b"\n"
