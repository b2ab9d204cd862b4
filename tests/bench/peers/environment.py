"""The peers' own virtual environment, made once, with what the extra `bench` names.

One of them brings a plugin that every run of pytest would load, so they are not put where the tests run.
"""

from __future__ import annotations

import configparser
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
FOLDER = Path(sys.prefix) / "peers"
PYTHON = FOLDER / "bin" / "python"
TRIES = 3
SECONDS = 120


class CannotRun(Exception):
    """A peer can't be installed or run here, for the reason that it gave."""


def requirements() -> list[str]:
    """Give what the extra names."""
    read = configparser.ConfigParser(interpolation=None)
    read.read(ROOT / "setup.cfg")
    return read["options.extras_require"]["bench"].split()


def ready() -> dict[str, str]:
    """Make the environment if it isn't as the extra says; give why what could not be installed couldn't."""
    stamp, wanted = FOLDER / "installed", requirements()
    if stamp.exists() and stamp.read_text().split() == wanted:
        return {}
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(FOLDER)], check=True)
    refused = _install(wanted)
    if refused is None:
        stamp.write_text("\n".join(wanted))
        return {}
    return {one.partition("==")[0]: reason for one in wanted if (reason := _install([one])) is not None}


def run(module: str, *arguments: object) -> dict[str, Any]:
    """Run a peer's script; give the line of JSON that it prints. Raises CannotRun."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WORKFLOW_", "DBOS_"))}
    try:
        ran = subprocess.run(
            [str(PYTHON), "-P", "-m", f"tests.bench.peers.{module}", *map(str, arguments)],
            cwd=ROOT,
            env={**kept, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise CannotRun(f"{module} was not done after {SECONDS} s") from error
    lines = ran.stdout.strip().splitlines()
    if ran.returncode or not lines:
        raise CannotRun((ran.stderr.strip().splitlines() or [f"it ended with {ran.returncode}"])[-1])
    told: dict[str, Any] = json.loads(lines[-1])
    return told


def _install(wanted: list[str]) -> str | None:
    said = ""
    for _ in range(TRIES):
        command = [str(PYTHON), "-m", "pip", "install", "-qq", *wanted]
        ran = subprocess.run(command, capture_output=True, text=True)
        if ran.returncode == 0:
            return None
        said = ran.stderr
    return next((line for line in said.splitlines() if line.startswith("ERROR")), said.strip()[-300:])
