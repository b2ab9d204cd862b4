"""Transport: the connection of a WebSocket, on which frames go out whole, one by one, within a bound of time.

Two threads write to one: what follows a user, and what reads, which answers pings. How long a client may take
nothing is for the session to say; this module sees to it that its last words still fit in.
"""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

BUFFER_BYTES = 64 * 1024
"""What the kernel keeps of what a slow client hasn't taken; as much again is left for the last words."""
LAST_SECONDS = 1.0
LOOK_SECONDS = 0.1


class Slow(TimeoutError):
    """The other side takes nothing."""


class Transport:
    """A duplicate of a server's connection: closing it leaves the server its own."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = socket.fromfd(connection.fileno(), connection.family, connection.type)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        with suppress(OSError):  # it is none of TCP's
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._lock = threading.Lock()
        self._rest = bytearray()
        self.stall_seconds: Callable[[], float] = lambda: LAST_SECONDS
        self.is_slow = False

    def fileno(self) -> int:
        """Give the descriptor, for selectors."""
        return self._socket.fileno()

    def recv(self, size: int) -> bytes:
        """Read what came."""
        return self._socket.recv(size)

    def send(self, data: bytes) -> int:
        """Send a frame whole. Raises Slow where nothing of it is taken for longer than `stall_seconds`."""
        with self._lock:
            if self.is_slow:
                raise Slow
            self._rest += data
            if not self._flush(self.stall_seconds):
                self.is_slow = True
                raise Slow
        return len(data)

    def last_words(self, data: bytes) -> None:
        """Send the last frame, and say that nothing follows it; for a slow client there is some room left."""
        with self._lock, suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * BUFFER_BYTES)
            self._rest += data
            self._flush(lambda: LAST_SECONDS)
            self._socket.shutdown(socket.SHUT_WR)

    def shutdown(self) -> None:
        """End the connection in both directions; whoever reads from it is woken."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Take the reading thread's word that it is done; the last words may not be out."""

    def release(self) -> None:
        """Let the duplicate go."""
        self._socket.close()

    def _flush(self, stall_seconds: Callable[[], float]) -> bool:
        """Send what isn't sent; tell whether all of it was taken."""
        since = monotonic()
        while self._rest:
            try:
                sent = self._socket.send(self._rest, socket.MSG_DONTWAIT)
                del self._rest[:sent]
                since = monotonic()
            except BlockingIOError:
                left = since + stall_seconds() - monotonic()
                if left <= 0:
                    return False
                poll = select.poll()
                poll.register(self._socket, select.POLLOUT)
                poll.poll(min(left, LOOK_SECONDS) * 1000)
        return True
