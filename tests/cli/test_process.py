"""The command line as a process: on a terminal, in an encoding, until a signal, without the web extra."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.cli.conftest import Run, find, process


def test_the_command_line_reads_in_nothing_that_only_one_command_needs() -> None:
    code = "import json, sys; import workflow_fsm.cli.commands; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True)
    assert {"pytest", "flask", "psycopg", "http.client"}.isdisjoint(json.loads(done.stdout))


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


def drawn(*arguments: str, columns: int) -> str:
    """Run a command on a terminal so wide; give what it draws, without its colours."""
    ours, theirs = pty.openpty()
    shown = process(*arguments, stdout=theirs, variables={"COLUMNS": str(columns)})
    assert shown.communicate(timeout=20)[1] == b""
    os.close(theirs)
    told = b""
    with suppress(OSError):  # how a terminal that was closed ends
        while piece := os.read(ours, 65536):
            told += piece
    os.close(ours)
    return re.sub("\x1b\\[[0-9;]*m", "", told.decode().replace("\r\n", "\n"))


def test_at_80_columns_no_id_is_broken_in_any_table(run: Run, path: Path) -> None:
    """ "at 80 columns ids wrap and can't be copied" """
    long = "amzn1.claim.0123456789abcdef0123456789abcdef"
    find(run, long)
    event = "msg_2Lb7VhzXkQ0123456789abcdefghijklmnopqrstuvwxyz"
    run("fire", "payout_received", "u1", f"claim_id={long}", "amount=5", "--event-id", event)
    run("fire", "claim_rejected", "u1", f"claim_id={long}", "--event-id", f"{event}-no")
    run("fire", "payout_received", "u1", "amount=5", "case_id=k9", "--event-id", f"{event}-waits")
    store = ("--database", f"sqlite:///{path}")
    letters = [one["id"] for one in json.loads(run("deadletters", "--json").stdout)["deadletters"]]
    for command, ids in (
        (("status", "u1"), [long]),
        (("history", "u1"), [long, event]),
        (("deadletters",), [*letters, event]),
        (("claims",), [long]),
        (("money",), [long, event, f"{event}-waits"]),
        (("users",), ["u1"]),
    ):
        lines = drawn(*command, *store, columns=80).splitlines()
        for one in ids:
            assert any(one in line for line in lines), (command, one)


def test_prose_is_wrapped_between_words_where_the_rest_of_a_table_fits(run: Run, path: Path) -> None:
    find(run, "c1")
    run("fire", "detection_complete", "u1", 'claims:=[{"claim_id": "c2"}]', "--event-id", "e9")
    why = "the detector had seen it twice, in two reports of two weeks, and said so too late for the first"
    run("fire", "claim_submitted", "u1", "claim_id=c1", "--event-id", "e8", "--reason", why)
    told = drawn("history", "u1", "--database", f"sqlite:///{path}", columns=150)
    assert "───" in told
    assert why not in told
    assert [word for word in why.split() if word not in told] == []


@pytest.mark.parametrize("command", [("check",), ("history", "u1"), ("claims", "--ndjson")])
def test_a_reader_that_has_gone_ends_a_command_as_other_unix_tools_end(
    run: Run, path: Path, command: tuple[str, ...]
) -> None:
    """ "`check | head -1` ends with 1, which says damaged" """
    find(run, *(f"c{number}" for number in range(50)))
    reader, writer = os.pipe()
    os.close(reader)
    told = process(*command, "--database", f"sqlite:///{path}", stdout=writer)
    os.close(writer)
    _, said = told.communicate(timeout=20)
    assert (told.returncode, said) == (-signal.SIGPIPE, b"")


def test_check_into_head_does_not_say_that_the_store_is_damaged(run: Run, path: Path) -> None:
    find(run, "c1")
    check = f"{sys.executable} -m workflow_fsm check --database sqlite:///{path}"
    line = f"{check} | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, timeout=30, check=False, env=os.environ
    )
    first, code = done.stdout.splitlines()
    assert first.startswith("1 user, ")
    assert code in ("0", "141")
    assert done.stderr == ""
