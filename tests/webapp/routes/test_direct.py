"""The direct way of a webhook does what Flask's does: answers, lines of the log, counts and what is kept."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from flask import Flask, request_started
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.webapp.http.keys import ALL, API_TOKEN, NEW, STRANGE, bearer, holder, signed
from webapp import create_app
from webapp.http import access_log
from webapp.routes.webhooks import PREFIX
from webapp.settings import ServiceSettings
from workflow_fsm import Settings, Workflow
from workflow_fsm.testing import CountedIds, ManualClock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SYNC = {"user_id": "u1", "sync_id": "s1", "event_id": "e1"}
FOUND = {"user_id": "u1", "sync_id": "s1", "claims": [{"claim_id": "c1", "amount": "12.50"}]}
PAID = {"user_id": "u1", "claim_id": "c1", "amount": "12.50", "reimbursement_id": "r1"}

Sent = tuple[str, bytes, Mapping[str, str]]


def sent(path: str, body: object, **headers: str) -> Sent:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return path, raw, {name.replace("_", "-"): value for name, value in headers.items()}


STORY = [
    sent("payout/received", PAID),
    sent("sync/complete", SYNC),
    sent("sync/complete", SYNC),
    sent("sync/complete", {**SYNC, "orders_count": 3}),
    sent("detection/complete", FOUND, webhook_id="w1"),
    sent("detection/complete", FOUND, webhook_id="w2", Idempotency_Key="k2", X_Request_Id="r-1"),
    sent("claim/rejected", {"user_id": "u1", "claim_id": "c1"}, Idempotency_Key='"quoted";x=1'),
    sent(
        "claim/rejected", {"user_id": "u1", "claim_id": "no such"}, webhook_id="ü".encode().decode("latin-1")
    ),
    sent("payout/received", {**PAID, "amount": "x"}),
    sent("payout/received", {"user_id": 1}),
    sent("sync/complete", {**SYNC, "trigger": "payout_received"}),
    sent("sync/complete", {**SYNC, "type": "sync.complete", "event_id": None}),
    sent("sync/complete", b"[1]"),
    sent("sync/complete", b'{"user_id": "u1", "user_id": "u2"}'),
    sent("sync/complete", b""),
    sent("sync/complete", b'{"user_id": "\xff"}'),
    sent("sync/complete", b'{"user_id": "u3", "note": "' + b"x" * 40_000 + b'"}'),
    sent("sync/complete", SYNC, Idempotency_Key='"torn'),
    sent("sync/complete", SYNC, Content_Type="text/plain"),
    sent("sync/complete", SYNC, Content_Type='Application/JSON; charset="UTF-8"'),
    sent("sync/complete", SYNC, Content_Type="application/json; charset=latin-1"),
    sent("sync/complete", SYNC, Content_Encoding="gzip"),
    sent("sync/complete", SYNC, Content_Length="10"),
    sent("sync/complete", SYNC, Content_Length="1000"),
    sent("sync/complete", SYNC, Host="evil.example"),
    sent("sync/complete", SYNC, Origin="http://evil.example"),
    sent("sync/complete", SYNC, Origin="http://localhost"),
    sent("sync/complete", SYNC, X_Forwarded_For="192.0.2.1"),
    sent("sync/complete", SYNC, Forwarded="for=192.0.2.1"),
    sent("sync/complete?a=1", SYNC),
    sent("sync//complete", SYNC),
    sent("no/such", SYNC),
]
"""Webhooks of all kinds, one behind the other."""

RAW = json.dumps(SYNC).encode()
CREDENTIALS: list[Mapping[str, str]] = [
    {},
    signed(RAW, NOON),
    signed(RAW, NOON, of=STRANGE),
    signed(b"{}", NOON),
    {**signed(RAW, NOON), "webhook-timestamp": "12"},
    {**signed(RAW, NOON), "Cookie": "workflow_session=none"},
    bearer(API_TOKEN),
    bearer("none"),
    {"Authorization": f"bearer   {API_TOKEN} "},
    {"Authorization": "Basic abc"},
    {**signed(RAW, NOON), **bearer("none")},
    holder(NOON, role="service_worker", sub="w"),
    holder(NOON, user_id="u1"),
    {"Cookie": "workflow_session=none"},
]


class Lines(logging.Handler):
    """Keeps the facts of each request's line."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        facts = dict(getattr(record, "request_facts", {}))
        facts.pop("milliseconds", None)
        self.told.append(facts)


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler, level = Lines(), access_log.log.level
    access_log.log.addHandler(handler)
    access_log.log.setLevel(logging.INFO)
    yield handler
    access_log.log.removeHandler(handler)
    access_log.log.setLevel(level)


@pytest.fixture
def make() -> Iterator[Callable[..., tuple[Workflow, Flask]]]:
    """Make an app on a store of its own, whose time and ids are the same each time."""
    opened: list[Workflow] = []

    def app(**environment: str) -> tuple[Workflow, Flask]:
        workflow = Workflow.open(
            "sqlite:///:memory:", settings=Settings(), clock=ManualClock(NOON), ids=CountedIds()
        )
        opened.append(workflow)
        return workflow, create_app(workflow, settings=ServiceSettings.from_environment(environment))

    yield app
    for one in opened:
        one.close()


def through_flask(app: Flask) -> Flask:
    """Have an app answer everything by Flask's views: somebody has a hook in it."""
    app.before_request(lambda: None)
    return app


def post(client: FlaskClient, one: Sent, number: int) -> tuple[Any, ...]:
    """Post, and give the whole answer but what is made by chance."""
    path, body, headers = one
    environ = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()}
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if f"HTTP_{name}" in environ:
            environ[name] = environ.pop(f"HTTP_{name}")
    environ.setdefault("HTTP_X_REQUEST_ID", f"request-{number}")
    answer: TestResponse = client.post(
        f"{PREFIX}/{path}", data=body, content_type="application/json", environ_overrides=environ
    )
    return answer.status, sorted(answer.headers), answer.data


def all_told(
    made: tuple[Workflow, Flask], posts: list[Sent], lines: Lines
) -> tuple[list[Any], list[Any], list[str], str]:
    """Post one behind the other; give the answers, the log, what was counted, and the root of the store."""
    workflow, app = made
    lines.told.clear()
    client, numbers = app.test_client(), count()
    answers = [post(client, one, next(numbers)) for one in posts]
    told = list(lines.told)
    scraped = client.get("/metrics", headers=bearer(API_TOKEN)).get_data(as_text=True)
    counts = [
        line
        for line in scraped.splitlines()
        if line.startswith(("workflow_requests_total", "workflow_answers_total"))
        and not line.endswith(" 0.0")
    ]
    return answers, told, counts, workflow.check().root


def test_every_webhook_is_answered_logged_counted_and_kept_alike(
    make: Callable[..., tuple[Workflow, Flask]], lines: Lines
) -> None:
    direct = all_told(make(), STORY, lines)
    workflow, app = make()
    flask = all_told((workflow, through_flask(app)), STORY, lines)

    for ours, theirs, one in zip(direct[0], flask[0], STORY, strict=True):
        assert ours == theirs, one
    assert direct == flask
    assert {answer[0][:3] for answer in direct[0]} >= {"200", "202", "409", "400", "415", "403", "404"}


def test_refusals_that_are_200_are_so_on_both_ways(
    make: Callable[..., tuple[Workflow, Flask]], lines: Lines
) -> None:
    workflow, app = make(WORKFLOW_REFUSAL_STATUS="200")

    assert all_told(make(WORKFLOW_REFUSAL_STATUS="200"), STORY, lines) == all_told(
        (workflow, through_flask(app)), STORY, lines
    )


@pytest.mark.parametrize(
    "secrets",
    [ALL, {"WORKFLOW_WEBHOOK_SECRETS": f"payout/received={NEW}"}, {"WORKFLOW_API_TOKEN": API_TOKEN}],
)
def test_senders_are_let_in_or_told_why_not_alike(
    make: Callable[..., tuple[Workflow, Flask]], lines: Lines, secrets: dict[str, str]
) -> None:
    posts: list[Sent] = [
        (path, RAW, given) for given in CREDENTIALS for path in ("sync/complete", "payout/received")
    ]
    workflow, app = make(**secrets)

    direct = all_told(make(**secrets), posts, lines)
    assert direct == all_told((workflow, through_flask(app)), posts, lines)
    assert {answer[0][:3] for answer in direct[0]} >= {"400", "401"}  # let in, with what is no payout


def test_a_store_that_is_gone_is_told_alike(
    make: Callable[..., tuple[Workflow, Flask]], lines: Lines
) -> None:
    answers = []
    for prepared in (lambda app: app, through_flask):
        workflow, app = make()
        client = prepared(app).test_client()
        workflow.close()
        lines.told.clear()
        answers.append((post(client, STORY[1], 0), list(lines.told)))

    assert answers[0] == answers[1]
    assert answers[0][0][0].startswith("503")


def test_whoever_hears_flask_s_signals_or_has_a_hook_sees_every_webhook(
    make: Callable[..., tuple[Workflow, Flask]],
) -> None:
    _, app = make()
    heard: list[str] = []

    def hear(_app: Flask, **_: object) -> None:
        heard.append("signal")

    with request_started.connected_to(hear, app):
        post(app.test_client(), STORY[1], 0)
    post(app.test_client(), STORY[1], 1)
    assert heard == ["signal"]

    _, other = make()
    other.before_request(lambda: heard.append("hook"))
    post(other.test_client(), STORY[1], 0)
    assert heard == ["signal", "hook"]
