"""Metrics: `/metrics` for Prometheus. What the store knows is read from it, what it doesn't is counted here.

So what became of events and effects is right whichever process took them, on whichever machine, and over
restarts; speeds, answers and sockets are those of the process that is asked. Where PROMETHEUS_MULTIPROC_DIR
is set, as for an app under several workers, the processes that share it are added up; a service of several
processes sets it by itself (`share`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from flask import Blueprint, Response
from flask.sansio.scaffold import Scaffold
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
    values,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from webapp.http.flask_app import current_request
from webapp.routes.metric_table import (
    AGE,
    ANSWERED,
    ANSWERS,
    CODES,
    COMMIT_JOBS,
    COMMIT_SECONDS,
    DEAD_LETTERS,
    DROPPED,
    DUE,
    EFFECTS,
    EVENTS,
    LIFECYCLES,
    NOT_COMMITTED,
    OLDEST,
    OLDEST_MONEY,
    OVERDUE,
    RECOVERED,
    REPLACED,
    REQUESTS,
    SOCKETS,
    THREADS,
    TIMERS,
    TRIED,
    TRIES,
    UNAPPLIED,
    UP,
    WAITING_MONEY,
    Metric,
)
from webapp.routes.sampling import REST_SECONDS, Sampler
from workflow_fsm.core.definition import Trigger
from workflow_fsm.core.errors import StoreRefused, StoreUnavailable, WorkerStuck, WorkflowClosed
from workflow_fsm.stores.observers import Observer, WorkerHealth
from workflow_fsm.workflow import Workflow

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
JOBS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


def add_to(routes: Blueprint, workflow: Workflow) -> None:
    """Add `/metrics`."""
    own, store = measures(workflow), StoreFigures(workflow)

    def metrics() -> Response:
        own.begin_series(store.handlers())
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


def watch(routes: Scaffold, workflow: Workflow) -> None:
    """Count each answer of an app, or only those of a blueprint."""
    own = measures(workflow)

    def count(response: Response) -> Response:
        endpoint = current_request().endpoint
        own.requested("unknown" if endpoint is None else endpoint.rpartition(".")[2], response.status_code)
        return response

    routes.after_request(count)


def measures(workflow: Workflow) -> Measures:
    """Give what is measured of a workflow in this process; the same whenever it is asked for."""
    with _LOCK:
        found = _MEASURES.get(workflow)
        if found is None:
            found = _MEASURES[workflow] = Measures(workflow.definition.triggers)
            workflow.observe(found)
        return found


def share(folder: str) -> None:
    """Have this process, and those that it forks, count in a folder what they measure from now on.

    One that is named by the environment goes first: whoever set it adds up more than one service.
    """
    if not _is_shared():
        os.environ[_FOLDER] = folder
        # Which was chosen as the client was imported.
        values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]


def forget(process: int) -> None:
    """Count no more what a process that has ended had under way; what it did stays counted."""
    if _is_shared():
        mark_process_dead(process)  # type: ignore[no-untyped-call]


class Measures(Observer):
    """What a process counts by itself."""

    def __init__(self, triggers: Iterable[Trigger]) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(REQUESTS.name, REQUESTS.tells, REQUESTS.labels, registry=self._registry)
        self._answers = Counter(ANSWERS.name, ANSWERS.tells, ANSWERS.labels, registry=self._registry)
        self._of_requests: dict[tuple[str, int], Counter] = {}
        self._of_answers: dict[tuple[str, str], Counter] = {}
        self._tries = Counter(TRIES.name, TRIES.tells, TRIES.labels, registry=self._registry)
        self._jobs = Histogram(COMMIT_JOBS.name, COMMIT_JOBS.tells, buckets=JOBS, registry=self._registry)
        self._seconds = Histogram(
            COMMIT_SECONDS.name, COMMIT_SECONDS.tells, buckets=SECONDS, registry=self._registry
        )
        self._failures = Counter(NOT_COMMITTED.name, NOT_COMMITTED.tells, registry=self._registry)
        self._threads = Gauge(
            THREADS.name, THREADS.tells, THREADS.labels, registry=self._registry, multiprocess_mode="livesum"
        )
        self._replaced = Counter(REPLACED.name, REPLACED.tells, registry=self._registry)
        self._replaced_before = 0
        self.sockets = Gauge(
            SOCKETS.name, SOCKETS.tells, registry=self._registry, multiprocess_mode="livesum"
        )
        ProcessCollector(registry=self._registry)
        for name in (one.name for one in triggers if not one.timer):
            for outcome in ANSWERED:
                self._answers.labels(name, outcome)
            for code in CODES:
                self._requests.labels(name, code)

    def begin_series(self, handlers: Iterable[str]) -> None:
        """Have the series of handlers whose tries have none yet."""
        for handler in handlers:
            for outcome in TRIED:
                self._tries.labels(handler, outcome)

    def registry(self) -> CollectorRegistry:
        """Give what is to be scraped: of this process, or of all that share a folder."""
        if not _is_shared():
            return self._registry
        shared = CollectorRegistry()
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
        return shared

    def committed(self, jobs: int, seconds: float) -> None:
        """Count a commit."""
        self._jobs.observe(jobs)
        self._seconds.observe(seconds)

    def not_committed(self, jobs: int) -> None:
        """Count a commit that could not be done."""
        self._failures.inc()

    def requested(self, route: str, code: int) -> None:
        """Count an answer to a request."""
        one = self._of_requests.get((route, code))
        if one is None:
            one = self._of_requests[route, code] = self._requests.labels(route, str(code))
        one.inc()

    def answered(self, trigger: str, outcome: str) -> None:
        """Count an answer."""
        one = self._of_answers.get((trigger, outcome))
        if one is None:
            one = self._of_answers[trigger, outcome] = self._answers.labels(trigger, outcome)
        one.inc()

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
        self._workflow = workflow

    def handlers(self) -> Iterable[str]:
        """Name the handlers that the store knows."""
        backlog = self._backlog.latest().value
        return () if backlog is None else backlog.due

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give the families of figures; only that it is down where the store can't be read."""
        backlog, totals = self._backlog.latest(), self._totals.latest()
        left, all_ = backlog.value, totals.value
        yield _family(UP, {(): int(left is not None and all_ is not None and self._can_be_written())})
        if left is not None and all_ is not None:
            yield _family(AGE, {("backlog",): backlog.age_seconds, ("totals",): totals.age_seconds})
            yield _family(EVENTS, all_.events)
            yield _family(EFFECTS, all_.effects)
            yield _family(TIMERS, {(): left.timers_overdue})
            yield _family(OLDEST, {(): left.oldest_waiting_seconds})
            yield _family(OLDEST_MONEY, {(): left.oldest_waiting_money_seconds})
            yield _family(WAITING_MONEY, left.waiting_money)
            for metric, values in (
                (DUE, left.due),
                (OVERDUE, left.overdue),
                (DEAD_LETTERS, left.dead_letters),
                (LIFECYCLES, all_.lifecycles),
                (RECOVERED, all_.recovered),
                (UNAPPLIED, all_.unapplied),
                (DROPPED, all_.dropped),
            ):
                yield _family(metric, {(label,): value for label, value in values.items()})

    def _can_be_written(self) -> bool:
        try:
            self._workflow.ready()
        except (StoreUnavailable, StoreRefused, WorkflowClosed):
            return False
        except WorkerStuck:
            pass  # which the worker's own metrics tell
        return True


# -- parts

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_SOCKET = "workflow_fsm.socket"
_LOCK = Lock()
_MEASURES: WeakKeyDictionary[Workflow, Measures] = WeakKeyDictionary()


def _is_shared() -> bool:
    return _FOLDER in os.environ


def _family(metric: Metric, values: Mapping[Any, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(metric.name, metric.tells, labels=metric.labels)
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family
