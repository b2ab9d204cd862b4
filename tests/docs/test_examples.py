"""Every example in the docs is run, or at least read: Python sessions, Python, JavaScript, JSON, SQL."""

from __future__ import annotations

import ast
import doctest
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.conftest import PAGES, blocks, files
from tests.docs.generate import DOCS, ROOT
from tests.webapp.services import Service

NODE = shutil.which("node")
WITHOUT = ("-p", "no:cacheprovider", "-p", "no:schemathesis")
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def pages_with(text: str) -> list[Path]:
    return [page for page in PAGES if text in page.read_text(encoding="utf-8")]


def write_files(page: Path, folder: Path) -> None:
    """Write the files that a page shows."""
    for path, text in files(page).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def shown_packages(page: Path) -> set[str]:
    """Name the packages that a page shows files of."""
    return {path.partition("/")[0] for path in files(page) if "/" in path}


@pytest.mark.parametrize("page", pages_with(">>> "), ids=name)
def test_the_sessions_of_a_page_print_what_it_shows(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    write_files(page, tmp_path)
    for variable in [variable for variable in os.environ if variable.startswith("WORKFLOW_")]:
        monkeypatch.delenv(variable)
    text = page.read_text(encoding="utf-8")
    session = doctest.DocTestParser().get_doctest(text, {"__name__": "__main__"}, page.name, str(page), 0)
    told: list[str] = []
    doctest.DocTestRunner(optionflags=OPTIONS).run(session, out=told.append)
    for module in [module for module in sys.modules if module.partition(".")[0] in shown_packages(page)]:
        del sys.modules[module]
    assert not told, "".join(told)


@pytest.mark.parametrize("page", pages_with("```python"), ids=name)
def test_the_python_of_a_page_compiles(page: Path) -> None:
    for block in blocks(page):
        if block.language == "python" and not block.text.startswith(">>> "):
            ast.parse(block.text)


@pytest.mark.parametrize("page", pages_with("# test_"), ids=name)
def test_the_test_files_of_a_page_pass(page: Path, tmp_path: Path) -> None:
    write_files(page, tmp_path)
    tests = [path for path in files(page) if path.startswith("test_")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", *WITHOUT, *tests],
        cwd=tmp_path,
        env={"PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)]), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", pages_with("```json"), ids=name)
def test_the_json_of_a_page_is_json(page: Path) -> None:
    for block in blocks(page):
        if block.language == "json":
            json.loads(block.text)


@pytest.mark.node
@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_the_node_tutorial_prints_what_it_shows(
    tmp_path: Path, start_service: Callable[..., Service]
) -> None:
    tutorial = list(blocks(DOCS / "tutorials" / "nodejs-service.md"))
    script = tmp_path / "tutorial.mjs"
    script.write_text("\n".join(block.text for block in tutorial if block.language == "js"))
    done = subprocess.run(
        [str(NODE), str(script)],
        env={"WORKFLOW_URL": start_service().url, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    shown = "".join(block.text for block in tutorial if block.language == "text")
    assert (done.returncode, done.stdout) == (0, shown), done.stderr
