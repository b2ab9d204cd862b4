"""Posts webhooks over keep-alive connections for some seconds, as fast as they are answered.

A process of its own, one thread and raw sockets, so that what is measured is the service and not its client.
Prints one line of JSON.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
from collections import Counter
from time import perf_counter

REQUEST = (
    "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    "webhook-id: {event_id}\r\nContent-Length: {length}\r\n\r\n{body}"
)


class Connection:
    """One keep-alive connection with at most one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""
        self.since = 0.0

    def send(self, request: bytes) -> None:
        """Send a request."""
        self.since = perf_counter()
        self.socket.sendall(request)

    def receive(self) -> int | None:
        """Take what came; give the answer's code once all of it is there."""
        chunk = self.socket.recv(65536)
        if not chunk:
            raise ConnectionError("the service closed a connection")
        self._received += chunk
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end:
            return None
        lowered = head.lower()
        length = int(lowered.partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return None
        self._received = body[length:]
        return int(head[9:12])


def request(number: int, path: str, run: str) -> bytes:
    """Make the request of a sync of one of a thousand users."""
    body = json.dumps({"user_id": f"user-{number % 1000}", "sync_id": f"{run}-{number}", "orders_count": 12})
    event_id = f"msg_{run}_{number:010}"
    return REQUEST.format(path=path, event_id=event_id, length=len(body), body=body).encode()


def drive(port: int, path: str, connections: int, seconds: float, run: str) -> dict[str, object]:
    """Post for some seconds; tell how many were answered, with what, and how long that took."""
    selector = selectors.DefaultSelector()
    number = 0
    for _ in range(connections):
        connection = Connection(port)
        selector.register(connection.socket, selectors.EVENT_READ, connection)
        connection.send(request(number, path, run))
        number += 1
    codes: Counter[int] = Counter()
    took: list[float] = []
    began = perf_counter()
    under_way = connections
    while under_way:
        for key, _ in selector.select():
            connection = key.data
            code = connection.receive()
            if code is None:
                continue
            now = perf_counter()
            codes[code] += 1
            took.append(now - connection.since)
            if now - began < seconds:
                connection.send(request(number, path, run))
                number += 1
            else:
                under_way -= 1
                selector.unregister(connection.socket)
                connection.socket.close()
    elapsed = perf_counter() - began
    took.sort()
    return {
        "a_second": len(took) / elapsed,
        "p50": took[len(took) // 2],
        "p99": took[len(took) * 99 // 100],
        "codes": {str(code): many for code, many in codes.items()},
    }


if __name__ == "__main__":
    _, port, path, connections, seconds, run = sys.argv
    print(json.dumps(drive(int(port), path, int(connections), float(seconds), run)))
