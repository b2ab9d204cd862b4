"""A client of a real service, a service elsewhere, and the app alone where no socket matters."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from email.message import Message
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from time import sleep
from typing import Any

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient

from tests.webapp.http.keys import ALL, Open, OpenApp
from tests.webapp.services import Service, until
from webapp import create_app
from webapp.routes.webhooks import PREFIX
from webapp.settings import ServiceSettings
from workflow_fsm import Settings, Workflow
from workflow_fsm.testing import CountedIds, ManualClock

_users = count(1)


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


@pytest.fixture
def api(server: Service) -> Iterator[Api]:
    client = Api(server.url)
    yield client
    client.close()


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
def open_workflow(clock: ManualClock, ids: CountedIds) -> Iterator[Open]:
    """Open a workflow in memory."""
    opened: list[Workflow] = []

    def make() -> Workflow:
        opened.append(Workflow.open("sqlite:///:memory:", settings=Settings(), clock=clock, ids=ids))
        return opened[-1]

    yield make
    for workflow in opened:
        workflow.close()


@pytest.fixture
def open_app(open_workflow: Open) -> OpenApp:
    """Make an app of a workflow in memory, with these variables set."""

    def make(**environment: str) -> Flask:
        return create_app(open_workflow(), settings=ServiceSettings.from_environment(environment))

    return make


@pytest.fixture
def guarded(open_app: OpenApp) -> FlaskClient:
    """The app with all three secrets set."""
    return open_app(**ALL).test_client()


@pytest.fixture(scope="module")
def standing() -> Iterator[tuple[list[ManualClock], Callable[..., FlaskClient]]]:
    """Make an app for each choice of variables, once a file, and hold that nothing was left in it."""
    clocks = [ManualClock()]
    opened: list[Workflow] = []

    @cache
    def app_of(environment: frozenset[tuple[str, str]]) -> Flask:
        settings = ServiceSettings.from_environment(dict(environment))
        opened.append(Workflow.open("sqlite:///:memory:", settings=Settings(), clock=lambda: clocks[0]()))
        return create_app(opened[-1], settings=settings)

    yield clocks, lambda **environment: app_of(frozenset(environment.items())).test_client()
    for workflow in opened:
        assert workflow.check().received == 0
        workflow.close()


@pytest.fixture
def visit(
    standing: tuple[list[ManualClock], Callable[..., FlaskClient]], clock: ManualClock
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
