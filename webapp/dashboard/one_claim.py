"""One claim: where it is and why, its money, cases, history and effects; and a trigger fired by a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from secrets import token_urlsafe
from typing import Any

from flask import Blueprint, Response, request

from webapp.dashboard.pages import Pages, asked, back, url
from webapp.http import access_log, request_body
from webapp.http.problems import Problem
from webapp.routes.dead_letters import ACTOR, read_reason
from workflow_fsm.core.definition import Addressing, Definition, Trigger
from workflow_fsm.core.definition.explain import Explanation
from workflow_fsm.core.errors import FieldError, InvalidEvent, WorkflowError
from workflow_fsm.core.values import money
from workflow_fsm.core.values.fields import Field, Kind
from workflow_fsm.core.values.strict_json import JSON, Malformed, loads
from workflow_fsm.read.across.question_shapes import ClaimDetail
from workflow_fsm.read.shapes import HistoryRow
from workflow_fsm.workflow import Workflow

MOST_SHOWN = 200
"""How many rows of a history are shown, the newest."""
_ADDRESSES = ("claim_id", "sync_id")
"""Fields that a form has no place for: the page says whose it is."""
_WRITTEN = (Kind.ID, Kind.TEXT, Kind.COUNT, Kind.CONFIDENCE, Kind.PAYOUT, Kind.ESTIMATE, Kind.CURRENCY)
_NUMBERS = (Kind.COUNT, Kind.CONFIDENCE)


def add_to(routes: Blueprint, workflow: Workflow, pages: Pages) -> None:
    """Add the page of a claim, and what its forms post to."""

    def claim() -> Response:
        told = asked("user_id", "claim_id")
        return _show(workflow, pages, told.get("user_id", ""), told.get("claim_id", ""))

    def fire() -> Response:
        form = request_body.read_form(request)
        user_id, claim_id, trigger = (form.get(name, "") for name in ("user_id", "claim_id", "trigger"))
        access_log.note(trigger=trigger)
        access_log.note_ids({"user_id": user_id, "claim_id": claim_id})
        fields = _fields(workflow.definition, trigger, form)
        if form.get("do") == "explain":
            explained = workflow.explain(user_id, claim_id, trigger, **fields)
            return _show(workflow, pages, user_id, claim_id, explained=explained, form=form)
        if read_reason(fields) is None:
            raise InvalidEvent([FieldError(field="reason", reason="is required: say why you do it by hand")])
        ids = [("event_id", form["event_id"])] if form.get("event_id") else []
        event = workflow.read(trigger, {**fields, "user_id": user_id, "claim_id": claim_id}, ids=ids)
        [result] = workflow.submit([event], actor=ACTOR)
        if isinstance(result, WorkflowError):
            raise result
        access_log.note(outcome=result.status)
        to = url("claim", user_id=user_id, claim_id=claim_id).removeprefix(request.script_root)
        return back(to, done=result.status)

    routes.add_url_rule(
        "/dashboard/claim", endpoint="dashboard_claim", view_func=claim, methods=["GET"], merge_slashes=False
    )
    routes.add_url_rule(
        "/dashboard/claim", endpoint="dashboard_fire", view_func=fire, methods=["POST"], merge_slashes=False
    )


def _show(
    workflow: Workflow,
    pages: Pages,
    user_id: str,
    claim_id: str,
    *,
    explained: Explanation | None = None,
    form: Mapping[str, str] | None = None,
) -> Response:
    found = workflow.claim(user_id, claim_id) if user_id and claim_id else None
    if found is None:
        told = f"The user {user_id!r} has no claim of the id or alias {claim_id!r}."
        raise Problem("unknown-claim", told, user_id=user_id, claim_id=claim_id)
    rows = [*reversed(found.history)]
    return pages.show(
        "claim.html",
        claim=found,
        rows=rows[:MOST_SHOWN],
        left_out=max(0, len(rows) - MOST_SHOWN),
        ledger=_ledger(workflow.definition, found),
        firing=[(one, list(_written(one))) for one in _fired_by_hand(workflow.definition, found)],
        explained=explained,
        form=form or {},
        event_id=f"by-hand-{token_urlsafe(12)}",
        cases_of=[one for one in found.cases if one.amazon_case_id],
    )


def _fired_by_hand(definition: Definition, claim: ClaimDetail) -> Iterator[Trigger]:
    """Give the triggers that are allowed now, and name one claim."""
    for name in claim.allowed:
        trigger = definition.trigger(name)
        if trigger is not None and trigger.addressing in (Addressing.ONE, Addressing.EVERY):
            yield trigger


def _written(trigger: Trigger) -> Iterator[Field]:
    """Give the fields that a person can write in a form, beside the reason."""
    for field in trigger.fields:
        if field.kind in _WRITTEN and field.name not in _ADDRESSES and "reason" not in field.names:
            yield field


def _fields(definition: Definition, name: str, form: Mapping[str, str]) -> dict[str, JSON]:
    """Read what a form tells of an event; what is empty isn't told."""
    trigger = definition.trigger(name)
    fields: dict[str, JSON] = {}
    for field in () if trigger is None else _written(trigger):
        text = form.get(field.name, "").strip()
        if text:
            fields[field.name] = _number(text) if field.kind in _NUMBERS else text
    if form.get("reason", "").strip():
        fields["reason"] = form["reason"].strip()
    return fields


def _number(text: str) -> JSON:
    """Read a number; what is none stays a text, of which the field says what it has to be."""
    try:
        return loads(text.encode(), max_bytes=100)
    except Malformed:
        return text


def _ledger(definition: Definition, claim: ClaimDetail) -> list[dict[str, str]]:
    """Add up what was paid and reversed, by currency: what history booked."""
    added: dict[str, dict[int, Decimal]] = {}
    for row in claim.history:
        sign = _sign(definition, row)
        if sign and row.amount is not None and row.currency is not None:
            sums = added.setdefault(row.currency, {1: Decimal(0), -1: Decimal(0)})
            sums[sign] += abs(Decimal(row.amount))
    return [
        {
            "currency": currency,
            "paid": _text(sums[1], currency),
            "reversed": _text(sums[-1], currency),
            "net": _text(sums[1] - sums[-1], currency),
        }
        for currency, sums in sorted(added.items())
    ]


def _text(amount: Decimal, currency: str) -> str:
    """Write a sum, nothing too, with its currency's decimals."""
    if amount or not money.is_listed(currency):
        return money.text(amount)
    return f"{amount:.{money.decimals(currency)}f}"


def _sign(definition: Definition, row: HistoryRow) -> int:
    trigger: Any = definition.trigger(row.trigger)
    return 0 if trigger is None else int(trigger.money)
