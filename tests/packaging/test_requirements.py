"""What the packages import is what setup.cfg declares: each of its own accord, and in its extra."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.packaging.conftest import ROOT

OURS = {"workflow_fsm", "webapp", "tests"}
BESIDE = {"pytest"}
"""Imported where the user has it: `workflow_fsm.testing` is a plugin of the user's own tests."""


def test_what_the_library_imports_is_declared_and_what_is_declared_is_imported() -> None:
    assert imported("workflow_fsm") - BESIDE - declared("postgres") == declared()


def test_what_the_service_imports_is_declared_by_its_extra() -> None:
    assert imported("webapp") - declared() == declared("web")


def test_what_only_a_store_on_postgresql_imports_is_declared_by_that_extra() -> None:
    assert imported("workflow_fsm/stores/postgres") - declared() == declared("postgres")


def test_what_the_tests_import_is_declared_too() -> None:
    everything = {one for extra in ("", "web", "postgres", "dev", "bench") for one in declared(extra)}
    assert imported("tests") - everything == set()


def test_extras_share_nothing_with_what_everybody_gets() -> None:
    assert not declared() & (declared("web") | declared("postgres"))


# -- parts


def imported(folder: str) -> set[str]:
    """Name the distributions that the modules of a folder import, wherever in them but for type checkers."""
    modules = {name for path in sorted((ROOT / folder).rglob("*.py")) for name in _imports(path)}
    found = packages_distributions()
    return {
        canonicalize_name(distribution)
        for name in modules - OURS - sys.stdlib_module_names
        for distribution in found.get(name, [name])
    }


def declared(extra: str = "") -> set[str]:
    """Name the distributions that setup.cfg declares for everybody, or for an extra."""
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    text = config["options.extras_require"][extra] if extra else config["options"]["install_requires"]
    return {canonicalize_name(Requirement(line).name) for line in text.splitlines() if line}


def _imports(path: Path) -> Iterator[str]:
    todo: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while todo:
        node = todo.pop()
        for_types = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        todo += node.orelse if isinstance(node, ast.If) and for_types else ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
            yield node.module.partition(".")[0]
