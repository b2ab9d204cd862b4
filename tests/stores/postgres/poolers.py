"""A PgBouncer of the tests' own before a server: in a temporary folder, ended with the block that runs it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.parse import quote

import psycopg

from tests.stores.postgres.server import USER, CannotRun, Server

_CONFIGURATION = """
[databases]
* = host={server} user={user}
[pgbouncer]
listen_addr =
unix_socket_dir = {folder}
auth_type = any
pool_mode = {mode}
logfile = {folder}/log
max_client_conn = 200
default_pool_size = 20
{more}
"""


@contextmanager
def pooled(server: Server, *, mode: str, **settings: object) -> Iterator[str]:
    """Run one, and give the folder of its socket. Raises CannotRun."""
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        raise CannotRun("PgBouncer is missing: on Debian, apt-get install pgbouncer")
    folder = Path(tempfile.mkdtemp(prefix="pooler-"))
    try:
        who: dict[str, Any] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
            who = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        more = "\n".join(f"{name} = {value}" for name, value in settings.items())
        written = _CONFIGURATION.format(server=server.folder, user=USER, folder=folder, mode=mode, more=more)
        (folder / "pgbouncer.ini").write_text(written)
        running = subprocess.Popen(
            [program, "-q", str(folder / "pgbouncer.ini")],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **who,
        )
        try:
            _wait_for(folder, running)
            yield str(folder)
        finally:
            running.terminate()
            running.wait(timeout=10)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def url_through(folder: str, database: str, more: str = "") -> str:
    """Give the URL of a database behind one."""
    return f"postgresql://{USER}@/{database}?host={quote(folder, safe='')}&port=6432{more}"


def _wait_for(folder: Path, running: subprocess.Popen[bytes]) -> None:
    until = monotonic() + 10
    while running.poll() is None and monotonic() < until:
        try:
            psycopg.connect(url_through(str(folder), "postgres")).close()
        except psycopg.OperationalError:
            sleep(0.05)
        else:
            return
    log = folder / "log"
    raise CannotRun(f"PgBouncer doesn't run: {log.read_text() if log.exists() else running.poll()}")
