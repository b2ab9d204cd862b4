"""What is measured: a service that counts, and beside it one that doesn't, both driven by the same client."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from shutil import which
from time import sleep

from tests.bench.__main__ import ROUTE, drive, served
from tests.bench.beside.versions import Running
from tests.bench.stages.counter import Stage
from tests.bench.stages.service import PATH
from tests.stores.postgres.server import Server

WARM_SECONDS = 0.7
QUIET_SECONDS = 0.1
"""By then a thread that waits for its connection's next request has given it up, and is in no stage."""
ATTACH_SECONDS = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a webhook took, as its sender and the system tell it; times in microseconds.

    `system_calls` is None where nothing on the machine can count them.
    """

    a_second: float
    p50: float
    processor: float
    switches: tuple[float, float]
    """How often a processor was given up willingly, and how often not."""
    system_calls: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What a webhook took in each stage, in microseconds; and as a whole, with counting and without."""

    connections: int
    wall: Sequence[float]
    processor: Sequence[float]
    counting: Spent
    plain: Spent


def measure(
    home: Path, connections: Sequence[int], seconds: float, running: Server | None = None
) -> Iterator[Counted]:
    """Drive both services at so many connections each; on SQLite, where no PostgreSQL server runs."""
    with ExitStack() as stack:

        def start(name: str, module: str) -> Running:
            given = {} if running is None else {"WORKFLOW_DATABASE_URL": running.url(running.make())}
            service = stack.enter_context(served(home, name, module, **given))
            drive(service.port, ROUTE, 16, WARM_SECONDS, "warm")
            return Running(process=service.process, port=service.port)

        store = "sqlite" if running is None else "postgres"
        counting = start(f"{store}-counting", "tests.bench.stages.service")
        plain = start(f"{store}-plain", "workflow_fsm")
        for many in connections:
            usual = spent(plain, many, seconds, system_calls=True)
            before = told(counting)
            whole = spent(counting, many, seconds)
            after = told(counting)
            webhooks = after["times"][Stage.REST] - before["times"][Stage.REST] - 1  # the one that asks
            wall, processor = (
                [
                    (late - early) / 1000 / webhooks
                    for early, late in zip(before[one], after[one], strict=True)
                ]
                for one in ("wall", "processor")
            )
            yield Counted(connections=many, wall=wall, processor=processor, counting=whole, plain=usual)


def spent(service: Running, connections: int, seconds: float, *, system_calls: bool = False) -> Spent:
    """Drive a service; tell what its processes had meanwhile."""
    with counted_system_calls(service.processes() if system_calls else ()) as calls:
        processor, switches = service.cpu_seconds(), service.switches_by_kind()
        rate = drive(service.port, ROUTE, connections, seconds, f"r{connections}")
        processor = service.cpu_seconds() - processor
        willing, not_ = (
            late - early for early, late in zip(switches, service.switches_by_kind(), strict=True)
        )
    webhooks = rate["a_second"] * seconds
    return Spent(
        a_second=rate["a_second"],
        p50=rate["p50"] * 1e6,
        processor=processor / webhooks * 1e6,
        switches=(willing / webhooks, not_ / webhooks),
        system_calls=sum(calls) / webhooks if calls else None,
    )


def told(service: Running) -> dict[str, list[int]]:
    """Ask a service what it has counted."""
    sleep(QUIET_SECONDS)
    connection = HTTPConnection("127.0.0.1", service.port, timeout=20)
    connection.request("GET", PATH)
    counts: dict[str, list[int]] = json.loads(connection.getresponse().read())
    connection.close()
    return counts


@contextmanager
def counted_system_calls(processes: Sequence[int]) -> Iterator[list[int]]:
    """Count the system calls of some processes, where `perf` may; they are told once the block has ended."""
    calls: list[int] = []
    if not processes or which("perf") is None:
        yield calls
        return
    whom = ",".join(map(str, processes))
    counting = subprocess.Popen(
        ["perf", "stat", "-x", ",", "-e", "raw_syscalls:sys_enter", "-p", whom],
        stderr=subprocess.PIPE,
        text=True,
    )
    sleep(ATTACH_SECONDS)
    try:
        yield calls
    finally:
        counting.send_signal(signal.SIGINT)
        _, said = counting.communicate(timeout=20)
        calls += [int(line.partition(",")[0]) for line in said.splitlines() if line[:1].isdigit()]
