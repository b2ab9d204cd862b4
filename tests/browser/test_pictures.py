"""The pictures in README and docs: taken by this run, too; small, and each is shown somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.pictures import FOLDER, MOST_BYTES, PICTURES, looked_at, take

pytestmark = pytest.mark.browser

ROOT = FOLDER.parents[1]


def test_every_picture_is_taken_and_is_small(chromium: Browser, tmp_path: Path) -> None:
    taken = tmp_path / "images"
    with looked_at(tmp_path) as url:
        take(chromium, url, taken)

    assert {one.name for one in taken.iterdir()} == {f"{one.name}.png" for one in PICTURES}
    for one in (*taken.iterdir(), *FOLDER.iterdir()):
        assert 10_000 < one.stat().st_size < MOST_BYTES, one.name


def test_the_pictures_that_are_kept_are_these_and_each_is_shown_with_what_it_shows() -> None:
    """Else run `python -m tests.browser.pictures`."""
    shown = {
        (page.parent / target).resolve(): told
        for page in (ROOT / "README.md", *ROOT.glob("docs/**/*.md"))
        for told, target in re.findall(r"!\[([^\]]*)\]\(([^)]+\.png)\)", page.read_text(encoding="utf-8"))
    }

    assert {one.name for one in FOLDER.iterdir()} == {f"{one.name}.png" for one in PICTURES}
    assert shown.keys() == {one.resolve() for one in FOLDER.iterdir()}
    assert all(len(told) > 20 for told in shown.values())
