"""Two versions of the project: this one, and one of its history, each run as if it were installed."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A service that runs: its first process, and where it listens."""

    process: subprocess.Popen[bytes]
    port: int

    def processes(self) -> list[int]:
        """Give its processes, those that it has forked with it."""
        pid = self.process.pid
        return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]

    def cpu_seconds(self) -> float:
        """Give what its processes had of a processor so far."""
        ticks = 0
        for one in self.processes():
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def switches(self) -> int:
        """Give how often its threads gave up a processor so far, of their own will or not."""
        return sum(self.switches_by_kind())

    def switches_by_kind(self) -> tuple[int, int]:
        """Give how often they gave one up of their own will, and how often not."""
        told = {"voluntary_ctxt_switches": 0, "nonvoluntary_ctxt_switches": 0}
        for one in self.processes():
            for task in Path(f"/proc/{one}/task").iterdir():
                for line in (task / "status").read_text().splitlines():
                    name, _, value = line.partition(":")
                    if name in told:
                        told[name] += int(value)
        willing, unwilling = told.values()
        return willing, unwilling

    def memory_mib(self) -> float:
        """Give what its processes hold of memory; what several share counts once (PSS)."""
        held = 0
        for one in self.processes():
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
            held += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return held / 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version of the project, whose code is in a folder."""

    name: str
    folder: Path

    def environment(self, **given: str) -> dict[str, str]:
        """Give the variables by which its code is found, and none of ours but these."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("WORKFLOW_")}
        path = os.pathsep.join([str(self.folder), str(HERE)])
        return {**kept, "PYTHONPATH": path, "HOST": "127.0.0.1", "PORT": "0", **given}

    def measure(self, what: str, url: str, many: int, seconds: float) -> float:
        """Have its own code do something; give how often a second."""
        done = Path(url.removeprefix("sqlite:///")).with_suffix(".done")
        ran = subprocess.run(
            [sys.executable, "-P", str(HERE / "measured.py"), what, url, str(many), str(seconds)],
            env=self.environment(WORKFLOW_BENCH_DONE=str(done)),
            cwd=self.folder,
            check=True,
            capture_output=True,
            timeout=300,
        )
        return float(json.loads(ran.stdout)["a_second"])

    @contextmanager
    def served(self, log: Path, **variables: str) -> Iterator[Running]:
        """Run its service until the block ends."""
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "workflow_fsm", "serve"],
                env=self.environment(**variables),
                cwd=self.folder,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        try:
            until = monotonic() + 30
            while "\n" not in (said := log.read_text()):
                if process.poll() is not None or monotonic() > until:
                    raise SystemExit(f"{self.name} did not start: {said}")
                sleep(0.01)
            url = json.loads(said.partition("\n")[0])["message"]
            yield Running(process=process, port=int(url.rpartition(":")[2]))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=20)


def this() -> Version:
    """Give this one."""
    return Version(name="now", folder=ROOT)


def of_history(commit: str, folder: Path) -> Version:
    """Put a commit's files into a folder, and see that its code is what is run from there."""
    archived = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True)
    with tarfile.open(fileobj=io.BytesIO(archived.stdout)) as files:
        files.extractall(folder, filter="data")
    version = Version(name=commit, folder=folder)
    found = subprocess.run(
        [sys.executable, "-P", "-c", "import webapp, workflow_fsm.cli; print(webapp.__file__)"],
        env=version.environment(),
        cwd=folder,
        capture_output=True,
        text=True,
    )
    if found.returncode or not found.stdout.startswith(str(folder)):
        raise SystemExit(f"{commit} can't be run with what is installed here: {found.stderr or found.stdout}")
    return version
