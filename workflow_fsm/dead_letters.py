"""Dead letters: listed, retried, dropped and restored by whoever operates the store.

Each act is written into the user's chain of acts, with who did it and why.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from workflow_fsm.core.decision.dead_letters import (
    DROPPED,
    RESTORED,
    RETRIED,
    drop_event,
    record_act,
    restore_event,
    retry_event,
    told_with,
)
from workflow_fsm.core.errors import (
    DeadLetterUnknown,
    FieldError,
    InvalidEvent,
    StoreUnavailable,
    WorkflowError,
)
from workflow_fsm.core.model.inbox import FORCE, Standing, StoredEvent
from workflow_fsm.core.model.situation import Situation
from workflow_fsm.core.outcome import Outcome
from workflow_fsm.core.records import EventAnswer
from workflow_fsm.core.values.fields import Kind, read_value
from workflow_fsm.effects import outbox
from workflow_fsm.read import dead_letters as deadletters
from workflow_fsm.read.dead_letters import DeadLetterId, DeadLetterPage
from workflow_fsm.read.shapes import (
    Act,
    DeadLetterRecord,
    DroppedLetter,
    RestoredLetter,
    RetriedLetters,
    RevivedEffect,
)
from workflow_fsm.store_handle import StoreHandle
from workflow_fsm.stores.event_mapping import stored_event_of
from workflow_fsm.stores.session import Columns, Session
from workflow_fsm.stores.unit_of_work import UnitOfWork


class DeadLetters(StoreHandle):
    """What an operator does; a part of `Workflow`."""

    def dead_letters(
        self,
        *,
        kind: str | None = None,
        user_id: str | None = None,
        handler: str | None = None,
        trigger: str | None = None,
        dropped: bool = False,
        limit: int = 100,
        cursor: str | None = None,
    ) -> DeadLetterPage:
        """List dead letters, oldest first: events refused, expired or waiting with money; effects given up.

        `kind` is `event` or `effect`; with `dropped` those that were dropped are listed instead. Each is
        `{id, kind, user_id, claim_id, trigger, amount, currency, handler, reason, error, attempts, at,
        event_id, candidates, conflicts_with}`; `next_cursor` is the `cursor` of the next page. Raises
        InvalidEvent for a kind or cursor that is none.
        """
        definition = self._store.definition
        wanted = deadletters.Wanted(
            kind=kind, user_id=user_id, handler=handler, trigger=trigger, dropped=dropped
        )
        return self._store.read(
            lambda session: deadletters.list_dead_letters(
                session, definition, wanted, limit=limit, cursor=cursor
            )
        )

    def retry_dead_letter(
        self,
        letter_id: str,
        *,
        claim_id: str | None = None,
        amazon_case_id: str | None = None,
        currency: str | None = None,
        line_id: str | None = None,
        original_reimbursement_id: str | None = None,
        force: bool = False,
        actor: str = "library",
        reason: str | None = None,
    ) -> EventAnswer | RevivedEffect:
        """Try a dead letter again: judge an event anew, or owe an effect anew.

        What a person knows of an event is laid over what it said: whom it is for (`claim_id`,
        `amazon_case_id`), its `currency`, the `line_id` that it is of its reimbursement, the payout that a
        reversal takes back (`original_reimbursement_id`). `force` lets through money that conflicts with an
        earlier event, or takes back more than is left. The event keeps what it said. Gives its outcome as an
        answer to it would be, or `{"status": "owed"}` for an effect (`void` where it was work for being in a
        state that the claim has left). Raises DeadLetterUnknown, InvalidEvent (given what it can't take),
        NotAllowed (refused again).
        """
        dead_letter = DeadLetterId.parse(letter_id)
        overlay = _overlay(
            self._store.currencies,
            claim_id=claim_id,
            amazon_case_id=amazon_case_id,
            currency=currency,
            line_id=line_id,
            original_reimbursement_id=original_reimbursement_id,
        )
        if force:
            overlay[FORCE] = True
        if dead_letter.kind == "effect" and overlay:
            fault = "an effect is for the claim of its own transition; retry it without one"
            raise InvalidEvent([FieldError(field=name, reason=fault) for name in overlay])
        _check_texts(actor=actor, reason=reason)
        now = self._clock()

        def retry(unit: UnitOfWork) -> EventAnswer | RevivedEffect | WorkflowError:
            if dead_letter.kind == "effect":
                settled = self._revive(unit, dead_letter, "owed", RETRIED, now, actor, reason)
                return RevivedEffect(status="void" if settled == "void" else "owed")
            return self._retry_event(unit, dead_letter, overlay, now, actor, reason)

        outcome = self._store.commit(retry, users=[dead_letter.user_id])
        if isinstance(outcome, WorkflowError):
            raise outcome
        return outcome

    def drop_dead_letter(self, letter_id: str, *, reason: str, actor: str = "library") -> DroppedLetter:
        """End a dead letter, for a `reason` that is kept. Gives `{"status": "dropped"}`.

        Its ids bind nobody any more; `restore_dead_letter` brings it back. Raises DeadLetterUnknown,
        InvalidEvent (no reason was given).
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

    def restore_dead_letter(
        self, letter_id: str, *, actor: str = "library", reason: str | None = None
    ) -> RestoredLetter:
        """Bring a dropped dead letter back. Gives `{"status": "restored"}`.

        Money that waits is judged again, and may be applied at once. Raises DeadLetterUnknown where none was
        dropped.
        """
        dead_letter = DeadLetterId.parse(letter_id)
        _check_texts(actor=actor, reason=reason)
        now = self._clock()

        def restore(unit: UnitOfWork) -> RestoredLetter:
            if dead_letter.kind == "effect" and not outbox.restore(
                unit.session, dead_letter.user_id, dead_letter.seq
            ):
                raise _gone(dead_letter)

            def change(situation: Situation) -> None:
                event_id = None
                if dead_letter.kind == "event":
                    stored = self._dropped_event(unit.session, dead_letter)
                    event_id = stored.event_id
                    restore_event(self._store.definition, situation, stored, now)
                self._record(
                    situation, unit.session, dead_letter, RESTORED, now, actor, reason, event_id=event_id
                )

            unit.change(dead_letter.user_id, now, change)
            return RestoredLetter(status="restored")

        return self._store.commit(restore, users=[dead_letter.user_id])

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

        Gives `{"matched", "settled", "waiting", "failed"}`: what is none any more, what waits again, and what
        failed again. Raises InvalidEvent, and StoreUnavailable, which leaves the rest as it is.
        """
        matched: list[DeadLetterRecord] = []
        cursor: str | None = None
        while True:
            page = self.dead_letters(
                kind=kind, user_id=user_id, handler=handler, trigger=trigger, limit=1000, cursor=cursor
            )
            matched += page
            cursor = page.next_cursor
            if cursor is None:
                break
        settled = waiting = failed = 0
        for dead_letter in [] if dry_run else matched:
            try:
                outcome = self.retry_dead_letter(dead_letter.id, actor=actor, reason=reason)
            except StoreUnavailable:
                raise
            except WorkflowError:
                failed += 1
                continue
            waits = outcome.status == "deferred"
            waiting, settled = waiting + waits, settled + (not waits)
        return RetriedLetters(matched=len(matched), settled=settled, waiting=waiting, failed=failed)

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
        overlay: dict[str, Any],
        now: datetime,
        actor: str,
        reason: str | None,
    ) -> EventAnswer | WorkflowError:
        def change(situation: Situation) -> EventAnswer | WorkflowError:
            definition = self._store.definition
            stored = stored_event_of(definition, self._dead_event(unit.session, dead_letter))
            outcome = retry_event(
                definition, situation, stored, overlay=overlay, now=now, policy=self._policy
            )
            self._record(
                situation,
                unit.session,
                dead_letter,
                RETRIED,
                now,
                actor,
                told_with(overlay, reason),
                claim_id=overlay.get("claim_id"),
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

    def _dropped_event(self, session: Session, dead_letter: DeadLetterId) -> StoredEvent:
        row = session.row("event_at", user_id=dead_letter.user_id, seq=dead_letter.seq)
        stored = None if row is None else stored_event_of(self._store.definition, row)
        if stored is None or all(share.standing is not Standing.DROPPED for share in stored.shares):
            raise DeadLetterUnknown(
                f"no dead letter {str(dead_letter)!r} was dropped, or it was restored meanwhile"
            )
        return stored

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


def _overlay(currencies: Mapping[str, int], **given: str | None) -> dict[str, Any]:
    """Read what a person lays over an event. Raises InvalidEvent with all that is wrong."""
    errors, overlay = [], {}
    for name, value in given.items():
        if value is None:
            continue
        try:
            if name != "currency":
                overlay[name] = read_value(Kind.ID, value)
            elif isinstance(value, str) and value.upper() in currencies:
                overlay[name] = value.upper()
            else:
                overlay[name] = read_value(Kind.CURRENCY, value)
        except ValueError as error:
            errors.append(FieldError(field=name, reason=str(error)))
    if errors:
        raise InvalidEvent(errors)
    return overlay


def _check_texts(**texts: str | None) -> None:
    """Refuse what no database takes for text."""
    for name, text in texts.items():
        if text is not None and ("\0" in text or any("\ud800" <= one <= "\udfff" for one in text)):
            raise InvalidEvent([FieldError(field=name, reason="holds what is no text")])


def _gone(dead_letter: DeadLetterId) -> DeadLetterUnknown:
    return DeadLetterUnknown(
        f"there is no dead letter {str(dead_letter)!r}: it was retried or dropped meanwhile"
    )
