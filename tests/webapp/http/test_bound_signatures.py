"""What a signed message is bound to: the route that its body, or its secret, is for."""

from __future__ import annotations

import json

import pytest
from flask.testing import FlaskClient

from tests.webapp.http import keys
from webapp.routes.webhooks import PREFIX
from workflow_fsm.testing import ManualClock

PAYOUT = {"user_id": "u1", "claim_id": "c1", "amount": "12.50", "currency": "USD"}


def send(
    client: FlaskClient, clock: ManualClock, route: str, body: object, *, of: str = keys.NEW
) -> tuple[int, str]:
    """Post a signed message; give the answer's code and text."""
    raw = json.dumps(body).encode()
    headers = keys.signed(raw, clock.now, of=of)
    response = client.post(f"{PREFIX}/{route}", data=raw, content_type="application/json", headers=headers)
    return response.status_code, response.get_data(as_text=True)


@pytest.mark.parametrize(
    "kind",
    [
        {"trigger": "payout_received"},
        {"type": "payout_received"},
        {"type": "payout.received"},
        {"type": "Payout/Received"},
        {"trigger": "payout-received", "type": "something else"},
        {"trigger": 5},
        {"trigger": ""},
    ],
)
def test_a_message_that_says_it_is_another_event_is_refused_on_this_route_and_kept_nowhere(
    guarded: FlaskClient, clock: ManualClock, kind: dict[str, object]
) -> None:
    code, text = send(guarded, clock, "payout/reversed", {**PAYOUT, **kind})

    assert code == 400
    told = json.loads(text)
    assert [error["field"] for error in told["errors"]] == [next(iter(kind))]
    assert "payout_reversed, as which it was sent" in told["errors"][0]["reason"]
    operator = keys.bearer(keys.API_TOKEN)
    assert guarded.get(f"{PREFIX}/status/u1", headers=operator).status_code == 404


@pytest.mark.parametrize(
    "kind",
    [
        {"trigger": "payout_received", "type": "payout.received"},
        {"trigger": "payout/received"},
        {"trigger": None, "type": None},
        {"type": "reimbursement"},
        {"type": 7},
    ],
)
def test_a_message_that_says_what_it_is_or_nothing_of_it_is_taken(
    guarded: FlaskClient, clock: ManualClock, kind: dict[str, object]
) -> None:
    assert send(guarded, clock, "payout/received", {**PAYOUT, **kind})[0] in (200, 202)


def test_an_event_of_a_batch_whose_type_says_otherwise_is_refused_alone(
    guarded: FlaskClient, clock: ManualClock
) -> None:
    reversal = {"trigger": "payout_reversed", "type": "payout.received", "event_id": "e1", **PAYOUT}
    sync = {"trigger": "sync_complete", "type": "sync.complete", "event_id": "e2", "user_id": "u1"}
    code, text = send(guarded, clock, "events", [reversal, sync])

    assert code == 200
    assert [each["code"] for each in json.loads(text)] == [400, 200]
