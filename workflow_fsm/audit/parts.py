"""Parts: users who follow one another, audited elsewhere, in another process say; what is said of them is put
together as if they had been audited here.

Lines of which a root is made, and what was seen, come in files: nobody holds those of many users.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from workflow_fsm.audit.report import Tally
from workflow_fsm.stores.session import Session

Read = Callable[[Callable[[Session], Any]], Any]
"""Does work on one snapshot of a store, and gives what it gives."""
NUMBERS_IN_A_PART = 10_000
"""How many numbers were handed out to the users of a part, unless one user alone has more."""
_USERS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Users behind one, up to another, as the database spells their ids; None is before or behind all."""

    after: Any = None
    until: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedPart:
    """What an audit of a range found: how many users, what was counted, and the currencies it missed.

    `lines` are those of the root, `old_lines` those of the root from which it goes on; `seen` is JSON, a line
    for each user of whom another number was seen. `handed_out` is how many numbers were.
    """

    users: int
    handed_out: int
    tally: Tally
    missing: frozenset[str]
    lines: Path
    old_lines: Path
    seen: Path


class Elsewhere(Protocol):
    """Whoever audits parts."""

    def __call__(
        self, ranges: Iterator[Range], *, since: str | None
    ) -> AbstractContextManager[Iterator[AuditedPart]]:
        """Have ranges, two at least, audited as what came `since` a root; give what was found in order."""


def ranges(read: Read) -> Iterator[Range]:
    """Part the users of a store; who comes later is in one of the parts, too."""
    start: Any = ""
    after: Any = None
    numbers = 0
    is_last = False
    while not is_last:
        page = read(lambda session: session.rows("user_numbers", after_user=start, limit=_USERS_AT_ONCE))  # noqa: B023
        is_last = len(page) < _USERS_AT_ONCE
        for row in page:
            start = row["user_id"]
            numbers += row["cursor"] if isinstance(row["cursor"], int) else 0
            if numbers >= NUMBERS_IN_A_PART:
                yield Range(after=after, until=start)
                after, numbers = start, 0
    yield Range(after=after)
