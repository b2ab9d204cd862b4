"""The HTTP edge: `create_app` is the service's Flask app, `blueprint` what an app of your own mounts."""

from __future__ import annotations

from flask import Blueprint, Flask

from webapp import (
    batch,
    bodies,
    credentials,
    headers,
    letters,
    live,
    logs,
    metrics,
    openapi,
    operations,
    problems,
    reads,
    webhooks,
)
from webapp.app import App
from webapp.starting import open_workflow
from workflow_fsm.settings import Settings
from workflow_fsm.workflow import Workflow

__all__ = ["blueprint", "create_app"]


def create_app(workflow: Workflow | None = None) -> Flask:
    """Make the service's app.

    Without a workflow it opens the one that the environment names, its handlers with it. No worker is begun:
    what is owed then waits for `workflow-fsm worker`, or for `workflow.worker()` of your own.
    """
    if workflow is None:
        workflow = open_workflow(Settings.from_environment())
    app = App("webapp", static_folder=None)
    app.url_map.merge_slashes = False
    app.extensions["workflow_fsm"] = workflow
    routes = _routes(workflow)
    credentials.guard(routes, workflow)
    app.register_blueprint(routes)
    _attend(app)
    return app


def blueprint(workflow: Workflow) -> Blueprint:
    """Make the routes to mount; the errors answered and the lines logged are those of these routes alone.

    Whoever calls them has to prove who they are, as the workflow's settings say.
    """
    routes = _routes(workflow)
    _attend(routes)
    credentials.guard(routes, workflow)
    return routes


def _routes(workflow: Workflow) -> Blueprint:
    routes = Blueprint("workflow", __name__)
    for module in (webhooks, reads, live, batch, letters, operations, metrics, openapi):
        module.add_to(routes, workflow)
    return routes


def _attend(routes: Flask | Blueprint) -> None:
    problems.answer_in(routes)
    logs.watch(routes)
    routes.after_request(bodies.discard)
    headers.add_to(routes)
