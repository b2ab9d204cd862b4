"""The README's claims, tried: its diagram, its `curl` lines against a real service, its library example."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.docs.conftest import blocks
from tests.docs.generate import REFERENCE, ROOT
from tests.webapp.services import Service
from webapp.settings import ServiceSettings
from workflow_fsm import Settings
from workflow_fsm.cli.commands import main
from workflow_fsm.settings import variables

README = ROOT / "README.md"
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def of(language: str) -> list[str]:
    return [block.text for block in blocks(README) if block.language == language]


def test_the_diagram_is_what_graph_prints() -> None:
    assert of("mermaid") == [command("workflow-fsm graph")]


def test_the_commands_shown_do_what_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WORKFLOW_DATABASE_URL", raising=False)
    [commands] = [text for text in of("sh") if "workflow-fsm" in text]
    fired, status, history, _, checked, dead_letters, handlers, forgotten = map(
        command, commands.splitlines()
    )
    assert "deferred" in fired
    assert "unapplied: 12.50 USD" in status
    assert json.loads(history) == {"history": [], "next_cursor": None}
    assert "root: " in checked
    assert "payout_received" in dead_letters
    assert handlers == "no handlers\n"
    assert forgotten.startswith("erased ")


def command(line: str) -> str:
    name, *arguments = shlex.split(line)
    assert name == "workflow-fsm"
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_curl_lines_carry_a_claim_to_paid_and_print_the_status_shown(
    start_service: Callable[..., Service],
) -> None:
    service = start_service()
    webhooks, status = (
        text.replace("127.0.0.1:8000", f"127.0.0.1:{service.port}") for text in of("bash") if "curl" in text
    )
    assert webhooks.count("curl ") == len(webhooks.splitlines()) == 6
    for line in webhooks.splitlines():
        answer = json.loads(bash(line))
        assert answer["status"] == "applied", answer
    printed = bash(status.replace("python3", sys.executable))
    [shown] = of("json")
    assert _INSTANT.sub("INSTANT", printed) == _INSTANT.sub("INSTANT", shown)
    assert json.loads(shown)["state"] == "paid"


def bash(line: str) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", line], capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_library_example_prints_what_stands_below_it(tmp_path: Path) -> None:
    [example] = of("python")
    [printed] = [text for text in of("text") if "deferred" in text]
    assert len([line for line in example.splitlines() if line and "import" not in line]) <= 12
    script = tmp_path / "example.py"
    script.write_text(example)
    done = subprocess.run(
        [sys.executable, "-W", "error", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", printed)


def test_the_variables_listed_are_those_that_are_read_with_their_defaults() -> None:
    read = {*variables(Settings), *variables(ServiceSettings)}
    for page in (README, REFERENCE / "variables.md"):
        rows = dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]+) \|", page.read_text(encoding="utf-8"), re.M))
        assert set(rows) == read
        told = {name: default.strip("`") for name, default in rows.items() if not default.startswith("unset")}
        assert ServiceSettings.from_environment(told) == ServiceSettings()
