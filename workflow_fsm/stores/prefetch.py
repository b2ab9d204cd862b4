"""Prefetch: which statements deciding an event will most likely run, so that a store far away is asked once.

A guess that is wrong costs a statement; one that is missing costs a way to the store and back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from workflow_fsm.core.definition import Addressing, Definition
from workflow_fsm.core.definition.events import Event
from workflow_fsm.stores.session import Statement


def expected_statements(definition: Definition, event: Event) -> Iterator[Statement]:
    """Give the statements, in the order in which they are likely to be run."""
    trigger = definition.trigger(event.trigger)
    assert trigger is not None
    user = {"user_id": event.user_id}
    if event.event_id is not None:
        yield "event", {**user, "event_id": event.event_id}
    else:
        yield "latest_like", {**user, "fingerprint": event.fingerprint, "trigger": event.trigger}
    reimbursement_id = event.field("reimbursement_id")
    if trigger.money and reimbursement_id is not None:
        yield (
            "with_reimbursement",
            {**user, "trigger": event.trigger, "reimbursement_id": reimbursement_id},
        )
    named = [part.claim for part in event.parts if part.claim is not None]
    named += [alias for part in event.parts for alias in part.fields.get("aliases") or ()]
    for name in named:
        yield "claim", {**user, "claim_id": name}
    detects = trigger.addressing is Addressing.DETECTION
    if detects and named:
        yield "has_aliases", user
        for name in named:
            yield "alias", {**user, "alias": name}
            yield "has_aliases_of", {**user, "claim_id": name}
    sync_id = event.field("sync_id")
    if sync_id is not None and (not named or detects):
        yield "sync", {**user, "sync_id": sync_id}
    case_id = event.field("amazon_case_id")
    if case_id is not None:
        yield "with_case", {**user, "case_id": case_id}
    yield "handlers", {}
    yield "waiting", {**user, "names": json.dumps(sorted(set(named)))}
