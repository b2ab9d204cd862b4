"""A worker process as `workflow-fsm worker` is one, but with a clock that is ahead by so many minutes.

So that leases of others have run out for it, and nobody waits for that. Its store, handlers and tries come
from the environment.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
from datetime import timedelta

from tests.crash.life import ClockAhead
from workflow_fsm import Settings, Workflow
from workflow_fsm.effects.modules import load_handlers

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    settings = Settings.from_environment()
    clock = ClockAhead(timedelta(minutes=int(sys.argv[1])))
    with Workflow.open(settings=settings, clock=clock) as workflow:
        load_handlers(settings.handlers, workflow)
        worker = workflow.worker()
        worker.start()
        while not told.wait(0.5):  # a signal that another thread took wakes nobody here
            pass
        worker.stop()
