"""Workers: one beside the service, and one that is a process of its own; both end within a bound."""

from __future__ import annotations

import logging
import signal
import threading
from types import FrameType
from typing import NoReturn

from webapp.http import access_log
from webapp.server.startup import REFUSED, give_up, open_workflow, refusal
from webapp.settings import ServiceSettings
from workflow_fsm.core.errors import WorkflowError
from workflow_fsm.workflow import Workflow

THREADS = 4
BESIDE_SECONDS = 2.0
"""How long a stopping service waits for the effects that run: within its own time to end."""
ALONE_SECONDS = 8.0
"""How long a worker process waits: containers are often killed 10 seconds after they are told to end."""
LOOK_SECONDS = 0.5
"""How often a worker looks whether it was told to end: the signal may have come to another thread."""

log = logging.getLogger(__name__)


def is_beside(settings: ServiceSettings) -> bool:
    """Whether the service has a worker beside it: on SQLite, whose one writer is the service's process."""
    return settings.library.database_url.startswith("sqlite:")


class EmbeddedWorker:
    """A worker in the service's process; `leave` begins its end, `close` awaits it."""

    def __init__(self, workflow: Workflow) -> None:
        self._worker = workflow.worker(threads=THREADS)
        self._end: threading.Thread | None = None
        self._worker.start()

    def leave(self) -> None:
        """Take nothing more, and begin to wait for what runs; never blocks, as signal handlers call it."""
        if self._end is None:
            self._end = threading.Thread(target=self._stop, name="effects-end", daemon=True)
            self._end.start()

    def close(self) -> None:
        """Wait until what ran is done, or its lease is let go."""
        self.leave()
        if self._end is not None:
            self._end.join()

    def _stop(self) -> None:
        self._worker.stop(within_seconds=BESIDE_SECONDS)


def work(settings: ServiceSettings) -> NoReturn:
    """Do effects until SIGTERM or SIGINT; exits with 0 then, else with a sentence and a code."""
    access_log.configure()
    told = threading.Event()

    def stop(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)  # a second one ends it at once
        told.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    if settings.library.database_url == "sqlite:///:memory:":
        give_up("work", REFUSED, "sqlite:///:memory: is another store in each process; name a file")
    try:
        workflow = open_workflow(settings)
    except WorkflowError as error:
        give_up("work", refusal(error), str(error))
    with workflow:
        worker = workflow.worker(threads=THREADS)
        worker.start()
        log.info("working in %d threads", THREADS)
        while not told.wait(LOOK_SECONDS):  # a signal that another thread took wakes nobody here
            pass
        log.info("stopping: waiting at most %g seconds for what runs", ALONE_SECONDS)
        worker.stop(within_seconds=ALONE_SECONDS)
    log.info("stopped")
    raise SystemExit(0)
