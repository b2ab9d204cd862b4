"""Metrics seen from outside: what is answered, what is owed, and a store that takes nothing."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient

from tests.stores.test_readiness import locked
from tests.webapp.http.keys import ALL, OpenApp, bearer, holder
from tests.webapp.routes.test_metrics import Samples, counted, samples, scraped, work
from tests.webapp.server.test_serving import on_linux, workers
from tests.webapp.services import Service, until
from webapp import blueprint
from webapp.http.request_body import MAX_BYTES
from webapp.routes.webhooks import PREFIX
from workflow_fsm import Transition, Workflow
from workflow_fsm.testing import ManualClock


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest) -> str:
    """An empty store of each kind: what is counted is read by statements of their own."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


def test_every_answer_is_counted_by_route_and_code(open_app: OpenApp, clock: ManualClock) -> None:
    client = open_app(**ALL).test_client()
    sender = holder(clock.now, role="service_worker")
    operator = bearer(ALL["WORKFLOW_API_TOKEN"])
    url = f"{PREFIX}/sync/complete"
    client.post(url, json={"user_id": "u1"}, headers=sender)
    client.post(url, json={"user_id": "u1"})
    client.post(url, data=b"x" * (MAX_BYTES + 1), content_type="application/json", headers=sender)
    client.post(url, data=b"{}", content_type="text/plain", headers=sender)
    client.post(url, data=b"{", content_type="application/json", headers=sender)
    client.get(f"{PREFIX}/status/a%20secret?token=x", headers=operator)
    client.get("/no/such/route", headers=operator)
    client.get(url, headers=operator)

    answer = client.get("/metrics", headers=operator)

    told = counted(samples(answer.get_data(as_text=True))["workflow_requests_total"])
    assert told == {
        ("200", "sync_complete"): 1,
        ("401", "sync_complete"): 1,
        ("413", "sync_complete"): 1,
        ("415", "sync_complete"): 1,
        ("400", "sync_complete"): 1,
        ("404", "status"): 1,
        ("404", "unknown"): 1,
        ("405", "unknown"): 1,
    }
    assert "secret" not in answer.get_data(as_text=True)


def test_series_of_what_never_occurred_are_there_at_nought(client: FlaskClient, workflow: Workflow) -> None:
    """ "`TriesFail` never fires for a handler that never succeeded (its series is missing)" """

    @workflow.on_enter("synced", tries=3)
    def pay(_: Transition) -> None:
        raise RuntimeError("the bank is closed")

    before = scraped(client)
    workflow.fire("sync_complete", user_id="u1")
    workflow.run_effects()
    after = scraped(client)

    assert before["workflow_effect_tries_total"] == {
        ("pay", "done"): 0,
        ("pay", "owed"): 0,
        ("pay", "dead"): 0,
    }
    assert counted(after["workflow_effect_tries_total"]) == {("pay", "owed"): 1}
    assert before["workflow_answers_total"]["applied", "payout_received"] == 0
    assert before["workflow_requests_total"]["503", "payout_received"] == 0
    assert before["workflow_commit_failures_total"] == {(): 0}


def test_money_that_waits_and_that_was_dropped_is_told_by_currency(
    client: FlaskClient, workflow: Workflow, clock: ManualClock
) -> None:
    for amount, currency in (("10.00", "USD"), ("2.50", "USD"), ("300", "JPY")):
        payout = {"user_id": "u1", "claim_id": "c1", "amount": amount, "currency": currency}
        workflow.fire("payout_received", **payout)
    clock.advance(minutes=5)
    workflow.fire("payout_received", user_id="u2", claim_id="c1", amount="7.00")
    workflow.fire("payout_reversed", user_id="u1", claim_id="c1", amount="1.00", currency="USD")
    [letter, *_] = [one for one in workflow.dead_letters() if one.amount == "2.50"]
    workflow.drop_dead_letter(letter.id, reason="paid twice")

    told = scraped(client)

    assert told["workflow_unapplied"] == {("JPY",): 300, ("USD",): 9, ("XXX",): 7}
    assert told["workflow_waiting_money"] == {
        ("USD", "payout_received"): 10,
        ("JPY", "payout_received"): 300,
        ("XXX", "payout_received"): 7,
        ("USD", "payout_reversed"): 1,
    }
    assert told["workflow_dropped"] == {("USD",): 2.5}
    assert told["workflow_oldest_waiting_money_seconds"] == {(): 300}
    assert told["workflow_dead_letters"] == {("event",): 0, ("effect",): 0, ("money",): 4}


def test_what_is_refused_is_a_dead_letter_apart_from_money_that_waits(
    client: FlaskClient, workflow: Workflow
) -> None:
    workflow.on_enter("synced", name="work")(work)
    workflow.fire("sync_complete", user_id="u1")
    refused = workflow.submit(
        [workflow.read("claim_rejected", {"user_id": "u1", "claim_id": "c1", "event_id": "e1"})], actor="test"
    )
    assert len(refused) == 1
    workflow.fire("payout_received", user_id="u1", claim_id="c1", amount="1.00")
    workflow.fire("sync_complete", user_id="u1", sync_id="s9", event_id="e2")
    client.post(f"{PREFIX}/sync/complete", json={"user_id": "u1", "sync_id": "s8", "event_id": "e2"})

    told = scraped(client)

    assert told["workflow_dead_letters"] == {("event",): 1, ("effect",): 0, ("money",): 1}


def scraped_from(service: Service) -> Samples:
    return samples(requests.get(f"{service.url}/metrics", timeout=10).text)


def ready(service: Service) -> int:
    return requests.get(f"{service.url}/readyz", timeout=10).status_code


def post(service: Service, number: int) -> int:
    body = {"user_id": "u1", "sync_id": f"s{number}"}
    return requests.post(f"{service.url}{PREFIX}/sync/complete", json=body, timeout=20).status_code


def test_a_write_lock_that_is_held_for_long_shows_in_readiness_metrics_and_counters(
    start_service: Callable[..., Service], tmp_path: Path
) -> None:
    """ "Hold the write lock for 16 s …: 503 for all, and `workflow_store_up` 1, `/readyz` 200" """
    path = tmp_path / "claims.db"
    service = start_service(WORKFLOW_DATABASE_URL=f"sqlite:///{path}")
    assert (post(service, 1), ready(service), scraped_from(service)["workflow_store_up"]) == (
        200,
        200,
        {(): 1},
    )
    codes: list[int] = []

    with locked(path):
        poster = Thread(target=lambda: codes.append(post(service, 2)))
        poster.start()
        until(lambda: ready(service) == 503)
        until(lambda: scraped_from(service)["workflow_store_up"] == {(): 0})
        poster.join()
        told = scraped_from(service)
    until(lambda: ready(service) == 200)

    assert codes == [503]
    assert told["workflow_requests_total"]["503", "sync_complete"] == 1
    assert told["workflow_commit_failures_total"][()] >= 1
    assert told["workflow_events"]["applied", "sync_complete"] == 1  # it can be read all the while
    until(lambda: scraped_from(service)["workflow_store_up"] == {(): 1})


@on_linux
def test_a_disk_that_is_full_shows_too(start_service: Callable[..., Service], tmp_path: Path) -> None:
    path = tmp_path / "claims.db"
    service = start_service(WORKFLOW_DATABASE_URL=f"sqlite:///{path}")
    assert post(service, 1) == 200
    [worker] = workers(service)
    limits = resource.prlimit(worker, resource.RLIMIT_FSIZE)
    size = path.with_name("claims.db-wal").stat().st_size
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (size, limits[1]))

    until(lambda: ready(service) == 503)
    assert post(service, 2) == 503
    told = scraped_from(service)
    resource.prlimit(worker, resource.RLIMIT_FSIZE, limits)

    assert told["workflow_store_up"] == {(): 0}
    assert told["workflow_commit_failures_total"][()] >= 1
    until(lambda: ready(service) == 200)
    assert post(service, 3) == 200


def test_a_blueprint_counts_its_own_answers_alone(workflow: Workflow) -> None:
    app = Flask("a stranger's")
    app.add_url_rule("/elsewhere", view_func=lambda: "another's", endpoint="elsewhere")
    app.register_blueprint(blueprint(workflow))
    client = app.test_client()
    assert client.get("/elsewhere").status_code == 200
    client.get("/healthz")

    assert counted(scraped(client)["workflow_requests_total"]) == {("200", "healthz"): 1}
