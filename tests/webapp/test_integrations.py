"""Calls to the Node.js service: what is sent, and what an answer means."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
from responses import RequestsMock

from tests.webapp.conftest import Outside
from webapp import integrations
from webapp.integrations import START_SYNC, register
from webapp.settings import ServiceSettings
from workflow_fsm import Workflow
from workflow_fsm.testing import ManualClock

KEY = "pa55w0rd"
BASE = "http://node.test:3000/base"
SYNC = f"{BASE}/api/v1/integrations/amazon/sync"
DETECTION = f"{BASE}/api/detections/run"
ALERTS = "http://alerts.test/in?sig=pa55"
SETTINGS = ServiceSettings(
    integrations_url=BASE,
    integrations_api_key=KEY,
    python_api_url="http://python.test",
    run_detection=True,
    alert_url=ALERTS,
)


@pytest.fixture
def node() -> Iterator[RequestsMock]:
    with RequestsMock(assert_all_requests_are_fired=False) as mocked:
        yield mocked


@pytest.fixture
def calling(in_memory: Workflow, clock: ManualClock) -> Workflow:
    """A workflow that calls the integrations service alone."""
    register(in_memory, replace(SETTINGS, alert_url=None), clock=clock)
    return in_memory


def reasons(workflow: Workflow) -> list[str]:
    return [dead_letter["reason"] for dead_letter in workflow.dead_letters(kind="effect")]


def ask(workflow: Workflow) -> list[dict[str, Any]]:
    """Ask for a sync and do it; give what is owed after it."""
    workflow.request(START_SYNC, user_id="u1")
    workflow.run_effects()
    return list(workflow.owed())


def test_a_sync_is_asked_with_its_key_and_where_to_call_back(calling: Workflow, node: RequestsMock) -> None:
    node.post(SYNC, status=202, json={"status": "started"})
    calling.request(START_SYNC, user_id="u1")
    [owed] = calling.owed()
    calling.run_effects()

    [call] = node.calls
    assert json.loads(call.request.body or b"") == {
        "user_id": "u1",
        "callback_url": "http://python.test/api/v1/workflow/sync/complete",
    }
    assert call.request.headers["Idempotency-Key"] == owed["key"]
    assert call.request.headers["Authorization"] == f"Bearer {KEY}"
    assert call.request.headers["Content-Type"] == "application/json"
    assert (calling.owed(), reasons(calling)) == ([], [])


def test_entering_synced_asks_for_a_detection(calling: Workflow, node: RequestsMock) -> None:
    node.post(DETECTION)
    calling.fire("sync_complete", user_id="u1", sync_id="s1")
    [owed] = calling.owed()
    calling.run_effects()

    [call] = node.calls
    assert json.loads(call.request.body or b"") == {
        "user_id": "u1",
        "syncId": "s1",
        "triggerType": "sync_complete",
    }
    assert call.request.headers["Idempotency-Key"] == owed["key"]
    assert call.request.headers["Authorization"] == f"Bearer {KEY}"
    assert calling.owed() == []


def test_without_a_key_no_token_is_sent_not_even_one_of_a_netrc(
    in_memory: Workflow, node: RequestsMock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine node.test login u password p\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    node.post(SYNC)
    register(in_memory, replace(SETTINGS, integrations_api_key=None, run_detection=False, alert_url=None))
    ask(in_memory)

    assert "Authorization" not in node.calls[0].request.headers


def test_no_cookie_is_sent_back(calling: Workflow, node: RequestsMock) -> None:
    node.post(SYNC, headers={"Set-Cookie": "session=1; Path=/"})
    ask(calling)
    ask(calling)

    assert len(node.calls) == 2
    assert "Cookie" not in node.calls[1].request.headers


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_a_2xx_is_done_whatever_its_body(calling: Workflow, node: RequestsMock, status: int) -> None:
    node.post(SYNC, status=status, body="<html>not JSON")

    assert (ask(calling), reasons(calling)) == ([], [])


@pytest.mark.parametrize(
    "body",
    [
        {"error": "sync_in_progress"},
        {"code": "sync_in_progress", "error": "A sync is in progress"},
        {"error": {"code": "sync_in_progress", "message": "wait"}},
    ],
)
def test_a_sync_in_progress_counts_as_done(
    calling: Workflow, node: RequestsMock, body: dict[str, Any]
) -> None:
    node.post(SYNC, status=409, json=body)

    assert (ask(calling), reasons(calling)) == ([], [])


@pytest.mark.parametrize(
    "body",
    ["", "sync_in_progress", "[]", '"sync_in_progress"', '{"error": "other"}', '{"error": [1]}', "[" * 5000],
)
def test_another_conflict_is_a_dead_letter(calling: Workflow, node: RequestsMock, body: str) -> None:
    node.post(SYNC, status=409, body=body)
    ask(calling)

    [reason] = reasons(calling)
    assert reason.startswith("the integrations service answered 409")


def test_sync_in_progress_means_nothing_to_a_detection(calling: Workflow, node: RequestsMock) -> None:
    node.post(DETECTION, status=409, json={"error": "sync_in_progress"})
    calling.fire("sync_complete", user_id="u1", sync_id="s1")
    calling.run_effects()

    assert len(reasons(calling)) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 410, 413, 422, 451, 499])
def test_another_4xx_is_a_dead_letter_at_once_with_what_it_said(
    calling: Workflow, node: RequestsMock, status: int
) -> None:
    node.post(SYNC, status=status, body=f"no\n  such {KEY} \x00 " + "seller " * 100)

    assert ask(calling) == []
    [reason] = reasons(calling)
    assert reason.startswith(f"the integrations service answered {status}: no such … seller seller")
    assert len(reason) < 300
    assert len(node.calls) == 1


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_a_redirect_is_not_followed(calling: Workflow, node: RequestsMock, status: int) -> None:
    node.post(SYNC, status=status, headers={"Location": "http://node.test:3000/elsewhere"})
    node.add(responses.POST, "http://node.test:3000/elsewhere")

    assert ask(calling) == []
    assert reasons(calling) == [f"the integrations service answered {status}"]
    assert len(node.calls) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599, 429])
def test_a_fault_of_the_service_is_tried_again_with_the_same_key(
    calling: Workflow, node: RequestsMock, clock: ManualClock, status: int
) -> None:
    node.post(SYNC, status=status, body="down")
    [owed] = ask(calling)
    assert owed["error"] == f"Unanswered: the integrations service answered {status}: down"
    node.replace(responses.POST, SYNC, status=202)
    clock.advance(seconds=5)
    calling.run_effects()

    assert (calling.owed(), reasons(calling)) == ([], [])
    assert {call.request.headers["Idempotency-Key"] for call in node.calls} == {owed["key"]}
    assert len(node.calls) == 2


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (requests.ConnectTimeout("…/secret"), "it did not answer in time"),
        (requests.ReadTimeout("…/secret"), "it did not answer in time"),
        (requests.ConnectionError("…/secret"), "ConnectionError"),
        (requests.exceptions.ChunkedEncodingError("…/secret"), "ChunkedEncodingError"),
        (
            ConnectionResetError(104, "Connection reset by peer"),
            "ConnectionResetError (Connection reset by peer)",
        ),
    ],
)
def test_no_answer_is_tried_again(calling: Workflow, node: RequestsMock, error: Exception, told: str) -> None:
    node.post(SYNC, body=error)
    [owed] = ask(calling)

    assert owed["error"] == f"Unanswered: the integrations service could not be asked: {told}"
    assert reasons(calling) == []


def test_a_service_that_never_works_is_a_dead_letter_in_the_end(
    calling: Workflow, node: RequestsMock, clock: ManualClock
) -> None:
    node.post(SYNC, status=500)
    ask(calling)
    for _ in range(10):
        clock.advance(hours=1)
        calling.run_effects()

    assert len(node.calls) == 8
    assert reasons(calling) == ["Unanswered: the integrations service answered 500"]


def test_an_answer_is_read_to_a_bound(in_memory: Workflow, outside: Outside) -> None:
    outside.answer(404, endless=True)
    register(in_memory, ServiceSettings(integrations_url=outside.url, python_api_url="http://p"))
    ask(in_memory)

    [reason] = reasons(in_memory)
    assert reason.startswith("the integrations service answered 404: xxx")


def test_an_answer_that_comes_too_late_is_tried_again(
    in_memory: Workflow, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(integrations, "ANSWER_SECONDS", 0.2)
    outside.answer(202, after_seconds=0.6)
    register(in_memory, ServiceSettings(integrations_url=outside.url, python_api_url="http://p"))

    [owed] = ask(in_memory)
    assert owed["error"].endswith("could not be asked: it did not answer in time")


def test_a_2xx_whose_body_breaks_off_is_done(in_memory: Workflow, outside: Outside) -> None:
    outside.answer(200, torn=True)
    register(in_memory, ServiceSettings(integrations_url=outside.url, python_api_url="http://p"))

    assert ask(in_memory) == []
    assert reasons(in_memory) == []


def test_a_4xx_whose_body_breaks_off_is_tried_again(in_memory: Workflow, outside: Outside) -> None:
    outside.answer(409, torn=True)
    register(in_memory, ServiceSettings(integrations_url=outside.url, python_api_url="http://p"))

    [owed] = ask(in_memory)
    assert "could not be asked" in owed["error"]


def test_a_port_where_nobody_listens_is_tried_again_and_told_without_the_url(
    in_memory: Workflow, outside: Outside
) -> None:
    outside.close()
    register(in_memory, ServiceSettings(integrations_url=f"{outside.url}/secret", python_api_url="http://p"))

    [owed] = ask(in_memory)
    assert "Connection refused" in owed["error"]
    assert "secret" not in owed["error"]
