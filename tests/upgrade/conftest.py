"""Versions beside each other on one store: copies of this one with more migrations, and the first edition."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

import workflow_fsm
from tests.stores.postgres.server import Server

ROOT = Path(workflow_fsm.__file__).parent.parent
FIRST_EDITION = "1d437098f10577f2c1392ffb570fce1eb31e757f"
"""The commit that the first edition was released from."""
EXPANDS = """
-- migration: 9001_expand_note

ALTER TABLE lifecycles ADD COLUMN note $text;

-- migration: 9002_expand_history_by_time

CREATE INDEX history_by_time ON history (user_id, at);
"""
CONTRACTS = """
-- migration: 9003_contract_9001_note

ALTER TABLE lifecycles DROP COLUMN note;
"""


class Load:
    """A process of some version under load, and what it said so far."""

    def __init__(self, folder: Path, url: str, name: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "load.py"), str(folder), url, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        )
        self.acknowledged: list[Mapping[str, str]] = []
        self.stopped: list[Mapping[str, str]] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            told = json.loads(line)
            if "acknowledged" in told:
                self.acknowledged.append(told["acknowledged"])
            elif "stopped" in told:
                self.stopped.append(told)

    def goes_on(self, many: int = 15) -> bool:
        """Wait until so many more events are acknowledged; tell whether they were."""
        wanted = len(self.acknowledged) + many
        until = monotonic() + 60
        while len(self.acknowledged) < wanted and self.process.poll() is None and monotonic() < until:
            sleep(0.02)
        return len(self.acknowledged) >= wanted

    def wait(self) -> None:
        """Wait until it ends by itself."""
        self.process.wait(timeout=90)
        self._reader.join()

    def end(self) -> None:
        """Have it end, with what it has begun."""
        if self.process.stdin is not None and not self.process.stdin.closed:
            self.process.stdin.close()
        try:
            self.wait()
        finally:
            self.process.kill()
            if self.process.stdout is not None:
                self.process.stdout.close()


@pytest.fixture
def load() -> Iterator[Callable[..., Load]]:
    """Starts processes of some version on a store, which end with the test."""
    started: list[Load] = []

    def begin(folder: Path, url: str, name: str) -> Load:
        started.append(Load(folder, url, name))
        return started[-1]

    yield begin
    for one in started:
        one.end()


@pytest.fixture(scope="session")
def versions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """This version; one with two migrations more, which only add; and one with a third, which takes away."""
    home = tmp_path_factory.mktemp("versions")
    found = {"this": ROOT}
    for name, more in {"expanding": EXPANDS, "contracting": EXPANDS + CONTRACTS}.items():
        shutil.copytree(ROOT / "workflow_fsm", home / name / "workflow_fsm")
        with (home / name / "workflow_fsm/stores/ddl.sql").open("a", encoding="utf-8") as ddl:
            ddl.write(more)
        found[name] = home / name
    return found


@pytest.fixture(scope="session")
def first_edition(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first edition's package, out of the history that this checkout came with."""
    home = tmp_path_factory.mktemp("first_edition")
    archive = home / "package.tar"
    asked = ["git", "archive", "-o", str(archive), FIRST_EDITION, "workflow_fsm"]
    try:
        subprocess.run(asked, cwd=ROOT, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        told = " ".join(str(getattr(error, "stderr", None) or error).split())
        pytest.skip(f"no first edition to run beside this one: commit {FIRST_EDITION} isn't here ({told})")
    shutil.unpack_archive(archive, home, filter="data")
    return home


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of what is to be a store, of each kind in turn: nobody has opened it yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'claims.db'}"
        return
    postgres: Server = request.getfixturevalue("postgres")
    name = postgres.make()
    yield postgres.url(name)
    postgres.drop(name)


def command(folder: Path, *arguments: str, **variables: Any) -> subprocess.CompletedProcess[str]:
    """Run a command of some version."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WORKFLOW_")}
    return subprocess.run(
        [sys.executable, "-m", "workflow_fsm", *arguments],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(folder), **variables},
        capture_output=True,
        text=True,
        timeout=90,
    )
