"""A module of handlers, for services that the tests start: makes their bounds short, so that tests are."""

from __future__ import annotations

import os

from webapp.http import request_body
from webapp.server import slow_clients
from webapp.ws import route, session
from workflow_fsm import Workflow

route.PING_SECONDS = float(os.environ.get("HURRIED_PING_SECONDS", "30"))
session.SLOW_SECONDS = 0.6
session.LEFT_BEHIND_SECONDS = 0.3
session.LINGER_SECONDS = 0.5
slow_clients.REQUEST_SECONDS = 0.8
slow_clients.BYTES_A_SECOND = 128 * 1024
slow_clients.SILENT_SECONDS = 0.5
slow_clients.END_SECONDS = 0.5
request_body._DISCARDING_SECONDS = 0.5


def register(_workflow: Workflow) -> None:
    """Register nothing."""
