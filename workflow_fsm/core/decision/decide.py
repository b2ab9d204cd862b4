"""One event and the situation it met make one decision: all that is to be committed, and the answer.

An event moves lifecycles, then timers that are due already fire, then waiting events are judged, oldest
first, until none can go on. Pure: the store gives the situation and commits its changes; time and ids are
arguments.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

from workflow_fsm.core.decision.answer import AnswerDraft, answer_to, event_dead_letter
from workflow_fsm.core.decision.apply import Application
from workflow_fsm.core.decision.filings import Filings
from workflow_fsm.core.decision.idempotency import Again, Repeat, find_repeat, learn_line
from workflow_fsm.core.decision.moves import due_at, move
from workflow_fsm.core.definition import Addressing, Definition, Meeting, Rest
from workflow_fsm.core.definition.events import Event
from workflow_fsm.core.errors import EventIdReused, WorkflowError
from workflow_fsm.core.model.inbox import ANY_CHANGE, Share, Standing, StoredEvent, Wait, WaitKind
from workflow_fsm.core.model.lifecycle import CaseOwner, Lifecycle
from workflow_fsm.core.model.looks import WITHIN_A_SYNC, is_look, looks, looks_within
from workflow_fsm.core.model.situation import Situation
from workflow_fsm.core.model.ways_out import BESIDE, died_of
from workflow_fsm.core.outcome import Outcome
from workflow_fsm.core.values.value_types import dataclass, replace


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

    NotAllowed is an answer as well, and kept; so is EventIdReused, once, under an id made for it.
    """
    event, now = arrival.event, arrival.at
    trigger = definition.trigger(event.trigger)
    assert trigger is not None
    try:
        repeat = find_repeat(definition, situation, trigger, event)
    except EventIdReused as reused:
        _keep_reused(situation, arrival, reused)
        return reused
    if isinstance(repeat, Repeat):
        situation.add_ids(repeat.stored, event.ids)
        learn_line(situation, trigger, repeat.stored, event)
        claim_id = event.field("claim_id")
        if trigger.money and claim_id is not None and event.fingerprint != repeat.stored.event.fingerprint:
            told = replace(repeat.stored, event=event)
            Filings(definition, situation, trigger, told, now, AnswerDraft()).name(
                CaseOwner(situation.canonical(claim_id), "")
            )
        follow(definition, situation, now)
        return _repeated(repeat)
    event_id = event.event_id or arrival.new_id()
    if isinstance(repeat, Again):
        event_id = event.event_id or repeat.replaced[0].event_id
    fresh = StoredEvent(
        seq=situation.next_cursor(),
        event_id=event_id,
        event=event,
        actor=arrival.actor,
        received_at=now,
        shares=(),
        expires_at=None if trigger.money else now + policy.defer,
    )
    if isinstance(repeat, Again):
        situation.take_the_place(fresh, repeat.replaced)
    application = Application(definition, situation, fresh, now)
    stored = application.apply()
    outcome = answer_to(stored, application.draft, trigger)
    answer = (
        outcome.as_dict() if isinstance(outcome, Outcome) else {"status": "refused", "reason": str(outcome)}
    )
    stored = replace(stored, answer=answer)
    situation.keep(stored, received=True)
    situation.add_ids(stored, event.ids)
    reimbursement = event.field("reimbursement_id")
    if trigger.money > 0 and reimbursement is not None:
        situation.wake(Wait(WaitKind.REIMBURSEMENT, reimbursement))
    if stored.letter is not None:
        situation.tell_of(event_dead_letter(stored), now)
    follow(definition, situation, now)
    return outcome


def _keep_reused(situation: Situation, arrival: Arrival, reused: EventIdReused) -> None:
    """Keep an event whose ids are those `of` others, once, as a refused one under an id made for it."""
    event = arrival.event
    whose = sorted({stored.seq for one in event.ids if (stored := situation.event(one)) and stored.binds})
    alike = situation.reuses(event.trigger, event.fingerprint)
    if any(stored.answer is not None and stored.answer.get("of") == whose for stored in alike):
        return
    stored = StoredEvent(
        seq=situation.next_cursor(),
        event_id=arrival.new_id(),
        event=replace(event, ids=()),
        actor=arrival.actor,
        received_at=arrival.at,
        shares=(Share(claim=None, standing=Standing.REFUSED, reason=f"{reused}; {BESIDE}"),),
        settled=situation.cursor,
        answer={"status": "refused", "code": reused.code, "reason": str(reused), "of": whose},
    )
    situation.keep(stored, received=True)
    situation.tell_of(event_dead_letter(stored), arrival.at)


def pass_time(
    definition: Definition,
    situation: Situation,
    now: datetime,
    *,
    due: Iterable[int] = (),
    expired: Iterable[StoredEvent] = (),
) -> int:
    """Fire the timers of the lifecycles `due`, end the wait of the events `expired`; count what was done."""
    done = 0
    for lifecycle_id in due:
        lifecycle = situation.lifecycle(lifecycle_id)
        if lifecycle is not None and not _fire_timers(definition, situation, lifecycle, now):
            _set_due_anew(definition, situation, lifecycle)
        elif lifecycle is not None:
            done += 1
    follow(definition, situation, now)
    for stored in expired:
        stored = situation.current(stored)
        if stored.standing is Standing.WAITING and stored.expires_at is not None and stored.expires_at <= now:
            shares = tuple(
                replace(share, standing=Standing.DEAD, reason=died_of(share, listed=stored.event.listed))
                if share.standing is Standing.WAITING
                else share
                for share in stored.shares
            )
            dead = replace(stored, shares=shares, settled=situation.cursor)
            situation.keep(dead)
            situation.tell_of(event_dead_letter(dead), now)
            done += 1
    return done


def _fire_timers(definition: Definition, situation: Situation, lifecycle: Lifecycle, now: datetime) -> int:
    if lifecycle.due_at is None or lifecycle.due_at > now:
        return 0
    for timer in definition.by_addressing(Addressing.TIMER):
        meeting = Meeting(facts=lifecycle.facts, told={}, paid=lifecycle.paid, now=now)
        answer = definition.answer(lifecycle.state, timer.name, meeting)
        if not isinstance(answer, Rest):
            move(definition, situation, lifecycle, answer, timer, {}, now=now, stored=None)
            return 1
    return 0


def _set_due_anew(definition: Definition, situation: Situation, lifecycle: Lifecycle) -> None:
    """Set when a timer would move a lifecycle on, where that was set under another definition."""
    due = due_at(definition, lifecycle.state, lifecycle.facts)
    if due != lifecycle.due_at:
        situation.put(replace(lifecycle, due_at=due))


def follow(definition: Definition, situation: Situation, now: datetime) -> None:
    """Let follow what a change brings about, until nothing more does.

    Timers fire that are due already; then the waiting events are judged from the oldest, and from the oldest
    again after each that went on. Only those are judged that the change can concern: those that wait under a
    name that somebody has by now, or has no more, or whose claim changed; the others would go on waiting. Of
    those that name nobody the oldest tells for the others: the next is judged where that one changed. Who
    waits under a name is asked once; when it changes again, only those are found that were judged since.
    """
    waiting: dict[int, StoredEvent] = {}
    queue: list[int] = []
    asked: set[Wait] = set()

    def enqueue(found: Iterable[StoredEvent]) -> None:
        for stored in found:
            if stored.seq not in waiting:
                waiting[stored.seq] = stored
                heapq.heappush(queue, stored.seq)

    while True:
        touched, names = situation.touched_since_last()
        if touched or names:
            for lifecycle in touched:
                _fire_timers(definition, situation, lifecycle, now)
            enqueue(_woken(definition, situation, touched, names, asked))
            asked |= names
        elif queue:
            situation.do_work(1)
            stored = situation.current(waiting.pop(heapq.heappop(queue)))
            applied = Application(definition, situation, stored, now).apply()
            if applied.shares != stored.shares or applied.money != stored.money:
                situation.keep(applied)
                enqueue(_following(situation, stored))
            else:
                situation.leave_waiting(applied)
        else:
            return


def _woken(
    definition: Definition,
    situation: Situation,
    touched: Collection[Lifecycle],
    names: Collection[Wait],
    asked: AbstractSet[Wait],
) -> list[StoredEvent]:
    """Give the waiting events that changed lifecycles and names concern: of each group the oldest."""
    if not situation.anything_waits():
        return []
    found = situation.waiting_still([name for name in names if name in asked])
    new = [name for name in names if name not in asked]
    if ANY_CHANGE not in names:
        return found + (situation.waiting(new) if new else [])
    found += situation.waiting(new, dict.fromkeys(looks(definition), 0))
    if any(WITHIN_A_SYNC in stored.waits for stored in found):
        syncs = dict.fromkeys(one.sync_id for one in touched)
        within = [look for sync_id in syncs for look in looks_within(definition, sync_id)]
        found += situation.waiting((), dict.fromkeys(within, 0))
        if situation.has_its_first_claim():
            found += situation.waiting((WITHIN_A_SYNC,))
    return found


def _following(situation: Situation, stored: StoredEvent) -> list[StoredEvent]:
    """Give those that are next in the groups of one that was judged and found otherwise than it was."""
    groups: Sequence[Wait] = [wait for wait in stored.waits if is_look(wait)]
    return situation.waiting((), dict.fromkeys(groups, stored.seq)) if groups else []


def _repeated(repeat: Repeat) -> Outcome:
    assert repeat.stored.answer is not None
    first = Outcome.from_dict(repeat.stored.answer)
    assert first.status != "duplicate"
    return replace(first, status="duplicate", first_status=first.status, hint=repeat.hint or first.hint)
