"""A real service on a real port, a caller of it, and the app alone where no socket matters."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import Message
from functools import cache
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeAlias

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import Clock
from tests.webapp.keys import ALL
from webapp import create_app
from webapp.webhooks import PREFIX
from workflow_fsm import Settings, Workflow

_users = count(1)


def until(holds: Callable[[], object], *, seconds: float = 10) -> None:
    """Wait until something holds; fail where it never does."""
    end = monotonic() + seconds
    while not holds():
        assert monotonic() < end, "it never came to hold"
        sleep(0.02)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A running service; its log goes to a file."""

    process: subprocess.Popen[bytes]
    log: Path
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def line_of(self, path: str) -> dict[str, Any]:
        """Give the log's line of the one request to that path; it is written just after the answer."""
        until(lambda: any(line.get("path") == path for line in self.lines()), seconds=5)
        [line] = [line for line in self.lines() if line.get("path") == path]
        return line

    def get_raw(self, target: str) -> tuple[int, Any]:
        """GET a request target as it is spelled: clients' own tidying of paths left out."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", target)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()


class Api:
    """Calls the routes of one service under their short names."""

    def __init__(self, url: str) -> None:
        self._prefix = url + PREFIX
        self._session = requests.Session()

    def post(self, route: str, body: object = None, **how: Any) -> requests.Response:
        if body is not None:
            how["json"] = body
        return self._session.post(f"{self._prefix}/{route}", timeout=10, **how)

    def get(self, route: str, **query: object) -> requests.Response:
        return self._session.get(f"{self._prefix}/{route}", params=dict(query), timeout=10)  # type: ignore[arg-type]

    def close(self) -> None:
        self._session.close()


class Outside:
    """A service elsewhere, on a real port: keeps what it is posted, and answers what it is told to."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, Message, Any]] = []
        self._how: dict[str, Any] = {"status": 200}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def answer(
        self, status: int, *, endless: bool = False, torn: bool = False, after_seconds: float = 0
    ) -> None:
        """Answer so from now on: with a body that never ends, that breaks off, or late."""
        self._how = {"status": status, "endless": endless, "torn": torn, "after_seconds": after_seconds}

    def wait_for(self, count: int, seconds: float = 10) -> list[tuple[str, Message, Any]]:
        """Wait until it was posted to so often; give path, headers and JSON of each."""
        until(lambda: len(self.posted) >= count, seconds=seconds)
        return self.posted

    def close(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outside = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                how = outside._how
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outside.posted.append((self.path, self.headers, json.loads(body)))
                sleep(how.get("after_seconds", 0))
                self.send_response(how["status"])
                if not how.get("endless"):
                    self.send_header("Content-Length", "100" if how.get("torn") else "0")
                self.end_headers()
                with suppress(OSError):
                    while how.get("endless"):
                        self.wfile.write(b"x" * 1000)
                self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@pytest.fixture
def store_url(sqlite_url: str) -> str:
    """One kind of store is enough at the edges; the stories are told on each."""
    return sqlite_url


class Processes:
    """Processes that run `serve`, each on a store of its own; those told to end are waited for last."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self._folders = folders
        self._begun: list[subprocess.Popen[bytes]] = []

    def start(self, log: Path, **environment: str) -> subprocess.Popen[bytes]:
        """Start one; its log goes to a file."""
        folder = self._folders.mktemp("service")
        ours = ("WORKFLOW_", "INTEGRATIONS_", "PYTHON_API_URL")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        given = {
            "WORKFLOW_DATABASE_URL": f"sqlite:///{folder / 'workflow.db'}",
            "HOST": "127.0.0.1",
            "PORT": "0",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        }
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "workflow_fsm", "serve"],
                env={**kept, **given, **environment},
                cwd=folder,
                stdout=out,
                stderr=subprocess.PIPE,
            )
        self._begun.append(process)
        return process

    def serve(self, **environment: str) -> Service:
        """Start one, and wait until it says where it listens."""
        log = self._folders.mktemp("log") / "out.log"
        process = self.start(log, **environment)
        end = monotonic() + 20
        while monotonic() < end and process.poll() is None:
            first = log.read_text().partition("\n")
            if first[1]:
                url = json.loads(first[0])["message"].removeprefix("serving on ")
                return Service(process=process, log=log, port=int(url.rpartition(":")[2]))
            sleep(0.01)
        process.kill()
        raise AssertionError(f"no service came up: {process.communicate()[1].decode()}")

    @contextmanager
    def no_longer_than(self) -> Iterator[Processes]:
        """Tell those to end behind a block that were started in it; it may take them a second."""
        before = len(self._begun)
        yield self
        for process in self._begun[before:]:
            process.send_signal(signal.SIGINT)

    def wait(self) -> None:
        """Wait for the end of all."""
        for process in self._begun:
            process.communicate()


Start: TypeAlias = Callable[..., subprocess.Popen[bytes]]
StartService: TypeAlias = Callable[..., Service]


@pytest.fixture(scope="session")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """All services of a run."""
    begun = Processes(tmp_path_factory)
    with begun.no_longer_than():
        yield begun
    begun.wait()


@pytest.fixture
def start_process(processes: Processes) -> Iterator[Start]:
    """Start `serve` in a process of its own, on a store of its own, for one test."""
    with processes.no_longer_than():
        yield processes.start


@pytest.fixture
def start_service(processes: Processes) -> Iterator[StartService]:
    """Start a service for one test, and wait until it says where it listens."""
    with processes.no_longer_than():
        yield processes.serve


@pytest.fixture(scope="module")
def start_shared(processes: Processes) -> Iterator[StartService]:
    """The same for all tests of a file."""
    with processes.no_longer_than():
        yield processes.serve


@pytest.fixture(scope="session")
def server(processes: Processes) -> Service:
    """One service for all the tests that bring users of their own."""
    return processes.serve()


@pytest.fixture
def api(server: Service) -> Iterator[Api]:
    caller = Api(server.url)
    yield caller
    caller.close()


@pytest.fixture
def outside() -> Iterator[Outside]:
    other = Outside()
    yield other
    other.close()


@pytest.fixture
def user() -> str:
    """Name a user whom no other test knows."""
    return f"user-{os.getpid()}-{next(_users)}"


@pytest.fixture
def open_workflow(clock: Clock, ids: Callable[[], str]) -> Iterator[Callable[..., Workflow]]:
    """Open a workflow in memory with these variables set."""
    opened: list[Workflow] = []

    def make(**environment: str) -> Workflow:
        settings = Settings.from_environment(environment)
        opened.append(Workflow.open("sqlite:///:memory:", settings=settings, clock=clock, ids=ids))
        return opened[-1]

    yield make
    for workflow in opened:
        workflow.close()


@pytest.fixture
def guarded(open_workflow: Callable[..., Workflow]) -> FlaskClient:
    """The app with all three secrets set."""
    return create_app(open_workflow(**ALL)).test_client()


@pytest.fixture(scope="module")
def standing() -> Iterator[tuple[list[Clock], Callable[..., FlaskClient]]]:
    """Make an app for each choice of variables, once a file, and hold that nothing was left in it."""
    clocks = [Clock()]
    opened: list[Workflow] = []

    @cache
    def app_of(environment: frozenset[tuple[str, str]]) -> Flask:
        settings = Settings.from_environment(dict(environment))
        opened.append(Workflow.open("sqlite:///:memory:", settings=settings, clock=lambda: clocks[0]()))
        return create_app(opened[-1])

    yield clocks, lambda **environment: app_of(frozenset(environment.items())).test_client()
    for workflow in opened:
        assert workflow.check().received == 0
        workflow.close()


@pytest.fixture
def visit(
    standing: tuple[list[Clock], Callable[..., FlaskClient]], clock: Clock
) -> Callable[..., FlaskClient]:
    """Give a client of an app with these variables set, for those who leave nothing in it."""
    clocks, client_of = standing
    clocks[0] = clock
    return client_of


@pytest.fixture
def refusing(visit: Callable[..., FlaskClient]) -> FlaskClient:
    """The app with all three secrets set, for those who leave nothing in it."""
    return visit(**ALL)


@pytest.fixture
def client(workflow: Workflow) -> FlaskClient:
    return create_app(workflow).test_client()
