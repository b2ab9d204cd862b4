"""Serving: how the service starts, what it refuses to start on, and how it ends."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from time import monotonic, sleep

import pytest
import requests

from tests.webapp.conftest import Api
from tests.webapp.services import Service, Start, until
from webapp.server.serving import exposed
from webapp.server.startup import REFUSED, UNAVAILABLE
from webapp.settings import ServiceSettings

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="done on Linux only")


def fail(start_process: Start, log: Path, **environment: str) -> tuple[int, str]:
    process = start_process(log, **environment)
    return process.wait(timeout=20), process.complaint()


def workers(server: Service) -> list[int]:
    pid = server.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_the_start_is_one_line_with_the_url(server: Service) -> None:
    said = [line["message"] for line in server.lines() if "message" in line]

    assert said == [f"serving on {server.url}"]


@on_linux
def test_the_worker_is_pinned_to_one_core(server: Service, api: Api) -> None:
    api.get("health")

    [worker] = workers(server)
    assert len(os.sched_getaffinity(worker)) == 1
    assert os.sched_getaffinity(server.process.pid) == os.sched_getaffinity(0)


def test_the_worker_beside_the_service_has_as_many_threads_as_it_is_told(
    start_service: Callable[..., Service],
) -> None:
    service = start_service(WORKFLOW_EFFECT_THREADS="3")

    def working() -> bool:
        told = requests.get(f"{service.url}/metrics", timeout=10).text
        return 'workflow_worker_threads{standing="working"} 3.0' in told

    until(working)


@pytest.mark.parametrize(("method", "body"), [("GET", b'{"status":"ok"}'), ("HEAD", b"")])
def test_an_answer_comes_in_one_piece(server: Service, method: str, body: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(f"{method} /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        head, end, came = client.recv(65536).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 200 OK")
    assert (end, came) == (b"\r\n\r\n", body)


def test_a_port_in_use_ends_the_start_with_a_sentence(
    start_process: Start, server: Service, tmp_path: Path
) -> None:
    code, told = fail(start_process, tmp_path / "log", PORT=str(server.port))

    assert code == UNAVAILABLE
    assert told.count("\n") == 1
    assert f"port {server.port} of 127.0.0.1" in told


def test_a_port_that_is_let_go_within_a_second_is_waited_for(start_process: Start, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        process = start_process(tmp_path / "log", PORT=str(port))
        sleep(0.4)
        assert process.returncode is None

    assert process.port() == port


def test_a_store_that_is_refused_ends_the_start_with_a_sentence(start_process: Start, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("This is no database, and never was one.\n" * 100)
    url = f"sqlite:///{tmp_path / 'notes.txt'}"
    code, told = fail(start_process, tmp_path / "log", WORKFLOW_DATABASE_URL=url)

    assert code in (REFUSED, UNAVAILABLE)
    assert told.count("\n") == 1
    assert "notes.txt" in told


def test_an_address_that_others_reach_is_refused_while_nobody_needs_credentials(
    start_process: Start, tmp_path: Path
) -> None:
    code, told = fail(start_process, tmp_path / "log", HOST="0.0.0.0")

    assert code == REFUSED
    assert told.count("\n") == 1
    for variable in ("WORKFLOW_WEBHOOK_SECRETS", "WORKFLOW_API_TOKEN", "WORKFLOW_JWT_SECRET"):
        assert variable in told


def test_a_host_that_is_no_address_ends_the_start_with_a_sentence(
    start_process: Start, tmp_path: Path
) -> None:
    code, told = fail(start_process, tmp_path / "log", HOST="no host")

    assert code == REFUSED
    assert told.count("\n") == 1
    assert "HOST=no host" in told


@pytest.mark.parametrize(
    ("host", "is_exposed"),
    [
        ("127.0.0.1", False),
        ("127.0.0.2", False),
        ("localhost", False),
        ("::1", False),
        ("::ffff:127.0.0.1", False),
        ("0.0.0.0", True),
        ("::", True),
        ("192.0.2.1", True),
        ("", True),
    ],
)
def test_only_loopback_addresses_are_not_exposed(host: str, is_exposed: bool) -> None:
    assert exposed(replace(ServiceSettings.from_environment({}), host=host)) is is_exposed


def test_sigterm_ends_it_within_seconds_and_loses_no_answer(start_service: Callable[..., Service]) -> None:
    service = start_service()

    def post(number: int) -> int | None:
        api = Api(service.url)
        try:
            return api.post("sync/complete", {"user_id": f"u{number}"}).status_code
        except OSError:
            return None  # it came after the end
        finally:
            api.close()

    with ThreadPoolExecutor(8) as pool, socket.create_connection(("127.0.0.1", service.port)):
        answers = [pool.submit(post, number) for number in range(120)]
        answers[8].result()
        began = monotonic()
        service.process.send_signal(signal.SIGTERM)
        service.process.wait(timeout=10)
        seconds = monotonic() - began
        codes = [answer.result() for answer in answers]

    assert seconds < 6
    assert service.process.returncode == 0
    assert set(codes) <= {200, None}
    assert 200 in codes
    taken = [line["user_id"] for line in service.lines() if line.get("outcome") == "applied"]
    assert len(taken) == codes.count(200)


def test_a_worker_that_is_killed_is_replaced(start_service: Callable[..., Service]) -> None:
    service = start_service()
    api = Api(service.url)
    try:
        assert api.post("sync/complete", {"user_id": "u"}).status_code == 200
        [worker] = workers(service)
        os.kill(worker, signal.SIGKILL)
        until(lambda: workers(service) not in ([], [worker]))
        api.close()
        assert api.get("status/u").status_code == 200
    finally:
        api.close()


@on_linux
def test_a_service_that_is_killed_starts_again_at_once_and_knows_what_it_acknowledged(
    start_service: Callable[..., Service], tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'workflow.db'}"
    service = start_service(WORKFLOW_DATABASE_URL=url)
    api = Api(service.url)
    try:
        assert api.post("sync/complete", {"user_id": "u"}).status_code == 200
        service.process.kill()
        service.process.wait()
        start_service(WORKFLOW_DATABASE_URL=url, PORT=str(service.port))
        api.close()
        assert api.get("status/u").json()["state"] == "synced"
    finally:
        api.close()
