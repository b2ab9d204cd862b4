"""The command line, run in this process on a store of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from click.testing import CliRunner, Result

from workflow_fsm.cli import main

Run: TypeAlias = Callable[..., Result]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store is, once somebody fires."""
    return tmp_path / "claims.db"


@pytest.fixture
def run(path: Path) -> Run:
    """Run a command; no other variable of ours is set."""
    environment = {
        "WORKFLOW_DATABASE_URL": f"sqlite:///{path}",
        "WORKFLOW_DEFER_TTL": None,
        "HOST": None,
        "PORT": None,
    }

    def invoke(*arguments: str, given: bytes | None = None, **variables: str) -> Result:
        return CliRunner(env={**environment, **variables}).invoke(
            main, arguments, input=given, prog_name="workflow-fsm"
        )

    return invoke
