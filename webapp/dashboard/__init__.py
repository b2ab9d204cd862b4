"""The dashboard: pages on which operators see all claims and their money, and act; made on the server."""

from __future__ import annotations

from flask import Blueprint

from webapp.dashboard import attention, claims, letters, lists, one_claim, overview
from webapp.dashboard.pages import Pages, add_static
from webapp.http.flask_app import PAGES
from workflow_fsm.workflow import Workflow


def add_to(routes: Blueprint, workflow: Workflow) -> None:
    """Add the pages, and what they load."""
    pages, shown = Blueprint(PAGES, __name__), Pages(workflow)
    for module in (overview, attention, claims, one_claim, lists, letters):
        module.add_to(pages, workflow, shown)
    add_static(pages)
    pages.after_request(shown.tell_problem)
    routes.register_blueprint(pages)
