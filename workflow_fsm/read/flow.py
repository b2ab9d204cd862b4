"""Flow: how many claims went each way within the last day, and what became of what came in within a minute.

What was counted is kept by the ten minutes, or seconds, in which it was, so that counting again reads only
what was added since. The first time it reads the last day of whoever was told of in it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from workflow_fsm.core.values.instants import show_instant
from workflow_fsm.stores.session import Session

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
A_SPAN, A_SHORT_SPAN = 15, 18
"""How much of an instant's text names the ten minutes, or the ten seconds, in which it is."""
SOUGHT = 10_000
"""Whoever was handed out more numbers than so many: where the day begins in these is sought first."""
NEAR = 1_000
"""As near as it is sought."""

Way = tuple[str | None, str]
"""From a state (None: from nothing) to a state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """`moved` counts the transitions of the last day by their way, `intake` the events of the last minute.

    These by what became of them by the time that they were counted: `applied`, `known`, `waiting` and so on.
    """

    moved: Mapping[Way, int]
    intake: Mapping[str, int]


class FlowCounter:
    """Counts, and keeps what it has counted."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._cursors: dict[str, int] = {}
        self._moved: Counter[tuple[str, Way]] = Counter()
        self._intake: Counter[tuple[str, str]] = Counter()

    def latest(self, read: Callable[[Callable[[Session], Flow]], Flow], now: datetime) -> Flow:
        """Count on from where it was, by what stands in a snapshot: one at a time, so that none is older."""
        with self._lock:
            return read(lambda session: self._count(session, now))

    def _count(self, session: Session, now: datetime) -> Flow:
        day, minute = show_instant(now - DAY), show_instant(now - MINUTE)
        reached = {row["user_id"]: row["cursor"] for row in session.rows("users_since", since=day)}
        behind = {
            user_id: self._begin(session, user_id, cursor, day)
            for user_id, cursor in reached.items()
            if self._cursors.get(user_id) != cursor
        }
        asked = json.dumps(behind)
        moves = session.rows("moves_since", cursors=asked, since=day) if behind else ()
        intake = session.rows("intake_since", cursors=asked, since=minute) if behind else ()
        self._cursors = reached
        for row in moves:
            self._moved[row["span"], (row["from_state"], row["to_state"])] += row["many"]
        for row in intake:
            self._intake[row["span"], row["standing"]] += row["many"]
        self._forget(day[:A_SPAN], minute[:A_SHORT_SPAN])
        ways: Counter[Way] = Counter()
        standings: Counter[str] = Counter()
        for (_, way), many in self._moved.items():
            ways[way] += many
        for (_, standing), many in self._intake.items():
            standings[standing] += many
        return Flow(moved=dict(ways), intake=dict(standings))

    def _begin(self, session: Session, user_id: str, cursor: int, since: str) -> int:
        """Give the number behind which a user's rows are to be counted.

        A store that lost what it had acknowledged has handed out fewer by now: these were counted.
        """
        if user_id in self._cursors:
            return min(self._cursors[user_id], cursor)
        low, high = 0, cursor if cursor > SOUGHT else 0
        while high - low > NEAR:
            middle = (low + high) // 2
            row = session.row("row_behind", user_id=user_id, cursor=middle)
            if row is None or row["at"] >= since:
                high = middle
            else:
                low = row["cursor"]
        return low

    def _forget(self, span: str, short_span: str) -> None:
        """Forget what was before spans. One that has begun before is counted whole."""
        for counted in [one for one in self._moved if one[0] < span]:
            del self._moved[counted]
        for taken in [one for one in self._intake if one[0] < short_span]:
            del self._intake[taken]
