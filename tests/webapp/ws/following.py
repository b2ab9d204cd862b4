"""A WebSocket client on a raw socket, without threads: what it reads, and when, is the test's to say."""

from __future__ import annotations

import json
import socket
import time
from collections import deque
from contextlib import suppress
from typing import Any, Self

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    Event,
    Ping,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.utilities import LocalProtocolError

from webapp.routes.webhooks import PREFIX


class Refused(Exception):
    """The upgrade was answered otherwise."""

    def __init__(self, code: int, headers: dict[str, str], body: Any) -> None:
        self.code = code
        self.headers = headers
        self.body = body
        super().__init__(code, body)


class Closed(Exception):
    """The other side has closed; its code is 1006 where it said nothing."""

    def __init__(self, code: int, reason: str | None = None) -> None:
        self.code = code
        self.reason = reason
        super().__init__(code, reason)


class Listener:
    """One socket that follows a user. `path` is the user id as it stands in the path, percent-encoded."""

    def __init__(
        self,
        port: int,
        path: str,
        since: object = None,
        *,
        headers: tuple[tuple[str, str], ...] = (),
        buffer: int | None = None,
    ) -> None:
        self.socket = socket.socket()
        if buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.settimeout(10)
        self.socket.connect(("127.0.0.1", port))
        self.pings = 0
        self._ws = WSConnection(ConnectionType.CLIENT)
        self._events: deque[Event] = deque()
        self._text = ""
        query = "" if since is None else f"?since={since}"
        given = [(name.encode(), value.encode()) for name, value in headers]
        target = f"{PREFIX}/ws/{path}{query}"
        self._send(Request(host=f"127.0.0.1:{port}", target=target, extra_headers=given))
        answer = self._next(10)
        if isinstance(answer, RejectConnection):
            told = {name.decode(): value.decode() for name, value in answer.headers}
            body = b""
            while answer.has_body and isinstance(part := self._next(10), RejectData):
                body += part.data
                if part.body_finished:
                    break
            self.close()
            raise Refused(answer.status_code, told, json.loads(body))
        assert isinstance(answer, AcceptConnection), answer

    def read(self, seconds: float = 10) -> dict[str, Any]:
        """Give the next message. Raises Closed, or TimeoutError."""
        until = time.monotonic() + seconds
        while True:
            event = self._next(until - time.monotonic())
            if isinstance(event, TextMessage):
                self._text += event.data
                if event.message_finished:
                    text, self._text = self._text, ""
                    message: dict[str, Any] = json.loads(text)
                    return message
            elif isinstance(event, Ping):
                self.pings += 1
                with suppress(LocalProtocolError, OSError):  # the other side has closed meanwhile
                    self._send(event.response())
            elif isinstance(event, CloseConnection):
                raise Closed(event.code, event.reason)

    def read_many(self, count: int, seconds: float = 10) -> list[dict[str, Any]]:
        return [self.read(seconds) for _ in range(count)]

    def read_to_the_end(self) -> tuple[list[dict[str, Any]], Closed]:
        messages: list[dict[str, Any]] = []
        while True:
            try:
                messages.append(self.read(5))
            except Closed as closed:
                return messages, closed

    def is_silent(self, seconds: float = 0.3) -> bool:
        """Tell whether nothing comes."""
        try:
            self.read(seconds)
        except TimeoutError:
            return True
        return False

    def send(self, text: str) -> None:
        self._send(TextMessage(text))

    def say_goodbye(self, code: int = 1000) -> Closed:
        """Close properly; give what the other side answers."""
        self._send(CloseConnection(code, "done"))
        return self.read_to_the_end()[1]

    def close(self) -> None:
        """Go away without a word."""
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, event: Event) -> None:
        self.socket.sendall(self._ws.send(event))

    def _next(self, seconds: float) -> Event:
        until = time.monotonic() + seconds
        while not self._events:
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                raise Closed(1006) from None
            if not data:
                raise Closed(1006)
            self._ws.receive_data(data)
            self._events.extend(self._ws.events())
        return self._events.popleft()


def when_there_is_room(
    port: int, path: str, seconds: float = 5, headers: tuple[tuple[str, str], ...] = ()
) -> Listener:
    """Connect as soon as another has left."""
    end = time.monotonic() + seconds
    while True:
        try:
            return Listener(port, path, headers=headers)
        except Refused:
            assert time.monotonic() < end
            time.sleep(0.05)
