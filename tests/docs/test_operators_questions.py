"""The how-to on operators' questions: its commands are run in a shell, beside a service."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.docs.conftest import blocks, files
from tests.docs.generate import DOCS
from tests.webapp.services import Service

pytestmark = pytest.mark.timeout(180)  # twenty commands, each a process
PAGE = DOCS / "how-to" / "answer-an-operators-questions.md"
HERE = "http://localhost:8000"
_VARIES = re.compile(
    r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?Z"  # an instant
    r"|\b[0-9a-f]{64}\b|(?<=eff_)[0-9a-f]{40}"  # a root, a key
)


def commands() -> Iterator[tuple[str, str]]:
    """Give each command of the page with what it is shown to print."""
    shown = "\n".join(block.text for block in blocks(PAGE) if block.language == "console")
    for one in re.split(r"^\$ ", shown, flags=re.MULTILINE)[1:]:
        lines = one.rstrip("\n").split("\n")
        last = next(at for at, line in enumerate(lines) if not line.endswith("\\"))
        yield "\n".join(lines[: last + 1]), "\n".join(lines[last + 1 :]).strip("\n")


def alike(text: str) -> str:
    """Give a text without what is another at each run."""
    return _VARIES.sub("…", text)


def test_the_commands_print_what_the_page_shows(
    tmp_path: Path, start_service: Callable[..., Service]
) -> None:
    url = f"sqlite:///{tmp_path / 'workflow.db'}"
    day = files(PAGE)["day.py"].replace("sqlite:///workflow.db", url)
    (tmp_path / "day.py").write_text(day, encoding="utf-8")
    service = start_service(WORKFLOW_DATABASE_URL=url)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WORKFLOW_")}
    environment = {
        **kept,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(part for part in sys.path if part),
        "WORKFLOW_DATABASE_URL": url,
    }
    asked = 0
    for command, shown in commands():
        done = subprocess.run(
            ["bash", "-c", command.replace(HERE, service.url)],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        assert alike(done.stdout.strip("\n")) == alike(shown), command
        asked += 1
    assert asked > 15


@pytest.mark.parametrize("asked", ["owed money", "evt-7 arrive", "stuck", "unapplied", "handler fails"])
def test_each_question_has_a_heading_of_its_own(asked: str) -> None:
    headings = re.findall(r"^## (.*\?)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len([one for one in headings if asked in one]) == 1
