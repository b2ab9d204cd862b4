"""The Python of README and docs passes `mypy --strict`; a field that is misspelt in it doesn't."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import get_type_hints

from tests.docs.conftest import PAGES
from tests.docs.generate import ROOT
from workflow_fsm import DeadLetter, Transition, results

_BLOCK = re.compile(r"^```python\n(?P<text>(?:# (?P<path>[\w/]+\.py)\n)?.*?)^```$", re.MULTILINE | re.DOTALL)
_ERROR = re.compile(r"^(?P<file>[^:]+):(?P<told>\d+: error: .*)$", re.MULTILINE)
FIELDS = sorted(
    {
        name
        for one in (*map(results.__dict__.get, results.__all__), Transition, DeadLetter)
        for name in get_type_hints(one)
    }
)
_FIELD = re.compile(
    r"(?<=[\w\])]\.)(?:NAMES)\b(?!\()|(?<=[\w\]]\[\")(?:NAMES)(?=\"\])".replace("NAMES", "|".join(FIELDS))
)
"""Where a field is read: as an attribute, or as an item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """Python of a page: what its blocks make a module, or a file that one of them shows.

    Each line stands where it stands in the page.
    """

    page: str
    path: str
    text: str


def code_of(page: Path) -> Iterator[Code]:
    """Give the Python of a page, what sessions print left out."""
    name = page.relative_to(ROOT).as_posix()
    text = page.read_text(encoding="utf-8")
    lines = [""] * (text.count("\n") + 1)
    for block in _BLOCK.finditer(text):
        at = text.count("\n", 0, block.start("text"))
        if block["path"] is not None:
            yield Code(page=name, path=block["path"], text="\n" * at + block["text"])
        elif ">>> " in block["text"]:
            for example in doctest.DocTestParser().get_examples(block["text"]):
                source = example.source.splitlines()
                lines[at + example.lineno : at + example.lineno + len(source)] = source
        else:
            source = block["text"].splitlines()
            lines[at : at + len(source)] = source
    if any(lines):
        module = name.removesuffix(".md").replace("-", "_")
        yield Code(page=name, path=f"pages/{module}.py", text="\n".join(lines) + "\n")


def check(codes: list[Code], folder: Path) -> Mapping[str, list[str]]:
    """Give what mypy finds in each: a line and a sentence."""
    for code in codes:
        (folder / code.path).parent.mkdir(parents=True, exist_ok=True)
        (folder / code.path).write_text(code.text, encoding="utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--config-file", ROOT / "setup.cfg"),
            *("--cache-dir", ROOT / ".mypy_cache", "--no-pretty", "--no-color-output"),
            *(code.path for code in codes),
        ],
        cwd=folder,
        env={**os.environ, "MYPYPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found: dict[str, list[str]] = defaultdict(list)
    for error in _ERROR.finditer(done.stdout):
        found[error["file"]].append(error["told"])
    return found


CODES = [code for page in PAGES for code in code_of(page)]


def test_no_two_pages_show_a_file_of_one_name() -> None:
    assert len({code.path for code in CODES}) == len(CODES)


def misspelt() -> Iterator[Code]:
    """Give the pages' code once for each place where a field is read, with that one misspelt."""
    numbers = count()
    for code in CODES:
        for field in _FIELD.finditer(code.text):
            line = code.text.count("\n", 0, field.start()) + 1
            text = f"{code.text[: field.end()]}x{code.text[field.end() :]}"
            path = f"misspelt/m{next(numbers)}.py"
            yield Code(page=f"{code.page}:{line}: {field[0]}x", path=path, text=text)


def test_the_pages_pass_and_none_of_their_fields_can_be_misspelt(tmp_path: Path) -> None:
    wrong = list(misspelt())

    found = check([*CODES, *wrong], tmp_path)

    assert [f"{code.page}:{one}" for code in CODES for one in found[code.path]] == []
    assert len(wrong) > 100
    assert [code.page for code in wrong if not found[code.path]] == []
