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
    assert trigger in told.reason
    assert (state or "nothing is known") in told.reason
    for arrow in cell.arrows:
        assert arrow.target in told.reason


@pytest.mark.parametrize(("state", "trigger"), PAIRS)
def test_the_triggers_that_lead_there_really_do(state: str | None, trigger: str) -> None:
    """ "and which triggers would lead to where it is allowed" """
    told = explain(DEFINITION, state, trigger)
    if told.verdict == "allowed":
        assert told.leads == ()
        return
    reached = {state}
    for lead in told.leads:
        reached = {arrow.target for at in reached for arrow in DEFINITION.cell(at, lead).arrows}
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
                assert any(
                    line.strip().startswith(f"{state.name} --> {arrow.target}:") and trigger.name in line
                    for line in drawn.splitlines()
                )
