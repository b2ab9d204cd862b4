"""The how-to on following a user: its client is run by Node.js where that has `WebSocket`, else compiled."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.conftest import blocks
from tests.docs.generate import DOCS
from tests.webapp.services import Service

PAGE = DOCS / "how-to" / "follow-a-user-live.md"
NODE = shutil.which("node")
HERE = "http://127.0.0.1:8000"

pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(NODE is None, reason="Node.js is not installed"),
]


def of(language: str) -> str:
    return "\n".join(block.text for block in blocks(PAGE) if block.language == language)


def has_websocket() -> bool:
    asked = [str(NODE), "-p", "typeof WebSocket"]
    return subprocess.check_output(asked, text=True).strip() == "function"


def test_the_client_compiles(tmp_path: Path) -> None:
    script = tmp_path / "follow.mjs"
    script.write_text(of("js"))

    assert subprocess.run([str(NODE), "--check", script], timeout=20, check=False).returncode == 0


def test_the_client_prints_what_the_page_shows(tmp_path: Path, start_service: Callable[..., Service]) -> None:
    if not has_websocket():
        pytest.skip("this Node.js has no WebSocket: install version 22 or newer")
    service = start_service()
    shown = of("text").splitlines()
    script = tmp_path / "follow.mjs"
    script.write_text(of("js").replace(HERE, service.url))
    with subprocess.Popen([str(NODE), script], stdout=subprocess.PIPE, text=True) as client:
        try:
            for line in of("sh").replace(HERE, service.url).splitlines():
                subprocess.run(["bash", "-c", line], check=True, capture_output=True, timeout=20)
            assert client.stdout is not None
            printed = [client.stdout.readline().rstrip("\n") for _ in shown]
        finally:
            client.kill()

    assert printed == shown
