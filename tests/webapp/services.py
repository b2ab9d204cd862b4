"""Real services in processes of their own, on real ports: started for a test, for a file, or for all."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeAlias

import pytest

from tests.forked import Forked


def until(holds: Callable[[], object], *, seconds: float = 10) -> None:
    """Wait until something holds; fail where it never does."""
    end = monotonic() + seconds
    while not holds():
        assert monotonic() < end, "it never came to hold"
        sleep(0.02)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A running service; its log goes to a file."""

    process: Forked
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


class Processes:
    """Processes that run `serve`, each on a store of its own; those told to end are waited for last."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self._folders = folders
        self._begun: list[Forked] = []

    def start(self, log: Path, **environment: str) -> Forked:
        """Start one; its log goes to a file, and what it says on stderr to another beside it."""
        folder = self._folders.mktemp("service")
        given = {
            "WORKFLOW_DATABASE_URL": f"sqlite:///{folder / 'workflow.db'}",
            "HOST": "127.0.0.1",
            "PORT": "0",
        }
        process = Forked(
            *("workflow_fsm", "serve"),
            cwd=folder,
            stdout=log,
            stderr=log.with_suffix(".stderr"),
            variables=given | environment,
            afresh="PROMETHEUS_MULTIPROC_DIR" in environment,  # read while Prometheus's client is imported
        )
        self._begun.append(process)
        return process

    def serve(self, **environment: str) -> Service:
        """Start one, and wait until it says where it listens."""
        log = self._folders.mktemp("log") / "out.log"
        process = self.start(log, **environment)
        return Service(process=process, log=log, port=process.port())

    @contextmanager
    def no_longer_than(self) -> Iterator[Processes]:
        """Give one to start them by that tells its own to end behind a block; it may take them a second."""
        own = Processes(self._folders)
        yield own
        self._begun += own._begun
        for process in own._begun:
            process.send_signal(signal.SIGINT)

    def wait(self) -> None:
        """Wait for the end of all."""
        for process in self._begun:
            process.wait()


Start: TypeAlias = Callable[..., Forked]
StartService: TypeAlias = Callable[..., Service]


@pytest.fixture(scope="session")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """All services of a run."""
    all_of_them = Processes(tmp_path_factory)
    with all_of_them.no_longer_than() as begun:
        yield begun
    all_of_them.wait()


@pytest.fixture
def start_process(processes: Processes) -> Iterator[Start]:
    """Start `serve` in a process of its own, on a store of its own, for one test."""
    with processes.no_longer_than() as own:
        yield own.start


@pytest.fixture
def start_service(processes: Processes) -> Iterator[StartService]:
    """Start a service for one test, and wait until it says where it listens."""
    with processes.no_longer_than() as own:
        yield own.serve


@pytest.fixture(scope="module")
def start_shared(processes: Processes) -> Iterator[StartService]:
    """The same for all tests of a file."""
    with processes.no_longer_than() as own:
        yield own.serve


@pytest.fixture(scope="session")
def server(processes: Processes) -> Service:
    """One service for all the tests that bring users of their own."""
    return processes.serve()
