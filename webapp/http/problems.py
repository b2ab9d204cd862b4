"""Problems: an error's code to its HTTP status, its page in the docs and its body (RFC 9457).

The table below is the whole of it: the docs' pages are made from it, and what isn't in it is a fault of ours
(500, with the traceback in the log and none in the body). Which error arises when is not decided here.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, request
from flask.sansio.scaffold import Scaffold
from werkzeug.exceptions import HTTPException, default_exceptions

from webapp.http import access_log
from webapp.http.response import PROBLEM_TYPE, Answer
from workflow_fsm.core.errors import (
    AliasTaken,
    EventIdReused,
    InvalidEvent,
    MergeRefused,
    NotAllowed,
    StoreUnavailable,
    WorkflowError,
)

DOCS = "https://workflow-fsm.readthedocs.io/reference/problems"
"""Where the pages are; a problem's `type` is this, a slash and its code, and never changes."""

RETRY_AFTER_SECONDS = 1

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemKind:
    """One row of the table: `meaning` says what happened and what its sender should do."""

    code: str
    status: int
    title: str
    meaning: str

    @property
    def type(self) -> str:
        """The page that explains it."""
        return f"{DOCS}/{self.code}"


KINDS = {
    kind.code: kind
    for kind in (
        ProblemKind(
            code="malformed-body",
            status=400,
            title="The body can't be read",
            meaning="It is not strict JSON of the expected shape; `errors` says where. Nothing was kept.",
        ),
        ProblemKind(
            code="invalid-event",
            status=400,
            title="The event is not well formed",
            meaning="`errors` names every wrong field. Nothing was kept; send the event again, corrected.",
        ),
        ProblemKind(
            code="invalid-request",
            status=400,
            title="The request is not well formed",
            meaning="`errors` names what is wrong in the path, the query or the headers.",
        ),
        ProblemKind(
            code="unauthorized",
            status=401,
            title="The credentials are missing or wrong",
            meaning="Nothing was kept. Send a credential that the route takes; `detail` says what was wrong "
            "with the one sent.",
        ),
        ProblemKind(
            code="forbidden",
            status=403,
            title="These credentials may not do this",
            meaning="They are valid, but for another user's data or for another role. Nothing was kept.",
        ),
        ProblemKind(
            code="unknown-user",
            status=404,
            title="Nothing is known of this user",
            meaning="No event of this user was ever taken; is the id spelled and percent-encoded right?",
        ),
        ProblemKind(
            code="dead-letter-unknown",
            status=404,
            title="There is no such dead letter",
            meaning="It was settled meanwhile, or there never was one of this id, or to be restored it would "
            "have to be dropped. Take ids from `GET deadletters`.",
        ),
        ProblemKind(
            code="name-unknown",
            status=404,
            title="There is no such name",
            meaning="No claim of this user has the alias, or the claim has no such case. Nothing was "
            "taken away.",
        ),
        ProblemKind(
            code="unknown-route",
            status=404,
            title="There is no such route",
            meaning="The path is none of this service's; an id in a path must be percent-encoded.",
        ),
        ProblemKind(
            code="method-not-allowed",
            status=405,
            title="The route does not take this method",
            meaning="The `Allow` header names the methods that it takes.",
        ),
        ProblemKind(
            code="not-allowed",
            status=409,
            title="The claim's state refuses the event",
            meaning="It contradicts what is recorded, or could be for several of `candidates`. `allowed` "
            "names the triggers that move the lifecycle on. It is kept as refused; its id may be used again.",
        ),
        ProblemKind(
            code="alias-taken",
            status=409,
            title="The alias names another claim",
            meaning="An alias is of one claim of its user; link one that is free.",
        ),
        ProblemKind(
            code="merge-refused",
            status=409,
            title="The claim can't be merged into another",
            meaning="The alias is the id of a detected claim that has a filing or money of its own, or that "
            "can't be merged for another reason; `detail` says which. Nothing was linked.",
        ),
        ProblemKind(
            code="unlink-refused",
            status=409,
            title="The name can't be taken away",
            meaning="It is a merged claim's own id, or a case under which money was booked. Nothing was "
            "taken away.",
        ),
        ProblemKind(
            code="no-integrations-service",
            status=409,
            title="No integrations service is configured",
            meaning="Nothing was asked for. The operator must start the service with `INTEGRATIONS_URL` set.",
        ),
        ProblemKind(
            code="too-large",
            status=413,
            title="The request is too large",
            meaning="A body holds at most 10 MiB, and a batch 1,000 events; send it in parts.",
        ),
        ProblemKind(
            code="unsupported-media-type",
            status=415,
            title="The media type is not one that is read",
            meaning="Send JSON in UTF-8 as `Content-Type: application/json`, without a content coding.",
        ),
        ProblemKind(
            code="event-id-reused",
            status=422,
            title="The event id belongs to another event",
            meaning="An event of this user with other content has this id, or two of the ids that were given "
            "belong to two events. It is kept once, as refused; send a new event under a new id.",
        ),
        ProblemKind(
            code="internal-error",
            status=500,
            title="The service failed",
            meaning="It is a fault of the service; its log says more. Send an event again under its id: "
            "where it was kept, the answer is `duplicate`.",
        ),
        ProblemKind(
            code="row-unreadable",
            status=500,
            title="A row of the store can't be read",
            meaning="Something other than the service changed it; other users are not concerned. Nothing of "
            "this request was kept. Its operator must mend what `workflow-fsm check` names.",
        ),
        ProblemKind(
            code="store-unavailable",
            status=503,
            title="The store can't be reached or written just now",
            meaning="Nothing of this request was kept. Send it again after the seconds in `Retry-After`.",
        ),
        ProblemKind(
            code="too-many-sockets",
            status=503,
            title="No further WebSocket can be opened just now",
            meaning="As many are open as `WORKFLOW_MAX_SOCKETS` allows, or the service is stopping. Connect "
            "again after the seconds in `Retry-After`.",
        ),
        ProblemKind(
            code="store-refused",
            status=503,
            title="The store is none that this version can work on",
            meaning="Nothing of this request was kept. Its operator must mend the store, as `detail` says.",
        ),
    )
}

_OF_STATUS = {
    401: "unauthorized",
    403: "forbidden",
    404: "unknown-route",
    405: "method-not-allowed",
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
    code = error.code if error.code in KINDS else "internal-error"
    members = error.members if isinstance(error, Problem) else _members(error)
    headers = dict(error.headers) if isinstance(error, Problem) else {}
    if KINDS[code].status == 503:
        wait = error.retry_after if isinstance(error, StoreUnavailable) else RETRY_AFTER_SECONDS
        headers["Retry-After"] = str(max(1, wait))
    return _answer(code, KINDS[code].meaning if code == "internal-error" else str(error), members, headers)


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
    if error.code not in KINDS:
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
        case NotAllowed():
            return refusal(error)
        case EventIdReused():
            return {"event_id": error.event_id, "user_id": error.user_id, "trigger": error.trigger}
        case AliasTaken():
            named = {"user_id": error.user_id, "claim_id": error.claim_id, "alias": error.alias}
            return {**named, "owner": error.owner}
        case MergeRefused():
            return {"user_id": error.user_id, "claim_id": error.claim_id, "alias": error.alias}
    return {}
