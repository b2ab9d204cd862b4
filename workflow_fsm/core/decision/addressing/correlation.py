"""Correlation: whom an event is for, among the user's lifecycles, and if nobody, for whom it waits.

A name that is given is meant: of a claim, of a case, of what a reversal takes back. Where nobody has it, the
event waits for whoever will, or for a person; it never goes on to somebody else. Money that names nobody is
nobody's. Only where nothing is named the trigger's addressing says how one is found.
"""

from __future__ import annotations

from collections.abc import Sequence

from workflow_fsm.core.decision.addressing.addresses import Address, Nobody, Several, To, Unknown
from workflow_fsm.core.definition import Addressing, Definition, Rest, Trigger
from workflow_fsm.core.definition.events import Event, Part
from workflow_fsm.core.model.inbox import Standing, StoredEvent, Wait, WaitKind
from workflow_fsm.core.model.lifecycle import Lifecycle
from workflow_fsm.core.model.looks import look_for
from workflow_fsm.core.model.situation import Situation
from workflow_fsm.core.model.source import Seek
from workflow_fsm.core.model.ways_out import WITH_CLAIM

MOST_CANDIDATES = 100
"""How many candidates an answer lists; more wouldn't help the person who has to choose."""


def address(
    definition: Definition, situation: Situation, trigger: Trigger, event: Event, part: Part
) -> Address:
    """Find whom one part of an event is for (detection and sync apart, which make lifecycles)."""
    if part.claim is not None:
        claim = situation.claim(part.claim)
        if claim is None:
            start = definition.first_state() if situation.has_syncs() else None
            way = way_to(definition, start, trigger, event)
            waits = (Wait(WaitKind.CLAIM, part.claim), *_taken_back(trigger, event))
            return Nobody(rest=Rest.WAIT, waiting_for=way, waits=waits)
        return _unless_of_another(definition, situation, trigger, event, claim) or To(lifecycles=(claim,))
    if trigger.addressing is Addressing.EVERY:
        return _every(definition, situation, trigger, event)
    return _one(definition, situation, trigger, event)


def could_move(
    definition: Definition, situation: Situation, trigger: Trigger, event: Event, *, since: int
) -> bool:
    """Tell whether a nameless event could now be for a lifecycle that has moved after the cursor `since`."""
    wanted = Seek(
        states=arrow_states(definition, trigger, event),
        sync_id=known_sync(situation, event),
        since=since,
        limit=1,
    )
    return bool(situation.seek(wanted))


def way_to(definition: Definition, state: str | None, trigger: Trigger, event: Event) -> tuple[str, ...]:
    """Give the triggers that would lead from a state to where the event has an arrow."""
    return definition.path(state, trigger.name, named=_names_case(event))


def original_of(
    definition: Definition, situation: Situation, trigger: Trigger, event: Event
) -> tuple[str, list[StoredEvent]] | None:
    """Give the reimbursement that a reversal takes back, and the payouts of it that are stored.

    One that tells no original names that of its own id, where a payout has that id. Of a reimbursement of
    several lines it takes back the one that it tells, where that was paid.
    """
    if trigger.money >= 0:
        return None
    told = event.field("original_reimbursement_id")
    name = told or event.field("reimbursement_id")
    if name is None:
        return None
    found = (one for paying in _payouts(definition) for one in situation.with_reimbursement(paying, name))
    payouts = [one for one in found if one.standing in (Standing.APPLIED, Standing.WAITING)]
    line = event.field("line_id")
    of_line = [one for one in payouts if line is not None and one.line == line and one.money is not None]
    payouts = of_line or payouts
    return (name, payouts) if told is not None or payouts else None


# -- the ways of addressing


def _every(definition: Definition, situation: Situation, trigger: Trigger, event: Event) -> Address:
    sync_id = event.field("sync_id")
    if sync_id is not None and situation.sync(sync_id) is None:
        way = way_to(definition, None, trigger, event)
        return Nobody(rest=Rest.WAIT, waiting_for=way, waits=(Wait(WaitKind.SYNC, sync_id),))
    movable = situation.seek(Seek(states=arrow_states(definition, trigger, event), sync_id=sync_id))
    if movable:
        return To(lifecycles=tuple(movable))
    return _nobody(definition, situation, trigger, event, sync_id=sync_id)


def _one(definition: Definition, situation: Situation, trigger: Trigger, event: Event) -> Address:
    taken_back = original_of(definition, situation, trigger, event)
    if taken_back is not None:
        return _of_original(definition, situation, *taken_back)
    case_id = event.field("amazon_case_id")
    if case_id is not None:
        found = _of_case(definition, situation, trigger, event, case_id)
        if found is not None:
            return found
    sync_id = known_sync(situation, event)
    states = arrow_states(definition, trigger, event)
    if trigger.money and situation.has_claims():
        return Several(
            lifecycles=(),
            reason="its money names neither claim nor case nor what it takes back, so it is nobody's yet",
            way_out="retry it with the claim_id or the amazon_case_id that it is for, or drop it",
        )
    movable = situation.seek(Seek(states=states, sync_id=sync_id, limit=MOST_CANDIDATES))
    if not movable:
        return _nobody(definition, situation, trigger, event, sync_id=sync_id)
    if len(movable) > 1 and not situation.has_claims():
        movable = movable[-1:]
    if len(movable) == 1:
        return To(lifecycles=tuple(movable))
    return Several(
        lifecycles=(),
        reason=f"{trigger.name} names no claim, and {_many(movable)} could be meant",
        ask="name one with claim_id, or with the amazon_case_id of its case",
        lasting=f"{trigger.name} names no claim, and several could be meant",
        waits=_look(trigger, event, sync_id),
    )


def _sync_told(event: Event) -> tuple[Wait, ...]:
    sync_id = event.field("sync_id")
    return () if sync_id is None else (Wait(WaitKind.SYNC, sync_id),)


def _many(lifecycles: Sequence[Lifecycle]) -> str:
    more = " or more" if len(lifecycles) == MOST_CANDIDATES else ""
    return f"{len(lifecycles)}{more}"


def _of_original(
    definition: Definition, situation: Situation, name: str, payouts: Sequence[StoredEvent]
) -> Address:
    """Find the lifecycle that the payouts of a reimbursement paid."""
    waits = (Wait(WaitKind.REIMBURSEMENT, name),)
    paid = {one for stored in payouts if stored.money is not None for one in stored.lifecycles}
    lifecycles = [one for one in map(situation.lifecycle, sorted(paid)) if one is not None]
    if len(lifecycles) == 1:
        return To(lifecycles=tuple(lifecycles))
    if lifecycles:
        return Several(
            lifecycles=tuple(lifecycles),
            reason=f"reimbursement {name!r}, which it takes back, paid {len(lifecycles)} claims",
            waits=waits,
        )
    return Unknown(
        reason=f"no payout of reimbursement {name!r}, which it takes back, has been applied",
        way_out="it waits for one, or retry it with the claim_id or original_reimbursement_id that it is "
        "for, or drop it",
        waits=waits,
        waiting_for=_payouts(definition),
    )


def _of_case(
    definition: Definition, situation: Situation, trigger: Trigger, event: Event, case_id: str
) -> Address | None:
    """Find the lifecycles that have a case; None where the event may bring one that nobody has."""
    waits = (Wait(WaitKind.CASE, case_id),)
    pool = situation.with_case(case_id)
    owners = situation.owners_of(case_id)
    awaited = tuple(owner.claim_id for owner, one in owners if one is None and owner.claim_id)
    if pool and (not trigger.money or len(pool) + len(awaited) == 1):
        return To(lifecycles=tuple(pool), awaited=awaited)
    if pool:
        return Several(
            lifecycles=tuple(pool),
            reason=f"case {case_id!r} is that of {len(pool) + len(awaited)} claims",
            waits=waits,
        )
    if situation.is_case_named(case_id):
        start = definition.first_state() if situation.has_syncs() else None
        way = way_to(definition, start, trigger, event)
        claims = (Wait(WaitKind.CLAIM, claim_id) for claim_id in awaited)
        return Nobody(rest=Rest.WAIT, waiting_for=way, waits=(*waits, *claims))
    if trigger.files:
        if not situation.has_claims() or known_sync(situation, event) is not None:
            return None
        return Several(
            lifecycles=(),
            reason=f"{trigger.name} names case {case_id!r}, which no claim has, and no claim",
            ask="name the claim that was filed with claim_id",
            waits=(*waits, *_sync_told(event)),
        )
    start = definition.first_state() if situation.has_syncs() else None
    brought_by = tuple(one.name for one in definition.triggers if one.files)
    return Unknown(
        reason=f"no claim has case {case_id!r}",
        way_out=f"it waits until one does, or {WITH_CLAIM}",
        waits=waits,
        waiting_for=brought_by
        if _has_found(definition, situation)
        else way_to(definition, start, trigger, event),
    )


def _has_found(definition: Definition, situation: Situation) -> bool:
    """Tell whether anything was found for the user that a case could be of."""
    found = tuple(state.name for state in definition.states if state.name != definition.first_state())
    return situation.has_claims() or bool(situation.seek(Seek(states=found, limit=1)))


def _taken_back(trigger: Trigger, event: Event) -> tuple[Wait, ...]:
    """Give what a reversal takes back, which may come before its claim and tell its currency."""
    name = event.field("original_reimbursement_id")
    return (Wait(WaitKind.REIMBURSEMENT, name),) if trigger.money < 0 and name is not None else ()


def _unless_of_another(
    definition: Definition, situation: Situation, trigger: Trigger, event: Event, claim: Lifecycle
) -> Address | None:
    """See that what a reversal takes back is the named claim's."""
    taken_back = original_of(definition, situation, trigger, event)
    if taken_back is None:
        return None
    name, payouts = taken_back
    if any(stored.money is not None and claim.id in stored.lifecycles for stored in payouts):
        return None
    return Unknown(
        reason=f"it names claim {claim.claim_id!r}, and takes back reimbursement {name!r}, which has not "
        "paid that claim",
        way_out="it waits for that payout, or retry it with the original_reimbursement_id that it is for, "
        "or drop it",
        waits=(Wait(WaitKind.REIMBURSEMENT, name), Wait(WaitKind.CLAIM, claim.claim_id or "")),
        waiting_for=_payouts(definition),
    )


def _nobody(
    definition: Definition,
    situation: Situation,
    trigger: Trigger,
    event: Event,
    *,
    sync_id: str | None = None,
) -> Nobody:
    """Say what cells without an arrow say together: wait if any does, else known, else refused."""
    asked: list[Lifecycle] = []
    for state in definition.states:
        asked.extend(situation.seek(Seek(states=(state.name,), sync_id=sync_id, limit=MOST_CANDIDATES)))
    if not asked:
        start = definition.first_state() if situation.has_syncs() else None
        way = way_to(definition, start, trigger, event)
        return Nobody(rest=Rest.WAIT, waiting_for=way, waits=_look(trigger, event, sync_id))
    lifecycles = tuple(asked)[:MOST_CANDIDATES]
    rests = {rest: one.state for one in lifecycles for rest in _rests(definition, trigger, event, one.state)}
    if Rest.WAIT in rests:
        ways = (
            definition.cell(one.state, trigger.name).leads or way_to(definition, one.state, trigger, event)
            for one in lifecycles
            if Rest.WAIT in _rests(definition, trigger, event, one.state)
        )
        way = min(ways, key=len)
        waits = _look(trigger, event, sync_id)
        return Nobody(rest=Rest.WAIT, asked=lifecycles, waiting_for=way, waits=waits)
    rest = Rest.KNOWN if Rest.KNOWN in rests else Rest.REFUSED
    return Nobody(rest=rest, asked=lifecycles)


# -- parts


def _look(trigger: Trigger, event: Event, sync_id: str | None) -> tuple[Wait, ...]:
    """Give what an event waits under that names nobody, and under what it names that nobody has yet."""
    waits = look_for(trigger, named=_names_case(event), sync_id=sync_id)
    told = event.field("sync_id")
    if told is not None and sync_id is None:
        waits += (Wait(WaitKind.SYNC, told),)
    if _names_case(event):
        waits += (Wait(WaitKind.CASE, event.field("amazon_case_id")),)
    if trigger.money and event.field("reimbursement_id") is not None:
        waits += (Wait(WaitKind.REIMBURSEMENT, event.field("reimbursement_id")),)
    return waits


def _payouts(definition: Definition) -> tuple[str, ...]:
    return tuple(trigger.name for trigger in definition.triggers if trigger.money > 0)


def _rests(definition: Definition, trigger: Trigger, event: Event, state: str) -> tuple[Rest, ...]:
    """Give what a cell says to an event that it has no arrow for: its rest, whatever it would answer."""
    cell = definition.cell(state, trigger.name)
    return () if cell.rest is None else (cell.rest,)


def arrow_states(definition: Definition, trigger: Trigger, event: Event) -> tuple[str, ...]:
    """Give the states in which the event has an arrow."""
    return definition.arrow_states(trigger.name, named=_names_case(event))


def _names_case(event: Event) -> bool:
    return event.field("amazon_case_id") is not None


def known_sync(situation: Situation, event: Event) -> str | None:
    """Give the sync that the event names, where the user has it."""
    sync_id: str | None = event.field("sync_id")
    return sync_id if sync_id is not None and situation.sync(sync_id) is not None else None
