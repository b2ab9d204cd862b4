"""Status: a user's status and history. The user id in a path is any string, percent-encoded.

Decides how a path is read, and what a query may say; what stands in the answers is the workflow's to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_to_bytes

from flask import Blueprint, Request, Response, request
from flask.blueprints import BlueprintSetupState
from werkzeug.routing import BaseConverter

from webapp.http import access_log
from webapp.http.problems import Problem
from webapp.http.query_string import Query, bad_request
from webapp.http.response import Answer
from webapp.routes.webhooks import PREFIX
from workflow_fsm.workflow import Workflow

_AUTHORITY = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")


class RestOfPath(BaseConverter):
    """All that is left of a path, slashes, blanks and nothing included."""

    regex = r"[\s\S]*"
    part_isolating = False


def add_to(routes: Blueprint, workflow: Workflow) -> None:
    """Add the routes that read."""
    routes.record(_know_the_rest)
    for name, view in {"status": _status(workflow), "history": _history(workflow)}.items():
        routes.add_url_rule(
            f"{PREFIX}/{name}/<workflow_rest:rest>", endpoint=name, view_func=view, merge_slashes=False
        )


def _know_the_rest(state: BlueprintSetupState) -> None:
    state.app.url_map.converters["workflow_rest"] = RestOfPath


def _status(workflow: Workflow) -> Callable[[str], Response]:
    def status(rest: str) -> Response:
        user_id = read_user_id(request, rest)
        found = workflow.status(user_id, **_page(request, Query.place))
        if found is None:
            raise unknown_user(user_id)
        return Answer(code=200, body=found).response()

    return status


def _history(workflow: Workflow) -> Callable[[str], Response]:
    def history(rest: str) -> Response:
        user_id = read_user_id(request, rest)
        page = workflow.history(user_id, **_page(request, Query.cursor))
        if page is None:
            raise unknown_user(user_id)
        return Answer(code=200, body={"history": page, "next_cursor": page.next_cursor}).response()

    return history


def read_user_id(request: Request, rest: str) -> str:
    """Read the user id that ends the path; `rest` is what the router took it for.

    From the raw URI, since servers and middleware may merge or tidy what they call the path; where the server
    keeps none, or one that begins otherwise than the route, it is the router's.
    """
    script = request.environ.get("SCRIPT_NAME", "").encode("latin-1")
    before = request.url_rule.rule.partition("<")[0].encode() if request.url_rule else b""
    raw = unquote_to_bytes(_AUTHORITY.sub("", access_log.raw_path(), count=1).encode("latin-1", "replace"))
    # What a proxy took away in front stands in SCRIPT_NAME, and not in the raw URI.
    whole, inner = (b"/" + one.lstrip(b"/") for one in (raw, raw.removeprefix(script)))
    inner = whole if whole.startswith(before) else inner
    try:
        user_id = inner.removeprefix(before).decode() if inner.startswith(before) else rest
    except UnicodeDecodeError as error:
        raise bad_request(
            [("user_id", "is not UTF-8 once it is decoded; percent-encode its UTF-8")]
        ) from error
    if not user_id:
        raise Problem("unknown-route", "The path names no user; the id comes after the slash.")
    access_log.note_ids({"user_id": user_id})
    return user_id


def _page(request: Request, cursor: Callable[[Query], int | str | None]) -> dict[str, Any]:
    """Read which claim or sync, and which page of it, as the route's cursors are written."""
    query = Query(request)
    page = {
        "claim_id": query.text("claim_id"),
        "sync_id": query.text("sync_id"),
        "limit": query.limit(),
        "cursor": cursor(query),
    }
    query.check()
    return page


def unknown_user(user_id: str) -> Problem:
    """Give the problem that says of a user that nothing is known."""
    return Problem(
        "unknown-user", "Nothing is known of this user: no event of theirs was ever taken.", user_id=user_id
    )
