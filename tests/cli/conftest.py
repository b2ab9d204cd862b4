"""The command line, run in this process on a store of its own, or as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from click.testing import CliRunner, Result

from workflow_fsm import Settings, Workflow
from workflow_fsm import testing as stories
from workflow_fsm.cli.commands import main

Run: TypeAlias = Callable[..., Result]


def answer(result: Result) -> Any:
    """Give the one JSON value on stdout."""
    assert result.stdout.endswith("\n")
    assert result.stdout.count("\n") == 1
    return json.loads(result.stdout)


def complaint(result: Result) -> str:
    """Give the one sentence on stderr."""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr.removeprefix("Error: ").rstrip("\n")


def find(run: Run, *claims: str) -> None:
    """Sync, and detect claims."""
    listed = json.dumps([{"claim_id": claim, "amount": "12.50"} for claim in claims])
    assert run("fire", "sync_complete", "u1", "sync_id=s1", "--event-id", "e1").exit_code == 0
    assert run("fire", "detection_complete", "u1", f"claims:={listed}", "--event-id", "e2").exit_code == 0


def process(
    *arguments: str, code: str | None = None, variables: Mapping[str, str] | None = None, **how: Any
) -> subprocess.Popen[bytes]:
    """Start a command as a process; no other variable of ours is set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WORKFLOW_")}
    python_path = os.pathsep.join(part for part in sys.path if part)
    start = ["-m", "workflow_fsm"] if code is None else ["-c", code]
    ours = {"PYTHONPATH": python_path, "COLUMNS": "200", "PORT": "0", "HOST": "127.0.0.1"}
    return subprocess.Popen(
        [sys.executable, *start, *arguments],
        env={**kept, **ours, **(variables or {})},
        stderr=subprocess.PIPE,
        **how,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store is, once somebody fires."""
    return tmp_path / "claims.db"


@pytest.fixture
def run(path: Path) -> Run:
    """Run a command; no other variable of ours is set."""
    ours = {name: None for name in os.environ if name.startswith("WORKFLOW_")}
    environment = {**ours, "WORKFLOW_DATABASE_URL": f"sqlite:///{path}", "HOST": None, "PORT": None}

    def invoke(*arguments: str, given: bytes | None = None, **variables: str) -> Result:
        return CliRunner(env={**environment, **variables}).invoke(
            main, arguments, input=given, prog_name="workflow-fsm"
        )

    return invoke


@pytest.fixture
def store(path: Path) -> Iterator[Workflow]:
    """Give the store that the commands work on, in which an effect is dead after its first try."""
    with stories.open_workflow(f"sqlite:///{path}", settings=Settings(tries=1)) as workflow:
        yield workflow
