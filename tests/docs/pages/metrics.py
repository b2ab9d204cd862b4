"""The page of metrics: what each tells, of the store or of a process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from webapp.routes import metric_table, sampling
from workflow_fsm.core.model.inbox import Standing
from workflow_fsm.core.model.outbox import STANDINGS


def metrics_page() -> str:
    """Write the page of metrics."""
    lines = ["# Metrics", ""]
    lines += [
        "`GET /metrics`, in Prometheus' text format, for the operator. What to do with them:",
        "[watch it](../how-to/watch-it.md). Why some are read and some are counted: "
        "[ADR 13](../adr/0013-metrics-read-from-the-store.md).",
        "",
        "## Of the store",
        "",
        "Read from the store, so that they are the same whichever process is asked, and cover what each of",
        f"them did. A sample is kept for {sampling.REST_SECONDS:g} seconds, and for {sampling.RESTS} times",
        "what reading it took; where that is long, the next is read behind the scrape that finds it due, and",
        "no scrape waits for it: [ADR 25](../adr/0025-figures-are-sampled.md).",
        "",
        *_metrics(metric_table.OF_THE_STORE),
        "",
        "The outcomes of `workflow_events` are those that `workflow-fsm check` adds up: "
        f"{', '.join(f'`{one}`' for one in Standing)}.",
        f"Those of `workflow_effects`: {', '.join(f'`{one}`' for one in STANDINGS)}.",
        "",
        "## Of a process",
        "",
        "Counted since the process began; with `WORKFLOW_PROCESSES` above 1 by all, since the service did,",
        "and where `PROMETHEUS_MULTIPROC_DIR` is set, by all that share it. Else beside them stand",
        "`process_cpu_seconds_total` and the others of its kind.",
        "",
        *_metrics(metric_table.OF_A_PROCESS),
        "",
    ]
    return "\n".join(lines)


def _metrics(listed: Iterable[metric_table.Metric]) -> Iterator[str]:
    yield "| metric | type | labels | what it tells |"
    yield "|---|---|---|---|"
    for one in listed:
        labels = ", ".join(f"`{label}`" for label in one.labels)
        yield f"| `{one.name}` | {one.type} | {labels} | {one.tells} |"
