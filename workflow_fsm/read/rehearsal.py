"""Rehearsal: what would become of an event, decided as any is and committed nowhere, and a sentence on it."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from workflow_fsm.core.decision.decide import Arrival, Policy, decide
from workflow_fsm.core.definition.explain import Explained, Explanation
from workflow_fsm.core.errors import EventIdReused, NotAllowed, WorkflowError
from workflow_fsm.core.outcome import Outcome
from workflow_fsm.stores.store import Store


def rehearse(store: Store, arrival: Arrival, policy: Policy) -> Outcome | WorkflowError:
    """Decide an event on a snapshot of the store as it stands, and leave no trace of that."""
    return store.rehearse(
        arrival.event, arrival.at, lambda situation: decide(store.definition, situation, arrival, policy)
    )


def explained(cell: Explanation, outcome: Outcome | WorkflowError) -> Explanation:
    """Say of a cell of the table what becomes of one event that meets it.

    Raises an error that isn't about what the event tells.
    """
    match outcome:
        case NotAllowed() | EventIdReused():
            return replace(cell, verdict="refused", reason=str(outcome), outcome=None)
        case WorkflowError():
            raise outcome
        case Outcome():
            verdict, reason = _told(outcome)
            leads = cell.leads if verdict == cell.verdict else ()
            return replace(cell, verdict=verdict, reason=reason, leads=leads, outcome=outcome)
        case _:
            assert_never(outcome)


def _told(outcome: Outcome) -> tuple[Explained, str]:
    """Give a verdict and a sentence on an outcome."""
    verdict, sentence = _said(outcome)
    if outcome.status == "duplicate":
        sentence = f"it is the event {outcome.event_id!r} again, of which was said: {sentence}"
    if outcome.refused:
        parts = (f"{one.get('claim_id') or one.get('index')}: {one.reason}" for one in outcome.refused)
        sentence += f"; refused of it: {'; '.join(parts)}"
    return verdict, sentence if outcome.hint is None else f"{sentence} ({outcome.hint})"


def _said(outcome: Outcome) -> tuple[Explained, str]:
    match outcome.first_status or outcome.status:
        case "applied":
            moved = (
                f"{one.claim_id or one.sync_id} from {one.from_ or 'nothing'} to {one.to}"
                for one in outcome.transitions
            )
            return "allowed", f"{outcome.trigger} moves {', '.join(moved)}"
        case "deferred":
            way = f": {outcome.reason}" if outcome.reason else ""
            until = f", until one of {', '.join(outcome.waiting_for)}" if outcome.waiting_for else ""
            return "waits", f"{outcome.trigger} waits{until}{way}"
        case _:
            known = (f"{one.claim_id or one.sync_id} is {one.state}" for one in outcome.unchanged)
            return "known", "; ".join([f"{outcome.trigger} is known, and moves nothing", *known])
