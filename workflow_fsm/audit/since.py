"""Since: what earlier checks saw of each user, so that one can go on from a root; and what this one saw.

A check is kept with its root, and of each user the number that was handed out last, where an earlier check,
its parent, saw another. Nothing that was kept is ever changed, so that checks may run beside each other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any

from workflow_fsm.core.errors import RootUnknown
from workflow_fsm.stores.session import Session

Write = Callable[[Callable[[Session], None]], None]
"""Does work in a commit."""
_USERS_A_COMMIT = 2_000
_IN_MEMORY = 2**20


class Earlier:
    """One earlier check, known by its root; None stands for none."""

    def __init__(self, checks: Mapping[str, str | None], check_id: str | None) -> None:
        self.check_id = check_id
        self._places: dict[str, int] = {}
        while check_id is not None and check_id not in self._places:
            self._places[check_id] = len(self._places)
            check_id = checks.get(check_id)

    def cursor(self, seen: Mapping[str, Any]) -> int | None:
        """Give the number that the check saw as a user's last, from what all checks saw of the user."""
        known = [(self._places[one], cursor) for one, cursor in seen.items() if one in self._places]
        return min(known)[1] if known else None


class Seen:
    """What a check sees of each user: noted as it goes, and kept in the end."""

    def __init__(self, session: Session, since: str | None, *, forgotten: int = 0) -> None:
        """See which checks there were. Raises RootUnknown where none of them printed the root `since`.

        So many users were `forgotten` by now: a root that is over another number of them can't be made again.
        """
        rows = session.rows("checks")
        self._forgotten = forgotten
        parents = {row["check_id"]: row["parent"] for row in rows}
        self._roots: dict[str, str] = {}
        for row in rows:
            if row["forgotten"] == forgotten:
                self._roots.setdefault(row["root"], row["check_id"])
        if since is not None and since not in self._roots:
            raise RootUnknown(since, is_outdated=any(row["root"] == since for row in rows))
        self.since = None if since is None else Earlier(parents, self._roots[since])
        self._parent = Earlier(parents, rows[-1]["check_id"] if rows else None)
        self._changed = SpooledTemporaryFile(max_size=_IN_MEMORY, mode="w+", encoding="utf-8")  # noqa: SIM115

    def note(self, user_id: str, cursor: int, seen: Mapping[str, Any]) -> None:
        """Note the number that was handed out last to a user, where that is another than was known."""
        if self._parent.cursor(seen) != cursor:
            self._changed.write(json.dumps([user_id, cursor]) + "\n")

    def noted(self) -> Iterator[str]:
        """Give what was noted, a line of JSON for each user."""
        self._changed.seek(0)
        yield from self._changed

    def take(self, noted: Path) -> None:
        """Take over what another noted."""
        with noted.open(encoding="utf-8") as lines:
            self._changed.writelines(lines)

    def keep(self, write: Write, *, root: str, check_id: str, at: str) -> None:
        """Keep what was seen, in commits that others pass between; the last of them has the root.

        One whose root is kept already adds nothing. Raises what writing raises.
        """
        if root in self._roots:
            return
        told = {
            "check_id": check_id,
            "parent": self._parent.check_id,
            "root": root,
            "at": at,
            "forgotten": self._forgotten,
        }
        lines = self.noted()
        is_last = False
        while not is_last:
            some = [json.loads(line) for line in islice(lines, _USERS_A_COMMIT)]
            is_last = len(some) < _USERS_A_COMMIT
            changed = [{"check_id": check_id, "user_id": one, "cursor": cursor} for one, cursor in some]
            write(_put(changed, told if is_last else None))

    def close(self) -> None:
        """Forget what was noted."""
        self._changed.close()


def _put(changed: Sequence[Mapping[str, Any]], check: Mapping[str, Any] | None) -> Callable[[Session], None]:
    def work(session: Session) -> None:
        session.prefetch(("user", {"user_id": one["user_id"]}) for one in changed)
        for one in changed:
            row = session.row("user", user_id=one["user_id"])
            if row is not None and row["cursor"] >= one["cursor"]:  # else the user was forgotten meanwhile
                session.run("put_checked", one)
        if check is not None:
            session.run("put_check", check)

    return work
