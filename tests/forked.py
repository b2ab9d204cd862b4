"""Python processes forked from one that has all of ours imported: the import costs more than most tests do.

Such a process runs a module as `python -m` would, with its own arguments, variables, folder and output.
"""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping
from multiprocessing import get_context
from pathlib import Path

_FORKS = get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.forked", "workflow_fsm.cli", "webapp.serving", "psycopg_pool"])


class Forked:
    """A process that runs, or has ended; its names are those of `subprocess.Popen`."""

    def __init__(
        self,
        *arguments: str,
        env: Mapping[str, str],
        cwd: Path,
        stdout: Path,
        stderr: Path | None = None,
        leads: bool = False,
        afresh: bool = False,
    ) -> None:
        """Run the module that the first argument names; its output is appended to files, one or two.

        `leads`: it leads a process group, which can be signalled as a whole. `afresh`: it imports everything
        itself, where what that does depends on its variables.
        """
        self._errors = stderr or stdout
        files = (str(stdout), str(self._errors))
        for path in (stdout, self._errors):
            path.touch()
        context = get_context("spawn") if afresh else _FORKS
        how = (arguments, dict(env), str(cwd), files, leads)
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

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait so many seconds for its end. Raises TimeoutExpired."""
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0)
        return code

    def told(self, timeout: float | None = None) -> str:
        """Wait for its end; give what it wrote to stderr."""
        self.wait(timeout)
        return self._errors.read_text()

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _run(
    arguments: tuple[str, ...], env: dict[str, str], cwd: str, files: tuple[str, str], leads: bool
) -> None:
    if leads:
        os.setsid()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    for standard, path in zip((1, 2), files, strict=True):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(opened, standard)
        os.close(opened)
    here = [] if env.get("PYTHONSAFEPATH") else [cwd]
    sys.path[:0] = [*here, *filter(None, env.get("PYTHONPATH", "").split(os.pathsep))]
    sys.argv = list(arguments)
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
