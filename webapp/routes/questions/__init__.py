"""Questions across users, over HTTP: the lists in `lists`, one claim or event in `whole`."""

from __future__ import annotations

from flask import Blueprint

from webapp.routes.questions import lists, whole
from workflow_fsm.workflow import Workflow


def add_to(routes: Blueprint, workflow: Workflow) -> None:
    """Add the routes of what operators ask."""
    lists.add_to(routes, workflow)
    whole.add_to(routes, workflow)
