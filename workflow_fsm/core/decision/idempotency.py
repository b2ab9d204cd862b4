"""Idempotency: the same event again, found by its ids, its reimbursement, or (without an id) its content.

Decides whether an event is a repeat of a stored one, and what it means that a reimbursement came before. An
id is bound to its content; a refused, dead or dropped event doesn't bind its ids, and is judged anew when it
comes again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from workflow_fsm.core.decision.addressing import correlation
from workflow_fsm.core.decision.addressing.addresses import To
from workflow_fsm.core.definition import Addressing, Definition, Trigger
from workflow_fsm.core.definition.events import UNITS, Event
from workflow_fsm.core.definition.facts import TAKEN_BACK_AT
from workflow_fsm.core.errors import EventIdReused
from workflow_fsm.core.model.inbox import LEARNT_LINE, Standing, StoredEvent, Wait, WaitKind, lay_over
from workflow_fsm.core.model.lifecycle import Lifecycle
from workflow_fsm.core.model.situation import Situation
from workflow_fsm.core.values import money
from workflow_fsm.core.values.fields import comparable_value
from workflow_fsm.core.values.value_types import dataclass

NEEDS_AN_ID = (
    "Without an event id, an equal instalment in a row is taken for a repeat of this one: "
    "send each instalment with an id of its own (webhook-id, Idempotency-Key or event_id)."
)
TAKEN_FOR_A_REPEAT = (
    "It has no event id and says what an earlier event says, so it was taken for that one again; "
    "send a new event with an id of its own (webhook-id, Idempotency-Key or event_id)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """The event that came again; `hint` says by what it was recognised, where the sender should know."""

    stored: StoredEvent
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Refused, dead or dropped events that come again: the event is judged anew and replaces them."""

    replaced: tuple[StoredEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """An earlier event of the same reimbursement, whose money this one is neither counted nor refused
    beside."""

    stored: StoredEvent
    reason: str


def find_repeat(
    definition: Definition, situation: Situation, trigger: Trigger, event: Event
) -> Repeat | Again | None:
    """Find the stored event that this one repeats.

    Raises EventIdReused where an id belongs to an event with other content, or two belong to two events.
    """
    known = {one: stored for one in event.ids if (stored := situation.event(one)) is not None}
    found = {stored.seq: stored for stored in known.values()}
    binding = {one: stored for one, stored in known.items() if stored.binds}
    if binding:
        return Repeat(stored=_same_content(binding, event))
    if trigger.money:
        earlier = find_earlier(definition, situation, trigger, event)
        if isinstance(earlier, Repeat):
            return earlier
    if found:
        return Again(replaced=tuple(found.values()))
    if not event.ids:
        return _same_again(definition, situation, trigger, event)
    return None


def find_earlier(
    definition: Definition,
    situation: Situation,
    trigger: Trigger,
    event: Event,
    *,
    stored: StoredEvent | None = None,
    lifecycle: Lifecycle | None = None,
) -> Repeat | Conflict | None:
    """Find the earlier event of an event's reimbursement: the same money again, or one that it conflicts
    with.

    `stored` is the event itself, where it is stored by now; `lifecycle` the one that it is for, where that is
    found by now.
    """
    reimbursement = event.field("reimbursement_id")
    if reimbursement is None:
        return None
    conflict: Conflict | None = None
    for earlier in _met(definition, situation, trigger, event, stored, lifecycle):
        if _is_a_line_of_its_own(event, stored, earlier):
            continue
        met = _compare(definition, situation, trigger, event, earlier)
        if isinstance(met, Repeat):
            return met
        conflict = conflict or met
    return conflict


def learn_line(situation: Situation, trigger: Trigger, stored: StoredEvent, event: Event) -> None:
    """Let an event know the line that a repeat of it tells; what conflicted with it is judged again."""
    line = event.field("line_id")
    if line is not None and stored.line is None:
        situation.keep(lay_over(trigger, stored, {**(stored.overlay or {}), LEARNT_LINE: line}))
        situation.wake(Wait(WaitKind.REIMBURSEMENT, event.field("reimbursement_id")))


# -- reimbursements


def _met(
    definition: Definition,
    situation: Situation,
    trigger: Trigger,
    event: Event,
    stored: StoredEvent | None,
    lifecycle: Lifecycle | None,
) -> Iterator[StoredEvent]:
    """Give the earlier events of the reimbursement that are for the same claim, or case."""
    name, line = event.field("reimbursement_id"), event.field("line_id")
    found = (
        situation.with_reimbursement(trigger.name, name)
        if line is None
        else situation.with_line(trigger.name, name, line)
    )
    others = [one for one in found if stored is None or one.seq != stored.seq]
    if not others:
        return
    named = None if event.field("claim_id") is None else situation.canonical(event.field("claim_id"))
    case_id = event.field("amazon_case_id")
    if lifecycle is None:
        lifecycle = _target(definition, situation, trigger, event, named)
    for earlier in others:
        if earlier.standing is Standing.APPLIED:
            booked = earlier.money
            if booked is None:
                continue
            is_its = lifecycle is not None and lifecycle.id in earlier.lifecycles
            of_case = named is None and case_id is not None and booked.case_id == case_id
            if is_its or of_case or _name_nobody(event, earlier.event):
                yield earlier
        elif (
            earlier.standing is Standing.WAITING
            and (stored is None or earlier.seq < stored.seq)
            and _names_the_same(situation, earlier.event, event, named)
        ):
            yield earlier


def _is_a_line_of_its_own(event: Event, stored: StoredEvent | None, earlier: StoredEvent) -> bool:
    """Tell whether a person has made one of the two a line of its own, beside one that tells another or none.

    A person's line beside which an equal one tells none is that one's line, too.
    """
    line = event.field("line_id") if stored is None else stored.line
    if stored is not None and stored.has_line_of_its_own and earlier.line != line:
        return True
    return earlier.has_line_of_its_own and earlier.line != line and not _is_same_money(earlier, event)


def _target(
    definition: Definition, situation: Situation, trigger: Trigger, event: Event, named: str | None
) -> Lifecycle | None:
    if named is not None:
        return situation.claim(named)
    (part,) = event.parts
    found = correlation.address(definition, situation, trigger, event, part)
    match found:
        case To(lifecycles=(one,)):
            return one
        case _:
            return None


def _name_nobody(*events: Event) -> bool:
    return all(one.field("claim_id") is None and one.field("amazon_case_id") is None for one in events)


def _names_the_same(situation: Situation, earlier: Event, event: Event, named: str | None) -> bool:
    """Tell whether one that waits names what this one names: the claim, else the case, else both nobody."""
    told = earlier.field("claim_id")
    if named is not None:
        return told is not None and situation.canonical(told) == named
    case_id = event.field("amazon_case_id")
    return bool(earlier.field("amazon_case_id") == case_id) and (told is None or case_id is not None)


def _compare(
    definition: Definition, situation: Situation, trigger: Trigger, event: Event, earlier: StoredEvent
) -> Repeat | Conflict | None:
    """Hold an event against an earlier one of its reimbursement: a repeat, a conflict, or another line."""
    line, known = event.field("line_id"), earlier.line
    if None not in (line, known) and line != known:
        return None
    name = f"reimbursement {event.field('reimbursement_id')!r}"
    what = name if line is None else f"line {line!r} of {name}"
    if _is_same_money(earlier, event):
        if line != known:
            return Repeat(stored=earlier)
        is_new = trigger.money > 0 and _is_new_id(event, earlier)
        if is_new and _is_reversed(definition, situation, earlier):
            return Conflict(
                stored=earlier,
                reason=f"{what} came before as event {earlier.event_id!r}, and was reversed since; if it was "
                "paid anew, retry it with force, or with a line_id of its own, else drop it",
            )
        if trigger.money < 0 and _is_of_a_payout(definition, situation, event):
            return Conflict(
                stored=earlier,
                reason=f"an equal reversal of {name} came before as event {earlier.event_id!r}; if it was "
                "taken back twice, retry it with force, else drop it",
            )
        return Repeat(stored=earlier)
    if trigger.money < 0 and _is_new_id(event, earlier) and _is_of_a_payout(definition, situation, event):
        return None
    if line is not None and known is None:
        reason = f"{name} came before as event {earlier.event_id!r}, which tells no line; if this is another "
        reason += f"line than that, retry it with line_id {line!r}"
    else:
        reason = f"{what} came before as event {earlier.event_id!r}, with another amount or currency; "
        reason += "if it is a line of its own, retry it with its line_id"
    return Conflict(stored=earlier, reason=f"{reason}, if it counts besides, with force, else drop it")


def _is_new_id(event: Event, earlier: StoredEvent) -> bool:
    return event.event_id is not None and event.event_id != earlier.event_id


def _is_same_money(earlier: StoredEvent, event: Event) -> bool:
    """Tell whether amount, units and currency are equal, a currency that isn't told left out."""
    currency = earlier.money.currency if earlier.money is not None else earlier.event.field("currency")
    told = event.field("currency")
    if None not in (currency, told) and currency != told:
        return False
    units = [one.field(UNITS.name) or 0 for one in (earlier.event, event)]
    return units[0] == units[1] and _value(event) == _value(earlier.event)


def _is_reversed(definition: Definition, situation: Situation, payout: StoredEvent) -> bool:
    """Tell whether a payout was taken back since: by a reversal of its claim that names no other original."""
    name = payout.event.field("reimbursement_id")
    reversals = [trigger.name for trigger in definition.triggers if trigger.money < 0]
    named = [one for reversing in reversals for one in situation.with_reimbursement(reversing, name)]
    for stored in (*situation.taking_back(name), *named):
        original = stored.event.field("original_reimbursement_id")
        is_of_it = stored.money is not None and original in (None, name)
        if is_of_it and stored.lifecycles & payout.lifecycles and stored.settled > payout.settled:
            return True
    paid = [one for one in map(situation.lifecycle, payout.lifecycles) if one is not None]
    nameless = [situation.event_at(one.facts[TAKEN_BACK_AT]) for one in paid if TAKEN_BACK_AT in one.facts]
    return any(stored is not None and stored.settled > payout.settled for stored in nameless)


def _is_of_a_payout(definition: Definition, situation: Situation, event: Event) -> bool:
    """Tell whether a reversal has no reimbursement id of its own, but gives that of a payout."""
    name = event.field("reimbursement_id")
    payouts = [trigger.name for trigger in definition.triggers if trigger.money > 0]
    found = (one for paying in payouts for one in situation.with_reimbursement(paying, name))
    return any(one.standing in (Standing.APPLIED, Standing.WAITING) for one in found)


def _value(event: Event) -> Decimal:
    amount = event.field("amount")
    assert isinstance(amount, money.Amount)
    return Decimal(comparable_value(amount))


# -- ids and content


def _same_content(binding: Mapping[str, StoredEvent], event: Event) -> StoredEvent:
    """Give the event to which those of an event's ids belong that are bound, where it says the same."""
    (sent, stored), *others = binding.items()
    if any(other.seq != stored.seq for _, other in others):
        reason = f"its ids {' and '.join(map(repr, binding))} are those of several events"
    elif stored.event.trigger != event.trigger:
        reason = f"event id {sent!r} belongs to a {stored.event.trigger}"
    elif stored.event.fingerprint != event.fingerprint:
        reason = f"event id {sent!r} belongs to an event with other content"
    else:
        return stored
    raise EventIdReused(
        f"{reason}; send a new or corrected event under an id of its own",
        event_id=sent,
        user_id=event.user_id,
        trigger=event.trigger,
    )


def _same_again(
    definition: Definition, situation: Situation, trigger: Trigger, event: Event
) -> Repeat | Again | None:
    """Judge an event without an id by the latest of equal content."""
    stored = situation.latest_like(event.trigger, event.fingerprint)
    if stored is None:
        return None
    if not stored.binds:
        return Again(replaced=(stored,))
    hint = TAKEN_FOR_A_REPEAT
    if stored.standing is Standing.WAITING:
        return Repeat(stored=stored, hint=hint)
    for lifecycle_id in stored.lifecycles:
        lifecycle = situation.lifecycle(lifecycle_id)
        if lifecycle is not None and lifecycle.cursor > stored.settled:
            return None
    if _could_be_for_others(definition, situation, trigger, event, since=stored.settled):
        return None
    return Repeat(stored=stored, hint=hint)


def _could_be_for_others(
    definition: Definition, situation: Situation, trigger: Trigger, event: Event, *, since: int
) -> bool:
    """Tell whether an event that names nobody would now be for lifecycles that it wasn't for then.

    Never asked of money: two equal instalments in a row need an id.
    """
    if trigger.money:
        return False
    if trigger.addressing is Addressing.DETECTION:
        sync = situation.newest_sync(definition.first_state())
        return event.field("sync_id") is None and sync is not None and sync.cursor > since
    names = (event.field(name) for name in ("claim_id", "amazon_case_id"))
    if trigger.addressing is Addressing.SYNC or event.listed or any(names):
        return False
    return correlation.could_move(definition, situation, trigger, event, since=since)
