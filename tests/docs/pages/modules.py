"""The table of modules on the architecture page: each with its caption, the first line of its docstring."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path


def modules_block(root: Path) -> str:
    """Write the table of modules with their captions: the first line of each one's docstring."""
    lines = ["| module | what it is |", "|---|---|"]
    for path in sorted(_modules(root), key=lambda path: _place(path.relative_to(root))):
        caption = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]
        name = path.relative_to(root).as_posix().removesuffix("__init__.py")
        lines.append(f"| `{name}` | {caption} |")
    return "\n".join(lines)


def _modules(root: Path) -> Iterator[Path]:
    for package in ("workflow_fsm", "webapp"):
        yield from (root / package).rglob("*.py")


def _place(path: Path) -> tuple[bool, str, bool, str]:
    folder = path.parent.as_posix()
    return folder.startswith("webapp"), folder, path.name != "__init__.py", path.name
