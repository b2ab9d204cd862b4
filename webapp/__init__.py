"""The HTTP edge: `create_app` is the service's Flask app, `blueprint` what an app of your own mounts."""

from __future__ import annotations

from flask import Blueprint, Flask

from webapp import batch, bodies, logs, operations, problems, reads, webhooks
from workflow_fsm.settings import Settings
from workflow_fsm.workflow import Workflow

__all__ = ["blueprint", "create_app"]


def create_app(workflow: Workflow | None = None) -> Flask:
    """Make the service's app; without a workflow it opens the one that the environment names."""
    if workflow is None:
        settings = Settings.from_environment()
        workflow = Workflow.open(settings.database_url, settings=settings)
    app = Flask("webapp", static_folder=None)
    app.url_map.merge_slashes = False
    app.extensions["workflow_fsm"] = workflow
    app.register_blueprint(_routes(workflow))
    _attend(app)
    return app


def blueprint(workflow: Workflow) -> Blueprint:
    """Make the routes to mount; the errors answered and the lines logged are those of these routes alone."""
    routes = _routes(workflow)
    _attend(routes)
    return routes


def _routes(workflow: Workflow) -> Blueprint:
    routes = Blueprint("workflow", __name__)
    for module in (webhooks, reads, batch, operations):
        module.add_to(routes, workflow)
    return routes


def _attend(routes: Flask | Blueprint) -> None:
    problems.answer_in(routes)
    logs.watch(routes)
    routes.after_request(bodies.discard)
