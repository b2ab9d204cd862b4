"""A worker process as `workflow-fsm worker` is one, but with a clock that is ahead by so many minutes.

So that leases of others have run out for it, and nobody waits for that. Its store, handlers and tries come
from the environment.
"""

from __future__ import annotations

import logging
import sys
from datetime import timedelta

from tests.crash.life import ClockAhead
from workflow_fsm import Settings, Workflow
from workflow_fsm.effects.modules import load_handlers
from workflow_fsm.effects.process import told_to_end, work_until

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    told = told_to_end()
    settings = Settings.from_environment()
    clock = ClockAhead(timedelta(minutes=int(sys.argv[1])))
    with Workflow.open(settings=settings, clock=clock) as workflow:
        load_handlers(settings.handlers, workflow)
        work_until(told, workflow.worker())
