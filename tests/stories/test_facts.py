"""Facts of a claim: what is filled, what a move sets, and the decision that comes with a match."""

from __future__ import annotations

import pytest

from tests.stories.acts import (
    claim,
    detect,
    find,
    match,
    moves,
    pay,
    reject,
    status,
    submit,
)
from workflow_fsm import Workflow

PAST = "2026-02-01T00:00:00Z"


def test_a_version_counts_transitions_only(workflow: Workflow) -> None:
    """ "`version` counts transitions only; facts that are kept without one don't raise it." """
    find(workflow, "c1")
    assert claim(workflow).version == 2
    submit(workflow, "c1")
    match(workflow, "c1")
    submit(workflow, "c1", amazon_case_id="K")
    detect(workflow, {"claim_id": "c1", "amount": "5"})
    assert (claim(workflow).version, claim(workflow).amount) == (3, "5.00")
    pay(workflow, "c1")
    assert claim(workflow).version == 4


def test_known_facts_fill_what_is_empty_and_overwrite_nothing(workflow: Workflow) -> None:
    """ "Known facts fill what is empty (amount, deadline, …) and overwrite nothing; … Where a known event
    tells otherwise than is recorded, its answer says so: `differs` in `unchanged`, `[{"field", "recorded",
    "told"}]`." """
    find(workflow, {"claim_id": "c1", "claim_type": "lost"})
    pay(workflow, "c1")
    submit(workflow, "c1", amazon_case_id="K1")
    submit(workflow, "c1", amazon_case_id="K2", event_id="2")
    told = detect(workflow, {"claim_id": "c1", "claim_type": "found", "amount": "5", "deadline_date": PAST})
    assert [one["differs"] for one in told.unchanged] == [
        [{"field": "claim_type", "recorded": "lost", "told": "found"}]
    ]
    told = detect(workflow, {"claim_id": "c1", "amount": "7", "eligible_from": PAST, "confidence": "0.25"})
    assert [one["differs"] for one in told.unchanged] == [
        [{"field": "amount", "recorded": "5.00", "told": "7.00"}]
    ]
    shown = claim(workflow)
    assert (shown.claim_type, shown.amount, shown.amazon_case_id) == ("lost", "5.00", "K2")
    assert [(one["amazon_case_id"], one["state"]) for one in shown.cases] == [
        ("K1", "filed"),
        ("K2", "filed"),
    ]
    assert (shown.deadline_date, shown.eligible_from) == ("2026-02-01T00:00:00.000000Z",) * 2
    assert (shown.confidence, shown.state) == (0.25, "paid")


def test_a_known_amount_comes_with_its_currency_or_not_at_all(workflow: Workflow) -> None:
    """ "Known facts fill what is empty … and overwrite nothing" """
    find(workflow, {"claim_id": "c1", "currency": "EUR"})
    submit(workflow, "c1")
    detect(workflow, {"claim_id": "c1", "amount": "5", "currency": "JPY"})
    assert (claim(workflow).amount, claim(workflow).currency) == (None, "EUR")
    detect(workflow, {"claim_id": "c1", "amount": "5.25"})
    assert (claim(workflow).amount, claim(workflow).currency) == ("5.25", "EUR")


def test_a_move_sets_what_it_tells(workflow: Workflow) -> None:
    """ "a move sets what it tells" """
    find(workflow, "c1")
    submit(workflow, "c1", amazon_case_id="K1")
    reject(workflow, "c1", reason="late")
    submit(workflow, "c1", amazon_case_id="K2")
    assert (claim(workflow).amazon_case_id, claim(workflow).rejection_reason) == ("K2", "late")
    reject(workflow, "c1", reason="proof", event_id="r2")
    assert claim(workflow).rejection_reason == "proof"


@pytest.mark.parametrize(
    ("confidence", "decision"),
    [
        (1, "auto_submit"),
        ("0.85", "auto_submit"),
        (0.85, "auto_submit"),
        ("0.8499999999999999999999", "ask_user"),
        (0.5, "ask_user"),
        ("0.50", "ask_user"),
        (0.4999, "review"),
        (0, "review"),
        (None, "review"),
    ],
    ids=str,
)
def test_a_decision_comes_with_a_match_by_its_confidence_bounds_inclusive(
    workflow: Workflow, confidence: object, decision: str
) -> None:
    """ "`decision` comes with a match: by its confidence, bounds inclusive; a match without one … is for
    `review`." """
    find(workflow, "c1")
    assert claim(workflow).decision is None
    match(workflow, "c1", confidence)
    assert claim(workflow).decision == decision


def test_a_match_without_a_confidence_counts_as_lower_than_any_number(workflow: Workflow) -> None:
    """ "a match without one counts as lower than any number" """
    find(workflow, "c1")
    match(workflow, "c1", None)
    assert match(workflow, "c1", None, event_id="b").status == "unchanged"
    assert moves(match(workflow, "c1", 0)) == [("c1", "matched", "matched")]
    assert match(workflow, "c1", None, event_id="c").status == "unchanged"
    assert claim(workflow).confidence == 0


def test_confidence_is_the_matchs_once_matched_and_the_detections_before(workflow: Workflow) -> None:
    """ "`confidence` in status is the match's once matched, the detection's before." """
    find(workflow, {"claim_id": "c1", "confidence": "0.99"}, {"claim_id": "c2", "confidence": 0.3})
    assert [one.confidence for one in status(workflow).claims] == [0.99, 0.3]
    match(workflow, "c1", "0.4")
    match(workflow, "c2", None)
    assert [one.confidence for one in status(workflow).claims] == [0.4, None]
    match(workflow, "c1", "0.41")
    assert claim(workflow).confidence == 0.41
