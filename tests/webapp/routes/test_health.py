"""Health: of the process, and of its store."""

from __future__ import annotations

import re
import threading

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.webapp.services import until
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


def test_a_service_whose_worker_is_stuck_is_not_ready_and_its_metrics_say_why(
    client: FlaskClient, workflow: Workflow
) -> None:
    """ "Threads that died or hang are replaced, up to a bound past which the process … is unready" """
    never = threading.Event()
    workflow.on_enter("synced", name="hang", timeout_seconds=0.2)(lambda told: wait(never))
    client.get("/metrics")
    for number in range(4):
        workflow.fire("sync_complete", user_id=f"u{number}")
    worker = workflow.worker(threads=1, most_replaced=1)
    worker.start()
    try:
        until(lambda: client.get("/readyz").status_code == 503)
        answer = client.get("/readyz")
        assert answer.get_json(force=True)["type"] == f"{DOCS}/worker-stuck"
        assert "1 of 1 threads" in answer.get_json(force=True)["detail"]
        assert client.get("/healthz").status_code == 200
        event = {"user_id": "u9", "sync_id": "s9"}
        assert client.post(f"{PREFIX}/sync/complete", json=event).status_code == 200
        until(lambda: threads(client) == {"working": 0, "hung": 2, "missing": 1, "replaced": 1})
        never.set()
        until(lambda: client.get("/readyz").status_code == 200)
    finally:
        never.set()
        worker.stop()


def wait(event: threading.Event) -> None:
    event.wait(60)


def threads(client: FlaskClient) -> dict[str, float]:
    """Give what the metrics tell of a worker's threads."""
    text = client.get("/metrics").get_data(as_text=True)
    found = re.findall(r'^workflow_worker_threads\{standing="(\w+)"\} (\S+)$', text, re.MULTILINE)
    [replaced] = re.findall(r"^workflow_worker_threads_replaced_total (\S+)$", text, re.MULTILINE)
    return {**{standing: float(many) for standing, many in found}, "replaced": float(replaced)}


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
