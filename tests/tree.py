"""Copies of this tree, in which something may be broken without a trace here, and tests be run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_OURS = ("WORKFLOW_", "PYTEST_", "COV_", "COVERAGE_")


def files() -> list[str]:
    """Name the files of the tree, those that are not yet committed among them."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    return [name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


@contextmanager
def copied() -> Iterator[Path]:
    """Copy the tree into a folder of its own, outside of any repository, for as long as a block takes."""
    with tempfile.TemporaryDirectory(prefix="tree-") as folder:
        copy = Path(folder)
        for name in files():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
        yield copy


def run_tests(copy: Path, tests: Sequence[str], *options: str, seconds: float = 1800) -> tuple[int, str]:
    """Run some tests of a copy, on its own code; give how pytest ended, and what it said."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--no-header", "--tb=line", *options, *tests],
        cwd=copy,
        env={**kept, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=seconds,
        check=False,
    )
    return done.returncode, done.stdout
