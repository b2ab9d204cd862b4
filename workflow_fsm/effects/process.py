"""A worker's process: does effects until a signal ends it, then waits for what runs, within a bound."""

from __future__ import annotations

import logging
import signal
import threading
from types import FrameType

from workflow_fsm.core.errors import StoreRefused, WorkerStuck
from workflow_fsm.effects.worker import Worker

STOP_SECONDS = 8.0
"""How long it waits for what runs: containers are often killed 10 seconds after they are told to end."""
LOOK_SECONDS = 0.5
"""How often it looks whether it was told to end: the signal may have come to another thread."""

log = logging.getLogger(__name__)


def told_to_end() -> threading.Event:
    """Give an event that SIGTERM or SIGINT sets from now on; a second one ends the process at once."""
    told = threading.Event()

    def tell(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        told.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, tell)
    return told


def work_until(told: threading.Event, worker: Worker) -> None:
    """Let a worker work until the process is told to end.

    Raises StoreRefused where the store is none any more that this version can work on, and WorkerStuck where
    so many threads died or hang that only another process can go on: nobody probes this one.
    """
    worker.start()
    log.info("working in %d threads", worker.threads)
    stuck: WorkerStuck | None = None
    while not told.wait(LOOK_SECONDS) and worker.refused is None:  # another thread's signal wakes nobody here
        try:
            worker.check()
        except WorkerStuck as error:
            stuck = error
            break
        except StoreRefused:
            break
    log.info("stopping: waiting at most %g seconds for what runs", STOP_SECONDS)
    worker.stop(within_seconds=STOP_SECONDS)
    log.info("stopped")
    if worker.refused is not None:
        raise worker.refused
    if stuck is not None:
        raise stuck
