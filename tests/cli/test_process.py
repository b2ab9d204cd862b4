"""The command line as a process: on a terminal, in an encoding, until a signal, without the web extra."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
from http.client import HTTPConnection
from pathlib import Path

from tests.cli.conftest import Run, find, process


def test_on_a_terminal_tables_are_drawn(run: Run, path: Path) -> None:
    find(run, "c1")
    ours, theirs = pty.openpty()
    shown = process("status", "u1", "--database", f"sqlite:///{path}", stdout=theirs)
    assert shown.communicate(timeout=20)[1] == b""
    os.close(theirs)
    drawn = os.read(ours, 65536).decode()
    os.close(ours)
    assert shown.returncode == 0
    assert "───" in drawn
    assert "\x1b[" in drawn


def test_output_that_its_encoding_can_t_hold_is_spelled_out(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    code = "import sys; sys.stdout.reconfigure(encoding='ascii'); from workflow_fsm.cli import main; main()"
    told = process(
        "fire", "sync_complete", "ü", "sync_id=s", "--database", url, code=code, stdout=subprocess.PIPE
    )
    out, err = told.communicate(timeout=20)
    assert (told.returncode, err) == (0, b"")
    assert out.startswith(rb"sync_complete of \xfc is applied")


def test_serve_answers_until_it_is_told_to_stop(tmp_path: Path) -> None:
    service = process("serve", "--database", f"sqlite:///{tmp_path / 'served.db'}", stdout=subprocess.PIPE)
    try:
        assert service.stdout is not None
        url = json.loads(service.stdout.readline())["message"].removeprefix("serving on ")
        connection = HTTPConnection("127.0.0.1", int(url.rpartition(":")[2]), timeout=10)
        connection.request("GET", "/readyz")
        assert connection.getresponse().status == 200
        connection.close()
        service.send_signal(signal.SIGTERM)
        assert service.wait(timeout=20) == 0
    finally:
        service.kill()
        service.communicate()
    assert (tmp_path / "served.db").exists()


def test_serve_without_the_web_extra_says_what_to_install(tmp_path: Path) -> None:
    code = "import sys; sys.modules['flask'] = None; from workflow_fsm.cli import main; main()"
    told = process("serve", "--json", code=code, stdout=subprocess.PIPE, cwd=tmp_path)
    out, err = told.communicate(timeout=20)
    assert told.returncode == 2
    assert json.loads(out)["code"] == "web-extra-missing"
    assert err == b"Error: serve needs flask, which is not installed: pip install 'workflow-fsm[web]'\n"
    assert list(tmp_path.iterdir()) == []
