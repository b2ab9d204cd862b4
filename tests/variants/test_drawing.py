"""A lifecycle is drawn, a state of it marked: in the words of Mermaid and of DOT, as SVG and as PNG."""

from __future__ import annotations

import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

import workflow_fsm
from tests.variants.conftest import Command
from tests.variants.reviewed import reviewed
from workflow_fsm import InvalidEvent, claim_lifecycle
from workflow_fsm.definition import KNOWN, Question, Rest, State, ask, go, mermaid
from workflow_fsm.definition.drawing import dot

VARIANT = {"WORKFLOW_DEFINITION": "shop:lifecycle"}
MARKED = "    class in_review marked"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def graphviz() -> str:
    """A PATH on which Graphviz is."""
    found = shutil.which("dot")
    if found is None:
        pytest.skip("Graphviz, which draws SVG and PNG, is not installed")
    return str(Path(found).parent)


@pytest.fixture
def in_review(command: Command) -> None:
    """A claim in review."""
    for fields in (
        ("sync_complete", "u1", "sync_id=s1"),
        ("detection_complete", "u1", 'claims:=[{"claim_id": "c1"}]'),
        ("claim_submitted", "u1", "claim_id=c1"),
        ("review_started", "u1", "claim_id=c1"),
    ):
        assert command("fire", *fields, **VARIANT).returncode == 0


def test_mermaid_is_public_and_marks_a_state() -> None:
    plain = workflow_fsm.mermaid(reviewed())
    assert "submitted --> in_review: review_started" in plain
    assert "marked" not in plain
    marked = workflow_fsm.mermaid(reviewed(), "in_review").splitlines()
    assert marked[:-2] == plain.splitlines()
    assert marked[-2].startswith("    classDef marked fill:")
    assert marked[-1] == MARKED


@pytest.mark.parametrize("draw", [mermaid, dot])
def test_a_state_that_is_none_is_an_error_that_says_what_is_meant(draw: object) -> None:
    assert callable(draw)
    with pytest.raises(InvalidEvent, match=r"state: is 'submited', .* did you mean 'submitted'\?"):
        draw(claim_lifecycle(), "submited")


def test_names_that_are_words_of_a_drawing_are_drawn_as_names() -> None:
    """A state may have any name that can be read, and a question may ask anything."""
    claims = claim_lifecycle()
    odd = Question(name='is "x"; <y> #1?', answers=("yes", "no"), ask=lambda meeting: "yes")
    cells = dict.fromkeys((trigger.name for trigger in claims.triggers), KNOWN)
    rows = {"payout_received": go("paid"), "payout_reversed": claims.cell("submitted", "payout_reversed")}
    variant = claims.variant(
        name="odd names",
        states=(*claims.states[:4], State(name="end"), State(name='on "hold": now'), *claims.states[4:]),
        cells={
            "submitted": {"claim_rejected": ask(odd, {"yes": "end"}, Rest.KNOWN)},
            "end": {**cells, **rows, "claim_rejected": go('on "hold": now')},
            'on "hold": now': {**cells, **rows},
        },
    )
    lines = mermaid(variant, "end").splitlines()
    assert '    state "end" as state_4' in lines
    assert '    state "on #34;hold#34;: now" as state_5' in lines
    assert "    submitted --> state_4: claim_rejected (is #34;x#34;#59; #60;y#62; #35;1? yes)" in lines
    assert lines[-1] == "    class state_4 marked"
    assert r'label="on \"hold\": now"' in dot(variant)


def test_graph_draws_a_variant_with_a_claims_state_marked(command: Command, in_review: None) -> None:
    done = command("graph", "u1", "c1", **VARIANT)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == MARKED
    assert command("graph", "--state", "in_review", **VARIANT).stdout == done.stdout


def test_graph_of_a_claim_that_nobody_knows_says_so(command: Command, in_review: None) -> None:
    done = command("graph", "u1", "c9", **VARIANT)
    assert done.returncode == 4
    assert done.stderr == "Error: nothing is known of the claim 'c9' of user 'u1'\n"


def test_graph_writes_the_words_of_dot(command: Command) -> None:
    words = command("graph", "--state", "in_review", "--format", "dot", **VARIANT).stdout
    assert 'submitted -> in_review [label="review_started\\l"]' in words
    assert 'in_review [label=in_review fillcolor="#ffd54f" penwidth=3]' in words
    assert "paid [label=paid peripheries=2]" in words


def test_graph_draws_svg_where_graphviz_is(command: Command, in_review: None, graphviz: str) -> None:
    done = command("graph", "u1", "c1", "--format", "svg", PATH=graphviz, **VARIANT)
    assert (done.returncode, done.stderr) == (0, "")
    root = ElementTree.fromstring(done.stdout.split("?>", 1)[1].split(">", 1)[1])
    nodes = [one for one in root.iter(f"{SVG}g") if one.get("class") == "node"]
    titles = {one.findtext(f"{SVG}title"): one for one in nodes}
    assert {"submitted", "in_review", "paid"} <= set(titles)
    assert "#ffd54f" in ElementTree.tostring(titles["in_review"], encoding="unicode")
    assert "#ffd54f" not in ElementTree.tostring(titles["submitted"], encoding="unicode")


def test_graph_draws_png_into_a_file(command: Command, folder: Path, graphviz: str) -> None:
    done = command("graph", "--format", "png", "--output", "claim.png", PATH=graphviz)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (folder / "claim.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


@pytest.mark.parametrize("form", ["svg", "png"])
def test_graph_without_graphviz_says_what_to_install(command: Command, folder: Path, form: str) -> None:
    done = command("graph", "--format", form, "--output", "x", PATH=str(folder))
    assert done.returncode == 2
    assert done.stderr == (
        f"Error: Graphviz's program `dot` is not on the PATH, which draws {form}: "
        "install Graphviz, or draw --format mermaid or dot\n"
    )
    assert not (folder / "x").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("u1",), "USER_ID goes with the CLAIM_ID"),
        (("u1", "c1", "--state", "paid"), "not both"),
        (("--format", "png", "--json"), "--json gives text"),
        (("--state", "payed"), "did you mean 'paid'?"),
        (("--format", "gif"), "gif"),
    ],
)
def test_graph_refuses_what_it_cant_draw(command: Command, arguments: tuple[str, ...], told: str) -> None:
    done = command("graph", *arguments)
    assert done.returncode == 2
    assert told in done.stderr
