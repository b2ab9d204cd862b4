"""Logs: one JSON line a request, which tells the event and never the body."""

from __future__ import annotations

import logging

import pytest

from tests.webapp.conftest import Api
from tests.webapp.http.keys import (
    ALL,
    API_TOKEN,
    EVERY_SECRET,
    OLD,
    STRANGE,
    OpenApp,
    bearer,
    holder,
    signed,
)
from tests.webapp.http.messages import BODY
from tests.webapp.services import Service
from webapp.http.access_log import JsonLines
from webapp.routes.webhooks import PREFIX
from workflow_fsm.testing import ManualClock


def test_each_request_is_one_line_of_json(server: Service, api: Api, user: str) -> None:
    secret = "nobody's business"
    headers = {"webhook-id": "e1", "X-Secret": secret}
    api.post("sync/complete", {"user_id": user, "note": secret}, headers=headers)
    api.get(f"status/{user}", claim_id=secret)

    line = server.line_of(f"{PREFIX}/status/{user}")
    assert line | {"at": "", "milliseconds": 0, "request_id": ""} == {
        "at": "",
        "method": "GET",
        "path": f"{PREFIX}/status/{user}",
        "code": 200,
        "remote_addr": "127.0.0.1",
        "request_id": "",
        "event_id": None,
        "user_id": user,
        "trigger": None,
        "outcome": None,
        "credential": "open",
        "credential_name": None,
        "milliseconds": 0,
    }
    assert line["at"].endswith("Z")
    assert 0 < line["milliseconds"] < 10_000
    [line] = [line for line in server.lines() if line.get("user_id") == user and line.get("method") == "POST"]
    assert line["path"] == f"{PREFIX}/sync/complete"
    assert (line["code"], line["event_id"], line["trigger"], line["outcome"]) == (
        200,
        "e1",
        "sync_complete",
        "applied",
    )
    assert secret not in server.log.read_text()


def test_a_problem_s_line_tells_its_code(server: Service, api: Api, user: str) -> None:
    api.post("payout/received", {"user_id": user})
    api.get(f"status/{user}")

    assert server.line_of(f"{PREFIX}/status/{user}")["outcome"] == "unknown-user"
    [line] = [line for line in server.lines() if line.get("user_id") == user and line.get("method") == "POST"]
    assert (line["code"], line["outcome"], line["event_id"]) == (400, "invalid-event", None)


def test_what_reaches_no_view_has_its_line_too(server: Service, user: str) -> None:
    server.get_raw(f"/no/{user}?token=secret")

    line = server.line_of(f"/no/{user}")
    assert (line["code"], line["outcome"]) == (404, "unknown-route")


def test_a_batch_has_one_line_that_counts_its_outcomes(server: Service, api: Api, user: str) -> None:
    event = {"trigger": "sync_complete", "user_id": user, "sync_id": "s", "event_id": user}
    api.post("events", [event, event, {**event, "trigger": "nope"}], headers={"X": "y"})
    api.get(f"status/{user}")
    server.line_of(f"{PREFIX}/status/{user}")

    lines = [line for line in server.lines() if line.get("outcome") == "batch"]
    assert {"applied": 1, "duplicate": 1, "invalid-event": 1} in [line["outcomes"] for line in lines]


def test_an_id_too_long_to_be_one_is_not_logged(server: Service, api: Api, user: str) -> None:
    api.post("sync/complete", {"user_id": "y" * 300, "event_id": {"x": "y"}})
    api.get(f"status/{user}")
    server.line_of(f"{PREFIX}/status/{user}")

    assert "y" * 300 not in server.log.read_text()


def test_each_line_tells_by_what_its_sender_is_known_and_no_secret(
    open_app: OpenApp, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    client = open_app(**ALL).test_client()
    sent = [
        ("secret", "2", signed(BODY, clock.now, of=OLD)),
        ("secret", None, signed(BODY, clock.now, of=STRANGE)),
        ("token", "operator", bearer(API_TOKEN)),
        ("token", "service_worker:node", holder(clock.now, role="service_worker", sub="node")),
        ("token", "u7", holder(clock.now, user_id="u7")),
        ("token", None, bearer("nobody-s")),
        (None, None, {}),
    ]
    codes = [
        client.post(
            f"{PREFIX}/sync/complete",
            data=BODY,
            content_type="application/json",
            headers=headers,
            environ_overrides={"REMOTE_ADDR": "192.0.2.7"},
        ).status_code
        for _, _, headers in sent
    ]

    lines = [record.__dict__["request_facts"] for record in caplog.records if "request_facts" in vars(record)]
    told = [(line["code"], line["credential"], line["credential_name"]) for line in lines]
    assert codes == [200, 401, 200, 200, 403, 401, 401]
    assert told == [(code, kind, name) for code, (kind, name, _) in zip(codes, sent, strict=True)]
    assert {line["remote_addr"] for line in lines} == {"192.0.2.7"}
    written = "\n".join(JsonLines().format(record) for record in caplog.records)
    for secret in [*EVERY_SECRET, "nobody-s", *(str(headers) for _, _, headers in sent if headers)]:
        assert secret not in written


@pytest.mark.parametrize("given", ["a", "req-1:2/3=4+5@b._", "0" * 128])
def test_a_request_s_own_id_is_logged_and_given_back(
    server: Service, api: Api, user: str, given: str
) -> None:
    answer = api.post("sync/complete", {"user_id": user}, headers={"X-Request-Id": given})

    assert answer.headers["X-Request-Id"] == given
    api.get(f"status/{user}")
    server.line_of(f"{PREFIX}/status/{user}")
    [line] = [line for line in server.lines() if line.get("user_id") == user and line.get("method") == "POST"]
    assert line["request_id"] == given


@pytest.mark.parametrize("given", [None, "", "0" * 129, "a b", 'a"b', "-a", "a,b"])
def test_without_a_good_one_an_id_is_made_for_each_request(api: Api, user: str, given: str | None) -> None:
    headers = {} if given is None else {"X-Request-Id": given}
    answers = [api.post("payout/received", {"user_id": user}, headers=headers) for _ in range(2)]

    ids = {answer.headers["X-Request-Id"] for answer in answers}
    assert len(ids) == 2
    assert given not in ids
    assert all(len(one) == 32 for one in ids)
