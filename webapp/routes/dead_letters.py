"""Dead letters over HTTP: listed, retried, dropped and restored.

Decides how these requests are read and answered; what each of these acts does, the workflow says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flask import Blueprint, Response, request

from webapp.http import access_log, request_body
from webapp.http.query_string import Query
from webapp.http.response import Answer
from webapp.routes.webhooks import PREFIX, answer, code_of
from webapp.settings import ServiceSettings
from workflow_fsm.core.errors import FieldError, InvalidEvent, NotAllowed
from workflow_fsm.core.model.inbox import FORCE, LAID_OVER
from workflow_fsm.core.records import EventAnswer
from workflow_fsm.core.values.fields import Kind, read_value
from workflow_fsm.core.values.strict_json import JSON
from workflow_fsm.workflow import Workflow

ACTOR = "operator"
"""Who acted, as the chain of acts tells it."""

MOST_OF_A_REASON = 1000


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
        part, dropped, limit = query.text("reason"), query.flag("dropped"), query.limit()
        query.refuse_others()
        found = query.checked(
            lambda: workflow.dead_letters(**page, reason_contains=part, dropped=dropped, limit=limit)
        )
        return Answer(code=200, body={"deadletters": found, "next_cursor": found.next_cursor}).response()

    return dead_letters


def _retrying(workflow: Workflow, refusal_status: int) -> Callable[[str], Response]:
    def retry(letter_id: str) -> Response:
        body = request_body.read_object_or_nothing(request)
        overlay: dict[str, Any] = {name: body.get(name) for name in LAID_OVER}
        force = body.get(FORCE)
        wrong = [] if force is None or isinstance(force, bool) else [_NO_FLAG]
        reason = read_reason(body, *wrong, *_no_ids(overlay))
        try:
            told = workflow.retry_dead_letter(
                letter_id, **overlay, force=bool(force), reason=reason, actor=ACTOR
            )
        except NotAllowed as refused:
            answered = answer(refused, refusal_status=refusal_status)
            access_log.note_answer(answered)
            return answered.response()
        return _told(code_of(told) if isinstance(told, EventAnswer) else 200, told)

    return retry


def _dropping(workflow: Workflow) -> Callable[[str], Response]:
    def drop(letter_id: str) -> Response:
        body = request_body.read_object(request)
        missing = [FieldError(field="reason", reason="is required")] if body.get("reason") is None else []
        reason = read_reason(body, *missing)
        assert reason is not None
        return _told(200, workflow.drop_dead_letter(letter_id, reason=reason, actor=ACTOR))

    return drop


def _restoring(workflow: Workflow) -> Callable[[str], Response]:
    def restore(letter_id: str) -> Response:
        reason = read_reason(request_body.read_object_or_nothing(request))
        return _told(200, workflow.restore_dead_letter(letter_id, reason=reason, actor=ACTOR))

    return restore


def _told(code: int, told: Mapping[str, Any]) -> Response:
    answered = Answer(code=code, body=told, outcome=told["status"])
    access_log.note_answer(answered)
    return answered.response()


_NO_FLAG = FieldError(field=FORCE, reason="must be true or false")


def _no_ids(overlay: Mapping[str, Any]) -> Iterator[FieldError]:
    """Say what is wrong with ids that are laid over an event; which currencies there are, the store says."""
    for name, value in overlay.items():
        kind = Kind.CURRENCY if name == "currency" else Kind.ID
        if value is None or (kind is Kind.CURRENCY and isinstance(value, str)):
            continue
        try:
            read_value(kind, value)
        except ValueError as error:
            yield FieldError(field=name, reason=str(error))


def read_reason(body: Mapping[str, JSON], *wrong: FieldError) -> str | None:
    """Read why a person acts; null is the same as absent. Raises InvalidEvent with all that is wrong."""
    reason, errors = body.get("reason"), [*wrong]
    if isinstance(reason, str) and not reason.strip():
        errors.append(FieldError(field="reason", reason="is empty"))
    elif isinstance(reason, str) and len(reason) > MOST_OF_A_REASON:
        told = f"must have at most {MOST_OF_A_REASON} characters, and has {len(reason)}"
        errors.append(FieldError(field="reason", reason=told))
    elif reason is not None and not isinstance(reason, str):
        errors.append(FieldError(field="reason", reason="must be a string"))
    if errors:
        raise InvalidEvent(errors)
    return reason if isinstance(reason, str) else None
