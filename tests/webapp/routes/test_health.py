"""Health: of the process, and of its store."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from webapp import blueprint
from webapp.http.problem_kinds import DOCS
from webapp.routes.webhooks import PREFIX
from workflow_fsm.workflow import Workflow


@pytest.mark.parametrize("path", ["/healthz", "/readyz", f"{PREFIX}/health"])
def test_a_healthy_service_says_so(client: FlaskClient, path: str) -> None:
    response = client.get(path)

    assert (response.status_code, response.get_json()["status"]) == (200, "ok")


def test_a_mounted_blueprint_has_its_health_too(workflow: Workflow) -> None:
    app = Flask("a stranger's")
    app.register_blueprint(blueprint(workflow), url_prefix="/claims")

    assert app.test_client().get("/claims/readyz").status_code == 200


def test_a_store_that_is_gone_is_not_ready_while_the_process_is_well(
    client: FlaskClient, workflow: Workflow
) -> None:
    workflow.close()

    assert client.get("/healthz").status_code == 200
    for path in ("/readyz", f"{PREFIX}/health"):
        response = client.get(path)
        assert response.status_code == 503
        assert response.content_type == "application/problem+json"
        assert int(response.headers["Retry-After"]) > 0


def test_an_event_that_meets_no_store_is_503_alone_and_in_a_batch(
    client: FlaskClient, workflow: Workflow
) -> None:
    workflow.close()

    event = {"trigger": "sync_complete", "user_id": "u"}
    for route, body in (("sync/complete", {"user_id": "u"}), ("events", [event, {"trigger": "no_such"}])):
        response = client.post(f"{PREFIX}/{route}", json=body)
        assert response.status_code == 503
        assert response.get_json(force=True)["type"] == f"{DOCS}/store-unavailable"
        assert int(response.headers["Retry-After"]) > 0
