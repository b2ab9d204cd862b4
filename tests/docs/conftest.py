"""The pages, and the blocks of code in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.docs.generate import DOCS, ROOT

PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]

_FILE = re.compile(r"# ([\w/]+\.py)\n")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block: its language and its text."""

    language: str
    text: str


def blocks(page: Path) -> Iterator[Block]:
    """Give a page's fenced blocks in their order."""
    for language, text in _FENCE.findall(page.read_text(encoding="utf-8")):
        yield Block(language=language, text=text)


def files(page: Path) -> dict[str, str]:
    """Give the files that a page shows: blocks of Python whose first line is a comment with a path."""
    shown = (block.text for block in blocks(page) if block.language == "python")
    return {match[1]: text for text in shown if (match := _FILE.match(text))}
