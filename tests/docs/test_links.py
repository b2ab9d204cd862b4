"""Links lead somewhere, every page is reached from the index, and no page tells where it was written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.conftest import PAGES
from tests.docs.generate import DOCS, REFERENCE, ROOT
from webapp.http.problem_kinds import DOCS as PROBLEMS
from webapp.http.problem_kinds import KINDS

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_MACHINE = re.compile(r"/(?:work|root|home|tmp|mnt|Users)/")


def prose(page: Path) -> str:
    """Give a page's text without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """Give the local targets of a page's links: a file and the anchor in it."""
    for target in _LINK.findall(prose(page)):
        if "://" not in target:
            path, _, anchor = target.partition("#")
            yield (page.parent / path).resolve() if path else page, anchor


def anchors(page: Path) -> set[str]:
    """Give the anchors of a page's headings, as GitHub makes them."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in _HEADING.findall(prose(page))
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    for target, anchor in links(page):
        assert target.exists(), f"{target.name} is not there"
        assert not anchor or anchor in anchors(target), f"{target.name} has no heading #{anchor}"


def test_every_page_is_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    queue = [ROOT / "README.md"]
    while queue:
        page = queue.pop()
        if page not in seen and page.suffix == ".md":
            seen.add(page)
            queue += [target for target, _ in links(page)]
    assert set(PAGES) <= seen


def test_every_decision_has_a_number_of_its_own_and_is_listed_under_it() -> None:
    decisions = sorted((DOCS / "adr").glob("*.md"))
    headed = [page.read_text(encoding="utf-8").partition(".")[0] for page in decisions]
    assert headed == [f"# {number}" for number in range(1, len(decisions) + 1)]
    assert [int(page.name[:4]) for page in decisions] == list(range(1, len(decisions) + 1))
    listed = re.findall(r"^(\d+)\. \[.*\]\(adr/([^)]*)\)", (DOCS / "README.md").read_text(), re.MULTILINE)
    assert listed == [(str(int(page.name[:4])), page.name) for page in decisions]


def test_every_problem_type_names_a_page_that_is_there() -> None:
    assert PROBLEMS.endswith(REFERENCE.relative_to(DOCS).as_posix() + "/problems")
    for code, kind in KINDS.items():
        assert kind.type.rpartition("/")[2] == code
        assert f"# {code}\n" in (REFERENCE / "problems" / f"{code}.md").read_text(encoding="utf-8")


def test_no_page_names_a_path_of_the_machine_on_which_it_was_written() -> None:
    for page in PAGES:
        assert not _MACHINE.findall(page.read_text(encoding="utf-8")), page.name
