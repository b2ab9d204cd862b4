"""Many dead letters over HTTP: all that match, counted with their money by a dry run, retried or dropped.

Decides how what is asked for is read: by a member of its own, `matching`, so that what is misspelt or left
out can't mean all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flask import Blueprint, Response, request

from webapp.http import access_log, request_body
from webapp.http.problems import Problem
from webapp.http.response import Answer
from webapp.routes.dead_letters import ACTOR, read_reason
from webapp.routes.webhooks import PREFIX
from workflow_fsm.core.definition.arguments import did_you_mean, must_be_one_of
from workflow_fsm.core.errors import FieldError, StoreUnavailable
from workflow_fsm.core.values.strict_json import JSON
from workflow_fsm.read.dead_letters import KINDS
from workflow_fsm.workflow import Workflow

MATCHING = ("kind", "user_id", "handler", "trigger", "reason")
"""By what they are chosen; `reason` is a part of theirs."""
_MEMBERS = ("matching", "reason", "dry_run")


def add_to(routes: Blueprint, workflow: Workflow) -> None:
    """Add what is done with many at once."""
    views = {"retry": ("retry_all", _retrying(workflow)), "drop": ("drop_all", _dropping(workflow))}
    for path, (endpoint, view) in views.items():
        routes.add_url_rule(
            f"{PREFIX}/deadletters/{path}",
            endpoint=endpoint,
            view_func=view,
            methods=["POST"],
            merge_slashes=False,
        )


def _retrying(workflow: Workflow) -> Callable[[], Response]:
    def retry_all() -> Response:
        which, reason, dry_run = _asked(workflow, needs_reason=False)
        return _told(
            lambda: workflow.retry_dead_letters(**which, dry_run=dry_run, reason=reason, actor=ACTOR),
            dry_run=dry_run,
        )

    return retry_all


def _dropping(workflow: Workflow) -> Callable[[], Response]:
    def drop_all() -> Response:
        which, reason, dry_run = _asked(workflow, needs_reason=True)
        return _told(
            lambda: workflow.drop_dead_letters(**which, dry_run=dry_run, reason=reason, actor=ACTOR),
            dry_run=dry_run,
        )

    return drop_all


def _told(act: Callable[[], Mapping[str, Any]], *, dry_run: bool) -> Response:
    try:
        told = act()
    except StoreUnavailable as error:
        raise Problem(
            StoreUnavailable.code,
            f"{error}. What was done before that is done; ask again for the rest.",
        ) from error
    status = "counted" if dry_run else "done"
    answered = Answer(code=200, body={"status": status, **told}, outcome=status)
    access_log.note_answer(answered)
    return answered.response()


def _asked(workflow: Workflow, *, needs_reason: bool) -> tuple[dict[str, Any], str | None, bool]:
    """Read which are meant, why, and whether they are only counted. Raises InvalidEvent with all faults."""
    body = request_body.read_object(request)
    dry_run = body.get("dry_run")
    faults = [*_strange(body, _MEMBERS, "")]
    if dry_run is not None and not isinstance(dry_run, bool):
        faults.append(FieldError(field="dry_run", reason="must be true or false"))
    if needs_reason and body.get("reason") is None and dry_run is not True:
        faults.append(FieldError(field="reason", reason="is required, but for a dry run"))
    matching = body.get("matching")
    if isinstance(matching, dict):
        faults += _faults_of(matching, [one.name for one in workflow.definition.triggers])
    else:
        told = f"is required: an object of any of {', '.join(MATCHING)}; {{}} means all there are"
        faults.append(FieldError(field="matching", reason=told))
        matching = {}
    reason = read_reason(body, *faults)
    which = {("reason_contains" if name == "reason" else name): value for name, value in matching.items()}
    return which, reason, dry_run is True


def _faults_of(matching: Mapping[str, JSON], triggers: list[str]) -> Iterator[FieldError]:
    yield from _strange(matching, MATCHING, "matching.")
    for name in MATCHING:
        value = matching.get(name)
        field = f"matching.{name}"
        if value is None:
            continue
        if not isinstance(value, str) or not value:
            yield FieldError(field=field, reason="must be a text that isn't empty")
        elif name == "kind" and value not in KINDS:
            yield FieldError(field=field, reason=f"is {value!r}; it {must_be_one_of(value, KINDS)}")
        elif name == "trigger" and value not in triggers:
            yield FieldError(field=field, reason=f"is {value!r}; it {must_be_one_of(value, triggers)}")


def _strange(told: Mapping[str, JSON], known: tuple[str, ...], where: str) -> Iterator[FieldError]:
    """Name the members that aren't known: what isn't heeded would make a choice too wide."""
    for name in told.keys() - set(known):
        reason = f"is no member here; {did_you_mean(name, known)}"
        yield FieldError(field=f"{where}{name}", reason=reason)
