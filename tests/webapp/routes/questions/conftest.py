"""Questions over HTTP: of a store of each kind, in which three sellers have claims in all states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from webapp.routes.webhooks import PREFIX
from workflow_fsm import Transition, Workflow
from workflow_fsm.testing import ManualClock

Ask = Callable[..., Any]


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty store, of each kind in turn."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def told(client: FlaskClient, workflow: Workflow, clock: ManualClock) -> FlaskClient:
    """A client of a service that was told of three sellers, and owes something for each claim."""

    @workflow.on_enter("matched", name="submit")
    def submit(transition: Transition) -> None: ...

    for user in ("a", "b/1", "c"):
        tell(client, "sync/complete", user_id=user, sync_id="s1")
        found = [
            {"claim_id": "c1", "amount": "12.50", "deadline_date": "2026-03-05T00:00:00Z"},
            {"claim_id": "c2", "amount": "100.00", "currency": "EUR", "aliases": ["dispute/2"]},
            {"claim_id": "c3", "deadline_date": "2026-03-02T00:00:00Z"},
        ]
        tell(client, "detection/complete", user_id=user, sync_id="s1", claims=found, event_id="found")
        matches = [{"claim_id": "c1", "confidence": 0.9}, {"claim_id": "c2", "confidence": 0.6}]
        tell(client, "evidence-matching/complete", user_id=user, matches=matches)
        tell(client, "claim/submitted", user_id=user, claim_id="c1", case_id=f"case-{user}")
        tell(
            client,
            "payout/received",
            user_id=user,
            claim_id="c1",
            case_id=f"case-{user}",
            amount="12.50",
            reimbursement_id="r1",
            event_id="paid",
        )
        tell(client, "payout/reversed", user_id=user, claim_id="c1", amount="2.50", event_id="back")
        tell(client, "payout/received", user_id=user, claim_id="c9", amount="5.00", event_id="early")
        tell(client, "payout/received", user_id=user, claim_id="c8", amount="7.00", event_id="gone")
        [letter] = [one for one in workflow.dead_letters(user_id=user) if one.event_id == "gone"]
        workflow.drop_dead_letter(letter.id, reason="a test's")
        clock.advance(minutes=1)
    return client


@pytest.fixture
def ask(told: FlaskClient) -> Ask:
    """Ask a list, and give its rows and its cursor."""

    def get(question: str, **query: object) -> Any:
        answer = told.get(f"{PREFIX}/{question}", query_string=query)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return answer.get_json()

    return get


def tell(client: FlaskClient, path: str, **body: object) -> None:
    answer = client.post(f"{PREFIX}/{path}", json=body)
    assert answer.status_code in (200, 202), answer.get_data(as_text=True)
