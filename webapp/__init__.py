"""The HTTP edge: `create_app` is the service's Flask app, `blueprint` what an app of your own mounts."""

from __future__ import annotations

from flask import Blueprint, Flask

from webapp.http import access_log, authorization, headers, problems, request_body
from webapp.http.flask_app import App
from webapp.routes import batch, dead_letters, health, metrics, openapi, status, sync, webhooks
from webapp.server.startup import open_workflow
from webapp.ws import route
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
    authorization.guard(routes, workflow)
    app.register_blueprint(routes)
    _attend(app)
    return app


def blueprint(workflow: Workflow) -> Blueprint:
    """Make the routes to mount; the errors answered and the lines logged are those of these routes alone.

    Whoever calls them has to prove who they are, as the workflow's settings say.
    """
    routes = _routes(workflow)
    _attend(routes)
    authorization.guard(routes, workflow)
    return routes


def _routes(workflow: Workflow) -> Blueprint:
    routes = Blueprint("workflow", __name__)
    for module in (webhooks, status, route, batch, dead_letters, sync, health, metrics, openapi):
        module.add_to(routes, workflow)
    return routes


def _attend(routes: Flask | Blueprint) -> None:
    problems.answer_in(routes)
    access_log.watch(routes)
    routes.after_request(request_body.discard)
    headers.add_to(routes)
