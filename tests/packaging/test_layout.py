"""How the packages lie: at most a dozen modules a folder, each named by a noun; no two classes of a name."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

from tests.packaging.conftest import ROOT

SAYS_NOTHING = {"utils", "util", "helpers", "common", "base", "manager", "misc"}
"""Names of modules that tell no noun."""


def modules() -> list[Path]:
    return [path for package in ("workflow_fsm", "webapp") for path in sorted((ROOT / package).rglob("*.py"))]


def test_no_two_classes_have_one_name() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(path.relative_to(ROOT).as_posix())

    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_no_folder_has_more_than_a_dozen_modules() -> None:
    sizes: dict[str, int] = defaultdict(int)
    for path in modules():
        sizes[path.parent.relative_to(ROOT).as_posix()] += path.name != "__init__.py"

    assert {folder: size for folder, size in sizes.items() if size > 12} == {}


def test_every_module_is_named_by_a_noun() -> None:
    assert [path for path in modules() if path.stem in SAYS_NOTHING] == []
