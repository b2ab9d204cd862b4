"""Claims: searched, filtered, sorted, a page at a time; and the same as a sheet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from typing import Any

from flask import Blueprint, Response

from webapp.dashboard.pages import Pages, asked
from workflow_fsm.core.definition.facts import DECISIONS
from workflow_fsm.core.errors import FieldError, InvalidEvent
from workflow_fsm.read.across.question_shapes import ClaimRow
from workflow_fsm.read.across.sheets import csv_pieces
from workflow_fsm.workflow import Workflow

A_PAGE = 50
FILTERS = ("state", "decision", "currency", "due", "overdue", "waiting", "find", "by", "sort")
SEARCHED = {
    "claim": "a claim's id or alias begins so",
    "case": "a case's id",
    "reimbursement": "a reimbursement's id",
    "user": "a user's id begins so",
}
"""What is searched, and what is looked for in it."""
WAYS = {
    "entered_at": "longest in its state",
    "-entered_at": "moved last",
    "deadline": "nearest deadline",
    "-deadline": "furthest deadline",
    "-amount": "largest amount",
    "amount": "smallest amount",
}
"""By what claims are sorted, as an operator would say it."""
_UNDER = {"claim": "q", "case": "amazon_case_id", "reimbursement": "reimbursement_id"}
_MOST_DAYS = 10_000


def add_to(routes: Blueprint, workflow: Workflow, pages: Pages) -> None:
    """Add the list of claims, and its sheet."""

    def claims() -> Response:
        told = asked(*FILTERS, "cursor")
        find, by = told.get("find"), told.get("by")
        users = []
        if find is not None and by in (None, "user"):
            users = list(workflow.users(q=find, limit=A_PAGE))
        rows: list[ClaimRow] = []
        next_cursor = None
        if find is not None and by is None:
            rows = _anywhere(workflow, told, find)
        elif by != "user" or find is None:
            page = workflow.claims(**_question(workflow, told), limit=A_PAGE, cursor=told.get("cursor"))
            rows, next_cursor = list(page), page.next_cursor
        return pages.show(
            "claims.html",
            rows=rows,
            users=users,
            next_cursor=next_cursor,
            told=told,
            searched=SEARCHED,
            decisions=DECISIONS,
            sorts=WAYS,
            filters={name: told[name] for name in FILTERS if name in told},
        )

    def sheet() -> Response:
        told = asked(*FILTERS)
        if told.get("by") is None and "find" in told:
            told["by"] = "claim"
        found = workflow.claims(**_question(workflow, told))
        return Response(
            (piece.encode() for piece in csv_pieces("claims", found)),
            content_type="text/csv; charset=utf-8; header=present",
            headers={"Content-Disposition": 'attachment; filename="claims.csv"'},
        )

    for path, endpoint, view in (("claims", "claims", claims), ("claims.csv", "claims_csv", sheet)):
        routes.add_url_rule(
            f"/dashboard/{path}", endpoint=f"dashboard_{endpoint}", view_func=view, merge_slashes=False
        )


def _question(workflow: Workflow, told: dict[str, str]) -> dict[str, Any]:
    """Make the question that a page's fields ask. Raises InvalidEvent."""
    question: dict[str, Any] = {
        name: told[name] for name in ("state", "decision", "currency", "sort") if name in told
    }
    for name in ("overdue", "waiting"):
        if name in told:
            question[name] = told[name] in ("1", "true", "on")
    if "due" in told:
        question["due_before"] = workflow._clock() + timedelta(days=_days(told["due"]))
    if "find" in told:
        under = _UNDER.get(told.get("by", "claim"))
        if under is None:
            raise InvalidEvent([FieldError(field="by", reason=f"must be one of {', '.join(SEARCHED)}")])
        question[under] = told["find"]
    return question


def _days(told: str) -> int:
    if told.isascii() and told.isdigit() and int(told[:6]) <= _MOST_DAYS:
        return int(told[:6])
    reason = f"must be a whole number of days, from 0 to {_MOST_DAYS}"
    raise InvalidEvent([FieldError(field="due", reason=reason)])


def _anywhere(workflow: Workflow, told: dict[str, str], find: str) -> list[ClaimRow]:
    """Give the first claims that go by a name of any kind: the claim's, a case's, a reimbursement's."""
    rest = {name: value for name, value in told.items() if name != "by"}
    kinds: Iterator[ClaimRow] = chain.from_iterable(
        workflow.claims(**_question(workflow, {**rest, "by": by}), limit=A_PAGE) for by in _UNDER
    )
    found = {(one.user_id, one.claim_id, one.sync_id): one for one in kinds}
    return list(found.values())[:A_PAGE]
