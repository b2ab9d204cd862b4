"""Metrics: the store's are the whole truth, whoever took it; a process's own are added up where asked."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from itertools import count
from pathlib import Path
from threading import Event

import pytest
import requests
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from tests.webapp.services import Service, until
from webapp import create_app
from webapp.routes import metrics
from webapp.routes.metric_table import OF_A_PROCESS, OF_THE_STORE
from webapp.routes.metrics import StoreFigures
from webapp.routes.sampling import Sampler
from webapp.routes.webhooks import PREFIX
from workflow_fsm import Settings, StoreUnavailable, Transition, Workflow
from workflow_fsm.testing import ManualClock

Samples = dict[str, dict[tuple[str, ...], float]]


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest) -> str:
    """An empty store of each kind: what is counted is read by statements of their own."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


def samples(text: str) -> Samples:
    """Give the samples of each metric by the values of their labels, in the labels' order."""
    read: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = tuple(sample.labels[name] for name in sorted(sample.labels))
            read.setdefault(sample.name, {})[labels] = sample.value
    return read


def scraped(client: FlaskClient) -> Samples:
    answer = client.get("/metrics")
    assert (answer.status_code, answer.content_type) == (200, "text/plain; version=0.0.4; charset=utf-8")
    return samples(answer.get_data(as_text=True))


def counted(series: dict[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
    """Give the series of what occurred."""
    return {labels: many for labels, many in series.items() if many}


def work(_: Transition) -> None:
    """Do what a handler does, which is nothing here."""


def story(workflow: Workflow) -> None:
    workflow.fire("sync_complete", user_id="u1", sync_id="s1")
    claims = [{"claim_id": "c1"}, {"claim_id": "c2"}, {"claim_id": "c3"}]
    workflow.fire("detection_complete", user_id="u1", sync_id="s1", claims=claims)
    workflow.fire("payout_received", user_id="u1", claim_id="c1", amount="12.50")
    workflow.fire("payout_received", user_id="u1", claim_id="c2", amount=300, currency="JPY")
    workflow.fire("payout_received", user_id="u2", claim_id="c9", amount="1.00")


def test_the_store_s_figures_tell_what_became_of_everything(workflow: Workflow) -> None:
    @workflow.on_enter("paid")
    def pay(transition: Transition) -> None:
        if transition.claim_id == "c1":
            raise RuntimeError("the bank is closed")

    story(workflow)
    workflow.run_effects()

    told = scraped(create_app(workflow).test_client())

    assert told["workflow_store_up"] == {(): 1}
    assert {key: n for key, n in told["workflow_events"].items() if n} == {
        ("applied", "sync_complete"): 1,
        ("applied", "detection_complete"): 1,
        ("applied", "payout_received"): 2,
        ("waiting", "payout_received"): 1,
    }
    assert {key: n for key, n in told["workflow_lifecycles"].items() if n} == {("detected",): 1, ("paid",): 2}
    assert told["workflow_recovered"] == {("USD",): 12.5, ("JPY",): 300}
    assert told["workflow_dead_letters"] == {("event",): 0, ("effect",): 0, ("money",): 1}
    assert {key: n for key, n in told["workflow_effects"].items() if n} == {
        ("pay", "done"): 1,
        ("pay", "owed"): 1,
    }


def test_what_is_late_is_told_by_the_clock(workflow: Workflow, clock: ManualClock) -> None:
    workflow.on_enter("detected", name="late")(work)
    workflow.fire("sync_complete", user_id="u1", sync_id="s1")
    claims = [{"claim_id": "c1", "deadline_date": clock.text(seconds=60)}]
    workflow.fire("detection_complete", user_id="u1", sync_id="s1", claims=claims)
    workflow.fire("claim_rejected", user_id="u1", claim_id="c1")

    soon = workflow.figures()
    clock.advance(minutes=3)
    late = workflow.figures()
    clock.advance(days=8)
    later = workflow.figures()

    assert (soon.due, soon.overdue, soon.timers_overdue) == ({"late": 1}, {"late": 0}, 0)
    assert (late.due, late.overdue, late.timers_overdue) == ({"late": 1}, {"late": 1}, 1)
    assert late.oldest_waiting_seconds == 180
    assert later.timers_overdue == 2  # the deadline, and the rejection's time to live


def test_what_another_process_did_is_told_too(tmp_path: Path) -> None:
    path = tmp_path / "claims.db"
    with (
        Workflow.open(f"sqlite:///{path}", settings=Settings()) as here,
        Workflow.open(f"sqlite:///{path}", settings=Settings()) as there,
    ):
        client = create_app(here).test_client()
        there.on_enter("detected", name="work")(work)
        story(there)
        there.run_effects()
        told = scraped(client)

    assert told["workflow_events"]["applied", "payout_received"] == 2
    assert told["workflow_effects"]["work", "done"] == 1
    assert told["workflow_effects"]["work", "void"] == 2  # paid, before it was their turn
    assert counted(told["workflow_answers_total"]) == {}


def test_a_process_counts_its_answers_its_tries_and_its_commits(workflow: Workflow) -> None:
    client = create_app(workflow).test_client()
    workflow.on_enter("synced", name="work")(work)
    for body in ({"user_id": "u1", "event_id": "e1"}, {"user_id": "u1", "event_id": "e1"}, {"user_id": 1}):
        client.post(f"{PREFIX}/sync/complete", json=body)
    client.post(f"{PREFIX}/claim/rejected", json={"user_id": "u1", "claim_id": "c1"})
    workflow.run_effects()

    told = scraped(client)

    assert counted(told["workflow_answers_total"]) == {
        ("applied", "sync_complete"): 1,
        ("duplicate", "sync_complete"): 1,
        ("invalid-event", "sync_complete"): 1,
        ("deferred", "claim_rejected"): 1,
    }
    assert counted(told["workflow_effect_tries_total"]) == {("work", "done"): 1}
    assert told["workflow_commit_jobs_count"][()] == told["workflow_commit_jobs_sum"][()] >= 5
    assert 0 < told["workflow_commit_seconds_sum"][()] < 5


def test_the_processes_that_share_a_folder_are_added_up(
    start_service: Callable[..., Service], tmp_path: Path
) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir()
    store = f"sqlite:///{tmp_path / 'claims.db'}"
    shared = {"PROMETHEUS_MULTIPROC_DIR": str(folder), "WORKFLOW_DATABASE_URL": store}
    services = [start_service(**shared), start_service(**shared)]
    for number, service in enumerate(services):
        for user in range(number + 1):
            posted = requests.post(
                f"{service.url}{PREFIX}/sync/complete", json={"user_id": f"u{number}{user}"}, timeout=10
            )
            assert posted.status_code == 200

    for service in services:
        told = samples(requests.get(f"{service.url}/metrics", timeout=10).text)
        assert counted(told["workflow_answers_total"]) == {("applied", "sync_complete"): 3}
        assert told["workflow_events"]["applied", "sync_complete"] == 3


def test_a_store_that_cannot_be_read_is_told_and_the_rest_still(workflow: Workflow) -> None:
    client = create_app(workflow).test_client()
    client.post(f"{PREFIX}/sync/complete", json={"user_id": "u1"})
    workflow.close()

    told = scraped(client)

    assert told["workflow_store_up"] == {(): 0}
    assert "workflow_events" not in told
    assert counted(told["workflow_answers_total"]) == {("applied", "sync_complete"): 1}


def test_figures_are_read_once_and_kept_for_a_while(workflow: Workflow) -> None:
    kept, fresh = StoreFigures(workflow), StoreFigures(workflow, rest_seconds=0)
    before = [list(one.collect())[2].samples[1].value for one in (kept, fresh)]
    workflow.fire("sync_complete", user_id="u1")

    until(lambda: list(fresh.collect())[2].samples[1].value == 1, seconds=5)

    assert before == [0, 0]
    assert list(kept.collect())[2].samples[1].value == 0


def test_a_reading_that_takes_long_is_done_behind_the_scrapes() -> None:
    """They are given the sample before it, and its age; one reading is done at a time."""
    may_end, readings = Event(), count(1)

    def read() -> int:
        number = next(readings)
        assert number == 1 or may_end.wait(timeout=10)
        return number

    sampler = Sampler(read, rest_seconds=0, cheap_seconds=-1)
    first, second, third = sampler.latest(), sampler.latest(), sampler.latest()
    assert [first.value, second.value, third.value] == [1, 1, 1]
    assert 0 <= first.age_seconds <= second.age_seconds <= third.age_seconds < 5

    may_end.set()

    until(lambda: sampler.latest().value == 2, seconds=5)


def test_a_reading_that_failed_is_done_anew_while_the_scrape_waits() -> None:
    """So it is told at once that the store is there again."""
    is_down = Event()
    is_down.set()

    def read() -> str:
        if is_down.is_set():
            raise StoreUnavailable("down")
        return "read"

    sampler = Sampler(read, rest_seconds=0)

    assert sampler.latest().value is None
    is_down.clear()
    until(lambda: sampler.latest().value == "read", seconds=5)
    is_down.set()
    until(lambda: sampler.latest().value is None, seconds=5)


def test_the_backlog_and_the_totals_are_the_halves_of_the_figures(workflow: Workflow) -> None:
    workflow.on_enter("paid", name="work")(work)
    story(workflow)

    figures, backlog, totals = workflow.figures(), workflow.backlog(), workflow.totals()

    for half in (backlog, totals):
        for field in fields(half):
            assert getattr(half, field.name) == getattr(figures, field.name)
    assert len(fields(backlog)) + len(fields(totals)) == len(fields(figures))


def test_an_open_socket_is_counted_as_long_as_it_is_open(server: Service, user: str) -> None:
    simple_websocket = pytest.importorskip("simple_websocket")

    def sockets() -> float:
        return samples(requests.get(f"{server.url}/metrics", timeout=10).text)["workflow_sockets"][()]

    client = simple_websocket.Client(f"ws://127.0.0.1:{server.port}{PREFIX}/ws/{user}")
    until(lambda: sockets() == 1)
    client.close()
    until(lambda: sockets() == 0)


def test_what_is_scraped_is_what_is_documented(workflow: Workflow) -> None:
    client = create_app(workflow).test_client()
    workflow.on_enter("detected", name="work")(work)
    story(workflow)
    workflow.run_effects()
    text = client.get("/metrics").get_data(as_text=True)
    told = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))

    for one in (*OF_THE_STORE, *OF_A_PROCESS):
        assert told.pop(one.name) == one.type
    assert all(name.startswith("process_") or name.endswith("_created") for name in told)


def test_one_workflow_under_two_apps_is_measured_once(workflow: Workflow) -> None:
    client = create_app(workflow).test_client()
    create_app(workflow)
    workflow.fire("sync_complete", user_id="u1")

    assert counted(scraped(client)["workflow_answers_total"]) == {("applied", "sync_complete"): 1}
    assert metrics.measures(workflow) is metrics.measures(workflow)
