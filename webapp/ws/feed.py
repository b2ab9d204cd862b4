"""The feed: one thread that reads new transitions and hands them to the sockets that follow a user.

It is woken by commits of this process, and looks by itself for those of others. It reads for users that are
followed alone, once for all of a user's followers, and waits for none of them: whoever does not keep up is
left behind, and has to read from the store by itself.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from time import monotonic

from webapp.http.response import dumps
from workflow_fsm.core.errors import StoreUnavailable, WorkflowClosed
from workflow_fsm.read.shapes import HistoryRow
from workflow_fsm.stores.observers import Observer
from workflow_fsm.workflow import Workflow

LOOK_SECONDS = 0.5
"""How often it looks for what other processes committed."""
USERS_AT_ONCE = 50
ROWS_AT_ONCE = 200
"""What one snapshot is read for: no more, so that webhooks aren't kept waiting by it."""
MOST_WAITING = 1000
"""Messages that wait for one socket."""
DOWN_SECONDS = 1.0
"""How long it leaves a store alone that was unavailable."""

log = logging.getLogger(__name__)

Message = tuple[int, str]
"""A transition's cursor, and the text that tells it."""


def message(row: HistoryRow) -> Message:
    """Give the message that tells a row of history: the same text whenever it is sent."""
    told = {"cursor": row.cursor, "event": "workflow.transition", "data": row, "timestamp": row.at}
    return row.cursor, dumps(told).decode()


class Follower:
    """One socket's place: what waits for it. `wake` is called when there is something, and never blocks."""

    def __init__(self, user_id: str, wake: Callable[[], None]) -> None:
        self.user_id = user_id
        self.behind = False
        self.wake = wake
        self._waiting: deque[Message] = deque()

    def waiting(self) -> Iterator[Message]:
        """Take what waits, oldest first."""
        while self._waiting:
            try:
                yield self._waiting.popleft()
            except IndexError:  # it was left behind meanwhile
                return

    def push(self, messages: Collection[Message]) -> bool:
        """Add to what waits. Where that is too much nothing is kept and it is left behind: tell which.

        Where there is none the store has lost what the feed had read: it is left behind, and finds out.
        """
        if not messages or len(self._waiting) + len(messages) > MOST_WAITING:
            self.behind = True
            self._waiting.clear()
        else:
            self._waiting.extend(messages)
        self.wake()
        return not self.behind

    def begin(self) -> None:
        """Begin anew, with nothing waiting."""
        self.behind = False
        self._waiting.clear()


class _Feed:
    """One user who is followed: up to where history was read, and by whom it is wanted."""

    def __init__(self, cursor: int) -> None:
        self.cursor = cursor
        self.followers: set[Follower] = set()


class Feed(Observer):
    """Hands the transitions of a workflow to followers. Its thread lives for as long as there is one."""

    def __init__(self, workflow: Workflow) -> None:
        self._workflow = workflow
        self._lock = threading.Lock()
        self._feeds: dict[str, _Feed] = {}
        self._moved: deque[str] = deque()
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None
        workflow.observe(self)

    def moved(self, user_ids: Collection[str]) -> None:
        """Hear of a commit of this process."""
        if self._feeds:
            followed = [user_id for user_id in user_ids if user_id in self._feeds]
            if followed:
                self._moved.extend(followed)
                self._woken.set()

    @contextmanager
    def joined(self, follower: Follower, cursor: int) -> Iterator[int]:
        """Let a follower have, while the block lasts, every transition behind the cursor that is given back.

        `cursor` is one up to which the store was read. What stands between the two is the follower's to read.
        """
        follower.begin()
        with self._lock:
            feed = self._feeds.setdefault(follower.user_id, _Feed(cursor))
            feed.followers.add(follower)
            joined_at = feed.cursor
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
                self._thread.start()
        try:
            yield joined_at
        finally:
            with self._lock:
                self._drop(feed, follower)

    # -- the thread

    def _run(self) -> None:
        due = monotonic() + LOOK_SECONDS
        while self._is_needed():
            self._woken.wait(max(0.0, due - monotonic()))
            self._woken.clear()
            try:
                if monotonic() >= due:
                    self._moved.clear()
                    with self._lock:
                        everybody = list(self._feeds)
                    self._pass_on(everybody)
                    due = monotonic() + LOOK_SECONDS
                else:
                    self._pass_on(dict.fromkeys(self._moved.popleft() for _ in range(len(self._moved))))
            except (StoreUnavailable, WorkflowClosed) as error:
                log.warning("sockets wait for the store: %s", error)
                due = monotonic() + DOWN_SECONDS
            except Exception:
                log.exception("the feed failed, and goes on")
                due = monotonic() + DOWN_SECONDS

    def _is_needed(self) -> bool:
        with self._lock:
            if not self._feeds:
                self._thread = None
            return bool(self._feeds)

    def _pass_on(self, user_ids: Iterable[str]) -> None:
        """Read what is new of some users, and hand it over."""
        users = list(user_ids)
        for at in range(0, len(users), USERS_AT_ONCE):
            with self._lock:
                some = users[at : at + USERS_AT_ONCE]
                feeds = {user_id: self._feeds[user_id] for user_id in some if user_id in self._feeds}
                cursors = {user_id: feed.cursor for user_id, feed in feeds.items()}
            if not cursors:
                continue
            for user_id, rows in self._workflow.after(cursors, limit=ROWS_AT_ONCE).items():
                self._hand_over(feeds[user_id], [message(row) for row in rows])
                if len(rows) == ROWS_AT_ONCE:
                    self.moved([user_id])

    def _hand_over(self, feed: _Feed, messages: Collection[Message]) -> None:
        with self._lock:
            feed.cursor = max((cursor for cursor, _ in messages), default=feed.cursor)
            for follower in list(feed.followers):
                if not follower.push(messages):
                    self._drop(feed, follower)

    def _drop(self, feed: _Feed, follower: Follower) -> None:
        feed.followers.discard(follower)
        if not feed.followers and self._feeds.get(follower.user_id) is feed:
            del self._feeds[follower.user_id]
