"""Headers: what keeps browsers from harm stands on every answer of ours, and on nobody else's."""

from __future__ import annotations

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient

from webapp import blueprint
from webapp.http import headers
from webapp.routes.webhooks import PREFIX
from workflow_fsm import Workflow

PROTECTED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/healthz", 200),
        ("HEAD", "/healthz", 200),
        ("GET", f"{PREFIX}/status/nobody", 404),
        ("GET", f"{PREFIX}/deadletters", 200),
        ("POST", f"{PREFIX}/sync/complete", 415),
        ("GET", f"{PREFIX}/sync/complete", 405),
        ("GET", "/nope", 404),
    ],
)
def test_every_answer_has_them(client: FlaskClient, method: str, path: str, code: int) -> None:
    response = client.open(path, method=method)

    assert response.status_code == code
    assert {name: response.headers.get(name) for name in PROTECTED} == PROTECTED


def test_the_answers_401_and_403_have_them(guarded: FlaskClient) -> None:
    response = guarded.get(f"{PREFIX}/status/nobody")

    assert response.status_code == 401
    assert {name: response.headers.get(name) for name in PROTECTED} == PROTECTED


def test_a_page_may_load_from_its_own_host_and_runs_nothing_inline() -> None:
    app = Flask("a page's")
    headers.add_to(app)
    app.add_url_rule("/page", view_func=lambda: "<p>")
    app.add_url_rule(
        "/own", "own", lambda: Response("", headers={"Cache-Control": "max-age=60"}, mimetype="text/css")
    )
    client = app.test_client()

    policy = client.get("/page").headers["Content-Security-Policy"]
    rules = dict(rule.partition(" ")[::2] for rule in policy.split("; "))
    assert rules["default-src"] == rules["base-uri"] == rules["frame-ancestors"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert "unsafe" not in policy
    assert client.get("/own").headers["Cache-Control"] == "max-age=60"


def test_a_stranger_s_own_routes_are_left_alone(workflow: Workflow) -> None:
    app = Flask("a stranger's")
    app.register_blueprint(blueprint(workflow))
    app.add_url_rule("/theirs", view_func=lambda: "theirs")
    client = app.test_client()

    assert not set(PROTECTED) & set(client.get("/theirs").headers.keys())
    assert set(PROTECTED) <= set(client.get("/healthz").headers.keys())
