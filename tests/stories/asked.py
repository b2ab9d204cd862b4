"""What questions across users are asked of: three users, and rows as they are compared."""

from __future__ import annotations

from itertools import product
from typing import Any

from tests.stories.acts import match, pay, reject, submit, sync
from workflow_fsm import Workflow
from workflow_fsm.testing import ManualClock

DEADLINE = "2026-03-0{}T00:00:00.000000Z"


def fill(workflow: Workflow, clock: ManualClock) -> None:
    """Let three users have claims in all states, of two currencies, with and without what is sorted by."""
    for user in ("a", "b", "c"):
        sync(workflow, "s1", user_id=user)
        told: list[dict[str, Any]] = [
            {"claim_id": f"c{number}", "amount": amount, "currency": currency}
            for number, (amount, currency) in enumerate(
                product(("9.50", "100.00", None), ("USD", "EUR")), start=1
            )
        ]
        for number, one in enumerate(told):
            if number % 3:
                one["deadline_date"] = DEADLINE.format(number + 1)
        told[1]["aliases"] = ["dispute-2"]
        workflow.fire("detection_complete", user_id=user, sync_id="s1", claims=told)
        clock.advance(minutes=1)
        match(workflow, "c2", confidence=0.9, user_id=user)
        match(workflow, "c3", confidence=0.6, user_id=user)
        submit(workflow, "c4", amazon_case_id=f"case-{user}", user_id=user)
        submit(workflow, "c5", amazon_case_id="shared", user_id=user)
        clock.advance(minutes=1)
        pay(workflow, "c4", amount="3.00", reimbursement_id="r4", user_id=user)
        reject(workflow, "c5", amazon_case_id="shared", user_id=user)
        workflow.fire("payout_reversed", user_id=user, claim_id="c6", amount="2.00", event_id="early")
    sync(workflow, "plain", user_id="d")


def names(rows: Any) -> list[str]:
    return [f"{row.user_id}/{row.claim_id}" for row in rows]


def whole(workflow: Workflow) -> dict[str, Any]:
    """Give all claims, as the status of each user has them."""
    found: dict[str, Any] = {}
    for user in ("a", "b", "c", "d"):
        told = workflow.status(user, limit=1000)
        assert told is not None
        found |= {f"{user}/{one.claim_id}": one for one in told.claims}
    return found
