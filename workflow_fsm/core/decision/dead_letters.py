"""Dead letters: what a person does with an event that can't go on by itself. Each act is a row of history.

A dead letter's id is `event:SEQ` or `effect:SEQ` within its user; the store makes it opaque.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from workflow_fsm.core.decision.answer import answer_to
from workflow_fsm.core.decision.apply import Application
from workflow_fsm.core.decision.decide import Policy, follow
from workflow_fsm.core.definition import Definition, Trigger
from workflow_fsm.core.definition.events import UNITS
from workflow_fsm.core.errors import EventIdReused, FieldError, InvalidEvent, NotAllowed
from workflow_fsm.core.model.inbox import (
    ANY_CHANGE,
    FORCE,
    Share,
    Standing,
    StoredEvent,
    Wait,
    WaitKind,
    lay_over,
)
from workflow_fsm.core.model.lifecycle import ACTS, GENESIS, Row
from workflow_fsm.core.model.situation import Situation
from workflow_fsm.core.outcome import Outcome
from workflow_fsm.core.values import money
from workflow_fsm.core.values.value_types import replace

RETRIED = "deadletter_retried"
DROPPED = "deadletter_dropped"
RESTORED = "deadletter_restored"
_ENDED = (Standing.WAITING, Standing.DEAD, Standing.REFUSED)


def retry_event(
    definition: Definition,
    situation: Situation,
    stored: StoredEvent,
    *,
    overlay: Mapping[str, Any] | None,
    now: datetime,
    policy: Policy,
) -> Outcome | NotAllowed:
    """Judge an event anew as things stand now, with what a person lays over what it said.

    The overlay takes the place of what was laid there before. None leaves that: nobody has looked at this
    event, but at all that are alike. Such a retry leaves alone one whose ids are another's, and raises
    EventIdReused: one of the two must be wrong.

    What was settled of a list stays settled; what still waits then has its time to live again. One that was
    applied, and is in doubt, stays as it is, and is in doubt no more. Raises InvalidEvent where the event
    can't be read with the overlay.
    """
    if overlay is None and stored.is_reuse:
        raise _reused(stored)
    trigger = definition.trigger(stored.event.trigger)
    if trigger is None:
        reason = f"is {stored.event.trigger!r}, which the definition doesn't know any more"
        raise InvalidEvent([FieldError(field="trigger", reason=reason)])
    if stored.doubt is not None:
        _refuse_overlay(trigger, overlay or {})
        situation.keep(replace(stored, doubt=None))
        assert stored.answer is not None
        return Outcome.from_dict(stored.answer)
    shares: tuple[Share, ...] = ()
    if stored.binds or stored.standing is Standing.DEAD:
        shares = tuple(
            replace(share, standing=Standing.WAITING) if share.standing is Standing.DEAD else share
            for share in stored.shares
        )
    told = stored
    if overlay is not None and (overlay or stored.overlay):
        _refuse_unlisted(trigger, overlay)
        told = lay_over(trigger, stored, overlay)
        _refuse_currency(situation, trigger, told, overlay)
        if not told.event.listed:
            _refuse_another_case(trigger, stored, told, shares)
            ((part,), (before,)) = told.event.parts, stored.event.parts
            shares = tuple(
                replace(share, claim=part.claim, waits=share.waits if part.claim == before.claim else ())
                if share.standing is Standing.WAITING
                else share
                for share in shares
            )
    expires_at = None if trigger.money else now + policy.defer
    retried = replace(told, shares=shares, expires_at=expires_at)
    application = Application(definition, situation, retried, now, is_retried=True)
    settled = application.apply()
    outcome = answer_to(settled, application.draft, trigger)
    if not stored.binds and isinstance(outcome, Outcome):
        answer: dict[str, Any] = dict(stored.answer or {}) if stored.was_reuse else {}
        settled = replace(settled, answer=answer | outcome.as_dict())
    situation.keep(settled)
    _wake(situation, settled)
    follow(definition, situation, now)
    return outcome


def drop_event(definition: Definition, situation: Situation, stored: StoredEvent, now: datetime) -> None:
    """End what waits, is dead or is refused of an event; its ids bind nobody any more, and what waited for
    its money is judged again.

    One that was applied, and is in doubt, stays as it is, and is in doubt no more.
    """
    if stored.doubt is not None:
        situation.keep(replace(stored, doubt=None))
        return
    shares = tuple(
        replace(share, standing=Standing.DROPPED, was=share.standing) if share.standing in _ENDED else share
        for share in stored.shares
    )
    situation.keep(replace(stored, shares=shares, settled=situation.cursor))
    _wake(situation, stored)
    follow(definition, situation, now)


def restore_event(definition: Definition, situation: Situation, stored: StoredEvent, now: datetime) -> None:
    """Bring a dropped event back as what it was: a dead letter, or money that waits, and is judged anew."""
    trigger = definition.trigger(stored.event.trigger)
    before = Standing.WAITING if trigger is not None and trigger.money else Standing.DEAD
    shares = tuple(
        replace(share, standing=share.was or before, was=None)
        if share.standing is Standing.DROPPED
        else share
        for share in stored.shares
    )
    restored = replace(stored, shares=shares)
    if trigger is not None and restored.standing is Standing.WAITING:
        restored = Application(definition, situation, restored, now).apply()
    situation.keep(restored)
    _wake(situation, restored)
    follow(definition, situation, now)


def record_act(
    situation: Situation,
    act: str,
    *,
    last: tuple[int, str] | None,
    event_id: str | None,
    claim_id: str | None,
    about: str,
    actor: str,
    reason: str | None,
    now: datetime,
) -> None:
    """Write an act into the user's chain of acts; `last` is the version and hash of the act before."""
    version, previous = last if last is not None else (0, GENESIS)
    row = Row.chained(
        previous,
        user_id=situation.user_id,
        cursor=situation.next_cursor(),
        lifecycle=ACTS,
        claim_id=claim_id,
        sync_id="",
        version=version + 1,
        trigger=act,
        from_state=None,
        to_state=about,
        event_id=event_id,
        at=now,
        occurred_at=None,
        actor=actor,
        reason=reason,
    )
    situation.changes.rows.append(row)


def told_with(overlay: Mapping[str, Any], reason: str | None) -> str | None:
    """Say in an act's reason what was laid over the event, beside its claim, which stands by itself."""
    laid = [f"{name}={value}" for name, value in sorted(overlay.items()) if name not in ("claim_id", FORCE)]
    laid += [FORCE] if overlay.get(FORCE) else []
    if not laid:
        return reason
    return ", ".join(laid) + (f": {reason}" if reason else "")


def _reused(stored: StoredEvent) -> EventIdReused:
    assert stored.answer is not None
    return EventIdReused(
        stored.answer["reason"],
        event_id=stored.event_id,
        user_id=stored.event.user_id,
        trigger=stored.event.trigger,
    )


def _refuse_unlisted(trigger: Trigger, overlay: Mapping[str, Any]) -> None:
    listed = {field.name for field in trigger.fields}
    errors = [
        FieldError(field=name, reason=f"a {trigger.name} has no such field; retry it without one")
        for name in overlay
        if name not in listed and name != FORCE
    ]
    if overlay.get(FORCE) and not trigger.money:
        errors.append(
            FieldError(field=FORCE, reason=f"a {trigger.name} brings no money that could be forced")
        )
    if errors:
        raise InvalidEvent(errors, trigger=trigger.name)


def _refuse_currency(
    situation: Situation, trigger: Trigger, told: StoredEvent, overlay: Mapping[str, Any]
) -> None:
    """See that a currency which a person tells can hold the amount."""
    currency = overlay.get("currency")
    if currency is None or not trigger.money:
        return
    in_kind = bool(told.event.field(UNITS.name))
    try:
        places = situation.decimals(currency)
        money.payout(told.event.field("amount"), currency, places, or_nothing=in_kind)
    except money.NotMoney as error:
        raise InvalidEvent([FieldError(field="currency", reason=str(error))], trigger=trigger.name) from error


def _refuse_overlay(trigger: Trigger, overlay: Mapping[str, Any]) -> None:
    """Refuse to tell anew whom an event is for that was applied by then."""
    if overlay:
        reason = "the event was applied, and stays as it is; correct it by a reversal and a new payout"
        raise InvalidEvent([FieldError(field=name, reason=reason) for name in overlay], trigger=trigger.name)


def _refuse_another_case(
    trigger: Trigger, stored: StoredEvent, told: StoredEvent, shares: Sequence[Share]
) -> None:
    """Refuse another case for an event that some of its first case's claims took: it would be of two."""
    first, other = stored.event.field("amazon_case_id"), told.event.field("amazon_case_id")
    if other == first or all(share.standing is Standing.WAITING for share in shares):
        return
    reason = (
        f"the event was settled in part, with case {first!r}, and stays that case's; "
        "drop it, and send the event of the other case"
    )
    raise InvalidEvent([FieldError(field="amazon_case_id", reason=reason)], trigger=trigger.name)


def _wake(situation: Situation, stored: StoredEvent) -> None:
    """Have what conflicts with an event judged again, and what waits that brings the same reimbursement."""
    situation.wake(ANY_CHANGE)
    reimbursement = stored.event.field("reimbursement_id")
    if reimbursement is not None:
        for other in situation.with_reimbursement(stored.event.trigger, reimbursement):
            for wait in other.waits:
                situation.wake(wait)
    for field in ("reimbursement_id", "original_reimbursement_id"):
        if stored.event.field(field) is not None:
            situation.wake(Wait(WaitKind.REIMBURSEMENT, stored.event.field(field)))
