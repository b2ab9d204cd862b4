"""Webhooks: a URL to its trigger, the ids of an event from its headers, and the code of an outcome.

A view is parse, submit, answer. What an event does is the workflow's to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from flask import Blueprint, Response, request

from webapp.access import authentication
from webapp.http import access_log, problems, request_body
from webapp.http.flask_app import current_request
from webapp.http.problems import Problem
from webapp.http.response import Answer
from webapp.paths import PREFIX as PREFIX
from webapp.paths import TRIGGERS as TRIGGERS
from webapp.settings import ServiceSettings
from workflow_fsm.core.errors import FieldError, InvalidEvent, NotAllowed, WorkflowError
from workflow_fsm.core.outcome import Outcome
from workflow_fsm.core.records import EventAnswer
from workflow_fsm.core.values.strict_json import JSON
from workflow_fsm.workflow import Workflow

REPEATED = "\r\n"
"""What stands between the values of a header that came twice: what ends a header is no part of any."""
IDS = ("webhook-id", "Idempotency-Key")
"""The headers that name an event, the one that goes first first."""
_KEYS = {name: f"HTTP_{name.upper().replace('-', '_')}" for name in IDS}
_HANDED = "workflow_fsm.handed"


def add_to(routes: Blueprint, workflow: Workflow, settings: ServiceSettings) -> None:
    """Add a route for each trigger, and those that give a claim a name and take one away."""
    status = settings.refusal_status
    views = {path: (trigger, _taking(workflow, trigger, status)) for path, trigger in TRIGGERS.items()}
    views["claims/link"] = ("link", _linking(workflow))
    views["claims/unlink"] = ("unlink", _unlinking(workflow))
    for path, (endpoint, view) in views.items():
        # No merging of slashes: a redirect would lose a webhook whose sender follows none.
        routes.add_url_rule(
            f"{PREFIX}/{path}", endpoint=endpoint, view_func=view, methods=["POST"], merge_slashes=False
        )


def answer(result: Outcome | WorkflowError, *, refusal_status: int) -> Answer:
    """Give the answer to what became of an event."""
    match result:
        case Outcome():
            event_answer = result.as_dict()
            return Answer(code=code_of(event_answer), body=event_answer, outcome=result.status)
        case NotAllowed() if refusal_status == 200:
            told = {"status": "refused", "reason": str(result), **problems.refusal(result)}
            return Answer(code=200, body=told, outcome="refused")
        case _:
            return problems.explain(result)


def code_of(told: EventAnswer) -> int:
    """Give the code of an outcome that was no refusal."""
    if told.get("refused") and told.status != "duplicate":
        return 207
    return 202 if told.status == "deferred" else 200


def check_kind(trigger: str, event: Mapping[str, JSON], known: Collection[str]) -> None:
    """Refuse an event that calls itself another than it was sent as: a signature covers no route.

    A `trigger` must be this one, a `type` must be no other of those known; dots, slashes and hyphens are
    read as underscores. Raises InvalidEvent.
    """
    told = {name: event[name] for name in ("trigger", "type") if event.get(name) is not None}
    faults = []
    for name, kind in told.items():
        text = re.sub(r"[./-]", "_", kind).lower() if isinstance(kind, str) else ""
        if text != trigger and (name == "trigger" or text in known):
            reason = f"says otherwise than {trigger}, as which it was sent; send it as what it is"
            faults.append(FieldError(field=name, reason=reason))
    if faults:
        raise InvalidEvent(faults)


def check_once(name: str, environ: Mapping[str, Any]) -> None:
    """Refuse a header that comes twice: which of the two is the id? Raises Problem.

    WSGI joins the two by a comma, which an id may hold; the service's own server joins them by a line break.
    """
    if REPEATED in environ.get(_KEYS[name], ""):
        raise _bad_id(name, "comes in several headers; send one")


def read_ids(environ: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Give every event id that headers name, each with the header's name; the first goes first."""
    ids = []
    for name in IDS:
        value = environ.get(_KEYS[name])
        if value is not None:
            check_once(name, environ)
            text = _text(name, value)
            ids.append((name, text if name == "webhook-id" else _key(text)))
    return ids


def hand_over(environ: dict[str, Any], error: Exception) -> None:
    """Have the view of a webhook answer an error that taking it without the view met."""
    environ[_HANDED] = error


def _taking(workflow: Workflow, trigger: str, refusal_status: int) -> Callable[[], Response]:
    known = {one.name for one in workflow.definition.triggers}

    def receive() -> Response:
        here = current_request()
        access_log.note(trigger=trigger)
        body = request_body.read_object(here)
        access_log.note_ids(body, trigger=trigger)
        check_kind(trigger, body, known)
        handed: Exception | None = here.environ.pop(_HANDED, None)
        if handed is not None:
            raise handed
        event = workflow.read(trigger, body, ids=read_ids(here.environ))
        [result] = workflow.submit([event], actor=authentication.actor(here))
        answered = answer(result, refusal_status=refusal_status)
        access_log.note_answer(answered)
        return answered.response()

    return receive


def _linking(workflow: Workflow) -> Callable[[], Response]:
    def link() -> Response:
        linked = workflow.link(**_named("user_id", "claim_id", "alias"))
        access_log.note(outcome=linked.status)
        return Answer(code=200, body=linked).response()

    return link


def _unlinking(workflow: Workflow) -> Callable[[], Response]:
    def unlink() -> Response:
        named = _named("user_id", "alias", "claim_id", "amazon_case_id")
        unlinked = workflow.unlink(**named, actor=authentication.actor(request))
        access_log.note(outcome=unlinked.status)
        return Answer(code=200, body=unlinked).response()

    return unlink


def _named(*names: str) -> dict[str, Any]:
    """Read the members of a body; what isn't given is None. Whether they are ids, the workflow says."""
    body = request_body.read_object(request)
    access_log.note_ids(body)
    return {name: body.get(name) for name in names}


_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
_PARAMETERS = re.compile(r"(?: *;.*)?")


def _key(text: str) -> str:
    """Read an Idempotency-Key: a bare text, or a structured field's string, whose parameters mean nothing."""
    if not text.startswith('"'):
        return text
    quoted = _QUOTED.match(text)
    if quoted is None or not _PARAMETERS.fullmatch(text, quoted.end()):
        raise _bad_id("Idempotency-Key", "begins with a quote, but is no quoted string of a structured field")
    return re.sub(r"\\(.)", r"\1", quoted[1])


def _text(name: str, value: str) -> str:
    """Read a header's bytes, which WSGI hands over as latin-1, as the UTF-8 that a body would have had."""
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError as error:
        raise _bad_id(name, "is not UTF-8") from error


def _bad_id(name: str, reason: str) -> Problem:
    told = f"The event's id can't be read: {name} {reason}."
    return Problem("invalid-request", told, errors=[{"field": name, "reason": reason}])
