"""Who could take what waits for a person: at most a hundred, the likeliest first."""

from __future__ import annotations

import pytest

from tests.stories.acts import find, pay, status, submit
from workflow_fsm import Workflow


@pytest.mark.parametrize("claims", [99, 100, 101, 150])
def test_candidates_are_a_hundred_at_most(workflow: Workflow, claims: int) -> None:
    """ "`candidates` … at most 100" """
    find(workflow, *(f"c{number}" for number in range(claims)))
    outcome = pay(workflow, None)
    assert len({one.claim_id for one in outcome.candidates}) == len(outcome.candidates) == min(claims, 100)
    [deferred] = status(workflow).deferred
    [dead_letter] = workflow.dead_letters()
    assert deferred.candidates == dead_letter.candidates == list(outcome.candidates)


def test_candidates_come_likeliest_first(workflow: Workflow) -> None:
    """ "the likeliest first": one whose filing has no name yet, then one that is filed, then whichever is
    open, the newest first; those that are closed last."""
    find(workflow, "c1", "c2", "c3", "c4", "c5", "c6")
    submit(workflow, "c1")
    submit(workflow, "c2", amazon_case_id="k2")
    submit(workflow, "c3", amazon_case_id="k3")
    pay(workflow, "c6", amount="1.00")
    named = pay(workflow, None, amazon_case_id="k9")
    assert [one.claim_id for one in named.candidates] == ["c1", "c3", "c2", "c5", "c4", "c6"]
    nameless = pay(workflow, None, amount="2.00")
    assert [one.claim_id for one in nameless.candidates] == ["c3", "c2", "c1", "c5", "c4", "c6"]


def test_the_likeliest_are_among_the_candidates_however_many_came_later(workflow: Workflow) -> None:
    """ "at most 100, the likeliest first": a filed claim is told before a hundred that were found since."""
    find(workflow, "old", "unnamed")
    submit(workflow, "unnamed")
    submit(workflow, "old", amazon_case_id="k1")
    find(workflow, *(f"c{number}" for number in range(120)), sync_id="s2")
    outcome = pay(workflow, None, amazon_case_id="k9")
    assert [one.claim_id for one in outcome.candidates][:3] == ["unnamed", "old", "c119"]
    assert len(outcome.candidates) == 100
