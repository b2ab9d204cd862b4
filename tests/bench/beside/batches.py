"""Posts batches of a thousand events over one connection, one behind the other."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from time import perf_counter

BATCH = 1000
ROUTE = "/api/v1/workflow/events"
JSON = {"Content-Type": "application/json"}


def batches_a_second(port: int, seconds: float) -> float:
    """Give how many events a second are taken so; one batch goes before, so that all is warm."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    _post(connection, 0)
    began, batches = perf_counter(), 0
    while perf_counter() - began < seconds:
        batches += 1
        _post(connection, batches)
    elapsed = perf_counter() - began
    connection.close()
    return batches * BATCH / elapsed


def _post(connection: HTTPConnection, batch: int) -> None:
    events = [
        {
            "trigger": "sync_complete",
            "user_id": f"user-{number}",
            "sync_id": f"batch-{batch}-{number}",
            "event_id": f"msg_{batch}_{number}",
            "orders_count": 12,
        }
        for number in range(BATCH)
    ]
    connection.request("POST", ROUTE, json.dumps(events), JSON)
    answer = connection.getresponse()
    if answer.status != 200:
        raise SystemExit(f"a batch was answered {answer.status}: {answer.read()[:500]!r}")
    answer.read()
