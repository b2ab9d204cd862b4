"""Dead letters over HTTP: listed, retried and dropped.

Decides how these requests are read and answered; what a retry or a drop does, the workflow says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, request

from webapp.http import access_log, request_body
from webapp.http.query_string import Query, bad_request
from webapp.http.response import Answer
from webapp.routes.webhooks import PREFIX
from workflow_fsm.core.errors import FieldError, InvalidEvent
from workflow_fsm.core.values.strict_json import JSON
from workflow_fsm.workflow import Workflow

ACTOR = "operator"
"""Who retried or dropped, as history tells it."""

MOST_OF_A_REASON = 1000


def add_to(routes: Blueprint, workflow: Workflow) -> None:
    """Add the list of dead letters, and what is done with one."""
    views: Mapping[str, tuple[str, str, Callable[..., Response]]] = {
        "deadletters": ("GET", "deadletters", _listing(workflow)),
        "deadletters/<letter_id>/retry": ("POST", "retry", _retrying(workflow)),
        "deadletters/<letter_id>/drop": ("POST", "drop", _dropping(workflow)),
    }
    for path, (method, endpoint, view) in views.items():
        routes.add_url_rule(
            f"{PREFIX}/{path}", endpoint=endpoint, view_func=view, methods=[method], merge_slashes=False
        )


def _listing(workflow: Workflow) -> Callable[[], Response]:
    def dead_letters() -> Response:
        query = Query(request)
        page = {name: query.text(name) for name in ("kind", "user_id", "cursor")}
        limit = query.limit()
        query.check()
        try:
            found = workflow.dead_letters(**page, limit=limit)
        except InvalidEvent as error:  # of a kind or a cursor
            raise bad_request([(fault.field, fault.reason) for fault in error.errors]) from error
        return Answer(code=200, body={"deadletters": found, "next_cursor": found.next_cursor}).response()

    return dead_letters


def _retrying(workflow: Workflow) -> Callable[[str], Response]:
    def retry(letter_id: str) -> Response:
        body = request_body.read_object_or_nothing(request)
        texts = _texts(body, claim_id=False, reason=False)
        told = workflow.retry_dead_letter(
            letter_id, claim_id=texts["claim_id"], reason=texts["reason"], actor=ACTOR
        )
        code = 207 if told.get("refused") else 202 if told["status"] == "deferred" else 200
        return _told(code, told)

    return retry


def _dropping(workflow: Workflow) -> Callable[[str], Response]:
    def drop(letter_id: str) -> Response:
        reason = _texts(request_body.read_object(request), reason=True)["reason"]
        assert reason is not None
        return _told(200, workflow.drop_dead_letter(letter_id, reason=reason, actor=ACTOR))

    return drop


def _told(code: int, told: Mapping[str, Any]) -> Response:
    answered = Answer(code=code, body=told, outcome=told["status"])
    access_log.note_answer(answered)
    return answered.response()


def _texts(body: Mapping[str, JSON], **required: bool) -> dict[str, str | None]:
    """Read members that are texts; null is the same as absent. Raises InvalidEvent with all that is wrong."""
    errors, texts = [], {}
    for name, needed in required.items():
        value = body.get(name)
        if value is None:
            reason = "is required" if needed else None
        elif not isinstance(value, str):
            reason = "must be a string"
        elif not value.strip():
            reason = "is empty"
        elif len(value) > MOST_OF_A_REASON:
            reason = f"must have at most {MOST_OF_A_REASON} characters, and has {len(value)}"
        else:
            reason = None
        texts[name] = value if isinstance(value, str) else None
        if reason is not None:
            errors.append(FieldError(field=name, reason=reason))
    if errors:
        raise InvalidEvent(errors)
    return texts
