"""`sync/start`: asks the integrations service for a sync, durably, one pending a user."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request

from webapp.http import access_log, request_body
from webapp.http.problems import Problem
from webapp.http.response import Answer
from webapp.integrations import START_SYNC
from webapp.routes.webhooks import PREFIX
from webapp.settings import ServiceSettings
from workflow_fsm.core.errors import FieldError, InvalidEvent
from workflow_fsm.workflow import Workflow


def add_to(routes: Blueprint, workflow: Workflow, settings: ServiceSettings) -> None:
    """Add the route that asks for a sync."""
    routes.add_url_rule(
        f"{PREFIX}/sync/start",
        endpoint="start_sync",
        view_func=_starting(workflow, settings),
        methods=["POST"],
        merge_slashes=False,
    )


def _starting(workflow: Workflow, settings: ServiceSettings) -> Callable[[], Response]:
    def start_sync() -> Response:
        body = request_body.read_object(request)
        access_log.note_ids(body)
        if body.get("user_id") is None:
            raise InvalidEvent([FieldError(field="user_id", reason="is required")])
        user_id: Any = body["user_id"]
        if settings.integrations_url is None:
            raise Problem(
                "no-integrations-service",
                "No sync can be asked for: INTEGRATIONS_URL is not set, so there is nobody to ask.",
            )
        new = workflow.request(START_SYNC, user_id=user_id)
        access_log.note(outcome="requested" if new else "pending")
        return Answer(code=202, body={"status": "requested"}).response()

    return start_sync
