"""The page of the library's errors: their tree, and what each says of itself."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator

from webapp.http.problem_kinds import KINDS
from workflow_fsm.core import errors
from workflow_fsm.core.errors import WorkflowError


def errors_page() -> str:
    """Write the page of the library's errors."""
    tree = ast.parse(inspect.getsource(errors))
    told = ast.get_docstring(tree) or ""
    lines = ["# Errors of the library", "", told.partition("\n")[0], ""]
    lines += ["```text", told.partition("\n\n")[2], "```", ""]
    lines += ["All are importable from `workflow_fsm`. `code` is stable; the text is for people.", ""]
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name != "FieldError":
            kind: type[WorkflowError] = getattr(errors, node.name)
            lines += [f"## {node.name}", "", f"`code`: `{kind.code}`", ""]
            lines += [*inspect.cleandoc(kind.__doc__ or "").splitlines(), ""]
            facts = list(dict.fromkeys(_attributes(node)))
            if facts:
                lines += [f"Attributes: {', '.join(f'`{name}`' for name in facts)}.", ""]
            if kind.code in KINDS:
                status = KINDS[kind.code].status
                lines += [f"Over HTTP: {status}, [{kind.code}](problems/{kind.code}.md).", ""]
    lines += ["## FieldError", "", *inspect.cleandoc(errors.FieldError.__doc__ or "").splitlines(), ""]
    return "\n".join(lines)


def _attributes(node: ast.ClassDef) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Store):
            yield inner.attr
