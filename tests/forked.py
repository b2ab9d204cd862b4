"""Python processes forked from one that has all of ours imported: the import costs more than most tests do.

Such a process runs a module as `python -m` would, with its own arguments, variables, folder and output.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from time import monotonic, sleep

_FORKS = get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.forked", "workflow_fsm.cli", "webapp.server.serving", "psycopg_pool"])
_OURS = ("WORKFLOW_", "INTEGRATIONS_", "PYTHON_API_URL", "HOST", "PORT")
"""How the variables begin that the product reads: none is inherited."""


class Forked:
    """A process that runs, or has ended; its names are those of `subprocess.Popen`."""

    def __init__(
        self,
        *arguments: str,
        cwd: Path,
        stdout: Path,
        stderr: Path | None = None,
        variables: Mapping[str, str],
        leads: bool = False,
        afresh: bool = False,
    ) -> None:
        """Run the module that the first argument names; its output is appended to files, one or two.

        `leads`: it is killed with all that it starts. `afresh`: it imports everything itself, where what that
        does depends on its variables.
        """
        self._out, self._errors, self._leads = stdout, stderr or stdout, leads
        self._out.touch()
        self._errors.touch()
        self._begins = self._out.stat().st_size
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        context = get_context("spawn") if afresh else _FORKS
        how = (arguments, kept | dict(variables), cwd, (self._out, self._errors), leads)
        self._process = context.Process(target=_run, args=how, daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """What it ended with, or minus the signal that ended it; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait so many seconds for its end. Raises TimeoutExpired."""
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0)
        return self.returncode

    def complaint(self, timeout: float | None = None) -> str:
        """Wait for its end; give what it wrote to stderr."""
        self.wait(timeout)
        return self._errors.read_text()

    def port(self, seconds: float = 30) -> int:
        """Wait until it says where it serves."""
        return int(self.said("serving on ", seconds).rpartition(":")[2])

    def said(self, beginning: str, seconds: float = 30) -> str:
        """Wait until it has logged a message that begins so; give that."""
        end = monotonic() + seconds
        while monotonic() < end and self.returncode is None:
            *lines, _ = self._out.read_bytes()[self._begins :].split(b"\n")
            for message in (str(json.loads(line)["message"]) for line in lines):
                if message.startswith(beginning):
                    return message
            sleep(0.01)
        self.kill()
        raise AssertionError(f"never said: {beginning}; but: {self._out.read_text()}{self.complaint()}")

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        if self._leads and self.returncode is None:
            with suppress(ProcessLookupError):  # it was begun so lately that it leads nobody yet
                os.killpg(self.pid, signal.SIGKILL)
        self.send_signal(signal.SIGKILL)


def _run(
    arguments: tuple[str, ...], variables: dict[str, str], cwd: Path, files: tuple[Path, Path], leads: bool
) -> None:
    if leads:
        os.setsid()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(variables)
    for standard, path in zip((1, 2), files, strict=True):
        with path.open("ab") as opened:
            os.dup2(opened.fileno(), standard)
    here = [] if variables.get("PYTHONSAFEPATH") else [str(cwd)]
    sys.path[:0] = [*here, *filter(None, variables.get("PYTHONPATH", "").split(os.pathsep))]
    sys.argv = list(arguments)
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
