"""The picture: made of any definition, the same without Graphviz for the claim lifecycle, else a table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import pytest

from tests.variants.reviewed import reviewed
from tests.webapp.dashboard.conftest import PATHS, Browsing
from webapp import create_app
from webapp.dashboard import picture
from workflow_fsm import Settings, Workflow, claim_lifecycle
from workflow_fsm.definition import KNOWN, WAIT, State, go


@pytest.fixture
def variant() -> Iterator[Workflow]:
    """A workflow of a variant, with a claim in the state that it has more."""
    with Workflow.open("sqlite:///:memory:", settings=Settings(), definition=reviewed()) as opened:
        opened.fire("sync_complete", user_id="u1", sync_id="s1")
        opened.fire("detection_complete", user_id="u1", sync_id="s1", claims=[{"claim_id": "c1"}])
        yield opened


def test_every_state_is_a_box_and_every_way_a_line() -> None:
    drawn = picture.picture_of(claim_lifecycle())

    assert drawn is not None
    assert [box.name for box in drawn.boxes] == [one.name for one in claim_lifecycle().states]
    assert {(line.source, line.target) for line in drawn.lines} == set(picture.ways(claim_lifecycle()))
    for box in drawn.boxes:
        assert 0 <= box.x <= box.x + box.width <= drawn.width
        assert 0 <= box.y <= box.y + box.height <= drawn.height
    for line in drawn.lines:
        assert re.fullmatch(r"M[-\d.,]+ C[-\d., ]+ L[-\d.,]+", line.path)


def test_the_layout_that_comes_with_the_package_is_of_the_lifecycle_as_it_is() -> None:
    """Else run `python -m tests.webapp.dashboard.lay_out`."""
    words = picture.words_of(claim_lifecycle())

    assert picture._laid_out()["words"] == picture.digest(words)


def test_without_graphviz_the_picture_is_that_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    drawn = picture.picture_of(claim_lifecycle())

    assert drawn is not None
    assert len(drawn.boxes) == len(claim_lifecycle().states)


def test_without_graphviz_a_variant_has_a_table_of_its_states(
    variant: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    page = Browsing(create_app(variant).test_client()).look("/")

    assert "<svg" not in page
    assert "with Graphviz installed, this is a picture" in page
    for state in variant.definition.states:
        assert f">{state.name}</a>" in page


def test_every_page_works_for_a_variant(variant: Workflow) -> None:
    person = Browsing(create_app(variant).test_client())
    for path in PATHS:
        person.look(path)
    names = re.findall(r'class="name"[^>]*>([^<]+)<', person.look("/"))

    assert set(names) in ({one.name for one in variant.definition.states}, set())


def test_names_that_mean_something_to_graphviz_or_html_are_drawn_as_they_are() -> None:
    odd = 'a:b"<i>\\n&'
    plain = claim_lifecycle()
    states = [*plain.states, State(name=odd, closed=True)]
    rest = {one.name: KNOWN for one in plain.triggers}
    with Workflow.open(
        "sqlite:///:memory:",
        settings=Settings(),
        definition=plain.variant(
            name="odd",
            states=states,
            cells={
                "rejected": {"evidence_matching_complete": go(odd)},
                odd: {**rest, "payout_received": go("paid"), "payout_reversed": WAIT},
            },
        ),
    ) as workflow:
        page = Browsing(create_app(workflow).test_client()).look("/")

    assert f">{odd}<" in unescape(page)
