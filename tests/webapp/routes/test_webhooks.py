"""Webhooks: the routes, the codes and bodies of their answers, and the ids that headers bring."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.webapp.http.keys import OpenApp
from webapp.http.problem_kinds import DOCS
from webapp.routes.webhooks import PREFIX, TRIGGERS


def post(client: FlaskClient, route: str, body: object, **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(f"{PREFIX}/{route}", json=body, headers=named)


def answer(response: TestResponse) -> Any:
    return response.get_json(force=True)


def detect(client: FlaskClient, *claims: str) -> None:
    assert post(client, "sync/complete", {"user_id": "u", "sync_id": "s"}).status_code == 200
    found = [{"claim_id": claim, "amount": "12.50"} for claim in claims]
    assert (
        post(client, "detection/complete", {"user_id": "u", "sync_id": "s", "claims": found}).status_code
        == 200
    )


@pytest.mark.parametrize(("route", "trigger"), TRIGGERS.items())
def test_each_route_fires_its_trigger(client: FlaskClient, route: str, trigger: str) -> None:
    response = post(client, route, {"user_id": "u", "amount": "1.00"})

    assert response.status_code in (200, 202)
    assert answer(response)["trigger"] == trigger


def test_six_webhooks_carry_a_claim_to_paid(client: FlaskClient) -> None:
    detect(client, "c")
    for route, body in (
        ("evidence-matching/complete", {"claim_id": "c", "confidence": 0.9}),
        ("claim/submitted", {"claim_id": "c", "case_id": "case"}),
        ("claim/rejected", {"claim_id": "c", "reason": "too early"}),
        ("payout/received", {"claim_id": "c", "amount": "12.50"}),
    ):
        assert post(client, route, {"user_id": "u", **body}).status_code == 200

    status = answer(client.get(f"{PREFIX}/status/u"))
    assert (status["state"], status["recovered"]) == ("paid", {"USD": "12.50"})


def test_an_applied_event_is_answered_in_the_contract_s_order(client: FlaskClient) -> None:
    response = post(client, "sync/complete", {"user_id": "ü", "sync_id": "s", "event_id": "e"})

    assert response.status_code == 200
    assert response.content_type == "application/json"
    assert response.get_data(as_text=True) == (
        '{"status":"applied","event_id":"e","user_id":"ü","trigger":"sync_complete","transitions":'
        '[{"claim_id":null,"sync_id":"s","from":null,"to":"synced","version":1}]}'
    )


def test_an_early_event_is_deferred_with_202(client: FlaskClient) -> None:
    response = post(client, "claim/submitted", {"user_id": "u", "claim_id": "c"})

    assert response.status_code == 202
    told = answer(response)
    assert told["status"] == "deferred"
    assert list(told)[4:8] == ["waiting_for", "reason", "expires_at", "candidates"]


def test_a_known_event_is_unchanged_with_200(client: FlaskClient) -> None:
    detect(client, "c")
    response = post(
        client, "sync/complete", {"user_id": "u", "sync_id": "s", "orders_count": 3, "event_id": "e"}
    )

    assert (response.status_code, answer(response)["status"]) == (200, "unchanged")


def test_the_same_event_again_is_a_duplicate_with_200(client: FlaskClient) -> None:
    post(client, "payout/received", {"user_id": "u", "amount": "1.00", "event_id": "e"})
    response = post(client, "payout/received", {"user_id": "u", "amount": 1, "event_id": "e"})

    told = answer(response)
    assert (response.status_code, told["status"], told["first_status"]) == (200, "duplicate", "deferred")


def test_an_event_id_with_other_content_is_422(client: FlaskClient) -> None:
    post(client, "payout/received", {"user_id": "u", "amount": "1.00", "event_id": "e"})
    response = post(client, "payout/received", {"user_id": "u", "amount": "2.00", "event_id": "e"})

    assert response.status_code == 422
    assert response.content_type == "application/problem+json"
    told = answer(response)
    assert (told["type"], told["status"]) == (f"{DOCS}/event-id-reused", 422)
    assert (told["event_id"], told["user_id"], told["trigger"]) == ("e", "u", "payout_received")


def test_a_list_that_is_taken_in_part_is_207(client: FlaskClient) -> None:
    post(client, "sync/complete", {"user_id": "u", "sync_id": "s"})
    claims = [{"claim_id": "c"}, {"claim_id": "d", "amount": "much"}]
    response = post(client, "detection/complete", {"user_id": "u", "sync_id": "s", "claims": claims})

    assert response.status_code == 207
    told = answer(response)
    assert told["status"] == "applied"
    assert [row["index"] for row in told["refused"]] == [1]


def test_a_refusal_is_409_and_says_what_is_allowed(client: FlaskClient) -> None:
    detect(client, "c")
    post(client, "payout/received", {"user_id": "u", "claim_id": "c", "amount": "1.00"})
    response = post(client, "claim/rejected", {"user_id": "u", "claim_id": "c", "event_id": "e"})

    assert response.status_code == 409
    assert response.content_type == "application/problem+json"
    told = answer(response)
    assert list(told)[:4] == ["type", "title", "status", "detail"]
    assert (told["type"], told["status"], told["state"]) == (f"{DOCS}/not-allowed", 409, "paid")
    assert (told["event_id"], told["user_id"], told["trigger"]) == ("e", "u", "claim_rejected")
    assert "payout_received" in told["allowed"]


def test_an_event_that_could_be_for_several_is_409_and_names_them(client: FlaskClient) -> None:
    detect(client, "c", "d")
    response = post(client, "claim/submitted", {"user_id": "u"})

    assert response.status_code == 409
    assert [row["claim_id"] for row in answer(response)["candidates"]] == ["d", "c"]


def test_a_refusal_can_be_answered_with_200(open_app: OpenApp) -> None:
    client = open_app(WORKFLOW_REFUSAL_STATUS="200").test_client()
    detect(client, "c")
    post(client, "payout/received", {"user_id": "u", "claim_id": "c", "amount": "1.00"})
    response = post(client, "claim/rejected", {"user_id": "u", "claim_id": "c"})

    assert response.status_code == 200
    assert response.content_type == "application/json"
    told = answer(response)
    assert (told["status"], told["state"], told["trigger"]) == ("refused", "paid", "claim_rejected")
    assert told["reason"]


def test_every_wrong_field_is_named_at_once(client: FlaskClient) -> None:
    body = {"amount": "1e", "currency": "XYZ", "occurred_at": "2026-01-01T00:00:00"}
    response = post(client, "payout/received", body)

    assert response.status_code == 400
    told = answer(response)
    assert (told["type"], told["trigger"]) == (f"{DOCS}/invalid-event", "payout_received")
    assert {error["field"] for error in told["errors"]} == {"user_id", "amount", "currency", "occurred_at"}


def test_a_camel_case_field_gets_a_hint(client: FlaskClient) -> None:
    response = post(client, "sync/complete", {"userId": "u"})

    assert response.status_code == 400
    assert "did you mean `user_id`" in answer(response)["detail"]


@pytest.mark.parametrize(
    ("headers", "event_id"),
    [
        ({"webhook_id": "first", "Idempotency_Key": "second"}, "first"),
        ({"Idempotency_Key": "bare"}, "bare"),
        ({"Idempotency_Key": '"quoted"'}, "quoted"),
        ({"Idempotency_Key": '"a \\"b\\" \\\\ c"'}, 'a "b" \\ c'),
        ({"Idempotency_Key": '"quoted";with=parameters'}, "quoted"),
        ({"Idempotency_Key": 'in the "middle"'}, 'in the "middle"'),
        ({"webhook_id": '"as it is"'}, '"as it is"'),
        ({}, "from the body"),
    ],
)
def test_the_event_id_is_the_first_found(client: FlaskClient, headers: dict[str, str], event_id: str) -> None:
    response = post(client, "sync/complete", {"user_id": "u", "event_id": "from the body"}, **headers)

    assert answer(response)["event_id"] == event_id


@pytest.mark.parametrize("header", ["webhook_id", "Idempotency_Key"])
def test_an_id_beyond_ascii_is_the_same_in_header_and_body(client: FlaskClient, header: str) -> None:
    post(client, "sync/complete", {"user_id": "u", "sync_id": "s", "event_id": "zahlung-ü-€"})
    as_sent = "zahlung-ü-€".encode().decode("latin-1")
    response = post(client, "sync/complete", {"user_id": "u", "sync_id": "s"}, **{header: as_sent})

    assert (answer(response)["status"], answer(response)["event_id"]) == ("duplicate", "zahlung-ü-€")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-id", "\xff"),
        ("webhook-id", "x" * 256),
        ("webhook-id", ""),
        ("Idempotency-Key", "\xff"),
        ("Idempotency-Key", '"never closed'),
        ("Idempotency-Key", '"closed" too early"'),
        ("Idempotency-Key", '"a bad \\escape"'),
        ("Idempotency-Key", '""'),
    ],
)
def test_a_bad_id_in_a_header_is_400_and_names_the_header(client: FlaskClient, name: str, value: str) -> None:
    response = client.post(f"{PREFIX}/sync/complete", json={"user_id": "u"}, headers={name: value})

    assert response.status_code == 400
    assert [error["field"] for error in answer(response)["errors"]] == [name]


def test_an_alias_is_linked_and_linked_again(client: FlaskClient) -> None:
    for _ in range(2):
        response = post(client, "claims/link", {"user_id": "u", "claim_id": "c", "alias": "case"})
        assert (response.status_code, answer(response)) == (200, {"status": "linked"})


def test_an_alias_of_another_claim_is_409(client: FlaskClient) -> None:
    post(client, "claims/link", {"user_id": "u", "claim_id": "c", "alias": "case"})
    response = post(client, "claims/link", {"user_id": "u", "claim_id": "d", "alias": "case"})

    assert response.status_code == 409
    told = answer(response)
    assert (told["type"], told["alias"], told["owner"]) == (f"{DOCS}/alias-taken", "case", "c")


def test_a_link_that_is_not_well_formed_is_400_and_names_every_field(client: FlaskClient) -> None:
    response = post(client, "claims/link", {"claim_id": 7, "alias": " "})

    assert response.status_code == 400
    assert {error["field"] for error in answer(response)["errors"]} == {"user_id", "claim_id", "alias"}
