"""Dead letters: listed, retried, dropped and restored by whoever operates the store.

Each act is written into the user's chain of acts, with who did it and why.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workflow_fsm.core.errors import FieldError, InvalidEvent, WorkflowError
from workflow_fsm.core.model.inbox import FORCE
from workflow_fsm.core.records import EventAnswer
from workflow_fsm.core.values.fields import Kind, read_value
from workflow_fsm.parts import dead_letter_acts
from workflow_fsm.parts.dead_letter_acts import Acting
from workflow_fsm.parts.store_handle import StoreHandle
from workflow_fsm.read import dead_letters as deadletters
from workflow_fsm.read.dead_letters import DeadLetterId, DeadLetterPage
from workflow_fsm.read.letter_shapes import Act, DroppedLetter, RestoredLetter, RevivedEffect
from workflow_fsm.read.limits import MOST_A_PAGE, checked_limit


class DeadLetters(StoreHandle):
    """What an operator does; a part of `Workflow`."""

    def dead_letters(
        self,
        *,
        kind: str | None = None,
        user_id: str | None = None,
        handler: str | None = None,
        trigger: str | None = None,
        reason_contains: str | None = None,
        dropped: bool = False,
        limit: int = 100,
        cursor: str | None = None,
    ) -> DeadLetterPage:
        """List dead letters, oldest first: events refused, expired or waiting with money; effects given up.

        `kind` is `event` or `effect`; `reason_contains` is a part of the reason, in either case; with
        `dropped` those that were dropped are listed instead. Each is
        `{id, kind, user_id, claim_id, trigger, amount, currency, handler, reason, error, attempts, at,
        event_id, candidates, conflicts_with}`; `next_cursor` is the `cursor` of the next page. Raises
        InvalidEvent for a kind or cursor that is none.
        """
        wanted = deadletters.Wanted(
            kind=kind,
            user_id=user_id,
            handler=handler,
            trigger=trigger,
            reason_contains=reason_contains,
            dropped=dropped,
        )
        return self._dead_letters(wanted, limit, cursor)

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
        earlier event, or takes back more than is left. The event keeps what it said; what an earlier retry
        laid over it is there no more. Gives its outcome as an
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
        return self._retry(self._acting(dead_letter, actor, reason), overlay)

    def drop_dead_letter(self, letter_id: str, *, reason: str, actor: str = "library") -> DroppedLetter:
        """End a dead letter, for a `reason` that is kept. Gives `{"status": "dropped"}`.

        Its ids bind nobody any more; `restore_dead_letter` brings it back. Raises DeadLetterUnknown,
        InvalidEvent (no reason was given).
        """
        acting = self._acting(DeadLetterId.parse(letter_id), actor, reason)
        if not reason.strip():
            raise InvalidEvent([FieldError(field="reason", reason="is required, and not blank")])
        dead_letter_acts.drop_in(self._store, self.definition, acting)
        return DroppedLetter(status="dropped")

    def restore_dead_letter(
        self, letter_id: str, *, actor: str = "library", reason: str | None = None
    ) -> RestoredLetter:
        """Bring a dropped dead letter back. Gives `{"status": "restored"}`.

        Money that waits is judged again, and may be applied at once. Raises DeadLetterUnknown where none was
        dropped.
        """
        acting = self._acting(DeadLetterId.parse(letter_id), actor, reason)
        self._store.commit_for(
            acting.letter.user_id, lambda unit: dead_letter_acts.restore(unit, self.definition, acting)
        )
        return RestoredLetter(status="restored")

    def acts(self, user_id: str, *, limit: int = 100, cursor: int | None = None) -> list[Act]:
        """List what was done with a user's dead letters, oldest first, after `cursor`.

        Each is a row of a chain, as history's are.
        """
        checked_limit(limit, MOST_A_PAGE)
        return self._store.read(
            lambda session: dead_letter_acts.list_acts(session, user_id, cursor=cursor or 0, limit=limit)
        )

    # -- parts

    def _dead_letters(self, wanted: deadletters.Wanted, limit: int, cursor: str | None) -> DeadLetterPage:
        return self._store.read(
            lambda session: deadletters.list_dead_letters(
                session, self.definition, wanted, limit=limit, cursor=cursor
            )
        )

    def _retry(self, acting: Acting, overlay: Mapping[str, Any] | None) -> EventAnswer | RevivedEffect:
        """Retry a dead letter. Raises what its event is refused with."""
        outcome = self._store.commit_for(
            acting.letter.user_id,
            lambda unit: dead_letter_acts.retry(unit, self.definition, acting, overlay, self._policy),
        )
        if isinstance(outcome, WorkflowError):
            raise outcome
        return outcome

    def _acting(self, letter: DeadLetterId, actor: str, reason: str | None) -> Acting:
        """Say who acts, now. Raises InvalidEvent for what no database takes for text."""
        for name, text in (("actor", actor), ("reason", reason)):
            if text is not None and ("\0" in text or any("\ud800" <= one <= "\udfff" for one in text)):
                raise InvalidEvent([FieldError(field=name, reason="holds what is no text")])
        return Acting(letter=letter, actor=actor, reason=reason, at=self._clock())


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
