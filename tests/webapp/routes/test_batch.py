"""Many events in one request: their answers in order, and what harms one, all or none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from webapp.http.problem_kinds import DOCS
from webapp.routes.webhooks import PREFIX

EVENTS = f"{PREFIX}/events"
NDJSON = "application/x-ndjson"


def sync(name: str, **fields: Any) -> dict[str, Any]:
    return {"trigger": "sync_complete", "user_id": "u", "sync_id": name, "event_id": name, **fields}


def send(client: FlaskClient, *lines: object) -> TestResponse:
    raw = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    return client.post(EVENTS, data=raw, content_type=NDJSON)


def codes(response: TestResponse) -> list[int]:
    return [each["code"] for each in response.get_json()]


def test_each_event_of_an_array_is_answered_in_its_place(client: FlaskClient) -> None:
    early = {"trigger": "claim_submitted", "user_id": "u", "claim_id": "c"}
    bad = {"trigger": "payout_received", "user_id": "u"}
    response = client.post(
        EVENTS, json=[sync("s1"), early, bad, sync("s1"), sync("s1", orders_count=1), sync("s2")]
    )

    assert response.status_code == 200
    assert response.content_type == "application/json"
    answers = response.get_json()
    assert codes(response) == [200, 202, 400, 200, 422, 200]
    assert [each["status"] for each in answers] == ["applied", "deferred", 400, "duplicate", 422, "applied"]
    assert (answers[2]["type"], answers[2]["errors"][0]["field"]) == (f"{DOCS}/invalid-event", "amount")


def test_the_lines_of_ndjson_are_events_too(client: FlaskClient) -> None:
    response = send(client, sync("s1"), b"", sync("s2"), b"")

    assert codes(response) == [200, 200]


def test_a_line_that_is_no_json_harms_no_other(client: FlaskClient) -> None:
    response = send(client, sync("s1"), b'{"trigger":', b'{"a":1,"a":1}', b"\xff", sync("s2"))

    assert codes(response) == [200, 400, 400, 400, 200]
    assert {each["type"] for each in response.get_json()[1:4]} == {f"{DOCS}/malformed-body"}


@pytest.mark.parametrize(
    "raw", [b"", b"[", b'{"trigger": "sync_complete"}', b"null", b'[{"a":1,"a":1}]', b"[NaN]"]
)
def test_an_array_that_is_not_well_formed_is_400_whole(client: FlaskClient, raw: bytes) -> None:
    response = client.post(EVENTS, data=raw, content_type="application/json")

    assert response.status_code == 400
    assert response.content_type == "application/problem+json"
    assert response.get_json(force=True)["type"] == f"{DOCS}/malformed-body"


@pytest.mark.parametrize("entry", [None, 7, "sync_complete", [], [sync("s")]])
def test_an_entry_that_is_no_object_is_a_bad_event(client: FlaskClient, entry: object) -> None:
    assert codes(client.post(EVENTS, json=[entry, sync("s")])) == [400, 200]


@pytest.mark.parametrize("trigger", [None, "", 7, "deadline_passed", "sync/complete", "no_such"])
def test_a_trigger_that_can_t_be_sent_is_a_bad_event(client: FlaskClient, trigger: object) -> None:
    response = client.post(EVENTS, json=[{**sync("s"), "trigger": trigger}, sync("s")])

    assert codes(response) == [400, 200]
    assert [error["field"] for error in response.get_json()[0]["errors"]] == ["trigger"]


def test_headers_name_no_event_of_a_batch_that_has_an_id(client: FlaskClient) -> None:
    headers = {"webhook-id": "from-a-header", "Idempotency-Key": "from-another"}
    response = client.post(EVENTS, json=[sync("s1"), sync("s2")], headers=headers)

    assert [each["event_id"] for each in response.get_json()] == ["s1", "s2"]


@pytest.mark.parametrize(("length", "good"), [(251, 11), (253, 10), (254, 0), (255, 0)])
def test_an_id_of_the_request_that_is_too_long_with_a_place_says_so(
    client: FlaskClient, length: int, good: int
) -> None:
    """ "one without an id takes the request's `webhook-id` or `Idempotency-Key` and its place" """
    events = [sync(f"s{place}", event_id=None) for place in range(11)]
    answer = client.post("/api/v1/workflow/events", json=events, headers={"webhook-id": "i" * length})

    assert codes(answer) == [200] * good + [400] * (11 - good)
    for place, told in list(enumerate(answer.get_json()))[good:]:
        [fault] = told["errors"]
        whole = length + len(f"#{place}")
        assert fault["field"] == "webhook-id"
        assert fault["reason"].startswith(f"has {length} characters, and {whole} with the event's place")
        assert f"(#{place}); an id has at most 255, so a batch's has at most 251" in fault["reason"]


def test_an_empty_batch_has_no_answers(client: FlaskClient) -> None:
    assert client.post(EVENTS, json=[]).get_json() == []
    assert send(client).get_json() == []


def test_a_thousand_events_are_taken_and_one_more_is_413(client: FlaskClient) -> None:
    many = [sync(f"s{number}") for number in range(1001)]
    for response in (client.post(EVENTS, json=many), send(client, *many)):
        assert response.status_code == 413
        assert response.get_json(force=True)["type"] == f"{DOCS}/too-large"
    assert client.get(f"{PREFIX}/status/u").status_code == 404
    assert codes(send(client, *many[:1000])) == [200] * 1000


def test_a_refused_event_of_a_batch_has_the_code_it_would_have_alone(client: FlaskClient) -> None:
    claims = [{"claim_id": "c"}]
    detection = {"trigger": "detection_complete", "user_id": "u", "sync_id": "s", "claims": claims}
    payout = {"trigger": "payout_received", "user_id": "u", "claim_id": "c", "amount": 1}
    rejection = {"trigger": "claim_rejected", "user_id": "u", "claim_id": "c"}
    response = client.post(EVENTS, json=[sync("s"), detection, payout, rejection])

    assert codes(response) == [200, 200, 200, 409]
    refused = response.get_json()[3]
    assert (refused["type"], refused["state"]) == (f"{DOCS}/not-allowed", "paid")


def test_one_event_with_too_long_a_list_is_413_in_its_place_alone(client: FlaskClient) -> None:
    """ "A list has at most 50,000 entries (413 ◆; send it in parts)" and "one bad event harms no other" """
    claims = [{"claim_id": f"c{number}"} for number in range(50_001)]
    long = {"trigger": "detection_complete", "user_id": "u", "claims": claims}
    response = client.post(EVENTS, json=[sync("s1"), long, sync("s2")])

    assert codes(response) == [200, 413, 200]
    answer = response.get_json()[1]
    assert answer["type"] == f"{DOCS}/event-too-large"
    assert answer["errors"][0]["field"] == "claims"
    assert "send it in parts" in answer["detail"]
