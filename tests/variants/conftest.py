"""A folder with a module that makes variants, and commands that find it there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from workflow_fsm import Definition, Settings, Workflow
from workflow_fsm.testing import CountedIds, ManualClock

Command = Callable[..., subprocess.CompletedProcess[str]]
Open = Callable[[Definition], Workflow]

SHOP = """
from tests.variants.reviewed import REVIEW, reviewed

lifecycle = reviewed()
retired = reviewed(name="retired review", retired=True)
number = 5

class Lifecycles:
    nested = reviewed(name="nested review")

def made(*, auto_submit, prompt):
    return reviewed(name=f"from {auto_submit} and {prompt}")

def plain():
    return reviewed(name="plainly made")

def failing(*, auto_submit, prompt):
    raise RuntimeError("no such luck")

def invalid():
    return reviewed().variant(name="wrong", cells={"submited": {}})
"""
ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with `shop.py`, where commands are run."""
    (tmp_path / "shop.py").write_text(SHOP, encoding="utf-8")
    return tmp_path


@pytest.fixture
def command(folder: Path) -> Command:
    """Run a command of ours in that folder, as a script would; no other variable of ours is set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WORKFLOW_")}

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        told = {"WORKFLOW_DATABASE_URL": "sqlite:///claims.db", "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
        return subprocess.run(
            [sys.executable, "-P", "-m", "workflow_fsm", *arguments],
            cwd=folder,
            env={**kept, **told, **variables},
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )

    return run


@pytest.fixture
def reopen(store_url: str, clock: ManualClock, ids: CountedIds) -> Open:
    """Open the store, a real one, with a definition."""

    def opened(definition: Definition) -> Workflow:
        return Workflow.open(store_url, definition=definition, settings=Settings(), clock=clock, ids=ids)

    return opened
