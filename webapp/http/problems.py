"""Problems: every error answered as one, with its kind's status and page, and its own facts (RFC 9457).

What is of no kind is a fault of ours: 500, with the traceback in the log and none in the body. Which error
arises when is not decided here.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, request
from flask.sansio.scaffold import Scaffold
from werkzeug.exceptions import HTTPException, default_exceptions

from webapp.http import access_log
from webapp.http.problem_kinds import KINDS
from webapp.http.response import PROBLEM_TYPE, Answer
from workflow_fsm.core.errors import (
    AliasTaken,
    EventIdReused,
    EventTooLarge,
    InvalidEvent,
    MergeRefused,
    NameUnknown,
    NotAllowed,
    StoreUnavailable,
    UnlinkRefused,
    WorkflowClosed,
    WorkflowError,
)

RETRY_AFTER_SECONDS = 1

log = logging.getLogger(__name__)

_OF_STATUS = {
    401: "unauthorized",
    403: "forbidden",
    404: "unknown-route",
    405: "method-not-allowed",
    406: "not-acceptable",
    413: "too-large",
    415: "unsupported-media-type",
}


class Problem(Exception):
    """Something wrong with a request before it is an event; `members` are put into the body."""

    def __init__(
        self, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **members: Any
    ) -> None:
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = members
        super().__init__(detail)


def explain(error: WorkflowError | Problem) -> Answer:
    """Give the answer that tells an error to the sender."""
    code = _AS_SENT.get(error.code, error.code)
    code = code if code in KINDS else "internal-error"
    members = error.members if isinstance(error, Problem) else _members(error)
    headers = dict(error.headers) if isinstance(error, Problem) else {}
    if KINDS[code].status == 503:
        wait = error.retry_after if isinstance(error, StoreUnavailable) else RETRY_AFTER_SECONDS
        headers.setdefault("Retry-After", str(max(1, wait)))
    return _answer(code, KINDS[code].meaning if code == "internal-error" else str(error), members, headers)


_AS_SENT = {WorkflowClosed.code: StoreUnavailable.code}
"""What is final in this process and not for a sender, who comes to another that runs."""


def refusal(error: NotAllowed) -> dict[str, Any]:
    """Give what a refusal tells, whichever code it is answered with."""
    told: dict[str, Any] = {
        "event_id": error.event_id,
        "user_id": error.user_id,
        "trigger": error.trigger,
        "state": error.state,
        "allowed": list(error.allowed),
    }
    lists: Mapping[str, Sequence[Any]] = {"candidates": error.candidates, "refused": error.refused}
    told.update({name: list(rows) for name, rows in lists.items() if rows})
    if error.hint is not None:
        told["hint"] = error.hint
    return told


def answer_in(routes: Scaffold) -> None:
    """Make every error of an app, or only of a blueprint's views, be answered as a problem."""
    routes.register_error_handler(Problem, _tell)
    routes.register_error_handler(WorkflowError, _tell)
    routes.register_error_handler(Exception, _fail)
    routes.register_error_handler(HTTPException, _translate)
    # Named one by one as well: else a handler that the mounting app has for one code goes first.
    for status in default_exceptions:
        routes.register_error_handler(status, _translate)


def _tell(error: WorkflowError | Problem) -> Response:
    if _AS_SENT.get(error.code, error.code) not in KINDS:
        return _fail(error)
    return _send(explain(error))


def _fail(error: Exception) -> Response:
    log.error("an unexpected error", exc_info=error)
    return _send(_answer("internal-error", KINDS["internal-error"].meaning))


def _translate(error: HTTPException) -> HTTPException | Response:
    """Answer an error of Flask's own; its headers (Allow, Retry-After) are kept."""
    status = error.code or 500
    if error.response is not None or status < 400:
        return error
    code = _OF_STATUS.get(status, "invalid-request" if status < 500 else "internal-error")
    headers = {
        name: value
        for name, value in error.get_headers(request.environ)
        if name.lower() not in ("content-type", "content-length")
    }
    detail = KINDS[code].meaning
    if "Allow" in headers:
        headers["Allow"] = ", ".join(sorted(headers["Allow"].split(", ")))
    if code == "method-not-allowed" and "Allow" in headers:
        detail = f"{request.method} is not for this path; it takes {headers['Allow']}."
    elif code == "invalid-request" and error.description:
        detail = error.description
    return _send(_answer(code, detail, headers=headers, status=status))


def _answer(
    code: str,
    detail: str,
    members: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    status: int | None = None,
) -> Answer:
    kind = KINDS[code]
    status = status or kind.status
    body = {"type": kind.type, "title": kind.title, "status": status, "detail": detail, **(members or {})}
    return Answer(code=status, body=body, outcome=code, media_type=PROBLEM_TYPE, headers=headers or {})


def _send(answer: Answer) -> Response:
    access_log.note_answer(answer)
    return answer.response()


def _members(error: WorkflowError) -> dict[str, Any]:
    match error:
        case InvalidEvent():
            told = {"trigger": error.trigger} if error.trigger else {}
            return {**told, "errors": [fault.as_dict() for fault in error.errors]}
        case EventTooLarge():
            at_fault = {"field": error.field or "", "reason": str(error)}
            return {"errors": [at_fault]}
        case NotAllowed():
            return refusal(error)
        case EventIdReused():
            return {"event_id": error.event_id, "user_id": error.user_id, "trigger": error.trigger}
        case AliasTaken():
            named = {"user_id": error.user_id, "claim_id": error.claim_id, "alias": error.alias}
            return {**named, "owner": error.owner}
        case MergeRefused():
            return {"user_id": error.user_id, "claim_id": error.claim_id, "alias": error.alias}
        case UnlinkRefused() | NameUnknown():
            return {"user_id": error.user_id, **error.named}
    return {}
