"""Slow clients: how long a client may take to send a request, or to take its answer.

Past it the connection ends. Nobody who sends nothing, or little by little, holds a thread for longer, and
nobody holds up the accepting of others.
"""

from __future__ import annotations

import errno
import select
import socket
import struct
from concurrent.futures import Future
from contextlib import suppress
from time import monotonic
from typing import Any, Self

from gunicorn.workers import gthread
from gunicorn.workers.gthread import ThreadWorker

from webapp.server.plain_requests import PlainParser, PlainRequest

REQUEST_SECONDS = 10.0
"""How long a request, its header and body together, may take to come, and its answer to be taken…"""
BYTES_A_SECOND = 32 * 1024
"""…and a second longer for so many bytes of it that came, or were taken."""
MOST_AT_ONCE_BYTES = 64 * 1024
"""How much is read or sent at once: of each that sends a long body gunicorn would keep a mebibyte."""
SILENT_SECONDS = 5.0
"""How long the other side may send nothing in the middle of a request, or take nothing of its answer."""
FIRST_BYTE_SECONDS = 0.2
"""How long a thread waits for the first byte of a connection; after that it is waited for without one."""
AGAIN_SECONDS = 0.01
"""How long a thread that has answered a request waits for the connection's next."""
STOP_SECONDS = 1.0
"""How long a service that stops awaits a request on a connection that is kept alive, or silent."""
END_SECONDS = 2.0
END_BYTES = 64 * 1024
"""How long, and for how much, the other side's end is awaited before a connection is closed."""


class BoundedConnection(socket.socket):
    """A client's connection. One that takes too long looks to the server like one that was reset."""

    _until = _patience = 0.0
    _ahead: bytes | None = None
    _patient: float | None = None
    _is_over = False
    _holds = False
    _held = b""

    @classmethod
    def of(cls, connection: socket.socket) -> Self:
        """Take a connection over."""
        family, kind, protocol = connection.family, connection.type, connection.proto
        bounded = cls(family, kind, protocol, fileno=connection.detach())
        bounded.settimeout(socket.socket.gettimeout(bounded))
        for direction, seconds in ((socket.SO_RCVTIMEO, AGAIN_SECONDS), (socket.SO_SNDTIMEO, SILENT_SECONDS)):
            most = struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000))
            bounded.setsockopt(socket.SOL_SOCKET, direction, most)
        return bounded

    def setblocking(self, flag: bool, /) -> None:
        """Have reading and sending wait, or not."""
        self._patient = None if flag else 0.0
        if not flag:  # whoever polls it reads it otherwise
            super().setblocking(False)

    def settimeout(self, value: float | None, /) -> None:
        """Have reading and sending wait so long; the system is told by whoever does one of them.

        Around each request gunicorn sets it four times, and mostly reads nothing meanwhile.
        """
        self._patient = value

    def gettimeout(self) -> float | None:
        """Give how long they wait."""
        return self._patient

    def begin(self) -> None:
        """Expect a request from now on, and then an answer's being taken."""
        self._until = monotonic() + REQUEST_SECONDS
        self._patience = REQUEST_SECONDS

    def hurry(self) -> None:
        """Wait for nothing more of a request."""
        self._until = 0.0

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Read what came. Raises ConnectionResetError where it takes too long."""
        if self._is_over:
            return b""
        if self._held:
            self.let_go()
        if monotonic() > self._until:
            raise _too_slow()
        if self._ahead is not None:
            read, rest = self._ahead[:size], self._ahead[size:]
            self._ahead = rest or None
        else:
            read = self._receive(min(size, MOST_AT_ONCE_BYTES), flags)
        self._until += len(read) / BYTES_A_SECOND
        return read

    def comes_again(self) -> bool:
        """Wait a moment for more, or for the other side's end; what came is read next.

        Waiting and reading are one way into the system.
        """
        if self._ahead is None:
            self._wait_as_told()
            try:
                self._ahead = super().recv(MOST_AT_ONCE_BYTES)
            except BlockingIOError:
                return False
        return True

    def peek(self) -> bytes:
        """Wait a moment for what comes, and give it; it is read next, unless it is taken."""
        return (self.comes_again() and self._ahead) or b""

    def take(self) -> None:
        """Take all that `peek` gave as read."""
        self._ahead = None

    def _receive(self, size: int, flags: int) -> bytes:
        """Read what comes within the seconds that a client may be silent; the system waits a moment of it."""
        self._wait_as_told()
        try:
            return super().recv(size, flags)
        except BlockingIOError as error:
            poll = select.poll()
            poll.register(self, select.POLLIN)
            if self._patient is not None or not poll.poll((SILENT_SECONDS - AGAIN_SECONDS) * 1000):
                raise _too_slow() from error
            return super().recv(size, flags)

    def hold(self) -> None:
        """Keep back the next that is sent, an answer's head, until its body comes or it is let go.

        Each sending costs a way into the system, and the interpreter's lock until it is back.
        """
        self._holds = True

    def let_go(self) -> None:
        """Send what is kept back, and keep back nothing. Raises ConnectionResetError where it isn't taken."""
        self._holds = False
        # It may be closed by now, as gunicorn does where an answer breaks off.
        if self._held and self.fileno() >= 0:
            self.sendall(b"")

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Send an answer, or a part. Raises ConnectionResetError where it isn't taken, or too slowly."""
        if self._holds:
            self._holds, self._held = False, data
            return
        if self._held:
            data, self._held = self._held + data, b""
        self._wait_as_told()
        left = memoryview(data)
        while len(left):
            since = monotonic()
            try:
                sent = super().send(left[:MOST_AT_ONCE_BYTES], flags)
            except BlockingIOError as error:
                raise _too_slow() from error
            # Only what the client is awaited for counts, not how long the service takes to make the rest.
            self._patience += sent / BYTES_A_SECOND - (monotonic() - since)
            if self._patience < 0:
                raise _too_slow()
            left = left[sent:]

    def _wait_as_told(self) -> None:
        if super().gettimeout() != self._patient:
            super().settimeout(self._patient)

    def end(self) -> None:
        """Say that nothing more comes, and wait a little for the other side to say so too.

        A server that closes under a sender who still sends takes back the answer, which he then never sees.
        """
        with suppress(OSError):
            self.shutdown(socket.SHUT_WR)
            until, left = monotonic() + END_SECONDS, END_BYTES
            while left > 0 and (seconds := until - monotonic()) > 0:
                super().settimeout(seconds)
                read = super().recv(4096)
                if not read:
                    break
                left -= len(read)
        self._is_over = True


class BoundedWorker(ThreadWorker):
    """A worker of gunicorn's who waits for clients within bounds."""

    def handle(self, conn: Any) -> Any:
        """Take one request of a connection; runs in a thread of the pool."""
        if not isinstance(conn.sock, BoundedConnection):
            conn.sock = BoundedConnection.of(conn.sock)
            conn.parser = PlainParser(self.cfg, conn.sock, conn.client, conn.server)
            if not conn.wait_for_data(FIRST_BYTE_SECONDS):
                return gthread._DEFER  # type: ignore[attr-defined]
        keep = self._handle_one(conn)
        while keep and self._comes_again(conn):
            keep = self._handle_one(conn)
        if not keep:
            # gunicorn would do it as it closes, in the thread that accepts, and let nobody in meanwhile.
            conn.sock.end()
        return keep

    def _handle_one(self, conn: Any) -> Any:
        conn.sock.begin()
        return super().handle(conn)

    def _comes_again(self, conn: Any) -> bool:
        """Await a connection's next request for a moment, unless others wait for a thread.

        A sender with much to send sends it at once. Through the thread that accepts, and another of the pool,
        a request costs an eighth more.
        """
        if not self.alive or self.tpool._work_queue.qsize():
            return False
        return bool(conn.parser.unreader.buf.getvalue()) or conn.sock.comes_again()

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer a request, head and body in one piece where the body is."""
        if isinstance(req, PlainRequest):
            keep = self.alive and len(self.keepalived_conns) < self.max_keepalived
            conn.sock.sendall(req.answered(self.wsgi, conn.parser.base, keep=keep))
            return keep
        conn.sock.hold()
        try:
            return super().handle_request(req, conn)
        finally:
            conn.sock.let_go()

    def finish_request(self, conn: Any, fs: Future[Any]) -> None:
        """Take a connection back from the pool; runs in the thread that accepts."""
        super().finish_request(conn, fs)
        if self.pending_conns and self.pending_conns[-1] is conn:
            conn.timeout = monotonic() + REQUEST_SECONDS

    def _cap_keepalive(self, deadline: float) -> None:
        """Close the connections without a request by then; called where a stop begins."""
        deadline = min(deadline, monotonic() + STOP_SECONDS)
        super()._cap_keepalive(deadline)  # type: ignore[misc]
        for conn in self.pending_conns:
            conn.timeout = deadline if conn.timeout is None else min(conn.timeout, deadline)


def _too_slow() -> ConnectionResetError:
    return ConnectionResetError(errno.ECONNRESET, "the client is too slow")
