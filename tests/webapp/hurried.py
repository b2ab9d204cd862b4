"""A module of handlers, for services that the tests start: makes their patience short, so that tests are."""

from __future__ import annotations

import os

from webapp import bodies, live, patience, sockets
from workflow_fsm import Workflow

live.PING_SECONDS = float(os.environ.get("HURRIED_PING_SECONDS", "30"))
sockets.SLOW_SECONDS = 0.6
sockets.LEFT_BEHIND_SECONDS = 0.3
sockets.LINGER_SECONDS = 0.5
patience.REQUEST_SECONDS = 0.8
patience.SILENT_SECONDS = 0.5
patience.END_SECONDS = 0.5
bodies._DISCARDING_SECONDS = 0.5


def register(_workflow: Workflow) -> None:
    """Register nothing."""
