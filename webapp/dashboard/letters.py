"""Dead letters: listed, retried, dropped and restored from a page; all that match after they were counted.

What each act does the workflow says; who acts is the operator.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request

from webapp.dashboard.pages import Pages, asked, back
from webapp.http import access_log, request_body
from webapp.http.problems import Problem
from webapp.routes.dead_letters import ACTOR, read_reason
from webapp.routes.many_dead_letters import MATCHING
from workflow_fsm.core.errors import FieldError, InvalidEvent
from workflow_fsm.core.model.inbox import LAID_OVER
from workflow_fsm.read.dead_letters import KINDS
from workflow_fsm.workflow import Workflow

A_PAGE = 25
ACTS = ("retry", "drop")
"""What is done with all that match."""


def add_to(routes: Blueprint, workflow: Workflow, pages: Pages) -> None:
    """Add the list of dead letters, and what its forms post to."""

    def listed() -> Response:
        told = asked(*MATCHING, "dropped", "cursor")
        found = workflow.dead_letters(
            **_which(told), dropped="dropped" in told, limit=A_PAGE, cursor=told.get("cursor")
        )
        return pages.show(
            "letters.html",
            rows=list(found),
            next_cursor=found.next_cursor,
            told=told,
            kinds=KINDS,
            matching={name: told[name] for name in MATCHING if name in told},
        )

    def act() -> Response:
        form = request_body.read_form(request)
        how, letter_id, to = form.get("act", ""), form.get("letter_id", ""), form.get("next", "")
        done = _act(workflow, how, letter_id, form)
        access_log.note(outcome=done)
        return back(to, done=done)

    def counted() -> Response:
        told = asked(*MATCHING, "act")
        how = _how(told.get("act"))
        many: Any
        if how == "retry":
            many = workflow.retry_dead_letters(**_which(told), dry_run=True)
        else:
            many = workflow.drop_dead_letters(**_which(told), dry_run=True)
        matching = {name: told[name] for name in MATCHING if name in told}
        return pages.show("letters_all.html", how=how, many=many, matching=matching)

    def act_on_all() -> Response:
        form = {name: value.strip() for name, value in request_body.read_form(request).items()}
        how = _how(form.get("act"))
        told = {name: form[f"matching_{name}"] for name in MATCHING if form.get(f"matching_{name}")}
        reason = read_reason({"reason": form.get("reason") or None})
        many: Any
        if how == "retry":
            many = workflow.retry_dead_letters(**_which(told), reason=reason, actor=ACTOR)
        else:
            many = workflow.drop_dead_letters(**_which(told), reason=_required(reason), actor=ACTOR)
        access_log.note(outcome="done")
        return pages.show("letters_done.html", how=how, many=many)

    for path, endpoint, method, view in (
        ("deadletters", "deadletters", "GET", listed),
        ("deadletters", "act", "POST", act),
        ("deadletters/all", "count_all", "GET", counted),
        ("deadletters/all", "act_on_all", "POST", act_on_all),
    ):
        routes.add_url_rule(
            f"/dashboard/{path}",
            endpoint=f"dashboard_{endpoint}",
            view_func=view,
            methods=[method],
            merge_slashes=False,
        )


def _which(told: Mapping[str, str]) -> dict[str, Any]:
    """Give the dead letters that are asked for, as the workflow calls it."""
    return {"reason_contains" if name == "reason" else name: told[name] for name in MATCHING if name in told}


def _act(workflow: Workflow, how: str, letter_id: str, form: Mapping[str, str]) -> str:
    """Do what a form asks for with one dead letter; give what became of it. Raises what the workflow does."""
    reason = read_reason({"reason": form.get("reason", "").strip() or None})
    match how:
        case "retry":
            laid_over = {name: form[name].strip() for name in LAID_OVER if form.get(name, "").strip()}
            told = workflow.retry_dead_letter(
                letter_id, **laid_over, force="force" in form, reason=reason, actor=ACTOR
            )
            return str(told.status)
        case "drop":
            return workflow.drop_dead_letter(letter_id, reason=_required(reason), actor=ACTOR).status
        case "restore":
            return workflow.restore_dead_letter(letter_id, reason=reason, actor=ACTOR).status
    raise _no_act()


def _required(reason: str | None) -> str:
    if reason is None:
        raise InvalidEvent([FieldError(field="reason", reason="is required: say why it is dropped")])
    return reason


def _how(told: str | None) -> str:
    if told not in ACTS:
        raise _no_act()
    return told


def _no_act() -> Problem:
    return Problem("invalid-request", "The form names no act: it must be retry, drop or restore.")
