"""Reads: a user's status and history. The user id in a path is any string, percent-encoded.

Decides how a path and a query are read; what stands in the answers is the workflow's to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qsl, unquote_to_bytes

from flask import Blueprint, Request, Response, request
from flask.blueprints import BlueprintSetupState
from werkzeug.routing import BaseConverter

from webapp import logs
from webapp.answers import Answer
from webapp.problems import Problem
from webapp.webhooks import PREFIX
from workflow_fsm.workflow import Workflow

MAX_LIMIT = 1000
DEFAULT_LIMIT = 100

_MAX_CURSOR = 2**63 - 1
_AUTHORITY = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")


class Rest(BaseConverter):
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
    state.app.url_map.converters["workflow_rest"] = Rest


def _status(workflow: Workflow) -> Callable[[str], Response]:
    def status(rest: str) -> Response:
        user_id = read_user_id(request, rest)
        query = _Query(request)
        found = workflow.status(
            user_id, claim_id=query.claim_id, sync_id=query.sync_id, limit=query.limit, cursor=query.cursor
        )
        if found is None:
            raise _unknown(user_id)
        return Answer(code=200, body=found).response()

    return status


def _history(workflow: Workflow) -> Callable[[str], Response]:
    def history(rest: str) -> Response:
        user_id = read_user_id(request, rest)
        query = _Query(request)
        page = workflow.history(
            user_id, claim_id=query.claim_id, sync_id=query.sync_id, limit=query.limit, cursor=query.cursor
        )
        if page is None:
            raise _unknown(user_id)
        return Answer(code=200, body={"history": page, "next_cursor": page.next_cursor}).response()

    return history


def read_user_id(request: Request, rest: str) -> str:
    """Read the user id that ends the path; `rest` is what the router took it for.

    From the raw URI, since servers and middleware may merge or tidy what they call the path; where the server
    keeps none, or one that begins otherwise than the route, it is the router's.
    """
    script = request.environ.get("SCRIPT_NAME", "").encode("latin-1")
    before = request.url_rule.rule.partition("<")[0].encode() if request.url_rule else b""
    raw = unquote_to_bytes(_AUTHORITY.sub("", logs.raw_path(), count=1).encode("latin-1", "replace"))
    inner = b"/" + raw.removeprefix(script).lstrip(b"/")
    try:
        user_id = inner.removeprefix(before).decode() if inner.startswith(before) else rest
    except UnicodeDecodeError as error:
        raise _bad([("user_id", "is not UTF-8 once it is decoded; percent-encode its UTF-8")]) from error
    if not user_id:
        raise Problem("unknown-route", "The path names no user; the id comes after the slash.")
    logs.note_ids({"user_id": user_id})
    return user_id


class _Query:
    """The query of a read: which claim or sync, which page. Raises a problem with all that is wrong."""

    def __init__(self, request: Request) -> None:
        self._errors: list[tuple[str, str]] = []
        self._given = self._read(request)
        self.claim_id = self._id("claim_id")
        self.sync_id = self._id("sync_id")
        self.limit = self._number("limit", MAX_LIMIT) or DEFAULT_LIMIT
        self.cursor = self._number("cursor", None)
        if self._errors:
            raise _bad(self._errors)

    def _read(self, request: Request) -> dict[str, str]:
        try:
            pairs = parse_qsl(request.query_string.decode(), keep_blank_values=True, errors="strict")
        except ValueError:
            self._errors.append(("", "the query is not UTF-8 when it is decoded"))
            return {}
        given: dict[str, str] = {}
        for name, value in pairs:
            if given.setdefault(name, value) != value:
                self._errors.append((name, "comes twice with different values"))
        return given

    def _id(self, name: str) -> str | None:
        value = self._given.get(name)
        if value == "":
            self._errors.append((name, "is empty; give an id, or leave it out"))
        return value

    def _number(self, name: str, most: int | None) -> int | None:
        text = self._given.get(name)
        if text is None:
            return None
        digits = text.lstrip("0")
        bound = f"a whole number from 1 to {most}" if most else "a whole number above 0"
        if not re.fullmatch(r"[0-9]+", text) or not digits or (most and int(digits[:9]) > most):
            self._errors.append((name, f"must be {bound}"))
            return None
        return int(digits) if len(digits) < 19 else _MAX_CURSOR


def _unknown(user_id: str) -> Problem:
    return Problem(
        "unknown-user", "Nothing is known of this user: no event of theirs was ever taken.", user_id=user_id
    )


def _bad(errors: list[tuple[str, str]]) -> Problem:
    told = "; ".join(f"{name} {reason}" if name else reason for name, reason in errors)
    return Problem(
        "invalid-request",
        f"The request can't be read: {told}.",
        errors=[{"field": name, "reason": reason} for name, reason in errors],
    )
