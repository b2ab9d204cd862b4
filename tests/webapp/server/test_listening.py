"""A socket that whoever starts the service listens on for it: a restart under load refuses nobody."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from time import sleep

import pytest
import requests

from tests.packaging.conftest import ROOT
from tests.webapp.services import until
from webapp.routes.webhooks import PREFIX
from webapp.server.startup import REFUSED

Begin = Callable[..., "subprocess.Popen[str]"]
AS_SYSTEMD = 'exec env LISTEN_PID=$$ "$@"'
"""Sets the variable that is of this process alone, as systemd does between its fork and the program."""


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Start a service on a socket of ours, as systemd starts one."""
    begun: list[subprocess.Popen[str]] = []

    def start(listener: socket.socket, many: int = 1, **variables: str) -> subprocess.Popen[str]:
        def hand_over() -> None:
            os.dup2(listener.fileno(), 3)

        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LISTEN_FDS": str(many)}
        begun.append(
            subprocess.Popen(
                ["sh", "-c", AS_SYSTEMD, "sh", sys.executable, "-m", "workflow_fsm", "serve"],
                cwd=tmp_path,
                env=environment | variables,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=(3,),
                preexec_fn=hand_over,
                text=True,
            )
        )
        return begun[-1]

    yield start
    for process in begun:
        process.kill()
        process.communicate()


def post(port: int, user: str) -> int:
    """Post over a connection of its own, once."""
    url = f"http://127.0.0.1:{port}{PREFIX}/sync/complete"
    return requests.post(url, json={"user_id": user, "sync_id": "s"}, timeout=40).status_code


def test_a_restart_under_load_refuses_nobody(begin: Begin) -> None:
    """ "Listening sockets from outside (`LISTEN_FDS`), so that a restart refuses nobody" """
    codes: Counter[object] = Counter()
    stop = threading.Event()

    def load(name: int, port: int) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            try:
                codes[post(port, f"u{name}-{number}")] += 1
            except requests.RequestException as error:
                codes[type(error).__name__] += 1

    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        port = listener.getsockname()[1]
        service = begin(listener)
        assert post(port, "first") == 200
        senders = [threading.Thread(target=load, args=(name, port)) for name in range(4)]
        for sender in senders:
            sender.start()
        for _ in range(2):
            before = codes[200]
            until(lambda least=before + 20: codes[200] > least, seconds=30)  # type: ignore[misc]
            service.send_signal(signal.SIGTERM)
            assert service.wait(timeout=20) == 0
            service = begin(listener)
        before = codes[200]
        until(lambda: codes[200] > before + 20, seconds=30)
        stop.set()
        for sender in senders:
            sender.join()

    assert set(codes) == {200}, codes


def test_who_connects_while_nobody_serves_is_answered_once_somebody_does(begin: Begin) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        told: list[int] = []
        early = threading.Thread(target=lambda: told.append(post(port, "early")))
        early.start()
        sleep(0.3)
        begin(listener)
        early.join()

    assert told == [200]


def refused(service: subprocess.Popen[str]) -> str:
    _, told = service.communicate(timeout=30)
    assert service.returncode == REFUSED
    assert told.count("\n") == 1
    return told


def test_a_socket_that_others_reach_is_refused_while_nobody_needs_credentials(begin: Begin) -> None:
    """It counts where the socket listens, whatever HOST says."""
    with socket.create_server(("0.0.0.0", 0)) as listener:
        assert "0.0.0.0 is no loopback address" in refused(begin(listener, HOST="127.0.0.1"))


def test_what_is_no_listening_socket_of_tcp_ends_the_start(begin: Begin, tmp_path: Path) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as local, closing(socket.socket()) as silent:
        local.bind(str(tmp_path / "socket"))
        local.listen()
        for one in (local, silent):
            assert "no listening socket of TCP" in refused(begin(one))


def test_several_sockets_end_the_start_with_a_sentence(begin: Begin) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert "hands over 2 sockets" in refused(begin(listener, many=2))


def test_sockets_of_another_process_are_left_alone(begin: Begin, tmp_path: Path) -> None:
    """A child of what was handed some is told of them, too, by the variables that it inherits."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        process = begin(listener, LISTEN_FDS="0", PORT=str(port))
        until(lambda: process.poll() is not None or _is_open(port), seconds=30)
        assert post(port, "u") == 200


def _is_open(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
