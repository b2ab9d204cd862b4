"""Dead letters: listed, retried and dropped by whoever operates the store.

Each act is written into the user's chain of acts, with who did it and why.
"""

from __future__ import annotations

from datetime import datetime

from workflow_fsm.core.decision.dead_letters import DROPPED, RETRIED, drop_event, record_act, retry_event
from workflow_fsm.core.decision.situation import Situation
from workflow_fsm.core.errors import (
    DeadLetterUnknown,
    FieldError,
    InvalidEvent,
    StoreUnavailable,
    WorkflowError,
)
from workflow_fsm.core.outcome import Outcome
from workflow_fsm.core.records import EventAnswer
from workflow_fsm.effects import outbox
from workflow_fsm.read import dead_letters as deadletters
from workflow_fsm.read.dead_letters import DeadLetterId, DeadLetterPage
from workflow_fsm.read.shapes import Act, DeadLetterRecord, DroppedLetter, RetriedLetters, RevivedEffect
from workflow_fsm.store_handle import StoreHandle
from workflow_fsm.stores.mapping import stored_event_of
from workflow_fsm.stores.session import Columns, Session
from workflow_fsm.stores.unit_of_work import UnitOfWork


class DeadLetters(StoreHandle):
    """What an operator does; a part of `Workflow`."""

    def dead_letters(
        self,
        *,
        kind: str | None = None,
        user_id: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> DeadLetterPage:
        """List dead letters, oldest first: events refused, expired or waiting with money; effects given up.

        `kind` is `event` or `effect`; `next_cursor` is the `cursor` of the next page. Raises InvalidEvent for
        a kind or cursor that is none.
        """
        definition = self._store.definition
        return self._store.read(
            lambda session: deadletters.list_dead_letters(
                session, definition, kind=kind, user_id=user_id, limit=limit, cursor=cursor
            )
        )

    def retry_dead_letter(
        self,
        letter_id: str,
        *,
        claim_id: str | None = None,
        actor: str = "library",
        reason: str | None = None,
    ) -> EventAnswer | RevivedEffect:
        """Try a dead letter again: judge an event anew (for `claim_id`, if given), or owe an effect anew.

        Gives the event's outcome as an answer to it would be, or `{"status": "owed"}` for an effect (`void`
        where it was work for being in a state that the claim has left). Raises DeadLetterUnknown,
        InvalidEvent (a claim given to what can't take one), NotAllowed (refused again).
        """
        dead_letter = DeadLetterId.parse(letter_id)
        if dead_letter.kind == "effect" and claim_id is not None:
            fault = "an effect is for the claim of its own transition; retry it without one"
            raise InvalidEvent([FieldError(field="claim_id", reason=fault)])
        _check_texts(actor=actor, reason=reason)
        now = self._clock()

        def retry(unit: UnitOfWork) -> EventAnswer | RevivedEffect | WorkflowError:
            if dead_letter.kind == "effect":
                settled = self._revive(unit, dead_letter, "owed", RETRIED, now, actor, reason)
                return RevivedEffect(status="void" if settled == "void" else "owed")
            return self._retry_event(unit, dead_letter, claim_id, now, actor, reason)

        outcome = self._store.commit(retry, users=[dead_letter.user_id])
        if isinstance(outcome, WorkflowError):
            raise outcome
        return outcome

    def drop_dead_letter(self, letter_id: str, *, reason: str, actor: str = "library") -> DroppedLetter:
        """End a dead letter for good, for a `reason` that is kept.

        Raises DeadLetterUnknown, InvalidEvent (no reason was given).
        """
        dead_letter = DeadLetterId.parse(letter_id)
        _check_texts(actor=actor, reason=reason)
        if not reason.strip():
            raise InvalidEvent([FieldError(field="reason", reason="is required, and not blank")])
        now = self._clock()

        def drop(unit: UnitOfWork) -> DroppedLetter:
            if dead_letter.kind == "effect":
                self._revive(unit, dead_letter, "dropped", DROPPED, now, actor, reason)
                return DroppedLetter(status="dropped")

            def change(situation: Situation) -> None:
                stored = stored_event_of(self._store.definition, self._dead_event(unit.session, dead_letter))
                drop_event(situation, stored)
                self._record(
                    situation,
                    unit.session,
                    dead_letter,
                    DROPPED,
                    now,
                    actor,
                    reason,
                    event_id=stored.event_id,
                )

            unit.change(dead_letter.user_id, now, change)
            return DroppedLetter(status="dropped")

        return self._store.commit(drop, users=[dead_letter.user_id])

    def retry_dead_letters(
        self,
        *,
        kind: str | None = None,
        user_id: str | None = None,
        handler: str | None = None,
        trigger: str | None = None,
        dry_run: bool = False,
        actor: str = "library",
        reason: str | None = None,
    ) -> RetriedLetters:
        """Retry all dead letters that match; with `dry_run` only count them.

        One that fails again stays a dead letter. Raises InvalidEvent, and StoreUnavailable, which leaves the
        rest as it is.
        """
        matched: list[DeadLetterRecord] = []
        cursor: str | None = None
        while True:
            page = self.dead_letters(kind=kind, user_id=user_id, limit=1000, cursor=cursor)
            matched += [
                dead_letter
                for dead_letter in page
                if handler in (None, dead_letter.handler) and trigger in (None, dead_letter.trigger)
            ]
            cursor = page.next_cursor
            if cursor is None:
                break
        retried = failed = 0
        for dead_letter in [] if dry_run else matched:
            try:
                self.retry_dead_letter(dead_letter.id, actor=actor, reason=reason)
                retried += 1
            except StoreUnavailable:
                raise
            except WorkflowError:
                failed += 1
        return RetriedLetters(matched=len(matched), retried=retried, failed=failed)

    def acts(self, user_id: str, *, limit: int = 100, cursor: int | None = None) -> list[Act]:
        """List what was done with a user's dead letters, oldest first, after `cursor`.

        Each is a row of a chain, as history's are.
        """
        rows = self._store.read(
            lambda session: session.rows("acts", user_id=user_id, cursor=cursor or 0, limit=limit)
        )
        return [
            Act(
                act=row["trigger"],
                letter=row["to_state"],
                cursor=row["cursor"],
                version=row["version"],
                claim_id=row["claim_id"],
                event_id=row["event_id"],
                at=row["at"],
                actor=row["actor"],
                reason=row["reason"],
                hash=row["hash"],
            )
            for row in rows
        ]

    # -- parts

    def _retry_event(
        self,
        unit: UnitOfWork,
        dead_letter: DeadLetterId,
        claim_id: str | None,
        now: datetime,
        actor: str,
        reason: str | None,
    ) -> EventAnswer | WorkflowError:
        def change(situation: Situation) -> EventAnswer | WorkflowError:
            definition = self._store.definition
            stored = stored_event_of(definition, self._dead_event(unit.session, dead_letter))
            outcome = retry_event(
                definition, situation, stored, claim_id=claim_id, now=now, policy=self._policy
            )
            self._record(
                situation,
                unit.session,
                dead_letter,
                RETRIED,
                now,
                actor,
                reason,
                claim_id=claim_id,
                event_id=stored.event_id,
            )
            return outcome.as_dict() if isinstance(outcome, Outcome) else outcome

        return unit.change(dead_letter.user_id, now, change)

    def _revive(
        self,
        unit: UnitOfWork,
        dead_letter: DeadLetterId,
        standing: str,
        act: str,
        now: datetime,
        actor: str,
        reason: str | None,
    ) -> str:
        settled = outbox.revive(unit.session, dead_letter.user_id, dead_letter.seq, standing, now)
        if settled is None:
            raise _gone(dead_letter)
        unit.enqueued = unit.enqueued or standing == "owed"
        unit.change(
            dead_letter.user_id,
            now,
            lambda situation: self._record(situation, unit.session, dead_letter, act, now, actor, reason),
        )
        return settled

    def _dead_event(self, session: Session, dead_letter: DeadLetterId) -> Columns:
        row = session.row("event_at", user_id=dead_letter.user_id, seq=dead_letter.seq)
        if row is None or row["letter"] is None:
            raise _gone(dead_letter)
        return row

    def _record(
        self,
        situation: Situation,
        session: Session,
        dead_letter: DeadLetterId,
        act: str,
        now: datetime,
        actor: str,
        reason: str | None,
        *,
        claim_id: str | None = None,
        event_id: str | None = None,
    ) -> None:
        last = session.row("last_act", user_id=dead_letter.user_id)
        record_act(
            situation,
            act,
            last=None if last is None else (last["version"], last["hash"]),
            event_id=event_id,
            claim_id=claim_id,
            about=f"{dead_letter.kind}:{dead_letter.seq}",
            actor=actor,
            reason=reason,
            now=now,
        )


def _check_texts(**texts: str | None) -> None:
    """Refuse what no database takes for text."""
    for name, text in texts.items():
        if text is not None and ("\0" in text or any("\ud800" <= one <= "\udfff" for one in text)):
            raise InvalidEvent([FieldError(field=name, reason="holds what is no text")])


def _gone(dead_letter: DeadLetterId) -> DeadLetterUnknown:
    return DeadLetterUnknown(
        f"there is no dead letter {str(dead_letter)!r}: it was retried or dropped meanwhile"
    )
