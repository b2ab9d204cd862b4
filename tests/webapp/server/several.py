"""A service of several processes, each of which can be asked by itself: the others stand still meanwhile."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.webapp.services import Service, until


def processes_of(service: Service) -> list[int]:
    """Give the processes that serve, oldest first."""
    pid = service.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def both(service: Service) -> tuple[int, int]:
    """Give the two that serve, once both do."""
    until(lambda: len(processes_of(service)) == 2)
    first, second = processes_of(service)
    for one in (first, second):
        until(lambda pid=one: _has_begun(pid))  # type: ignore[misc]
    return first, second


@contextmanager
def alone(service: Service, process: int) -> Iterator[None]:
    """Let one answer whoever connects in the block, and the others stand still."""
    others = [one for one in processes_of(service) if one != process]
    for one in others:
        os.kill(one, signal.SIGSTOP)
    try:
        for one in others:
            until(lambda pid=one: _state(pid) == "T")  # type: ignore[misc]
        yield
    finally:
        for one in others:
            os.kill(one, signal.SIGCONT)


def _state(process: int) -> str:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]


def _has_begun(process: int) -> bool:
    """Tell whether it serves: it counts what it does, in a file of its own, from then on."""
    return "/workflow-fsm-" in Path(f"/proc/{process}/maps").read_text()
