"""Prefetch: which statements deciding an event will most likely run, so that a store far away is asked once.

A guess that is wrong costs a statement; one that is missing costs a way to the store and back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from workflow_fsm.core.definition import Addressing, Definition
from workflow_fsm.core.definition.events import Event
from workflow_fsm.core.model.inbox import ANY_CHANGE, Wait, WaitKind
from workflow_fsm.core.model.looks import looks
from workflow_fsm.stores.columns import write_json
from workflow_fsm.stores.session import Statement

MANY = 100
"""Claims of which all is read at once, where an event names as many."""


FEW_WAITING = 20
"""How many waiting events are read before it is known that any of them is concerned: of one that comes to
wait beside thousands of its claim nobody asks for those."""


def named_by(event: Event) -> list[str]:
    """Give the names of claims that an event tells, aliases too."""
    named = [part.claim for part in event.parts if part.claim is not None]
    named += [alias for part in event.parts for alias in part.fields.get("aliases") or ()]
    return named


def expected_statements(definition: Definition, event: Event) -> Iterator[Statement]:
    """Give the statements, in the order in which they are likely to be run."""
    trigger = definition.trigger(event.trigger)
    assert trigger is not None
    user = {"user_id": event.user_id}
    for event_id in event.ids:
        yield "event", {**user, "event_id": event_id}
    if not event.ids:
        yield "latest_like", {**user, "fingerprint": event.fingerprint, "trigger": event.trigger}
    named = named_by(event)
    case_id = event.field("amazon_case_id")
    names = [ANY_CHANGE, *(Wait(WaitKind.CLAIM, claim) for claim in named)]
    if case_id is not None:
        names.append(Wait(WaitKind.CASE, case_id))
    if trigger.money:
        for told in filter(None, map(event.field, ("reimbursement_id", "original_reimbursement_id"))):
            names.append(Wait(WaitKind.REIMBURSEMENT, told))
            for paying in definition.triggers:
                if paying.name == event.trigger or (trigger.money < 0 < paying.money):
                    asked = {"trigger": paying.name, "reimbursement_id": told}
                    line = event.field("line_id")
                    if paying is trigger and line is not None and told == event.field("reimbursement_id"):
                        yield "with_line", {**user, **asked, "line_id": line}
                    else:
                        yield "with_reimbursement", {**user, **asked}
    each = named if len(named) < MANY else []
    for name in each:
        yield "claim", {**user, "claim_id": name}
    detects = trigger.addressing is Addressing.DETECTION
    if detects and named:
        yield "has_aliases", user
        for name in each:
            yield "alias", {**user, "alias": name}
            yield "has_aliases_of", {**user, "claim_id": name}
    sync_id = event.field("sync_id")
    if sync_id is not None and (not named or detects):
        yield "sync", {**user, "sync_id": sync_id}
    if case_id is not None:
        yield "with_case", {**user, "case_id": case_id}
    if case_id is not None or trigger.files or trigger.rejects:
        for name in each:
            yield "cases_of", {**user, "claim_id": name, "sync_id": ""}
    if sync_id is not None and trigger.addressing in (Addressing.SYNC, Addressing.DETECTION):
        names.append(Wait(WaitKind.SYNC, sync_id))
    yield "handlers", {}
    first = dict.fromkeys(looks(definition), 0)
    yield "anything_waits", user
    yield "waiting", {**user, "names": names_text(set(names), first), "limit": FEW_WAITING}


def names_text(names: Collection[Wait], looks: Mapping[Wait, int]) -> str:
    """Write names that are waited under, and looks with the number after which each is looked for."""
    return write_json([*sorted(names), *sorted((*look, after) for look, after in looks.items())])
