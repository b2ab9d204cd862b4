"""Many events in one request: each is read and answered by itself, all are committed at once.

Decides how a batch is taken apart, and which id an event has that brings none; what an event's answer is,
`webhooks` says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from flask import Blueprint, Response, request

from webapp.access import authentication
from webapp.http import access_log, problems, request_body
from webapp.http.problems import Problem
from webapp.http.response import Answer
from webapp.routes.webhooks import PREFIX, answer, check_kind, read_ids
from webapp.settings import ServiceSettings
from workflow_fsm.core.definition.events import Event
from workflow_fsm.core.errors import FieldError, InvalidEvent, WorkflowError
from workflow_fsm.core.values.fields import MOST_OF_AN_ID, Kind, read_value
from workflow_fsm.core.values.strict_json import JSON, Malformed
from workflow_fsm.workflow import Workflow

MAX_EVENTS = 1000
MOST_OF_A_HEADER = MOST_OF_AN_ID - len(f"#{MAX_EVENTS - 1}")
"""How many characters an id of the request may have, to be one at every place of a batch."""


def add_to(routes: Blueprint, workflow: Workflow, settings: ServiceSettings) -> None:
    """Add the route that takes many events."""
    routes.add_url_rule(
        f"{PREFIX}/events",
        endpoint="events",
        view_func=_taking(workflow, settings.refusal_status),
        methods=["POST"],
        merge_slashes=False,
    )


def _taking(workflow: Workflow, refusal_status: int) -> Callable[[], Response]:
    def receive_many() -> Response:
        read = [_read(workflow, place, entry) for place, entry in enumerate(_entries())]
        good = [item for item in read if not isinstance(item, Problem)]
        results = iter(workflow.submit(good, actor=authentication.actor(request)))
        answers = [
            problems.explain(item)
            if isinstance(item, Problem)
            else answer(next(results), refusal_status=refusal_status)
            for item in read
        ]
        access_log.note(outcome="batch", outcomes=Counter(each.outcome for each in answers))
        return Answer(code=200, body=[_told(each) for each in answers]).response()

    return receive_many


def _entries() -> list[JSON | Malformed]:
    entries = list(islice(request_body.read_list(request), MAX_EVENTS + 1))
    if len(entries) > MAX_EVENTS:
        raise Problem("too-large", f"The batch holds more than {MAX_EVENTS} events; send it in parts.")
    return entries


def _read(workflow: Workflow, place: int, entry: JSON | Malformed) -> Event | WorkflowError | Problem:
    if isinstance(entry, Malformed):
        return request_body.malformed(entry)
    try:
        if not isinstance(entry, dict):
            raise InvalidEvent([FieldError(field="", reason="an event must be a JSON object")])
        fields = {name: value for name, value in entry.items() if name != "trigger"}
        ids = _ids_by_place(place) if fields.get("event_id") is None else []
        event = workflow.read(entry.get("trigger"), fields, ids=ids)
        check_kind(event.trigger, fields, [one.name for one in workflow.definition.triggers])
        return event
    except (WorkflowError, Problem) as error:
        return error


def _ids_by_place(place: int) -> list[tuple[str, str]]:
    """Give the ids of an event that brings none: the request's, each with the event's place behind it."""
    ids = []
    for name, one in read_ids(request.environ):
        try:
            read_value(Kind.ID, one)
        except ValueError as error:
            raise InvalidEvent([FieldError(field=name, reason=str(error))]) from error
        whole = f"{one}#{place}"
        if len(whole) > MOST_OF_AN_ID:
            reason = (
                f"has {len(one)} characters, and {len(whole)} with the event's place in the batch behind it "
                f"(#{place}); an id has at most {MOST_OF_AN_ID}, so a batch's has at most {MOST_OF_A_HEADER}"
            )
            raise InvalidEvent([FieldError(field=name, reason=reason)])
        ids.append((name, whole))
    return ids


def _told(answer: Answer) -> dict[str, Any]:
    assert isinstance(answer.body, Mapping)
    return {"code": answer.code, **answer.body}
