"""Health: is the process up, and does its store take events."""

from __future__ import annotations

from flask import Blueprint, Response

from webapp.http.response import Answer
from webapp.routes.webhooks import PREFIX
from workflow_fsm.workflow import Workflow


def add_to(routes: Blueprint, workflow: Workflow) -> None:
    """Add `/healthz` for the process, `/readyz` and `health` for its store too (503 while it is down)."""

    def live() -> Response:
        return Answer(code=200, body={"status": "ok"}).response()

    def ready() -> Response:
        workflow.ready()
        return Answer(code=200, body={"status": "ok", "store": "ok"}).response()

    for path, view in {"/healthz": live, "/readyz": ready, f"{PREFIX}/health": ready}.items():
        routes.add_url_rule(path, endpoint=path.rpartition("/")[2], view_func=view, merge_slashes=False)
