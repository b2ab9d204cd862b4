"""One event and the situation it met make one decision: all that is to be committed, and the answer.

An event moves lifecycles, then timers that are due already fire, then waiting events are judged, oldest
first, until none can go on. Pure: the store gives the situation and commits its changes; time and ids are
arguments.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from workflow_fsm.core.definition import Addressing, Definition, Meeting, Rest, Trigger
from workflow_fsm.core.errors import AliasTaken, EventIdReused, NotAllowed, WorkflowError
from workflow_fsm.core.events import Event
from workflow_fsm.core.instants import show_instant
from workflow_fsm.core.judging import Account
from workflow_fsm.core.kept import Kept, Standing
from workflow_fsm.core.lifecycle import Lifecycle
from workflow_fsm.core.moves import move
from workflow_fsm.core.outcome import Outcome, Record
from workflow_fsm.core.repeats import NEEDS_AN_ID, Again, Repeat, find_repeat
from workflow_fsm.core.settle import Settling
from workflow_fsm.core.situation import Situation


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the deciding depends on besides the table: how long a deferred event waits."""

    defer: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An event as it arrives: who brought it, when, and where a new id comes from."""

    event: Event
    actor: str
    at: datetime
    new_id: Callable[[], str]


def decide(
    definition: Definition, situation: Situation, arrival: Arrival, policy: Policy
) -> Outcome | WorkflowError:
    """Take one event: write all that it changes into the situation, and give its answer.

    NotAllowed is an answer as well, and kept; EventIdReused changes nothing.
    """
    event, now = arrival.event, arrival.at
    trigger = definition.trigger(event.trigger)
    assert trigger is not None
    try:
        repeat = find_repeat(definition, situation, trigger, event)
    except EventIdReused as reused:
        return reused
    if isinstance(repeat, Repeat):
        return _repeated(repeat)
    event_id = event.event_id or arrival.new_id()
    if isinstance(repeat, Again):
        situation.changes.replaced.append(repeat.kept.seq)
        event_id = repeat.kept.event_id
    fresh = Kept(
        seq=situation.next_cursor(),
        event_id=event_id,
        event=event,
        actor=arrival.actor,
        received_at=now,
        shares=(),
        expires_at=None if trigger.money else now + policy.defer,
    )
    settling = Settling(definition, situation, fresh, now)
    kept = settling.settle()
    outcome = answer_to(kept, settling.account, trigger)
    answer = (
        outcome.as_dict() if isinstance(outcome, Outcome) else {"status": "refused", "reason": str(outcome)}
    )
    kept = replace(kept, answer=answer)
    situation.keep(kept, received=True)
    if kept.letter is not None:
        situation.tell_of(event_letter(kept), now)
    follow(definition, situation, now)
    return outcome


def event_letter(kept: Kept) -> str:
    """Give the id of an event as a dead letter, within its user."""
    return f"event:{kept.seq}"


def pass_time(
    definition: Definition,
    situation: Situation,
    now: datetime,
    *,
    due: Iterable[int] = (),
    expired: Iterable[Kept] = (),
) -> int:
    """Fire the timers of the lifecycles `due`, end the wait of the events `expired`; count what was done."""
    done = 0
    for lifecycle_id in due:
        lifecycle = situation.lifecycle(lifecycle_id)
        if lifecycle is not None:
            done += _fire_timers(definition, situation, lifecycle, now)
    follow(definition, situation, now)
    for kept in expired:
        kept = situation.kept(kept)
        if kept.standing is Standing.WAITING and kept.expires_at is not None and kept.expires_at <= now:
            shares = tuple(
                replace(share, standing=Standing.DEAD) if share.standing is Standing.WAITING else share
                for share in kept.shares
            )
            dead = replace(kept, shares=shares, settled=situation.cursor)
            situation.keep(dead)
            situation.tell_of(event_letter(dead), now)
            done += 1
    return done


def link(definition: Definition, situation: Situation, *, claim_id: str, alias: str, now: datetime) -> None:
    """Let an alias stand for a claim, and free the events that waited under it. Raises AliasTaken."""
    target = situation.canonical(claim_id)
    owner = situation.owner(alias)
    if alias == target or owner == target:
        return
    if owner is not None:
        raise AliasTaken(user_id=situation.user_id, claim_id=target, alias=alias, owner=owner)
    situation.link(alias, target)
    follow(definition, situation, now)


def _fire_timers(definition: Definition, situation: Situation, lifecycle: Lifecycle, now: datetime) -> int:
    if lifecycle.due_at is None or lifecycle.due_at > now:
        return 0
    for timer in definition.by_addressing(Addressing.TIMER):
        meeting = Meeting(facts=lifecycle.facts, paid=lifecycle.paid, told={})
        answer = definition.answer(lifecycle.state, timer.name, meeting)
        if not isinstance(answer, Rest):
            move(definition, situation, lifecycle, answer, timer, {}, now=now, kept=None)
            return 1
    return 0


def follow(definition: Definition, situation: Situation, now: datetime) -> None:
    """Let follow what a change brings about, until nothing more does.

    Timers fire that are due already; then the waiting events are judged from the oldest, and from the oldest
    again after each that went on. Only those are judged that the change can concern: the nameless, and those
    that name a changed claim; the others would go on waiting.
    """
    waiting: dict[int, Kept] = {}
    queue: list[int] = []
    while True:
        touched, names = situation.take_touched()
        if touched or names:
            for lifecycle in touched:
                _fire_timers(definition, situation, lifecycle, now)
            for kept in situation.waiting(names):
                if kept.seq not in waiting:
                    waiting[kept.seq] = kept
                    heapq.heappush(queue, kept.seq)
        elif queue:
            kept = waiting.pop(heapq.heappop(queue))
            settled = Settling(definition, situation, kept, now).settle()
            if settled.shares != kept.shares:
                situation.keep(settled)
        else:
            return


def answer_to(kept: Kept, account: Account, trigger: Trigger) -> Outcome | NotAllowed:
    """Tell what became of a new event."""
    waiting = [share for share in kept.shares if share.standing is Standing.WAITING]
    reimbursement = kept.event.field("reimbursement_id")
    money_without_id = trigger.money and kept.event.event_id is None and not reimbursement
    hints = [kept.event.hint, *account.hints, NEEDS_AN_ID if money_without_id else None]
    hint = " ".join(hint for hint in hints if hint) or None
    status = _status(kept, account)
    if status == "refused":
        first = account.refused[0]
        return NotAllowed(
            first["reason"],
            event_id=kept.event_id,
            user_id=kept.event.user_id,
            trigger=trigger.name,
            state=first["state"],
            allowed=first["allowed"],
            candidates=account.candidates,
            refused=account.refused if kept.event.listed else (),
            hint=hint,
        )
    expires_at = None if kept.expires_at is None else show_instant(kept.expires_at)
    return Outcome(
        status=status,
        event_id=kept.event_id,
        user_id=kept.event.user_id,
        trigger=trigger.name,
        transitions=tuple(account.transitions),
        unchanged=tuple(
            Record(claim_id=one.claim_id, sync_id=one.sync_id, state=one.state)
            for one in account.unchanged.values()
        ),
        deferred=tuple(
            Record(claim_id=share.claim, waiting_for=list(share.waiting_for), expires_at=expires_at)
            for share in waiting
        ),
        refused=tuple(account.refused),
        waiting_for=tuple(dict.fromkeys(step for share in waiting for step in share.waiting_for)),
        expires_at=expires_at if waiting else None,
        candidates=tuple(account.candidates),
        hint=hint,
    )


def _status(kept: Kept, account: Account) -> str:
    """Tell `applied` where anything moved, else `deferred`, else `unchanged`; `refused` if nothing else."""
    standings = {share.standing for share in kept.shares}
    if account.transitions:
        return "applied"
    if Standing.WAITING in standings:
        return "deferred"
    return "refused" if standings == {Standing.REFUSED} else "unchanged"


def _repeated(repeat: Repeat) -> Outcome:
    assert repeat.kept.answer is not None
    first = Outcome.from_dict(repeat.kept.answer)
    return replace(first, status="duplicate", first_status=first.status, hint=repeat.hint or first.hint)
