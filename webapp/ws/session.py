"""Sockets: those that are open, what each is told, and with which code it is closed.

None misses a transition or is told one twice: what a socket was told is one number, its cursor. It reads the
store up to the end, joins the feed there, and reads again if it is left behind.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from math import inf
from time import monotonic

from simple_websocket import ConnectionClosed, Server
from wsproto.events import CloseConnection
from wsproto.utilities import LocalProtocolError

from webapp.http import access_log
from webapp.http.problems import Problem
from webapp.settings import ServiceSettings
from webapp.ws.feed import Feed, Follower, message
from webapp.ws.transport import Transport
from workflow_fsm.core.errors import StoreUnavailable, WorkflowClosed
from workflow_fsm.workflow import Workflow

GOING_AWAY, INTERNAL_ERROR, TRY_AGAIN_LATER = 1001, 1011, 1013
BAD_REQUEST = 4400
"""Of the codes that are an application's own: what HTTP would have answered 400. Asking again won't help."""
TOKEN_EXPIRED = 4401
"""What HTTP would have answered 401: the credential that opened it has ended. A new one opens another."""
CURSOR_LOST = 4409
"""What HTTP would have answered 409: the store has not reached the cursor, or reaches it no more."""
UNANSWERED, TOO_BIG = 1008, 1009
"""Those that simple-websocket closes with by itself: a ping wasn't answered; a message was too large."""

ROWS_AT_ONCE = 200
SLOW_SECONDS = 5.0
"""How long a client may take nothing…"""
LEFT_BEHIND_SECONDS = 1.0
"""…and one that the feed has left behind."""
GOODBYE_SECONDS = 1.0
"""How long a client that closes is waited for to have its own close answered."""
LINGER_SECONDS = 2.0
"""How long the other side's end is awaited once the last words are out."""
WATCH_SECONDS = 60.0
"""How often a socket that nothing happens on is looked after."""
MAX_CURSOR = 2**63 - 1

log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True, kw_only=True)
class Asked:
    """What a socket was asked for: whose transitions, and behind which cursor (None: from now on).

    `head` is a cursor that the store had reached. `fault` is what was wrong with `since`. `ends_at` is when
    the credential that opened it ends, by the monotonic clock.
    """

    user_id: str
    head: int
    since: int | None
    fault: str | None
    transport: Transport
    ends_at: float | None = None
    wake: Callable[[], None] = field(default=lambda: None)


class CursorLost(Exception):
    """The store has lost what stood up to a cursor; rows that are not the same will have its numbers."""


class Sockets:
    """The sockets of an app, at most as many as the settings allow."""

    def __init__(self, workflow: Workflow, settings: ServiceSettings) -> None:
        self.workflow = workflow
        self.feed = Feed(workflow)
        self.stopping = False
        self._lock = threading.Lock()
        self._most = settings.max_sockets
        self._most_of_user = settings.max_user_sockets
        self._places = 0
        self._places_of: Counter[str] = Counter()
        self._open: set[Asked] = set()

    def __len__(self) -> int:
        return self._places

    def stop(self) -> None:
        """Close every socket with 1001, and let none open any more. Signal handlers call it: never blocks."""
        self.stopping = True
        for asked in list(self._open):
            asked.wake()

    def head(self, user_id: str) -> int:
        """Give a cursor that the store has reached. Raises StoreUnavailable."""
        return self.workflow.newest_cursor(user_id)

    @contextmanager
    def place(self, user_id: str) -> Iterator[None]:
        """Hold a place for a socket that follows a user. Raises Problem where none is free."""
        with self._lock:
            if self.stopping:
                raise Problem("too-many-sockets", "The service is stopping; connect again when it is back.")
            if self._places >= self._most:
                raise Problem(
                    "too-many-sockets",
                    f"{self._most} sockets are open, as many as WORKFLOW_MAX_SOCKETS allows; try later.",
                )
            if self._places_of[user_id] >= self._most_of_user:
                raise Problem(
                    "too-many-sockets",
                    f"{self._most_of_user} sockets follow this user, as many as WORKFLOW_MAX_USER_SOCKETS "
                    "allows; close one, or try later.",
                )
            self._places += 1
            self._places_of[user_id] += 1
        try:
            yield
        finally:
            with self._lock:
                self._places -= 1
                self._places_of[user_id] -= 1
                self._places_of += Counter()  # forgets who has none

    def follow(self, socket: Server, asked: Asked) -> None:
        """Tell a socket what it asked for, until either side ends it."""
        socket.input_buffer = deque(maxlen=0)  # what clients send is read, and kept nowhere
        asked.wake = socket.event.set
        self._open.add(asked)
        telling = _Telling(self, socket, asked)
        try:
            code, reason = telling.run()
        finally:
            self._open.discard(asked)
        access_log.note(code=101, outcome="left" if code is None else f"closed {code}", sent=telling.sent)
        _end(socket, asked.transport, code, reason, linger=not self.stopping)


class _Telling:
    """One socket being told; `seen` is the cursor up to which it was."""

    def __init__(self, sockets: Sockets, socket: Server, asked: Asked) -> None:
        self._sockets = sockets
        self._socket = socket
        self._asked = asked
        self._follower = Follower(asked.user_id, socket.event.set)
        self._seen = asked.head if asked.since is None else asked.since
        self._head = asked.head
        self.sent = 0
        asked.transport.stall_seconds = self._stall_seconds

    def run(self) -> tuple[int | None, str]:
        """Tell until it ends; give the code and reason to close with, None where the other side ended it."""
        if self._asked.fault is not None:
            return BAD_REQUEST, self._asked.fault
        code: int | None = None
        reason = ""
        try:
            while self._goes_on():
                self._replay()
                self._live()
        except CursorLost:
            code = CURSOR_LOST
            reason = f"the store has not got as far as cursor {self._seen}: it lost rows; read history anew"
        except (StoreUnavailable, WorkflowClosed):
            code, reason = TRY_AGAIN_LATER, "the store can't be read just now"
        except (ConnectionClosed, LocalProtocolError, OSError):
            pass  # it has ended, by the other side, by us below, or by its reading thread's finding it dead
        except Exception:
            log.exception("a socket failed")
            code, reason = INTERNAL_ERROR, "the service failed"
        if self._sockets.stopping:
            return GOING_AWAY, "the service is stopping"
        if self._asked.transport.is_slow:
            return TRY_AGAIN_LATER, f"too slow: connect again with since={self._seen}"
        if self._left() <= 0 and self._socket.connected:
            return TOKEN_EXPIRED, f"the token has expired: connect with a new one and since={self._seen}"
        return code, reason

    def _live(self) -> None:
        """Join the feed and pass on what comes from it, until it leaves us behind."""
        with self._sockets.feed.joined(self._follower, self._head) as joined_at:
            self._replay(joined_at)
            while self._goes_on() and not self._follower.behind:
                self._socket.event.clear()
                for cursor, text in self._follower.waiting():
                    if cursor > self._seen:
                        self._send(cursor, text)
                if self._goes_on() and not self._follower.behind:
                    self._socket.event.wait(min(WATCH_SECONDS, max(0.0, self._left())))

    def _replay(self, until: int = MAX_CURSOR) -> None:
        """Send what the store has behind what was seen, up to a cursor."""
        user_id = self._asked.user_id
        while self._seen < until:
            rows = self._sockets.workflow.after({user_id: self._seen}, limit=ROWS_AT_ONCE).get(user_id)
            if rows is None:
                return
            if not rows:
                raise CursorLost
            for row in rows:
                if row["cursor"] > until:
                    return
                self._send(*message(row))
                self._head = max(self._head, self._seen)
            if len(rows) < ROWS_AT_ONCE:
                return

    def _send(self, cursor: int, text: str) -> None:
        if self._sockets.stopping or self._left() <= 0:
            raise ConnectionClosed
        self._socket.send(text)
        self._seen = cursor
        self.sent += 1

    def _goes_on(self) -> bool:
        is_open = self._socket.connected and self._socket.thread.is_alive()
        return is_open and not self._sockets.stopping and self._left() > 0

    def _left(self) -> float:
        """Give the seconds until the credential that opened it ends."""
        return inf if self._asked.ends_at is None else self._asked.ends_at - monotonic()

    def _stall_seconds(self) -> float:
        if self._sockets.stopping:
            return 0.0
        return LEFT_BEHIND_SECONDS if self._follower.behind else SLOW_SECONDS


def _end(socket: Server, transport: Transport, code: int | None, reason: str, *, linger: bool) -> None:
    """Say why it ends, wait a little for the other side to end it too, and see that its thread has ended.

    Where the other side closed, its thread is just about to answer that.
    """
    if code is not None:
        frame = b""
        with suppress(LocalProtocolError):  # another close was first, and may wait to be sent
            frame = socket.ws.send(CloseConnection(code, reason))
        transport.last_words(frame)
    socket.connected = False
    if code is None:
        socket.thread.join(GOODBYE_SECONDS)
    elif linger:
        socket.thread.join(LINGER_SECONDS)
    transport.shutdown()
    socket.thread.join(LINGER_SECONDS)
