"""Dead letters over HTTP: listed, retried, dropped and restored.

Decides how these requests are read and answered; what each of these acts does, the workflow says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, request

from webapp.http import access_log, request_body
from webapp.http.query_string import Query, bad_request
from webapp.http.response import Answer
from webapp.routes.webhooks import PREFIX, answer, code_of
from webapp.settings import ServiceSettings
from workflow_fsm.core.errors import FieldError, InvalidEvent, NotAllowed
from workflow_fsm.core.records import EventAnswer
from workflow_fsm.core.values.strict_json import JSON
from workflow_fsm.workflow import Workflow

ACTOR = "operator"
"""Who acted, as the chain of acts tells it."""

MOST_OF_A_REASON = 1000

LAID_OVER = ("claim_id", "amazon_case_id", "currency", "line_id", "original_reimbursement_id")
"""What a person may tell of an event that is retried, beside `force`."""


def add_to(routes: Blueprint, workflow: Workflow, settings: ServiceSettings) -> None:
    """Add the list of dead letters, and what is done with one."""
    views: Mapping[str, tuple[str, str, Callable[..., Response]]] = {
        "deadletters": ("GET", "deadletters", _listing(workflow)),
        "deadletters/<letter_id>/retry": ("POST", "retry", _retrying(workflow, settings.refusal_status)),
        "deadletters/<letter_id>/drop": ("POST", "drop", _dropping(workflow)),
        "deadletters/<letter_id>/restore": ("POST", "restore", _restoring(workflow)),
    }
    for path, (method, endpoint, view) in views.items():
        routes.add_url_rule(
            f"{PREFIX}/{path}", endpoint=endpoint, view_func=view, methods=[method], merge_slashes=False
        )


def _listing(workflow: Workflow) -> Callable[[], Response]:
    def dead_letters() -> Response:
        query = Query(request)
        page = {name: query.text(name) for name in ("kind", "user_id", "handler", "trigger", "cursor")}
        dropped, limit = query.flag("dropped"), query.limit()
        query.check()
        try:
            found = workflow.dead_letters(**page, dropped=dropped, limit=limit)
        except InvalidEvent as error:  # of a kind or a cursor
            raise bad_request([(fault.field, fault.reason) for fault in error.errors]) from error
        return Answer(code=200, body={"deadletters": found, "next_cursor": found.next_cursor}).response()

    return dead_letters


def _retrying(workflow: Workflow, refusal_status: int) -> Callable[[str], Response]:
    def retry(letter_id: str) -> Response:
        body = request_body.read_object_or_nothing(request)
        force = body.get("force")
        wrong = [] if force is None or isinstance(force, bool) else [_NO_FLAG]
        texts = _texts(body, *wrong, reason=False, **dict.fromkeys(LAID_OVER, False))
        try:
            told = workflow.retry_dead_letter(letter_id, **texts, force=bool(force), actor=ACTOR)
        except NotAllowed as refused:
            answered = answer(refused, refusal_status=refusal_status)
            access_log.note_answer(answered)
            return answered.response()
        return _told(code_of(told) if isinstance(told, EventAnswer) else 200, told)

    return retry


def _dropping(workflow: Workflow) -> Callable[[str], Response]:
    def drop(letter_id: str) -> Response:
        reason = _texts(request_body.read_object(request), reason=True)["reason"]
        assert reason is not None
        return _told(200, workflow.drop_dead_letter(letter_id, reason=reason, actor=ACTOR))

    return drop


def _restoring(workflow: Workflow) -> Callable[[str], Response]:
    def restore(letter_id: str) -> Response:
        texts = _texts(request_body.read_object_or_nothing(request), reason=False)
        return _told(200, workflow.restore_dead_letter(letter_id, reason=texts["reason"], actor=ACTOR))

    return restore


def _told(code: int, told: Mapping[str, Any]) -> Response:
    answered = Answer(code=code, body=told, outcome=told["status"])
    access_log.note_answer(answered)
    return answered.response()


_NO_FLAG = FieldError(field="force", reason="must be true or false")


def _texts(body: Mapping[str, JSON], *wrong: FieldError, **required: bool) -> dict[str, str | None]:
    """Read members that are texts; null is the same as absent. Raises InvalidEvent with all that is wrong."""
    errors, texts = [*wrong], {}
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
