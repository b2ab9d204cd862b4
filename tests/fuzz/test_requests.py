"""Rubbish over real sockets: whatever is sent is answered, never with 5xx, and never late."""

from __future__ import annotations

import os
import socket
from collections import Counter
from random import Random

import requests

from tests.fuzz.mutation import Request
from tests.fuzz.mutation import requests as mutated
from tests.webapp.services import Service

COUNT = 100_000 if os.environ.get("HYPOTHESIS_PROFILE") == "long" else 100
SEED = int(os.environ.get("WORKFLOW_FUZZ_SEED", "20260301"))
ANSWER_SECONDS = 10.0


class Line:
    """A connection that is kept alive for as long as both sides can tell where a request ends."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: socket.socket | None = None
        self._buffer = b""

    def send(self, request: Request) -> int:
        """Send a request; give the code of its answer, 0 where the other side hung up without any."""
        if self._connection is None:
            self._connection = socket.create_connection(("127.0.0.1", self._port), timeout=ANSWER_SECONDS)
            self._buffer = b""
        try:
            self._connection.sendall(request.raw)
            if not request.framed:
                self._connection.shutdown(socket.SHUT_WR)
            code, ends = self._answer(is_head=request.raw.startswith(b"HEAD "))
        except (ConnectionError, BrokenPipeError):
            code, ends = 0, True
        if ends or not request.framed:
            self.close()
        return code

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _answer(self, *, is_head: bool) -> tuple[int, bool]:
        while (head := self._head()).startswith(b"HTTP/1.1 100"):
            pass
        if not head:
            return 0, True
        fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:] if b": " in line)
        length = 0 if is_head else int(fields.get(b"content-length", b"0"))
        while len(self._buffer) < length and self._more():
            pass
        assert len(self._buffer) >= length, "an answer was torn"
        self._buffer = self._buffer[length:]
        return int(head.split()[1]), fields.get(b"connection") == b"close"

    def _head(self) -> bytes:
        while b"\r\n\r\n" not in self._buffer:
            if not self._more():
                return b""
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        return head

    def _more(self) -> bool:
        assert self._connection is not None
        chunk = self._connection.recv(65536)
        self._buffer += chunk
        return bool(chunk)


def test_mutated_bodies_and_headers_are_answered_and_never_with_5xx(server: Service) -> None:
    line = Line(server.port)
    codes: Counter[int] = Counter()
    chance = Random(SEED)
    for number in range(COUNT):
        [request] = mutated(chance, 1)
        try:
            code = line.send(request)
        except TimeoutError:
            raise AssertionError(f"request {number} of seed {SEED} hangs: {request.raw!r}") from None
        codes[code] += 1
        assert code < 500, f"request {number} of seed {SEED} was answered {code}: {request.raw!r}"
        assert code or not request.framed, f"request {number} of seed {SEED} has no answer: {request.raw!r}"
    line.close()

    assert requests.get(f"{server.url}/readyz", timeout=10).status_code == 200
    assert codes[200]
    assert codes[400]
    assert not [line for line in server.lines() if "traceback" in line]
