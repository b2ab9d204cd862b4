"""A store in which something of everything has happened, and a person who looks at it."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.webapp.http.keys import ALL, API_TOKEN
from webapp import create_app
from webapp.settings import ServiceSettings
from workflow_fsm import Workflow

PAGE = {"Accept": "text/html,application/xhtml+xml"}
PATHS = (
    "/",
    "/dashboard/attention",
    "/dashboard/claims",
    "/dashboard/claim?user_id=u1&claim_id=c1",
    "/dashboard/users",
    "/dashboard/user?user_id=u1",
    "/dashboard/money",
    "/dashboard/effects",
    "/dashboard/deadletters",
    "/dashboard/deadletters?dropped=1",
    "/dashboard/deadletters/all?act=retry",
    "/dashboard/deadletters/all?act=drop&kind=event",
)
"""Every page."""
Person = Callable[..., "Browsing"]


class Browsing:
    """Looks at pages as a browser without a script does, signed in with the operator's token or not."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def sign_in(self) -> Browsing:
        assert self.client.post("/login", data={"token": API_TOKEN}, headers=PAGE).status_code == 303
        return self

    def look(self, path: str) -> str:
        """Load a page that is there."""
        answer = self.client.get(path, headers=PAGE)
        assert answer.status_code == 200, answer.text
        assert answer.content_type == "text/html; charset=utf-8"
        return answer.text

    def forms(self, path: str) -> list[tuple[str, dict[str, str]]]:
        """Give the forms of a page that post: where to, and their hidden fields."""
        found = re.findall(r'<form method="post" action="([^"]*)"[^>]*>(.*?)</form>', self.look(path), re.S)
        return [
            (
                unescape(action),
                {
                    unescape(name): unescape(value)
                    for name, value in re.findall(
                        r'<input type="hidden" name="([^"]*)" value="([^"]*)"', inside
                    )
                },
            )
            for action, inside in found
        ]

    def send(self, path: str, want: dict[str, str], **fields: str) -> TestResponse:
        """Fill in the first form of a page whose hidden fields hold what is wanted, and send it."""
        action, hidden = next(
            (action, hidden) for action, hidden in self.forms(path) if want.items() <= hidden.items()
        )
        return self.client.post(action, data={**hidden, **fields}, headers=PAGE)


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages wait for their first figures as long as that takes, however slow the machine is."""
    monkeypatch.setattr("webapp.dashboard.samples.FIRST_SECONDS", 30.0)


@pytest.fixture
def lived(workflow: Workflow) -> Workflow:
    """Claims in several states, money that waits and conflicts, and an effect that was given up."""

    @workflow.on_enter("submitted", tries=1)
    def file_it(transition: object) -> None:
        raise RuntimeError("the marketplace <b>hung up</b>")

    def fire(trigger: str, **fields: Any) -> None:
        workflow.fire(trigger, user_id="u1", **fields)

    fire("sync_complete", sync_id="s1")
    claims = [
        {"claim_id": "c1", "amount": "12.50", "currency": "EUR", "deadline_date": "2031-01-01T00:00:00Z"},
        {"claim_id": "c2", "amount": "100.00", "currency": "USD"},
        {"claim_id": "c3", "amount": "7.00", "currency": "USD"},
    ]
    fire("detection_complete", sync_id="s1", claims=claims)
    fire("evidence_matching_complete", claim_id="c1", confidence=0.6)
    fire("claim_submitted", claim_id="c2", amazon_case_id="k2")
    fire("payout_received", claim_id="c2", amount="40.00", reimbursement_id="r1", event_id="p1")
    fire("payout_received", claim_id="c2", amount="41.00", reimbursement_id="r1", event_id="p2")
    fire("payout_reversed", claim_id="c2", amount="5.00", event_id="p3", reimbursement_id="r3")
    fire("payout_received", amount="9.99", amazon_case_id="nobodys", event_id="p4")
    fire("claim_submitted", claim_id="c3", amazon_case_id="k3")
    workflow.run_effects()
    return workflow


@pytest.fixture
def person(lived: Workflow) -> Browsing:
    """Somebody signed in, where credentials are asked for."""
    app = create_app(lived, settings=ServiceSettings.from_environment(ALL))
    return Browsing(app.test_client()).sign_in()
