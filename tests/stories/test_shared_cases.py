"""A case that several claims have: a verdict is for each of them, money for none until a person tells."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.stories.acts import (
    cases,
    claim,
    find,
    pay,
    reject,
    states,
    status,
    submit,
)
from workflow_fsm import Outcome, Workflow


def test_a_case_that_another_claim_has_too_gets_a_hint(workflow: Workflow) -> None:
    """ "a case that another claim has too gets a `hint`" """
    find(workflow, "c1", "c2")
    submit(workflow, "c1", amazon_case_id="A")
    second = submit(workflow, "c2", amazon_case_id="A")
    assert second.hint is not None
    assert "'A'" in second.hint
    assert "'c1'" in second.hint
    assert cases(workflow, "c1") == cases(workflow, "c2") == {"A": "filed"}


def test_a_verdict_on_a_shared_case_is_for_each_of_its_claims(workflow: Workflow) -> None:
    """ "Several: a submission or a rejection that names a case they share is for each of them" """
    find(workflow, "c1", "c2", "c3")
    submit(workflow, "c1", amazon_case_id="A")
    submit(workflow, "c2", amazon_case_id="A")
    outcome = reject(workflow, None, amazon_case_id="A")
    assert [one.claim_id for one in outcome.transitions] == ["c1", "c2"]
    assert states(workflow) == {"c1": "rejected", "c2": "rejected", "c3": "detected"}
    again = submit(workflow, None, amazon_case_id="A")
    assert [one.claim_id for one in again.transitions] == ["c1", "c2"]


def test_money_of_a_shared_case_waits_with_its_candidates(workflow: Workflow) -> None:
    """ "money waits, with its `candidates`, as unapplied" """
    find(workflow, "c1", "c2", "c3")
    submit(workflow, "c1", amazon_case_id="A")
    submit(workflow, "c2", amazon_case_id="A")
    outcome = pay(workflow, None, amazon_case_id="A", amount="5")
    assert outcome.status == "deferred"
    assert [one.claim_id for one in outcome.candidates] == ["c2", "c1"]
    assert status(workflow).unapplied == {"USD": "5.00"}


@pytest.mark.parametrize("tell", [submit, reject], ids=["filing", "verdict"])
def test_what_waits_for_a_claim_whose_case_is_taken_away_is_known_then(
    workflow: Workflow, tell: Callable[..., Outcome]
) -> None:
    """It was for those that had the case; whoever has it since isn't meant."""
    find(workflow, "c1", "c2")
    reject(workflow, "c1", amazon_case_id="A")
    submit(workflow, "c1", amazon_case_id="A", event_id="late")
    if tell is reject:
        submit(workflow, "c1", amazon_case_id="A", event_id="anew")
    submit(workflow, "c9", amazon_case_id="A", event_id="early")
    assert [one.claim_id for one in tell(workflow, None, amazon_case_id="A").transitions] == ["c1"]
    workflow.unlink(user_id="u1", claim_id="c1", amazon_case_id="A")
    assert len(status(workflow).deferred) == 2
    workflow.unlink(user_id="u1", claim_id="c9", amazon_case_id="A")
    assert [one.event_id for one in status(workflow).deferred] == ["early"]
    submit(workflow, "c2", amazon_case_id="A")
    assert states(workflow)["c2"] == "submitted"
    assert workflow.check().faults == ()


def test_money_booked_by_a_case_alone_that_becomes_anothers_too_is_told_to_a_person(
    workflow: Workflow,
) -> None:
    """ "Where a case on which money was booked, or a verdict told, by the case alone becomes another claim's
    as well, a dead letter says so and names both; nothing is moved." """
    find(workflow, "c1", "c2")
    submit(workflow, "c1", amazon_case_id="A")
    pay(workflow, None, amazon_case_id="A", amount="5", event_id="money")
    submit(workflow, "c2", amazon_case_id="A")
    (letter,) = workflow.dead_letters()
    assert (letter.event_id, letter.trigger, letter.amount) == ("money", "payout_received", "5.00")
    assert "'c1'" in letter.reason
    assert "'c2'" in letter.reason
    assert claim(workflow, "c1").paid == {"USD": "5.00"}
    assert claim(workflow, "c2").paid == {}
    workflow.drop_dead_letter(letter.id, reason="it is c1's")
    assert list(workflow.dead_letters()) == []
    assert status(workflow).recovered == {"USD": "5.00"}
    assert workflow.check().sound
