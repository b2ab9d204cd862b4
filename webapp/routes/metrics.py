"""Metrics: `/metrics` for Prometheus. What the store knows is read from it, what it doesn't is counted here.

So what became of events and effects is right whichever process took them, on whichever machine, and over
restarts; speeds, answers and sockets are those of the process that is asked. Where PROMETHEUS_MULTIPROC_DIR
is set, as for an app under several workers, the processes that share it are added up.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from flask import Blueprint, Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from webapp.http.flask_app import current_request
from webapp.routes.sampling import REST_SECONDS, Sampler
from workflow_fsm.stores.observers import Observer, WorkerHealth
from workflow_fsm.workflow import Workflow

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
JOBS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric: what it is called and labelled, and what it tells."""

    name: str
    type: str
    labels: tuple[str, ...]
    tells: str


def _metric(name: str, kind: str, tells: str, *labels: str) -> Metric:
    return Metric(name=name, type=kind, labels=labels, tells=tells)


EVENTS = _metric("workflow_events", "gauge", "Events kept, by what became of them.", "trigger", "outcome")
EFFECTS = _metric("workflow_effects", "gauge", "Effects, by how they stand.", "handler", "outcome")
DUE = _metric("workflow_effects_due", "gauge", "Effects that are ready, and nobody is at them.", "handler")
OVERDUE = _metric(
    "workflow_effects_overdue", "gauge", "Those that have been so for over a minute.", "handler"
)
TIMERS = _metric(
    "workflow_timers_overdue", "gauge", "Deadlines and waits that ended over a minute ago, and nobody acted."
)
OLDEST = _metric(
    "workflow_oldest_waiting_event_seconds", "gauge", "For how long the oldest waiting event has waited."
)
DEAD_LETTERS = _metric("workflow_dead_letters", "gauge", "What can't go on by itself, by kind.", "kind")
LIFECYCLES = _metric("workflow_lifecycles", "gauge", "Claims and plain lifecycles, by state.", "state")
RECOVERED = _metric(
    "workflow_recovered", "gauge", "Payouts less reversals, in the currency's major unit.", "currency"
)
UP = _metric("workflow_store_up", "gauge", "1 where the store could be read, else 0.")
AGE = _metric(
    "workflow_figures_age_seconds",
    "gauge",
    "How old they are: the `backlog` (due, overdue, timers, oldest waiting, dead letters), the `totals`.",
    "figures",
)
ANSWERS = _metric(
    "workflow_answers_total",
    "counter",
    "Answers that this process gave to events: a status, or an error's code.",
    "trigger",
    "outcome",
)
TRIES = _metric(
    "workflow_effect_tries_total",
    "counter",
    "Tries of effects by this process, by how the effect stood then.",
    "handler",
    "outcome",
)
COMMIT_JOBS = _metric("workflow_commit_jobs", "histogram", "Jobs in one commit.")
COMMIT_SECONDS = _metric("workflow_commit_seconds", "histogram", "Seconds that a commit took.")
THREADS = _metric(
    "workflow_worker_threads",
    "gauge",
    "Its worker's: `working`, `hung` past a timeout, `missing`: hung or dead, and none stands in.",
    "standing",
)
REPLACED = _metric(
    "workflow_worker_threads_replaced_total", "counter", "Those that died or hung, and others stood in for."
)
SOCKETS = _metric("workflow_sockets", "gauge", "Open WebSockets of this process.")

OF_THE_STORE = (EVENTS, EFFECTS, DUE, OVERDUE, TIMERS, OLDEST, DEAD_LETTERS, LIFECYCLES, RECOVERED, UP, AGE)
OF_A_PROCESS = (ANSWERS, TRIES, COMMIT_JOBS, COMMIT_SECONDS, THREADS, REPLACED, SOCKETS)


def add_to(routes: Blueprint, workflow: Workflow) -> None:
    """Add `/metrics`."""
    own, store = measures(workflow), StoreFigures(workflow)

    def metrics() -> Response:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(store)
        told = generate_latest(registry) + generate_latest(own.registry())
        return Response(told, content_type=CONTENT_TYPE)

    def opening() -> None:
        here = current_request()
        if here.url_rule is not None and here.url_rule.websocket:
            own.sockets.inc()
            here.environ[_SOCKET] = own.sockets

    def closed(_error: BaseException | None) -> None:
        if (sockets := current_request().environ.pop(_SOCKET, None)) is not None:
            sockets.dec()

    routes.before_request(opening)
    routes.teardown_request(closed)
    routes.add_url_rule("/metrics", endpoint="metrics", view_func=metrics, merge_slashes=False)


def measures(workflow: Workflow) -> Measures:
    """Give what is measured of a workflow in this process; the same whenever it is asked for."""
    with _LOCK:
        found = _MEASURES.get(workflow)
        if found is None:
            found = _MEASURES[workflow] = Measures()
            workflow.observe(found)
        return found


class Measures(Observer):
    """What a process counts by itself."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._answers = Counter(ANSWERS.name, ANSWERS.tells, ANSWERS.labels, registry=self._registry)
        self._tries = Counter(TRIES.name, TRIES.tells, TRIES.labels, registry=self._registry)
        self._jobs = Histogram(COMMIT_JOBS.name, COMMIT_JOBS.tells, buckets=JOBS, registry=self._registry)
        self._seconds = Histogram(
            COMMIT_SECONDS.name, COMMIT_SECONDS.tells, buckets=SECONDS, registry=self._registry
        )
        self._threads = Gauge(
            THREADS.name, THREADS.tells, THREADS.labels, registry=self._registry, multiprocess_mode="livesum"
        )
        self._replaced = Counter(REPLACED.name, REPLACED.tells, registry=self._registry)
        self._replaced_before = 0
        self.sockets = Gauge(
            SOCKETS.name, SOCKETS.tells, registry=self._registry, multiprocess_mode="livesum"
        )
        ProcessCollector(registry=self._registry)

    def registry(self) -> CollectorRegistry:
        """Give what is to be scraped: of this process, or of all that share a folder."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return self._registry
        shared = CollectorRegistry()
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
        return shared

    def committed(self, jobs: int, seconds: float) -> None:
        """Count a commit."""
        self._jobs.observe(jobs)
        self._seconds.observe(seconds)

    def answered(self, trigger: str, outcome: str) -> None:
        """Count an answer."""
        self._answers.labels(trigger, outcome).inc()

    def tried(self, handler: str, outcome: str) -> None:
        """Count a try."""
        self._tries.labels(handler, outcome).inc()

    def watched(self, health: WorkerHealth) -> None:
        """Take down how its worker's threads are."""
        for standing in ("working", "hung", "missing"):
            self._threads.labels(standing).set(getattr(health, standing))
        self._replaced.inc(max(0, health.replaced - self._replaced_before))
        self._replaced_before = health.replaced


class StoreFigures(Collector):
    """What the store knows, as it was sampled last."""

    def __init__(self, workflow: Workflow, *, rest_seconds: float = REST_SECONDS) -> None:
        self._backlog = Sampler(lambda: workflow.backlog(), rest_seconds=rest_seconds)
        self._totals = Sampler(lambda: workflow.totals(), rest_seconds=rest_seconds)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give the families of figures; only that it is down where the store can't be read."""
        backlog, totals = self._backlog.latest(), self._totals.latest()
        left, all_ = backlog.value, totals.value
        yield _family(UP, {(): 0 if left is None or all_ is None else 1})
        if left is not None and all_ is not None:
            yield _family(AGE, {("backlog",): backlog.age_seconds, ("totals",): totals.age_seconds})
            yield _family(EVENTS, all_.events)
            yield _family(EFFECTS, all_.effects)
            yield _family(TIMERS, {(): left.timers_overdue})
            yield _family(OLDEST, {(): left.oldest_waiting_seconds})
            for metric, values in (
                (DUE, left.due),
                (OVERDUE, left.overdue),
                (DEAD_LETTERS, left.dead_letters),
                (LIFECYCLES, all_.lifecycles),
                (RECOVERED, all_.recovered),
            ):
                yield _family(metric, {(label,): value for label, value in values.items()})


# -- parts

_SOCKET = "workflow_fsm.socket"
_LOCK = Lock()
_MEASURES: WeakKeyDictionary[Workflow, Measures] = WeakKeyDictionary()


def _family(metric: Metric, values: Mapping[Any, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(metric.name, metric.tells, labels=metric.labels)
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family
