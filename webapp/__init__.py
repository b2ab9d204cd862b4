"""The HTTP edge: `create_app` is the service's Flask app, `blueprint` what an app of your own mounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from webapp import dashboard
from webapp.access.authorization import Guard
from webapp.access.sessions import Sessions
from webapp.http import access_log, headers, problems, request_body
from webapp.http.flask_app import App
from webapp.routes import (
    batch,
    dead_letters,
    health,
    many_dead_letters,
    metrics,
    openapi,
    questions,
    sign_in,
    status,
    sync,
    webhooks,
)
from webapp.routes.direct import Direct
from webapp.server.startup import open_workflow
from webapp.settings import ServiceSettings
from webapp.ws import route
from workflow_fsm.workflow import Workflow

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

__all__ = ["ServiceSettings", "blueprint", "create_app"]


def create_app(workflow: Workflow | None = None, *, settings: ServiceSettings | None = None) -> Flask:
    """Make the service's app; its settings come from the environment, unless they are given.

    Without a workflow it opens the one that they name, its handlers with it. No worker is begun: what is owed
    then waits for `workflow-fsm worker`, or for `workflow.worker()` of your own. Raises SettingsInvalid.
    """
    if workflow is None:
        settings = ServiceSettings.from_environment() if settings is None else settings
        workflow = open_workflow(settings)
    settings = _settings(workflow, settings)
    app = App("webapp", static_folder=None)
    app.url_map.merge_slashes = False
    app.extensions["workflow_fsm"] = workflow
    sessions = Sessions(settings)
    routes = _routes(workflow, settings, sessions)
    guard = Guard(workflow, settings, sessions)
    guard.watch(routes)
    app.register_blueprint(routes)
    _attend(app, workflow)
    app.wsgi_app = Direct(app, workflow, settings, guard)  # type: ignore[method-assign]
    if settings.trusted_proxies:
        app.wsgi_app = _behind(settings.trusted_proxies, app.wsgi_app)  # type: ignore[method-assign]
    return app


def blueprint(workflow: Workflow, *, settings: ServiceSettings | None = None) -> Blueprint:
    """Make the routes to mount; the errors answered and the lines logged are those of these routes alone.

    Whoever calls them has to prove who they are, as the settings say: those given, else the environment's.
    Raises SettingsInvalid.
    """
    settings = _settings(workflow, settings)
    sessions = Sessions(settings)
    routes = _routes(workflow, settings, sessions)
    _attend(routes, workflow)
    Guard(workflow, settings, sessions).watch(routes)
    return routes


def _settings(workflow: Workflow, given: ServiceSettings | None) -> ServiceSettings:
    """Take the settings given, else the environment's; the library's are those of the workflow."""
    return ServiceSettings.from_environment(workflow=workflow.settings) if given is None else given


def _routes(workflow: Workflow, settings: ServiceSettings, sessions: Sessions) -> Blueprint:
    routes = Blueprint("workflow", __name__)
    for module in (status, questions, many_dead_letters, health, metrics, dashboard):
        module.add_to(routes, workflow)
    for asking in (webhooks, dead_letters, route, batch, sync, openapi):
        asking.add_to(routes, workflow, settings)
    sign_in.add_to(routes, workflow, settings, sessions)
    return routes


def _behind(proxies: int, app: WSGIApplication) -> ProxyFix:
    """Believe what so many proxies tell of whom they hand on: address, scheme, host, port and prefix."""
    return ProxyFix(app, x_for=proxies, x_proto=proxies, x_host=proxies, x_port=proxies, x_prefix=proxies)


def _attend(routes: Flask | Blueprint, workflow: Workflow) -> None:
    problems.answer_in(routes)
    access_log.watch(routes)
    metrics.watch(routes, workflow)
    routes.after_request(request_body.discard)
    headers.add_to(routes)
