"""The metrics: what each is called and labelled, and what it tells. The docs' page is made of it."""

from __future__ import annotations

from dataclasses import dataclass


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
DEAD_LETTERS = _metric(
    "workflow_dead_letters",
    "gauge",
    "What can't go on by itself: `event`, `effect`; and `money` that waits, which may yet find its claim.",
    "kind",
)
WAITING_MONEY = _metric(
    "workflow_waiting_money",
    "gauge",
    "Payouts, and reversals, that wait, in the major unit; of the oldest 10,000 of each trigger.",
    "trigger",
    "currency",
)
OLDEST_MONEY = _metric(
    "workflow_oldest_waiting_money_seconds", "gauge", "For how long the oldest of that money has waited."
)
LIFECYCLES = _metric("workflow_lifecycles", "gauge", "Claims and plain lifecycles, by state.", "state")
RECOVERED = _metric(
    "workflow_recovered", "gauge", "Payouts less reversals, in the currency's major unit.", "currency"
)
UNAPPLIED = _metric(
    "workflow_unapplied",
    "gauge",
    "Payouts less reversals that wait, in the major unit; `XXX`: in no currency that was told.",
    "currency",
)
DROPPED = _metric(
    "workflow_dropped",
    "gauge",
    "The same that a person has dropped; of the oldest 10,000 events of each trigger.",
    "currency",
)
UP = _metric(
    "workflow_store_up",
    "gauge",
    "1 where the store can be read and written to, as `/readyz` tries it, else 0.",
)
AGE = _metric(
    "workflow_figures_age_seconds",
    "gauge",
    "How old they are: the `backlog` (due, overdue, timers, dead letters, what waits), the `totals`.",
    "figures",
)
REQUESTS = _metric(
    "workflow_requests_total",
    "counter",
    "All answers to requests, by the route's name (`unknown`: of no route) and the code.",
    "route",
    "code",
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
NOT_COMMITTED = _metric(
    "workflow_commit_failures_total",
    "counter",
    "Commits that the store could not do: it is locked, full, read-only or gone.",
)
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

OF_THE_STORE = (
    *(EVENTS, EFFECTS, DUE, OVERDUE, TIMERS, OLDEST, DEAD_LETTERS, LIFECYCLES),
    *(RECOVERED, UNAPPLIED, WAITING_MONEY, OLDEST_MONEY, DROPPED, UP, AGE),
)
OF_A_PROCESS = (
    *(REQUESTS, ANSWERS, TRIES, COMMIT_JOBS, COMMIT_SECONDS, NOT_COMMITTED),
    *(THREADS, REPLACED, SOCKETS),
)
ANSWERED = (
    "applied",
    "unchanged",
    "deferred",
    "duplicate",
    "not-allowed",
    "invalid-event",
    "event-id-reused",
)
TRIED = ("done", "owed", "dead")
CODES = ("200", "400", "401", "413", "415", "503")
"""Those whose series are there from the start: a rate tells nothing of what came before a series began."""
