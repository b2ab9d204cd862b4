"""What idle WebSockets cost webhooks, and how long a service takes to stop with them open."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPResponse

HANDSHAKE = (
    "GET /api/v1/workflow/ws/idle-{number} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@contextmanager
def idle(port: int, many: int) -> Iterator[list[socket.socket]]:
    """Hold so many sockets open, each of a user of whom nothing is known."""
    opened: list[socket.socket] = []
    try:
        for number in range(many):
            opened.append(socket.create_connection(("127.0.0.1", port), timeout=30))
            opened[-1].sendall(HANDSHAKE.format(number=number).encode())
        for each in opened:
            response = HTTPResponse(each)
            response.begin()
            if response.status != 101:
                raise SystemExit(f"a socket was answered {response.status}")
        yield opened
    finally:
        for each in opened:
            each.close()


def close_codes(opened: list[socket.socket]) -> set[int]:
    """Read to the end of every socket; give the codes that they were closed with, 1006 for none."""
    codes = set()
    for each in opened:
        received = b""
        with suppress(OSError):
            while chunk := each.recv(4096):
                received += chunk
        closing = received.startswith(b"\x88") and len(received) >= 4
        codes.add(int.from_bytes(received[2:4], "big") if closing else 1006)
    return codes
