"""What claims are listed by stands beside their facts; what an older version wrote is read in its facts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from tests.conftest import Stored
from tests.stories.asked import DEADLINE, fill
from workflow_fsm import Workflow
from workflow_fsm.testing import ManualClock

QUESTIONS: tuple[Mapping[str, Any], ...] = (
    *({"sort": f"{way}{by}"} for by in ("deadline", "amount", "entered_at") for way in ("", "-")),
    {"decision": "ask_user"},
    {"currency": "EUR"},
    {"due_before": DEADLINE.format(5), "sort": "-amount"},
    {"overdue": False},
)
AS_OLDER_VERSIONS = (
    "UPDATE lifecycles SET facts = ltrim(facts), listed_decision = '', listed_currency = '', "
    "listed_deadline = '', listed_amount = ''"
)


def listing(workflow: Workflow) -> list[list[str]]:
    return [
        [f"{row.user_id}/{row.sync_id}/{row.claim_id}" for row in workflow.claims(**asked)]
        for asked in QUESTIONS
    ]


def test_what_an_older_version_wrote_is_listed_alike(
    workflow: Workflow, clock: ManualClock, stored: Stored
) -> None:
    fill(workflow, clock)
    found, asked = listing(workflow), workflow.by_state()
    assert all(found)

    stored(AS_OLDER_VERSIONS)

    assert listing(workflow) == found
    assert workflow.by_state() == asked
    assert workflow.check().sound


def test_what_an_older_version_changes_after_this_one_is_listed_as_it_stands(
    workflow: Workflow, stored: Stored
) -> None:
    claims = [{"claim_id": f"c{n}", "amount": f"{n}.00", "currency": "EUR"} for n in (1, 2, 3)]
    workflow.fire("sync_complete", user_id="u1", sync_id="s1")
    workflow.fire("detection_complete", user_id="u1", sync_id="s1", claims=claims)
    (row,) = stored("SELECT facts FROM lifecycles WHERE claim_id = 'c1'")
    facts = json.dumps({**json.loads(row["facts"]), "amount": "12.50", "decision": "review"})

    stored(f"UPDATE lifecycles SET facts = '{facts}' WHERE claim_id = 'c1'")  # noqa: S608  # of ours

    assert [row.claim_id for row in workflow.claims(sort="-amount", state="detected")] == ["c1", "c3", "c2"]
    assert [row.claim_id for row in workflow.claims(decision="review")] == ["c1"]

    workflow.fire("claim_submitted", user_id="u1", claim_id="c1")
    assert [row.claim_id for row in workflow.claims(sort="-amount", state="submitted")] == ["c1"]


@pytest.mark.parametrize("amount", ["0.01", "999999999999.99", "7", "7.50"])
def test_amounts_are_listed_in_the_order_of_numbers(workflow: Workflow, amount: str) -> None:
    claims = [{"claim_id": "one", "amount": amount}, {"claim_id": "ten", "amount": "10.00"}]
    workflow.fire("sync_complete", user_id="u1", sync_id="s1")
    workflow.fire("detection_complete", user_id="u1", sync_id="s1", claims=claims)

    found = [
        Decimal(row.amount)
        for row in workflow.claims(sort="amount", state="detected")
        if row.amount is not None
    ]
    assert found == sorted(found)
