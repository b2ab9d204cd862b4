"""Candidates: effects found ready without a lock; each is locked by its user, and looked at again there.

What looks over all users only reads; what locks names its user, and so goes to the one server that has it.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from workflow_fsm.effects.outbox import Due
from workflow_fsm.stores.session import Columns, Session

MOST = 16
"""How many one look gives: the threads of a process share them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyEffect:
    """An effect that was ready when somebody looked, without a lock: where it is, and what it is about."""

    user_id: str
    seq: int
    handler: str
    lifecycle_id: int
    cursor: int


class Found:
    """What the last look of a process found and no thread of it has tried yet.

    In the order in which they became ready; shuffled once another process was seen to be at the same, so that
    two that looked at once don't meet at each.
    """

    def __init__(self, chance: Callable[[], float]) -> None:
        self._chance = chance
        self._mutex = threading.Lock()
        self._left: deque[ReadyEffect] = deque()

    def put(self, found: Iterable[ReadyEffect]) -> None:
        """Keep what a look found."""
        with self._mutex:
            self._left = deque(found)

    def next(self) -> ReadyEffect | None:
        """Give one that nobody has tried, None where none is left."""
        with self._mutex:
            return self._left.popleft() if self._left else None

    def shuffle(self) -> None:
        """Give the rest in any order."""
        with self._mutex:
            self._left = deque(sorted(self._left, key=lambda _: self._chance()))


def find(
    session: Session,
    handlers: Collection[str],
    due: Due,
    *,
    suspects: bool = True,
    but_of: Collection[str] = (),
) -> list[ReadyEffect]:
    """Give the effects that have been ready longest, of those that one of `handlers` can do.

    Without `suspects`, none whose holder died in it; none of the users in `but_of`. Nobody is locked: each
    may be another's by the time that its user is.
    """
    told = {**due.parameters(suspects=suspects), "but_of": json.dumps(sorted(but_of)), "limit": MOST}
    asked = [{"handler": name, **told} for name in handlers]
    session.prefetch(("ready_effects", parameters) for parameters in asked[1:])
    found = [row for parameters in asked for row in session.rows("ready_effects", **parameters)]
    found.sort(key=lambda row: (row["ready_at"], row["user_id"], row["seq"]))
    return [
        ReadyEffect(
            user_id=row["user_id"],
            seq=row["seq"],
            handler=row["handler"],
            lifecycle_id=row["lifecycle"],
            cursor=row["cursor"],
        )
        for row in found[:MOST]
    ]


def lock(
    session: Session, candidate: ReadyEffect, due: Due, *, suspects: bool = True
) -> tuple[bool, Columns | None]:
    """Lock a candidate's user, where nobody else has; tell whether that was so, and give the effect.

    None where it isn't ready any more. What its handler is told is asked for on the same way.
    """
    whose = {"user_id": candidate.user_id}
    told = {"seq": candidate.seq, **due.parameters(suspects=suspects)}
    session.prefetch(
        [
            ("lock_free_user", whose),
            ("handlers", {}),
            ("ready_effect", {**whose, **told}),
            ("row_at", {**whose, "cursor": candidate.cursor}),
            ("user", whose),
            ("lifecycle", {**whose, "id": candidate.lifecycle_id}),
        ]
    )
    if session.row("lock_free_user", **whose) is None:
        return False, None
    return True, session.row("ready_effect", **whose, **told)
