"""Workers: one beside the service, and one that is a process of its own; both end within a bound."""

from __future__ import annotations

import logging
import os
import signal
import threading
from time import sleep
from typing import NoReturn

from webapp.http import access_log
from webapp.server.processes import Duty
from webapp.server.startup import (
    REFUSED,
    give_up,
    open_workflow,
    refusal,
    try_start,
    warn_of_misspelt_variables,
)
from webapp.settings import ServiceSettings
from workflow_fsm.core.errors import StoreRefused, WorkerStuck, WorkflowError
from workflow_fsm.effects.process import LOOK_SECONDS, told_to_end, work_until
from workflow_fsm.workflow import Workflow

STUCK = os.EX_SOFTWARE
"""Exit code of a worker that only another process can go on for: what supervises it should start one."""
BESIDE_SECONDS = 2.0
"""How long a stopping service waits for the effects that run: within its own time to end."""

log = logging.getLogger(__name__)


def is_beside(settings: ServiceSettings) -> bool:
    """Whether the service has a worker beside it: on SQLite, whose one writer is the service's process."""
    return settings.workflow.database_url.startswith("sqlite:")


class EmbeddedWorker:
    """A worker in the service's process; `leave` begins its end, `close` awaits it.

    Where several processes serve it begins with the `duty`, and ends its process where it can't go on:
    another has the duty then.
    """

    def __init__(self, workflow: Workflow, duty: Duty | None = None) -> None:
        self._worker = workflow.worker()
        self._end: threading.Thread | None = None
        if duty is None:
            self._worker.start()
        else:
            duty.take(self._begin)

    def leave(self) -> None:
        """Take nothing more, and begin to wait for what runs; never blocks, as signal handlers call it."""
        if self._end is None:
            self._end = threading.Thread(target=self._stop, name="effects-end", daemon=True)
            self._end.start()

    def _begin(self) -> None:
        """Work while this process lives, and let it end where only another can go on."""
        if self._end is not None:
            return
        self._worker.start()
        while self._end is None:
            sleep(LOOK_SECONDS)
            try:
                self._worker.check()
            except WorkerStuck as error:
                log.error("this process ends, so that another does effects: %s", error)
                os.kill(os.getpid(), signal.SIGTERM)
                return
            except StoreRefused:
                return  # which `/readyz` tells of each process

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
    warn_of_misspelt_variables()
    told = told_to_end()
    if settings.workflow.database_url == "sqlite:///:memory:":
        give_up("work", REFUSED, "sqlite:///:memory: is another store in each process; name a file")
    if settings.workflow.handlers or settings.workflow.definition:
        try_start("work", settings)
    try:
        workflow = open_workflow(settings)
    except WorkflowError as error:
        give_up("work", refusal(error), str(error))
    with workflow:
        try:
            work_until(told, workflow.worker())
        except StoreRefused as error:
            give_up("work on", REFUSED, str(error))
        except WorkerStuck as error:
            give_up("work on", STUCK, str(error))
    raise SystemExit(0)
