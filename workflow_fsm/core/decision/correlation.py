"""Correlation: whom an event is for, among the user's lifecycles. Never guesses money.

A claim that is named is that claim. Where none is named, the trigger's addressing says how one is found, and
what is found is either a lifecycle, several that can't be told apart, or nobody yet.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from workflow_fsm.core.decision.lifecycle import Lifecycle
from workflow_fsm.core.decision.situation import Seek, Situation
from workflow_fsm.core.definition import Addressing, Definition, Rest, Trigger
from workflow_fsm.core.definition.events import Event, Part
from workflow_fsm.core.records import Candidate

MOST_CANDIDATES = 100
"""How many candidates an answer lists; more wouldn't help the person who has to choose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class To:
    """For these lifecycles, each judged by its own cell."""

    lifecycles: tuple[Lifecycle, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Nobody:
    """No arrow stands anywhere: `rest` is what the cells say together, `asked` the lifecycles that said it.

    `waiting_for` names the triggers that would lead to an arrow, where `rest` is wait.
    """

    rest: Rest
    asked: tuple[Lifecycle, ...] = ()
    waiting_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Several:
    """These qualify, and nothing tells which is meant."""

    lifecycles: tuple[Lifecycle, ...]


Address = To | Nobody | Several


def address(
    definition: Definition, situation: Situation, trigger: Trigger, event: Event, part: Part
) -> Address:
    """Find whom one part of an event is for (detection and sync apart, which make lifecycles)."""
    if part.claim is not None:
        claim = situation.claim(part.claim)
        if claim is None:
            start = definition.first_state() if situation.has_syncs() else None
            return Nobody(rest=Rest.WAIT, waiting_for=way_to(definition, start, trigger.name))
        return To(lifecycles=(claim,))
    if trigger.addressing is Addressing.EVERY:
        return _every(definition, situation, trigger, event)
    return _one(definition, situation, trigger, event)


def could_move(
    definition: Definition, situation: Situation, trigger: Trigger, event: Event, *, since: int
) -> bool:
    """Tell whether a nameless event could now be for a lifecycle that has moved after the cursor `since`."""
    sync_id = event.field("sync_id")
    if sync_id is not None and situation.sync(sync_id) is None:
        sync_id = None
    wanted = Seek(
        states=definition.arrow_states(trigger.name),
        sync_id=sync_id,
        unless_case=event.field("amazon_case_id"),
        since=since,
        limit=1,
    )
    return bool(situation.seek(wanted))


def way_to(definition: Definition, state: str | None, trigger: str) -> tuple[str, ...]:
    """Give the triggers that would lead from a state to where `trigger` has an arrow."""
    return definition.path(state, trigger)


def candidates(lifecycles: Iterable[Lifecycle]) -> tuple[Candidate, ...]:
    """Show lifecycles that an event could be for."""
    return tuple(Candidate(claim_id=one.claim_id, sync_id=one.sync_id, state=one.state) for one in lifecycles)


def _every(definition: Definition, situation: Situation, trigger: Trigger, event: Event) -> Address:
    sync_id = event.field("sync_id")
    if sync_id is not None and situation.sync(sync_id) is None:
        return Nobody(rest=Rest.WAIT, waiting_for=way_to(definition, None, trigger.name))
    movable = situation.seek(Seek(states=definition.arrow_states(trigger.name), sync_id=sync_id))
    if movable:
        return To(lifecycles=tuple(movable))
    return _nobody(definition, situation, trigger, sync_id=sync_id)


def _one(definition: Definition, situation: Situation, trigger: Trigger, event: Event) -> Address:
    case_id = event.field("amazon_case_id")
    pool = situation.with_case(case_id) if case_id is not None else []
    if not pool:
        paid = _paid_by(definition, situation, event)
        pool = [paid] if paid is not None else []
    if len(pool) == 1:
        return To(lifecycles=tuple(pool))
    if pool:
        movable = [one for one in pool if definition.has_arrow(one.state, trigger.name)]
        if not movable:
            return _rest_of(definition, trigger, pool)
    else:
        sync_id = event.field("sync_id")
        if sync_id is not None and situation.sync(sync_id) is None:
            sync_id = None
        movable = situation.seek(
            Seek(
                states=definition.arrow_states(trigger.name),
                sync_id=sync_id,
                unless_case=case_id,
                limit=MOST_CANDIDATES,
            )
        )
        if not movable:
            return _nobody(definition, situation, trigger, sync_id=sync_id, unless_case=case_id)
        if len(movable) > 1 and not situation.has_claims():
            movable = movable[-1:]
    if len(movable) == 1:
        return To(lifecycles=tuple(movable))
    return Several(lifecycles=tuple(movable))


def _paid_by(definition: Definition, situation: Situation, event: Event) -> Lifecycle | None:
    """Give the lifecycle that the payout of `original_reimbursement_id` went to."""
    original = event.field("original_reimbursement_id")
    if original is None:
        return None
    payouts = [trigger.name for trigger in definition.triggers if trigger.money > 0]
    paid = {
        lifecycle
        for name in payouts
        for stored in situation.with_reimbursement(name, original)
        for share in stored.shares
        for lifecycle in share.lifecycles
        if stored.money is not None
    }
    return situation.lifecycle(paid.pop()) if len(paid) == 1 else None


def _nobody(
    definition: Definition,
    situation: Situation,
    trigger: Trigger,
    *,
    sync_id: str | None = None,
    unless_case: str | None = None,
) -> Nobody:
    asked: list[Lifecycle] = []
    for state in definition.states:
        wanted = Seek(states=(state.name,), sync_id=sync_id, unless_case=unless_case, limit=MOST_CANDIDATES)
        asked.extend(situation.seek(wanted))
    if not asked:
        start = definition.first_state() if situation.has_syncs() else None
        return Nobody(rest=Rest.WAIT, waiting_for=way_to(definition, start, trigger.name))
    return _rest_of(definition, trigger, asked)


def _rest_of(definition: Definition, trigger: Trigger, asked: Iterable[Lifecycle]) -> Nobody:
    """Say what cells without an arrow say together: wait if any does, else known, else refused."""
    lifecycles = tuple(asked)[:MOST_CANDIDATES]
    rests = {definition.cell(one.state, trigger.name).rest: one.state for one in lifecycles}
    if Rest.WAIT in rests:
        ways = (
            way_to(definition, one.state, trigger.name)
            for one in lifecycles
            if definition.cell(one.state, trigger.name).rest is Rest.WAIT
        )
        return Nobody(rest=Rest.WAIT, asked=lifecycles, waiting_for=min(ways, key=len))
    rest = Rest.KNOWN if Rest.KNOWN in rests else Rest.REFUSED
    return Nobody(rest=rest, asked=lifecycles)
