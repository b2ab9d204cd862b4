"""What a variant's triggers tell shows in `status` and in `transition.claim`, as `facts`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stories.acts import claim, find, match, pay, status, submit, sync
from tests.variants.conftest import Open
from tests.variants.reviewed import reviewed
from webapp import create_app
from workflow_fsm import Transition, Workflow, claim_lifecycle
from workflow_fsm.core.definition.facts import FACTS

DUE = "2026-04-01T12:00:00.000000Z"


def review(workflow: Workflow, **fields: Any) -> str:
    return workflow.fire("review_started", user_id="u1", claim_id="c1", **fields).status


@pytest.fixture
def workflow(reopen: Open) -> Any:
    with reopen(reviewed()) as opened:
        find(opened, "c1", "c2")
        submit(opened, "c1", amazon_case_id="K1")
        yield opened


def test_what_a_variants_trigger_tells_shows_in_status(workflow: Workflow) -> None:
    assert claim(workflow).facts == {}
    review(workflow, reviewer="Ada", review_due="2026-04-01T14:00:00+02:00")
    assert claim(workflow).facts == {"reviewer": "Ada", "review_due": DUE}
    assert claim(workflow)["facts"]["reviewer"] == "Ada"
    json.dumps(workflow.status("u1"))


def test_a_known_event_fills_what_is_empty_and_overwrites_nothing(workflow: Workflow) -> None:
    review(workflow, reviewer="Ada")
    assert review(workflow, reviewer="Bob", review_due="2026-04-01T12:00:00Z") == "unchanged"
    assert claim(workflow).facts == {"reviewer": "Ada", "review_due": DUE}


def test_a_handler_is_given_them_as_they_stand_when_its_attempt_begins(workflow: Workflow) -> None:
    seen: list[dict[str, Any]] = []

    @workflow.on_enter("in_review")
    def tell(transition: Transition) -> None:
        seen.append(dict(transition.claim.facts))

    review(workflow, reviewer="Ada")
    review(workflow, review_due="2026-04-01T12:00:00Z")
    workflow.run_effects()
    assert seen == [{"reviewer": "Ada", "review_due": DUE}]


def test_no_fact_of_the_claim_lifecycle_is_among_them(workflow: Workflow) -> None:
    sync(workflow, "s2", orders_count=3)
    match(workflow, "c2", 0.9)
    pay(workflow, "c2", "5")
    assert claim(workflow, "c2").facts == {}


def test_a_claim_of_the_lifecycle_itself_is_shown_as_ever(reopen: Open) -> None:
    with reopen(claim_lifecycle()) as workflow:
        find(workflow, "c1")
        match(workflow, "c1", 0.9)
        assert "facts" not in claim(workflow)


def test_they_show_over_http_as_well(workflow: Workflow) -> None:
    review(workflow, reviewer="Ada")
    answer = create_app(workflow).test_client().get("/api/v1/workflow/status/u1")
    assert answer.json is not None
    assert answer.json["claims"][0]["facts"] == {"reviewer": "Ada"}


def test_every_fact_that_the_claim_lifecycle_tells_is_listed_as_its_own(reopen: Open) -> None:
    """One that isn't would show as a variant's."""
    with reopen(reviewed()) as workflow:
        sync(workflow, "s1", orders_count=1, inventory_items=2)
        found = {
            "claim_id": "c1",
            "claim_type": "lost",
            "amount": "5",
            "currency": "USD",
            "confidence": 0.9,
            "evidence": {"a": 1},
            "discovery_date": "2026-01-01T00:00:00Z",
            "deadline_date": "2027-01-01T00:00:00Z",
            "eligible_from": "2026-01-01T00:00:00Z",
        }
        at = {"occurred_at": "2026-01-02T00:00:00Z"}
        workflow.fire("detection_complete", user_id="u1", sync_id="s1", claims=[found], **at)
        matched = {"claim_id": "c1", "confidence": 0.9, "match_type": "x", "reasoning": "y"}
        matches = [{**matched, "evidence_document_id": "d"}]
        workflow.fire("evidence_matching_complete", user_id="u1", matches=matches)
        workflow.fire("payout_received", user_id="u1", claim_id="c1", amount="5")
        workflow.fire("payout_reversed", user_id="u1", claim_id="c1", amount="5")
        find(workflow, "c2", sync_id="s2")
        submit(workflow, "c2", amazon_case_id="K2")
        workflow.fire("claim_rejected", user_id="u1", claim_id="c2", rejection_reason="no")
        assert [one.facts for one in status(workflow).claims] == [{}, {}]
        assert "reviewer" not in FACTS
