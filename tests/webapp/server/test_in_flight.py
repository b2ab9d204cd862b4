"""Bytes in flight: what large bodies may hold at once, and that small ones always have room."""

from __future__ import annotations

import json
import socket
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.webapp.http.keys import NEW, STRANGE, WEBHOOKS, signed
from tests.webapp.server.test_serving import on_linux, workers
from tests.webapp.services import Service, until
from webapp.http.problem_kinds import DOCS
from webapp.http.request_body import MAX_BYTES
from webapp.routes.webhooks import PREFIX
from webapp.server import in_flight
from webapp.server.in_flight import FREE_BYTES, Full, Room

ROUTE = f"{PREFIX}/sync/complete"
MANY = 30


@pytest.fixture
def service(start_service: Callable[..., Service]) -> Service:
    return start_service(**WEBHOOKS)


def body_of(user: str, size: int) -> bytes:
    body = json.dumps({"user_id": user, "sync_id": "s1", "note": ""}).encode()
    return body[:-2] + b"x" * max(0, size - len(body)) + body[-2:]


def post(service: Service, body: bytes, *, of: str = NEW, chunked: bool = False) -> tuple[int, str | None]:
    """Post a signed body; give the answer's code and its Retry-After."""
    now = datetime.now(UTC)  # noqa: TID251 - the service reads the machine's clock
    message_id = f"{threading.get_ident()}-{monotonic()}"
    headers = {"Content-Type": "application/json", **signed(body, now, message_id=message_id, of=of)}
    with closing(HTTPConnection("127.0.0.1", service.port, timeout=60)) as connection:
        told = iter([body]) if chunked else body
        connection.request("POST", ROUTE, told, headers, encode_chunked=chunked)
        response = connection.getresponse()
        return response.status, response.getheader("Retry-After")


def most_resident(service: Service) -> float:
    """Give the most memory, in MiB, that the service's process ever had."""
    [worker] = workers(service)
    lines = Path(f"/proc/{worker}/status").read_text().splitlines()
    [line] = [line for line in lines if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


@on_linux
def test_large_bodies_of_nobody_known_hold_little_and_a_webhook_gets_through(service: Service) -> None:
    """ "60 unsigned requests of 10 MiB took the worker to 709 MB, as bodies are read whole" """
    large, small = body_of("u1", MAX_BYTES), body_of("u2", 100)
    assert post(service, small) == (200, None)
    before = most_resident(service)

    with ThreadPoolExecutor(MANY) as pool:
        refused = [pool.submit(post, service, large, of=STRANGE) for _ in range(MANY)]
        codes = []
        while not all(one.done() for one in refused):
            codes.append(post(service, small)[0])
        told = Counter(one.result()[0] for one in refused)

    assert set(told) <= {401, 503}
    assert told[401] > MANY // 2
    assert set(codes) == {200}
    assert most_resident(service) - before < 60


@on_linux
def test_large_bodies_of_a_sender_who_is_known_are_worked_on_one_by_one(service: Service) -> None:
    """ "twenty good ones at once peak at 845 MB and 407 stay" """
    with ThreadPoolExecutor(10) as pool:
        bodies = [body_of(f"u{number}", MAX_BYTES) for number in range(10)]
        told = list(pool.map(lambda body: post(service, body), bodies))

    assert {code for code, _ in told} <= {200, 503}
    assert (200, None) in told
    assert most_resident(service) < 250


def test_what_comes_slowly_gives_way_to_those_who_wait_and_what_is_small_always_has_room(
    service: Service,
) -> None:
    """Bodies that come slowly hold the room; who waits for it is let in once they have had their time."""
    body = body_of("u1", MAX_BYTES)
    now = datetime.now(UTC)  # noqa: TID251 - the service reads the machine's clock
    lines = {"Host": "localhost", "Content-Type": "application/json", "Content-Length": str(len(body))}
    lines |= signed(body, now)
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    slow = [socket.create_connection(("127.0.0.1", service.port), timeout=30) for _ in range(2)]
    for connection in slow:
        connection.sendall(f"POST {ROUTE} HTTP/1.1\r\n{head}\r\n".encode() + body[:1000])
    sleep(0.5)

    began = monotonic()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(post, service, body_of("u3", 1_000_000))
        while not waiting.done():
            assert post(service, body_of("u2", 100))[0] == 200
            for connection in slow:
                connection.sendall(body[1000:2000])
            sleep(0.2)
        assert waiting.result() == (200, None)
    assert in_flight.PATIENCE_SECONDS - 1 < monotonic() - began < in_flight.WAIT_SECONDS

    answers = [HTTPAnswer(connection) for connection in slow]
    assert 503 in [answer.code for answer in answers if answer.code]
    told = next(answer for answer in answers if answer.code == 503)
    assert json.loads(told.body)["type"] == f"{DOCS}/too-much-at-once"
    assert int(told.headers["retry-after"]) >= 1
    for connection in slow:
        connection.close()


class HTTPAnswer:
    """An answer that may not have come."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(3)
        received = b""
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except OSError:
            pass
        head, _, self.body = received.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        self.code = int(first.split()[1]) if first else 0
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


def test_a_body_of_no_told_length_takes_room_once_it_is_large(service: Service) -> None:
    assert post(service, body_of("u1", 100), chunked=True)[0] == 200
    assert post(service, body_of("u2", MAX_BYTES), chunked=True)[0] == 200
    assert post(service, body_of("u3", MAX_BYTES + 1), chunked=True)[0] == 413


# -- a room


def test_who_waits_first_is_let_in_first_however_large() -> None:
    room = Room(10)
    first = room.enter(10)
    let_in: list[int] = []

    def enter(size: int) -> None:
        place = room.enter(size)
        let_in.append(size)
        place.leave()

    threads = []
    for number, size in enumerate((9, 1, 2), start=1):
        threads.append(threading.Thread(target=enter, args=(size,)))
        threads[-1].start()
        until(lambda many=number: len(room._waiting) == many)  # type: ignore[misc]
    assert let_in == []
    first.leave()
    for thread in threads:
        thread.join()

    assert let_in == [9, 1, 2]


def test_past_so_many_who_wait_it_is_full_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_flight, "MOST_WAITING", 0)
    room = Room(10)

    with pytest.raises(Full, match="0 large bodies wait"):
        room.enter(1)


def test_who_waits_too_long_is_told_so_and_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_flight, "WAIT_SECONDS", 0.05)
    room = Room(10)
    held = room.enter(10)

    with pytest.raises(Full, match="no room"):
        room.enter(1)
    held.leave()
    held.leave()
    assert room.enter(10).is_taken


def test_a_place_that_is_forgotten_is_given_back() -> None:
    room = Room(10)
    room.enter(10)

    assert room.enter(10).is_taken


def test_what_has_come_gives_way_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_flight, "WAIT_SECONDS", 0.2)
    room = Room(10, patience_seconds=0.01)
    here, coming = room.enter(5), room.enter(5)
    here.has_come = True
    sleep(0.05)

    with pytest.raises(Full):
        room.enter(1)
    here.check()
    with pytest.raises(Full, match="too slowly"):
        coming.check()


def test_small_bodies_are_those_of_webhooks() -> None:
    assert len(body_of("u1", 0)) < 100 < FREE_BYTES
