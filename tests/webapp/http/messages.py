"""A signed message, posted with whatever headers, and why it was not let in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.webapp.http import keys
from webapp.http.problem_kinds import DOCS
from webapp.routes.webhooks import PREFIX
from workflow_fsm.testing import ManualClock

BODY = '{"user_id": "u1", "note": "ü…"}'.encode()
URL = f"{PREFIX}/sync/complete"
SECONDS = "1772366400"
"""The instant of the tests' clock."""


def post(client: FlaskClient, headers: Mapping[str, str], body: bytes = BODY, **how: Any) -> TestResponse:
    """Post with these headers, whose characters stand for bytes, as WSGI has it."""
    environ = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()}
    return client.post(URL, data=body, content_type="application/json", environ_overrides=environ, **how)


def reason(response: TestResponse) -> str:
    assert response.status_code == 401, response.data
    assert response.content_type == "application/problem+json"
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="workflow-fsm"'
    told = response.get_json(force=True)
    assert told["type"] == f"{DOCS}/unauthorized"
    for secret in keys.EVERY_SECRET:
        assert secret not in response.get_data(as_text=True)
    detail: str = told["detail"]
    return detail


def good(clock: ManualClock, **changed: str) -> dict[str, str]:
    names = {name.replace("_", "-"): value for name, value in changed.items()}
    return keys.signed(BODY, clock.now) | names
