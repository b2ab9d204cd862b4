"""Every planted bug can be planted, and names tests that are there; `make planted` shows they find it."""

from __future__ import annotations

import shutil

import pytest

from tests.planted.patches import Planted, all_planted
from tests.tree import ROOT


@pytest.mark.skipif(shutil.which("git") is None, reason="git, which applies patches, is missing")
@pytest.mark.parametrize("planted", all_planted(), ids=lambda one: one.name)
def test_a_planted_bug_applies_to_the_tree_as_it_is(planted: Planted) -> None:
    assert planted.apply(ROOT, try_only=True) == ""


@pytest.mark.parametrize("planted", all_planted(), ids=lambda one: one.name)
def test_the_tests_that_are_to_find_a_planted_bug_are_there(planted: Planted) -> None:
    assert planted.tests
    for test in planted.tests:
        path, _, function = test.partition("::")
        assert f"def {function}(" in (ROOT / path).read_text(encoding="utf-8")


def test_at_least_twenty_are_planted() -> None:
    assert len(all_planted()) >= 20
