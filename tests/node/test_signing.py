"""What the how-tos tell senders to write, run in a real Node.js process with the packages that they name."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.docs.conftest import blocks
from tests.docs.generate import DOCS
from tests.webapp.http.keys import ALL, API_TOKEN, JWT_SECRET, NEW, OLD, STRANGE
from tests.webapp.services import Service

pytestmark = pytest.mark.node

Run: TypeAlias = Callable[..., str]


@pytest.fixture(scope="session")
def packages(node: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the npm packages that senders use into a folder of its own."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is missing: it comes with Node.js from https://nodejs.org, or by `apt install npm`")
    folder = tmp_path_factory.mktemp("npm")
    asked = ["standardwebhooks@1", "jsonwebtoken@9"]
    options = ["--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts"]
    try:
        done = subprocess.run(
            [npm, "install", *options, *asked],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=40,
            check=False,
        )
    except subprocess.TimeoutExpired:
        pytest.skip("npm could not install standardwebhooks and jsonwebtoken within 40 seconds")
    if done.returncode != 0:
        pytest.skip(f"npm could not install standardwebhooks and jsonwebtoken: {done.stderr.strip()[-200:]}")
    return folder


@pytest.fixture(scope="module")
def closed(start_shared: Callable[..., Service]) -> Service:
    """A service that asks for credentials."""
    return start_shared(**ALL)


@pytest.fixture
def run(node: str, packages: Path, closed: Service) -> Run:
    """Run a script beside the packages; give what it prints."""

    def run_script(script: str, **environment: str) -> str:
        file = packages / "script.mjs"
        file.write_text(script, encoding="utf-8")
        done = subprocess.run(
            [node, file],
            env={"PATH": os.environ["PATH"], "WORKFLOW_URL": closed.url, **environment},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run_script


def of(page: str, language: str) -> list[str]:
    return [block.text for block in blocks(DOCS / "how-to" / page) if block.language == language]


@pytest.mark.parametrize(
    ("page", "environment"),
    [("sign-from-nodejs.md", {"WEBHOOK_SECRET": NEW}), ("call-with-a-jwt.md", {"JWT_SECRET": JWT_SECRET})],
)
def test_a_how_to_prints_what_it_shows(run: Run, page: str, environment: dict[str, str]) -> None:
    assert run("\n".join(of(page, "js")), **environment) == "".join(of(page, "text"))


SEND = """
const told = []
for (const [id, event] of JSON.parse(process.env.EVENTS)) {
  const { code, answer } = await send('sync/complete', id, event)
  told.push([code, answer.event_id ?? answer.type.split('/').pop()])
}
console.log(JSON.stringify(told))
"""


@pytest.mark.parametrize(("secret", "is_known"), [(NEW, True), (OLD, True), (STRANGE, False)])
def test_what_the_package_signs_is_taken_by_either_secret_and_by_no_other(
    run: Run, secret: str, is_known: bool
) -> None:
    texts = ["plain", "ü…\u2028𝄞", 'quotes " and \\', "", "x" * 100_000]
    events = [
        (f"{secret[6:9]}-{number}", {"user_id": "signed", "sync_id": f"{secret[6:9]}{number}", "note": text})
        for number, text in enumerate(texts)
    ]
    told = json.loads(
        run(of("sign-from-nodejs.md", "js")[0] + SEND, WEBHOOK_SECRET=secret, EVENTS=json.dumps(events))
    )

    assert told == [[200, name] if is_known else [401, "unauthorized"] for name, _ in events]


FORGE = """
import jwt from 'jsonwebtoken'
const key = process.env.JWT_SECRET
const soon = { expiresIn: '1m' }
const tokens = [
  jwt.sign({ sub: 'u9' }, key, soon),
  jwt.sign({ sub: 'u9' }, key),
  jwt.sign({ sub: 'u9' }, key, { expiresIn: -1 }),
  jwt.sign({ sub: 'u9' }, key, { ...soon, algorithm: 'HS512' }),
  jwt.sign({ sub: 'u9' }, null, { ...soon, algorithm: 'none' }),
  jwt.sign({ sub: 'u9' }, key + key, soon),
  jwt.sign({ sub: 'u8' }, key, soon),
  process.env.API_TOKEN,
]
const codes = []
for (const token of tokens) {
  const url = `${process.env.WORKFLOW_URL}/api/v1/workflow/history/u9`
  codes.push((await fetch(url, { headers: { Authorization: `Bearer ${token}` } })).status)
}
console.log(JSON.stringify(codes))
"""


def test_tokens_by_jsonwebtoken_are_taken_with_hs256_and_an_end_alone(run: Run) -> None:
    codes = json.loads(run(FORGE, JWT_SECRET=JWT_SECRET, API_TOKEN=API_TOKEN))

    assert codes == [404, 401, 401, 401, 401, 401, 403, 404]
