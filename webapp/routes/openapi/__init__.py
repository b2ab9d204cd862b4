"""The API described, from the core's field tables: for programs `/openapi.json`, for people `/docs`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from flask import Blueprint, Response, request

from webapp.http.response import Answer
from webapp.routes.openapi import page
from webapp.routes.openapi.document import document
from webapp.settings import ServiceSettings
from workflow_fsm.workflow import Workflow

__all__ = ["add_to", "document"]

PATH = "/openapi.json"


def add_to(routes: Blueprint, workflow: Workflow, settings: ServiceSettings) -> None:
    """Add the description and its page; both are made when they are first asked for."""

    @cache
    def described() -> Mapping[str, Any]:
        return document(workflow, settings)

    def openapi() -> Response:
        mounted_at = request.script_root + request.path.removesuffix(PATH)
        return Answer(code=200, body={**described(), "servers": [{"url": mounted_at or "/"}]}).response()

    routes.add_url_rule(PATH, endpoint="openapi", view_func=openapi, merge_slashes=False)
    page.add_to(routes, described)
