"""Problems: every error of the service speaks problem+json, and a mounting app keeps its own."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from webapp import blueprint
from webapp.http.problem_kinds import DOCS, KINDS
from webapp.http.problems import explain
from webapp.http.response import dumps
from webapp.routes.webhooks import PREFIX
from workflow_fsm.core.errors import StoreRefused, StoreUnavailable, WorkflowClosed, WorkflowError
from workflow_fsm.settings import Settings
from workflow_fsm.workflow import Workflow


def check(response: TestResponse, code: int, kind: str) -> None:
    assert response.status_code == code
    assert response.content_type == "application/problem+json"
    told = response.get_json(force=True)
    assert list(told)[:4] == ["type", "title", "status", "detail"]
    assert (told["type"], told["title"], told["status"]) == (f"{DOCS}/{kind}", KINDS[kind].title, code)
    assert told["detail"]


@pytest.mark.parametrize(
    "path", ["/dashboard", "/nope", PREFIX, f"{PREFIX}/nope", f"{PREFIX}/sync/complete/", "/static/x", "/%ff"]
)
def test_an_unknown_route_is_a_problem(client: FlaskClient, path: str) -> None:
    for method in ("GET", "POST", "DELETE", "OPTIONS"):
        check(client.open(path, method=method), 404, "unknown-route")


def test_the_head_of_an_unknown_route_has_no_body(client: FlaskClient) -> None:
    response = client.head("/nope")

    assert (response.status_code, response.content_type) == (404, "application/problem+json")
    assert response.data == b""


@pytest.mark.parametrize(
    ("method", "route", "allowed"),
    [
        ("GET", "sync/complete", {"POST", "OPTIONS"}),
        ("PUT", "events", {"POST", "OPTIONS"}),
        ("DELETE", "claims/link", {"POST", "OPTIONS"}),
        ("POST", "status/u", {"GET", "HEAD", "OPTIONS"}),
        ("TRACE", "history/u", {"GET", "HEAD", "OPTIONS"}),
        ("BREW", "health", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_a_wrong_method_is_a_problem_and_says_what_is_allowed(
    client: FlaskClient, method: str, route: str, allowed: set[str]
) -> None:
    response = client.open(f"{PREFIX}/{route}", method=method)

    check(response, 405, "method-not-allowed")
    assert set(response.headers["Allow"].split(", ")) == allowed


def test_options_names_the_methods(client: FlaskClient) -> None:
    response = client.options(f"{PREFIX}/sync/complete")

    assert response.status_code == 200
    assert set(response.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}


@pytest.mark.parametrize("host", ["a b", "a/b", "[::1", "ü.example", "a..b", "x" * 300])
def test_an_absurd_host_is_no_fault_of_ours(client: FlaskClient, host: str) -> None:
    raw = host.encode().decode("latin-1")
    response = client.get("/nope", environ_overrides={"HTTP_HOST": raw})

    assert 400 <= response.status_code < 500
    assert response.content_type == "application/problem+json"


def every(error: type[WorkflowError]) -> set[type[WorkflowError]]:
    return {error}.union(*(every(child) for child in error.__subclasses__()))


def test_every_error_that_a_request_can_meet_has_its_problem() -> None:
    never_met = {"workflow-error", "definition-invalid", "settings-invalid", "handler-invalid"}
    never_met |= {"root-unknown", "effects-endless"}

    assert {error.code for error in every(WorkflowError)} - never_met - {"workflow-closed"} <= set(KINDS)
    closed = json.loads(dumps(explain(WorkflowClosed()).body))
    assert closed["type"] == KINDS["store-unavailable"].type


def test_every_problem_has_a_page_of_its_own() -> None:
    assert len({kind.type for kind in KINDS.values()}) == len(KINDS)
    assert all(kind.type.startswith("https://") and kind.meaning and kind.title for kind in KINDS.values())


def test_a_store_that_is_down_says_when_to_come_again() -> None:
    answer = explain(StoreUnavailable("The disk is full.", retry_after=7))

    assert (answer.code, answer.headers) == (503, {"Retry-After": "7"})
    assert json.loads(dumps(answer.body))["detail"] == "The disk is full."
    assert explain(StoreRefused("It is no database.")).headers == {"Retry-After": "1"}


def test_a_fault_of_ours_is_500_with_its_traceback_in_the_log_alone(caplog: pytest.LogCaptureFixture) -> None:
    instants = iter([datetime(2026, 3, 1, tzinfo=UTC)])

    def stops() -> datetime:
        for instant in instants:
            return instant
        raise RuntimeError("the clock stands still")

    app = Flask("a stranger's")
    with Workflow.open("sqlite:///:memory:", settings=Settings(), clock=stops) as workflow:
        app.register_blueprint(blueprint(workflow))
        with caplog.at_level(logging.ERROR):
            response = app.test_client().get(f"{PREFIX}/status/u1")

    check(response, 500, "internal-error")
    assert b"clock" not in response.data
    assert "RuntimeError: the clock stands still" in caplog.text


def test_a_mounting_app_keeps_the_errors_of_its_own_routes(workflow: Workflow) -> None:
    app = Flask("a stranger's")
    app.register_blueprint(blueprint(workflow))
    app.add_url_rule("/theirs", view_func=lambda: abort(404))
    client = app.test_client()

    assert client.get("/theirs").content_type == "text/html; charset=utf-8"
    assert client.get("/nope").content_type == "text/html; charset=utf-8"
    check(client.get(f"{PREFIX}/status/nobody"), 404, "unknown-user")
    check(client.post(f"{PREFIX}/sync/complete", data=b"{}"), 415, "unsupported-media-type")


def test_our_routes_keep_their_problems_in_an_app_with_handlers_for_everything(workflow: Workflow) -> None:
    app = Flask("a stranger's")
    app.config["MAX_CONTENT_LENGTH"] = 10
    app.register_blueprint(blueprint(workflow))
    for what in (400, 404, 413, 415, 500, Exception):
        app.register_error_handler(what, lambda error: ("theirs", 418))
    client = app.test_client()

    check(client.get(f"{PREFIX}/status/nobody"), 404, "unknown-user")
    check(client.post(f"{PREFIX}/sync/complete", json={"user_id": "u"}), 413, "too-large")
    assert client.get("/nope").status_code == 418


def test_a_problem_is_compact_json_in_utf8(client: FlaskClient) -> None:
    response = client.get(f"{PREFIX}/status/%C3%BC")

    assert (
        response.data
        == json.dumps(response.get_json(force=True), ensure_ascii=False, separators=(",", ":")).encode()
    )
    assert "ü".encode() in response.data
