"""A Node.js process that plays the integrations service against a real service process."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.webapp.services import Processes, Service

RUN = Path(__file__).with_name("run.mjs")
OLDEST = 18
"""The first version in which `fetch` is built in."""

Tell: TypeAlias = Callable[[str, str], Any]


@pytest.fixture(scope="session")
def node() -> str:
    """Find Node.js."""
    found = shutil.which("node")
    version = subprocess.check_output([found, "--version"], text=True).strip() if found else None
    if found is None or int((version or "").lstrip("v").partition(".")[0] or 0) < OLDEST:
        pytest.skip(
            f"Node.js is {version or 'missing'}: install version {OLDEST} or newer as `node`, "
            "from https://nodejs.org or by `apt install nodejs`"
        )
    return found


@pytest.fixture(scope="session")
def server(processes: Processes) -> Service:
    """A service of their own: some of their users have names that other tests give theirs."""
    return processes.serve()


@pytest.fixture(scope="session")
def tell(node: str, server: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tell]:
    """Let a Node.js process run a story of one of the .mjs files; give the JSON that it told."""
    errors = tmp_path_factory.mktemp("node") / "stderr"
    with (
        errors.open("wb") as stderr,
        subprocess.Popen(
            [node, RUN, server.url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            encoding="utf-8",
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        stdin, stdout = process.stdin, process.stdout

        def run(file: str, story: str) -> Any:
            stdin.write(f"{file} {story}\n")
            stdin.flush()
            answer = json.loads(stdout.readline() or '{"failed": "the process ended"}')
            assert "failed" not in answer, f"{answer['failed']}\n{errors.read_text()}"
            return answer.get("told")

        yield run
        stdin.close()
