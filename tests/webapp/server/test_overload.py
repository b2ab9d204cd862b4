"""Overload: too much is refused at once, what was accepted is answered, and nobody slow holds up others."""

from __future__ import annotations

import json
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from time import monotonic, sleep

import pytest
import requests

from tests.webapp.services import Service, until
from webapp.routes.webhooks import PREFIX
from workflow_fsm.stores.group_commit.queue import MOST_WAITING

ROUTE = f"{PREFIX}/sync/complete"
MANY = MOST_WAITING + 60
MANY_ANSWERS = 40


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("overload") / "workflow.db"


@pytest.fixture(scope="module")
def service(start_shared: Callable[..., Service], store: Path) -> Service:
    return start_shared(
        WORKFLOW_DATABASE_URL=f"sqlite:///{store}", WORKFLOW_HANDLERS="tests.webapp.server.hurried"
    )


@pytest.fixture
def connect(service: Service) -> Iterator[Callable[..., socket.socket]]:
    """Connect, if need be with a small buffer for what isn't read."""
    with ExitStack() as opened:

        def connect(buffer: int | None = None) -> socket.socket:
            connection = opened.enter_context(socket.socket())
            if buffer is not None:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            connection.settimeout(10)
            connection.connect(("127.0.0.1", service.port))
            return connection

        yield connect


Connect = Callable[..., socket.socket]


def post(body: bytes, *headers: str, length: int | None = None) -> bytes:
    lines = [
        f"POST {ROUTE} HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        f"Content-Length: {len(body) if length is None else length}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def sync_of(user: str) -> bytes:
    return json.dumps({"user_id": user, "sync_id": "s1"}).encode()


def answer(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Read one answer."""
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(65536)
        if not chunk:
            raise ConnectionResetError
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    while len(body) < int(headers["content-length"]):
        body += connection.recv(65536)
    return int(first.split()[1]), headers, body


def seconds_of_health(service: Service) -> float:
    began = monotonic()
    assert requests.get(f"{service.url}/healthz", timeout=10).status_code == 200
    return monotonic() - began


def seconds_until_end(connection: socket.socket) -> float:
    """Wait until the other side has closed; what it says before is left aside."""
    began = monotonic()
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        pass
    return monotonic() - began


def test_past_the_queues_bound_it_is_503_at_once_and_what_was_accepted_is_answered(
    service: Service, store: Path, connect: Connect, user: str
) -> None:
    connections = [connect() for _ in range(MANY)]
    with closing(sqlite3.connect(store, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for number, connection in enumerate(connections):
            connection.sendall(post(sync_of(f"{user}-{number}")))
        until(lambda: sum(map(_has_come, connections)) >= (MANY - MOST_WAITING) // 2)
        health = seconds_of_health(service)
        early = [connection for connection in connections if _has_come(connection)]
        refused = [answer(connection) for connection in early]
        other.execute("ROLLBACK")
    late = [answer(connection) for connection in connections if connection not in early]

    assert health < 1
    assert {code for code, _, _ in refused} == {503}
    assert all(int(headers["retry-after"]) >= 1 for _, headers, _ in refused)
    assert {json.loads(body)["type"].rpartition("/")[2] for _, _, body in refused} == {"store-unavailable"}
    codes = [code for code, _, _ in late]  # a few may have been sent, but not read, before the end of it
    assert set(codes) <= {200, 503}
    assert codes.count(200) > MOST_WAITING
    with closing(sqlite3.connect(store)) as other:
        users = other.execute("SELECT count(*) FROM users WHERE user_id LIKE ?", [f"{user}-%"]).fetchone()
    assert users == (codes.count(200),)


def _has_come(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return bool(connection.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return False
    finally:
        connection.settimeout(10)


def test_slow_and_silent_senders_of_headers_are_ended_and_hold_up_nobody(
    service: Service, connect: Connect
) -> None:
    silent = [connect() for _ in range(400)]
    slow = [connect() for _ in range(40)]
    began = monotonic()
    ended: dict[socket.socket, float] = {}
    health = []
    for byte in post(b"{}", "X-Slow: " + "x" * 400):
        for connection in [each for each in slow if each not in ended]:
            try:
                connection.sendall(bytes([byte]))
            except OSError:
                ended[connection] = monotonic() - began
        health.append(seconds_of_health(service))
        sleep(0.02)
        if len(ended) == len(slow):
            break

    assert len(ended) == len(slow)
    assert max(ended.values()) < 4
    assert max(health) < 1
    assert all(seconds_until_end(connection) < 3 for connection in silent)
    late = connect()
    sleep(0.5)
    late.sendall(post(sync_of("late")))
    assert answer(late)[0] == 200


def test_a_slow_sender_of_a_body_is_answered_400_and_ended(
    service: Service, connect: Connect, user: str
) -> None:
    trickling, stalled = connect(), connect()
    body = sync_of(user)
    began = monotonic()
    for connection in (trickling, stalled):
        connection.sendall(post(body[:1], length=len(body) + 10_000))
    while not _has_come(trickling):
        trickling.sendall(b" ")
        sleep(0.05)
        assert monotonic() - began < 4
    for connection in (trickling, stalled):
        code, _, told = answer(connection)
        assert code == 400
        assert json.loads(told)["type"].rpartition("/")[2] in ("malformed-body", "invalid-request")
        assert seconds_until_end(connection) < 3
    assert requests.get(f"{service.url}{PREFIX}/status/{user}", timeout=10).status_code == 404


def test_a_large_body_that_comes_at_a_fair_pace_is_taken(connect: Connect, user: str) -> None:
    connection = connect()
    body = sync_of(user) + b" " * 400_000
    connection.sendall(post(b"", length=len(body)))
    for at in range(0, len(body), 25_000):
        connection.sendall(body[at : at + 25_000])
        sleep(0.07)

    assert answer(connection)[0] == 200


def test_a_client_that_takes_its_answer_little_by_little_is_ended(
    service: Service, connect: Connect, user: str
) -> None:
    """It takes something all the while, so that no single wait is long."""
    events = [{"trigger": "sync_complete", "user_id": user, "sync_id": f"s{number}"} for number in range(999)]
    assert requests.post(f"{service.url}{PREFIX}/events", json=events, timeout=10).status_code == 200
    trickling = connect(4096)
    ask = f"GET {PREFIX}/history/{user}?limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    trickling.sendall(ask * MANY_ANSWERS)
    taken = 0
    try:
        for _ in range(30):
            taken += len(trickling.recv(4000))
            sleep(0.2)
        while chunk := trickling.recv(1_000_000):
            taken += len(chunk)
    except ConnectionResetError:
        pass
    whole = connect()
    whole.sendall(ask)
    assert answer(whole)[0] == 200
    assert taken < MANY_ANSWERS * len(events) * 300


def test_clients_that_take_no_answer_or_never_close_hold_up_nobody(
    service: Service, connect: Connect, user: str
) -> None:
    events = [{"trigger": "sync_complete", "user_id": user, "sync_id": f"s{number}"} for number in range(999)]
    assert requests.post(f"{service.url}{PREFIX}/events", json=events, timeout=10).status_code == 200
    taking_nothing = connect(4096)
    ask = f"GET {PREFIX}/history/{user}?limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    taking_nothing.sendall(ask * MANY_ANSWERS)
    never_closing = [connect() for _ in range(10)]
    for number, connection in enumerate(never_closing):
        connection.sendall(post(sync_of(f"{user}-{number}"), "Connection: close"))
        assert answer(connection)[0] == 200
    began = monotonic()
    health = [seconds_of_health(service) for _ in range(5)]
    sleep(max(0.0, 1.8 - (monotonic() - began)))
    received = 0
    try:
        while chunk := taking_nothing.recv(1_000_000):
            received += len(chunk)
    except ConnectionResetError:
        pass

    assert max(health) < 1
    assert 0 < received < MANY_ANSWERS * len(events) * 300
