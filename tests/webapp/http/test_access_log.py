"""Logs: one JSON line a request, which tells the event and never the body."""

from __future__ import annotations

from tests.webapp.conftest import Api
from tests.webapp.services import Service
from webapp.routes.webhooks import PREFIX


def test_each_request_is_one_line_of_json(server: Service, api: Api, user: str) -> None:
    secret = "nobody's business"
    headers = {"webhook-id": "e1", "X-Secret": secret}
    api.post("sync/complete", {"user_id": user, "note": secret}, headers=headers)
    api.get(f"status/{user}", claim_id=secret)

    line = server.line_of(f"{PREFIX}/status/{user}")
    assert line | {"at": "", "milliseconds": 0} == {
        "at": "",
        "method": "GET",
        "path": f"{PREFIX}/status/{user}",
        "code": 200,
        "event_id": None,
        "user_id": user,
        "trigger": None,
        "outcome": None,
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
