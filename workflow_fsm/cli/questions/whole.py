"""One claim, one event, and one trigger for a claim, on the command line: what became of it, or would."""

from __future__ import annotations

import json
from typing import Any

import click

from workflow_fsm.cli.exit_codes import REFUSED, UNKNOWN, WAITS, Failure
from workflow_fsm.cli.options import common, existing, field_of, text
from workflow_fsm.cli.printing import (
    amount_of,
    case_of,
    facts_of,
    instant,
    sums_of,
    waits_for,
)
from workflow_fsm.cli.terminal import print_lines, show_json
from workflow_fsm.core.definition.explain import Explanation
from workflow_fsm.results import ClaimDetail, EventRecord


@click.command()
@click.argument("user_id", callback=text)
@click.argument("event_id", callback=text)
@common
def events(user_id: str, event_id: str, as_json: bool, database: str | None) -> None:
    """Tell of the event EVENT_ID of the user USER_ID: did it arrive, what did it say, what became of it.

    Any of its ids finds it. Ends with 4 where none of that id was ever taken.
    """
    with existing(database) as workflow:
        found = workflow.event(user_id, event_id)
    if found is None:
        told = f"no event {event_id!r} of the user {user_id!r} was ever taken"
        raise Failure(UNKNOWN, "unknown-event", told, user_id=user_id, event_id=event_id)
    if as_json:
        show_json(found)
    else:
        _show_event(found)


@click.command()
@click.argument("user_id", callback=text)
@click.argument("claim_id", callback=text)
@click.argument("trigger", callback=text)
@click.argument("fields", nargs=-1, metavar="[FIELD=VALUE | FIELD:=JSON]...")
@common
def explain(
    user_id: str,
    claim_id: str,
    trigger: str,
    fields: tuple[str, ...],
    as_json: bool,
    database: str | None,
) -> None:
    """Explain what TRIGGER would do to the claim CLAIM_ID of the user USER_ID, and why; nothing is kept.

    With fields, as `fire` takes them (FIELD=VALUE is a string, FIELD:=JSON any JSON value), it says what
    would become of that very event. Ends with 0 where it is allowed, 1 where it is refused, 5 where it would
    wait or is known, and 4 where there is no such claim.
    """
    told: dict[str, Any] = {}
    for name, value in map(field_of, fields):
        if name in ("user_id", "claim_id") or (name in told and told[name] != value):
            raise click.UsageError(f"{name} is given twice.")
        told[name] = value
    with existing(database) as workflow:
        if workflow.claim(user_id, claim_id) is None:
            raise _unknown_claim(user_id, claim_id)
        explanation = workflow.explain(user_id, claim_id, trigger, **told)
    if as_json:
        show_json(_as_dict(explanation))
    else:
        _show_explanation(explanation)
    code = {"allowed": 0, "refused": REFUSED}.get(explanation.verdict, WAITS)
    if code:
        raise click.exceptions.Exit(code)


def tell_claim(user_id: str, claim_id: str, *, as_json: bool, database: str | None) -> None:
    """Tell all of one claim. Raises Failure where there is none."""
    with existing(database) as workflow:
        found = workflow.claim(user_id, claim_id)
    if found is None:
        raise _unknown_claim(user_id, claim_id)
    if as_json:
        show_json(found)
    else:
        _show_claim(found)


def _unknown_claim(user_id: str, claim_id: str) -> Failure:
    what = f"nothing is known of the claim {claim_id!r} of the user {user_id!r}"
    return Failure(UNKNOWN, "unknown-claim", what, user_id=user_id, claim_id=claim_id)


def _show_claim(found: ClaimDetail) -> None:
    """Print where a claim stands, what each trigger would meet, what waits, what is owed, and what was."""
    told = {
        "aliases": ", ".join(found.aliases),
        "sync": found.sync_id,
        "amount": amount_of(found.amount, found.currency),
        "paid": sums_of(found.paid) if found.paid else "nothing",
        "units": found.units or "",
        "cases": ", ".join(map(case_of, found.cases)),
        "decision": found.decision,
        "deadline": f"{instant(found.deadline_date)}{' (overdue)' if found.overdue else ''}",
        "rejected for": found.rejection_reason,
        "facts": facts_of(found),
    }
    state = found.state if found.merged_into is None else f"merged into {found.merged_into}"
    lines = [f"claim {found.claim_id} of {found.user_id} is {state} since {instant(found.entered_at)}"]
    lines += [f"  {name}: {value}" for name, value in told.items() if value]
    lines += ["", "what each trigger would meet:"]
    lines += [f"  {cell.trigger} {cell.verdict}: {cell.reason}" for cell in found.explain]
    if found.deferred:
        lines += ["", "what waits, and names it:"]
    for one in found.deferred:
        why = "" if one.reason is None else f": {one.reason}"
        lines.append(f"  {waits_for(one, one.trigger)}{why}")
    if found.effects:
        lines += ["", "what is or was owed for it:"]
    for effect in found.effects:
        error = "" if effect.error is None else f": {effect.error}"
        tried = f"{effect.attempt} of {effect.tries} tries"
        lines.append(f"  {effect.handler} is {effect.standing}, {tried}, due {instant(effect.due_at)}{error}")
    lines += ["", "what it went through:"]
    for row in found.history:
        source = "began as" if row.from_ is None else f"{row.from_} to"
        why = "" if row.reason is None else f": {row.reason}"
        by = f"{row.trigger} ({row.event_id or row.actor})"
        worth = f", {amount_of(row.amount, row.currency)}" if row.amount is not None else ""
        lines.append(f"  {instant(row.at)} {source} {row.to} by {by}{worth}{why}")
    print_lines(lines)


def _as_dict(told: Explanation) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "trigger": told.trigger,
        "state": told.state,
        "verdict": told.verdict,
        "reason": told.reason,
        "leads": list(told.leads),
    }
    return shown if told.outcome is None else {**shown, "outcome": told.outcome.as_dict()}


def _show_explanation(told: Explanation) -> None:
    lines = [f"{told.verdict}: {told.reason}"]
    if told.leads:
        lines.append(f"what would lead to it: {', then '.join(told.leads)}")
    print_lines(lines)


def _show_event(found: EventRecord) -> None:
    """Print what an event said, and what became of it, of each of its parts, and what it moved."""
    lines = [
        f"{found.trigger} of {found.user_id} is {found.standing} (event {found.event_id})",
        f"it came in at {instant(found.received_at)}, from {found.actor}",
    ]
    if found.occurred_at is not None:
        lines.append(f"it occurred at {instant(found.occurred_at)}, as it says")
    if found.amount is not None:
        lines.append(f"it brings {amount_of(found.amount, found.currency)}")
    lines.append(f"it said {json.dumps(found.said, ensure_ascii=False)}")
    if found.laid_over:
        lines.append(f"a person told of it {json.dumps(found.laid_over, ensure_ascii=False)}")
    for part in found.parts:
        whose = "its part" if part.claim_id is None else f"claim {part.claim_id}"
        awaited = f" for {' and then '.join(part.waiting_for)}" if part.waiting_for else ""
        why = "" if part.reason is None else f": {part.reason}"
        lines.append(f"{whose} is {part.standing}{awaited}{why}")
    for row in found.transitions:
        whose = f"sync {row.sync_id}" if row.claim_id is None else f"claim {row.claim_id}"
        source = "began as" if row.from_ is None else f"went from {row.from_} to"
        lines.append(f"{whose} {source} {row.to} (version {row.version}, {instant(row.at)})")
    if not found.transitions:
        lines.append("it moved nothing")
    print_lines(lines)
