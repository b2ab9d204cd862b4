"""What is made once for a run of the tests, however many processes they are spread over.

The first process that asks makes it and leaves it in the run's folder; the others wait and read it there.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from filelock import FileLock

T = TypeVar("T")


def once(folders: pytest.TempPathFactory, name: str, make: Callable[[], T]) -> T:
    """Give what was made under a name in this run, by this process or another; else make it."""
    kept = folder_of_run(folders) / f"{name}.pickle"
    with FileLock(f"{kept}.lock"):
        if not kept.exists():
            kept.write_bytes(pickle.dumps(make()))
        made: T = pickle.loads(kept.read_bytes())
        return made


def folder_of_run(folders: pytest.TempPathFactory) -> Path:
    """Give the folder that all processes of a run share: pytest-xdist gives each worker one below it."""
    own = folders.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
