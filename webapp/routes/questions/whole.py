"""One claim, or one event, as a whole: over HTTP, by a path of two ids, each percent-encoded.

Decides how such a path is read, and what is unknown in it; what is told of it is the workflow's to say.
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
from webapp.routes.status import unknown_user
from webapp.routes.webhooks import PREFIX
from workflow_fsm.workflow import Workflow

_AUTHORITY = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")


class TwoParts(BaseConverter):
    """What is left of a path where a slash is in it: two ids, or more than two parts of them."""

    regex = r"[\s\S]*/[\s\S]*"
    part_isolating = False


def add_to(routes: Blueprint, workflow: Workflow) -> None:
    """Add the routes of one claim, and of one event."""
    routes.record(_know_two_parts)
    for what, ask in (
        ("claim", lambda user_id, claim_id: workflow.claim(user_id, claim_id)),
        ("event", lambda user_id, event_id: workflow.event(user_id, event_id)),
    ):
        routes.add_url_rule(
            f"{PREFIX}/{what}s/<workflow_two:{what}_id>",
            endpoint=what,
            view_func=_whole(workflow, what, ask),
            methods=["GET"],
            merge_slashes=False,
        )


def _know_two_parts(state: BlueprintSetupState) -> None:
    state.app.url_map.converters["workflow_two"] = TwoParts


def _whole(workflow: Workflow, what: str, ask: Callable[[str, str], Any]) -> Callable[..., Response]:
    def whole(**ids: str) -> Response:
        named = f"{what}_id"
        user_id, told = read_ids(request, ids[named], named)
        _no_query()
        found = ask(user_id, told)
        if found is None:
            raise _unknown(workflow, user_id, what, told)
        return Answer(code=200, body=found).response()

    return whole


def read_ids(request: Request, rest: str, second: str) -> tuple[str, str]:
    """Read the user's id and another that end a path; a slash in an id is `%2F`.

    From the raw URI, in which that still differs from the slash between them; where the server keeps none,
    `rest`, which is what the router took for them, has to be two parts.
    """
    before = request.url_rule.rule.partition("<")[0].encode() if request.url_rule else b""
    script = request.environ.get("SCRIPT_NAME", "").encode("latin-1")
    raw = _AUTHORITY.sub(b"", access_log.raw_path().encode("latin-1", "replace"), count=1)
    parts = _behind(raw, script + before)
    if parts is None:
        parts = [one.encode() for one in rest.split("/")]
    if len(parts) != 2 or not all(parts):
        raise Problem(
            "unknown-route",
            f"The path must end with two ids, user_id and {second}, each percent-encoded (a slash in one is "
            f"%2F), and has {len([one for one in parts if one])}.",
        )
    ids: list[str] = []
    for name, part in zip(("user_id", second), parts, strict=True):
        try:
            ids.append(part.decode())
        except UnicodeDecodeError as error:
            reason = "is not UTF-8 once it is decoded; percent-encode its UTF-8"
            raise bad_request([(name, reason)]) from error
    access_log.note_ids({"user_id": ids[0], second: ids[1]})
    return ids[0], ids[1]


def _behind(raw: bytes, before: bytes) -> list[bytes] | None:
    """Give the parts of a raw path, decoded, behind those that make up `before`; None where it doesn't."""
    parts = [unquote_to_bytes(part) for part in raw.lstrip(b"/").split(b"/")]
    led = before.strip(b"/").split(b"/")
    return parts[len(led) :] if parts[: len(led)] == led else None


def _no_query() -> None:
    query = Query(request)
    query.refuse_others()
    query.check()


def _unknown(workflow: Workflow, user_id: str, what: str, named: str) -> Problem:
    """Say what is unknown: the user, or the claim or event of one who is known."""
    if workflow.allowed(user_id) is None:
        return unknown_user(user_id)
    if what == "claim":
        told = "This user has no claim of that id or alias."
        return Problem("unknown-claim", told, user_id=user_id, claim_id=named)
    told = "No event of this user with that id was ever taken."
    return Problem("unknown-event", told, user_id=user_id, event_id=named)
