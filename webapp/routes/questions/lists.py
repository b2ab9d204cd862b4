"""Lists across users over HTTP: claims, money, users, effects; a page as JSON, or whole as a stream.

Decides how a query is read and a list is sent. JSON is a page. CSV and NDJSON are a stream of all that is
behind the cursor, read a page at a time, each in a short transaction of its own, and sent as it is read; with
a `limit` they are one page too, and `Link` names the next. A stream that can't go on breaks its connection
off, without the last chunk, so that nobody takes a part for the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from webapp.http.query_string import Query
from webapp.http.representation import CSV_TYPE, JSON_TYPE, chosen
from webapp.http.response import Answer
from webapp.routes.webhooks import PREFIX
from workflow_fsm.core.records import Record
from workflow_fsm.read.across.paging import Rows
from workflow_fsm.read.across.sheets import Question, csv_pieces, ndjson_pieces
from workflow_fsm.workflow import Workflow

TEXTS: Mapping[Question, tuple[str, ...]] = {
    "claims": (
        *("state", "decision", "currency", "amazon_case_id", "reimbursement_id", "q", "due_before", "sort"),
    ),
    "money": ("user_id", "currency", "since", "until", "standing"),
    "users": ("q",),
    "effects": ("handler", "standing", "user_id", "claim_id"),
}
"""What each list is chosen by, beside `limit` and `cursor`."""
FLAGS: Mapping[Question, tuple[str, ...]] = {"claims": ("overdue", "waiting")}
"""What each is chosen by that is a yes or no."""
_CHARSET = "charset=utf-8"


def add_to(routes: Blueprint, workflow: Workflow) -> None:
    """Add a route for each list."""
    for question in TEXTS:
        routes.add_url_rule(
            f"{PREFIX}/{question}",
            endpoint=question,
            view_func=_listing(workflow, question),
            methods=["GET"],
            merge_slashes=False,
        )


def _listing(workflow: Workflow, question: Question) -> Callable[[], Response]:
    def view() -> Response:
        media_type = chosen(request)
        query = Query(request)
        asked: dict[str, Any] = {name: query.text(name) for name in TEXTS[question]}
        asked |= {name: query.flag_if_given(name) for name in FLAGS.get(question, ())}
        cursor = query.text("cursor")
        limit = query.limit() if media_type == JSON_TYPE or query.gives("limit") else None
        query.refuse_others()
        told = {name: value for name, value in asked.items() if value is not None}
        ask: Callable[..., Rows[Any]] = getattr(workflow, question)
        rows = query.checked(lambda: ask(**told, limit=limit, cursor=cursor))
        return _answer(question, rows, media_type, limit=limit)

    return view


def _answer(question: Question, rows: Rows[Record], media_type: str, *, limit: int | None) -> Response:
    vary = {"Vary": "Accept"}
    if media_type == JSON_TYPE:
        page = list(rows)
        body = {question: page, "next_cursor": rows.next_cursor}
        return Answer(code=200, body=body, headers=vary).response()
    headers = dict(vary)
    is_csv = media_type == CSV_TYPE
    given: Iterator[Record] = rows
    if limit is not None:
        given = iter(list(rows))
        if rows.next_cursor is not None:
            headers["Link"] = f'<?{_query_of_next(rows.next_cursor)}>; rel="next"'
    if is_csv:
        headers["Content-Disposition"] = f'attachment; filename="{question}.csv"'
    pieces = csv_pieces(question, given) if is_csv else ndjson_pieces(given)
    content_type = f"{media_type}; {_CHARSET}; header=present" if is_csv else media_type
    return Response((piece.encode() for piece in pieces), headers=headers, content_type=content_type)


def _query_of_next(cursor: str) -> str:
    asked = [(name, value) for name, value in request.args.items(multi=True) if name != "cursor"]
    return urlencode([*asked, ("cursor", cursor)])
