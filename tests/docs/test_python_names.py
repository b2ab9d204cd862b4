"""The reference of the library: every public name stands on it, with what its docstring says."""

from __future__ import annotations

import inspect

import pytest

import workflow_fsm
from tests.docs.generate import REFERENCE
from tests.docs.pages.docstrings import methods
from tests.docs.pages.python_names import helpers_of_tests
from workflow_fsm import Workflow

PAGE = (REFERENCE / "library.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", workflow_fsm.__all__)
def test_every_public_name_is_on_the_page(name: str) -> None:
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("name", methods(Workflow))
def test_every_method_of_a_workflow_is_on_the_page_with_its_docstring(name: str) -> None:
    assert f"#### `Workflow.{name}`\n" in PAGE
    assert str(inspect.getdoc(methods(Workflow)[name])) in PAGE


@pytest.mark.parametrize("name", helpers_of_tests())
def test_every_helper_for_tests_is_on_the_page_with_its_docstring(name: str) -> None:
    assert f"### `{name}`\n" in PAGE
    assert str(inspect.getdoc(helpers_of_tests()[name])) in PAGE
