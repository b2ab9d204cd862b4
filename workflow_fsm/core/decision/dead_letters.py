"""Dead letters: what a person does with an event that can't go on by itself. Each act is a row of history.

A letter's id is `event:SEQ` or `effect:SEQ` within its user; the store makes it opaque.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from workflow_fsm.core.decision.answer import answer_to
from workflow_fsm.core.decision.apply import Application
from workflow_fsm.core.decision.decide import Policy, follow
from workflow_fsm.core.decision.inbox import Share, Standing, StoredEvent
from workflow_fsm.core.decision.lifecycle import ACTS, GENESIS, Row
from workflow_fsm.core.decision.situation import Situation
from workflow_fsm.core.definition import Definition, Trigger
from workflow_fsm.core.definition.events import Event, read_event
from workflow_fsm.core.errors import FieldError, InvalidEvent, NotAllowed
from workflow_fsm.core.outcome import Outcome

RETRIED = "deadletter_retried"
DROPPED = "deadletter_dropped"


def retry_event(
    definition: Definition,
    situation: Situation,
    stored: StoredEvent,
    *,
    claim_id: str | None,
    now: datetime,
    policy: Policy,
) -> Outcome | NotAllowed:
    """Judge an event anew as things stand now; `claim_id` says whom it is for, where it didn't itself.

    What was settled of a list stays settled; what still waits then has its time to live again. Raises
    InvalidEvent where the event can't be given a claim.
    """
    trigger = definition.trigger(stored.event.trigger)
    if trigger is None:
        reason = f"is {stored.event.trigger!r}, which the definition doesn't know any more"
        raise InvalidEvent([FieldError(field="trigger", reason=reason)])
    shares: tuple[Share, ...] = ()
    if stored.binds or stored.standing is Standing.DEAD:
        shares = tuple(
            replace(share, standing=Standing.WAITING) if share.standing is Standing.DEAD else share
            for share in stored.shares
        )
    event = stored.event
    if claim_id is not None:
        event = _for_claim(trigger, stored, claim_id)
        shares = (Share(claim=claim_id, standing=Standing.WAITING),) if shares else ()
    expires_at = None if stored.expires_at is None else now + policy.defer
    application = Application(
        definition, situation, replace(stored, event=event, shares=shares, expires_at=expires_at), now
    )
    settled = application.apply()
    outcome = answer_to(settled, application.draft, trigger)
    if not stored.binds and isinstance(outcome, Outcome):
        settled = replace(settled, answer=outcome.as_dict())
    situation.keep(settled)
    follow(definition, situation, now)
    return outcome


def _for_claim(trigger: Trigger, stored: StoredEvent, claim_id: str) -> Event:
    if all(field.name != "claim_id" for field in trigger.fields):
        reason = f"a {trigger.name} is for no single claim; retry it without one"
        raise InvalidEvent([FieldError(field="claim_id", reason=reason)], trigger=trigger.name)
    read = read_event(trigger, {**stored.event.body, "claim_id": claim_id}, event_id=stored.event_id)
    return replace(read, fingerprint=stored.event.fingerprint)


def drop_event(situation: Situation, stored: StoredEvent) -> None:
    """End what waits, is dead or is refused of an event, for good."""
    ended = (Standing.WAITING, Standing.DEAD, Standing.REFUSED)
    shares = tuple(
        replace(share, standing=Standing.DROPPED) if share.standing in ended else share
        for share in stored.shares
    )
    situation.keep(replace(stored, shares=shares, settled=situation.cursor))


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
