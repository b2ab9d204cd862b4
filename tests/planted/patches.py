"""Planted bugs: each a patch, with a head that says what is planted and which tests find it."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
_HEAD = re.compile(r"Planted: (?P<what>.+)\.\nFound by: (?P<tests>.+)\n\n--- a/")


@dataclass(frozen=True, slots=True)
class Planted:
    """One bug: what it is, and the tests that are to find it."""

    path: Path
    what: str
    tests: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.path.stem

    def apply(self, tree: Path, *, try_only: bool = False) -> str:
        """Plant it in a tree, or see only whether it could be; give what is in the way, nothing where none
        is."""
        command = ["git", "apply", *(["--check"] if try_only else []), str(self.path)]
        done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
        return done.stderr if done.returncode else ""


def read(path: Path) -> Planted:
    """Read a patch with its head."""
    head = _HEAD.match(path.read_text(encoding="utf-8"))
    assert head is not None, f"{path.name} begins otherwise than: Planted: ….  Found by: …, and a patch"
    return Planted(path=path, what=head["what"], tests=tuple(head["tests"].split()))


def all_planted() -> list[Planted]:
    """Give all of them, by name."""
    return [read(path) for path in sorted(FOLDER.glob("*.patch"))]
