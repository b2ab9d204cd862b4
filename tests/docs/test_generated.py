"""What is generated is current, and what is written by hand about code agrees with it."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.docs.generate import BLOCKS, DOCS, REFERENCE, ROOT, pages, with_blocks
from tests.machine.test_orders import CLASSES
from tests.webapp.routes.described import described_as
from webapp import create_app
from workflow_fsm import Workflow

STALE = "run `python -m tests.docs.generate`"


def test_the_generated_pages_are_current() -> None:
    for path, text in pages().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is out of date: {STALE}"


@pytest.mark.parametrize("page", dict.fromkeys(page for page, _ in BLOCKS), ids=lambda page: page.name)
def test_the_generated_blocks_of_a_page_are_current(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text == with_blocks(page, text), f"{page.name} is out of date: {STALE}"


def test_every_problem_has_a_page_and_every_page_a_problem() -> None:
    folder = REFERENCE / "problems"
    assert {page for page in pages() if page.parent == folder} == set(folder.glob("*.md"))


def test_the_routes_listed_are_those_that_are_served() -> None:
    with Workflow.open("sqlite:///:memory:") as workflow:
        rules = create_app(workflow).url_map.iter_rules()
        served = {
            (method, described_as(rule.rule))
            for rule in rules
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        }
    listed = re.findall(
        r"^\| `([A-Z]+) (/\S*)` \|", (REFERENCE / "routes.md").read_text(encoding="utf-8"), re.M
    )
    assert set(listed) == served


def test_the_paths_of_the_orders_are_those_that_the_table_implies() -> None:
    page = (DOCS / "explanation" / "orders.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (synced[a-z, ]*) \| (\d+) \|$", page, re.M)
    ways: Counter[str] = Counter()
    for (way, _, _), orders in CLASSES.items():
        ways[way.replace(" ", ", ")] += orders
    assert {way: int(orders) for way, orders in rows} == ways
    refused = sum(orders for (_, _, refused), orders in CLASSES.items() if refused)
    assert f"In {refused} of the orders the rejection is answered 409" in page


def test_the_changelog_begins_with_what_is_unreleased() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert headings[0] == "[Unreleased]"
