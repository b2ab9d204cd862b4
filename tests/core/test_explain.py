"""Explanations: every cell has a verdict, a sentence, and a way to where the trigger is allowed."""

from __future__ import annotations

import pytest

from workflow_fsm.core.definition import Rest
from workflow_fsm.core.definition.claim import claim_lifecycle
from workflow_fsm.core.definition.explain import explain, mermaid

DEFINITION = claim_lifecycle()
PAIRS = [
    (state, trigger.name)
    for state in (None, *(state.name for state in DEFINITION.states))
    for trigger in DEFINITION.triggers
    if not (state is None and trigger.timer)
]
VERDICTS = {Rest.KNOWN: "known", Rest.WAIT: "waits", Rest.REFUSED: "refused"}


@pytest.mark.parametrize(("state", "trigger"), PAIRS)
def test_every_cell_is_explained_as_it_stands(state: str | None, trigger: str) -> None:
    """ "`explain` says why a trigger is allowed, waits or is refused" """
    cell = DEFINITION.cell(state, trigger)
    told = explain(DEFINITION, state, trigger)
    assert (told.state, told.trigger) == (state, trigger)
    assert told.verdict == ("allowed" if cell.arrows else VERDICTS[cell.rest or Rest.KNOWN])
    if cell.question is not None:
        assert cell.question.name in told.reason
    for answer in [arrow.when for arrow in cell.arrows if arrow.when is not None] + list(cell.rests):
        assert f"{answer}: " in told.reason
    assert trigger in told.reason
    assert (state or "nothing is known") in told.reason
    for arrow in cell.arrows:
        assert arrow.leads_to(state) in told.reason
        assert ("neither leaves nor enters" in told.reason) == (arrow.target is None)


@pytest.mark.parametrize(("state", "trigger"), PAIRS)
def test_the_triggers_that_lead_there_really_do(state: str | None, trigger: str) -> None:
    """ "and which triggers would lead to where it is allowed": where an arrow stands behind a question, those
    that what waits there waits for."""
    told = explain(DEFINITION, state, trigger)
    cell = DEFINITION.cell(state, trigger)
    if told.verdict == "allowed":
        assert told.leads == (cell.leads if Rest.WAIT in cell.all_rests else ())
        assert all(DEFINITION.has_arrow(state, lead) for lead in told.leads)
        return
    reached = {state}
    for lead in told.leads:
        reached = {arrow.leads_to(at) for at in reached for arrow in DEFINITION.cell(at, lead).arrows}
        assert reached
    if told.leads:
        assert any(DEFINITION.has_arrow(at, trigger) for at in reached)
    if told.verdict == "waits":
        assert told.leads


def test_the_diagram_has_every_arrow() -> None:
    drawn = mermaid(DEFINITION)
    assert drawn.startswith("stateDiagram-v2\n")
    assert "[*] --> synced: sync_complete" in drawn
    assert "detected --> expired: deadline_passed" in drawn
    for state in DEFINITION.states:
        for trigger in DEFINITION.triggers:
            for arrow in DEFINITION.cell(state.name, trigger.name).arrows:
                start = f"{state.name} --> {arrow.leads_to(state.name)}: "
                [line] = [line.strip() for line in drawn.splitlines() if line.strip().startswith(start)]
                question = DEFINITION.cell(state.name, trigger.name).question
                label = trigger.name if question is None else f"{trigger.name} ({question.name} {arrow.when})"
                assert f", {label}{' ↻' * (arrow.target is None)}, " in f", {line.removeprefix(start)}, "


def test_the_diagram_tells_what_leaves_and_enters_nothing_from_what_enters_anew() -> None:
    """ "↻ is an arrow to the same state: … but leaves and enters nothing (UML's internal transition)" """
    lines = [line.strip() for line in mermaid(DEFINITION).splitlines()]
    assert "detected --> detected: detection_complete (does it tell anew? yes) ↻" in lines
    assert (
        "matched --> matched: detection_complete (does it tell anew? yes) ↻, "
        "evidence_matching_complete (is the confidence higher? yes)"
    ) in lines
