"""Many dead letters: all that match, counted with their money first, then retried or dropped one by one.

Each is an act of its own, in a commit of its own, so that nobody waits for all of them; what was done before
one that can't be is done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from workflow_fsm.core.errors import FieldError, InvalidEvent, StoreUnavailable, WorkflowError
from workflow_fsm.core.values import money
from workflow_fsm.parts import dead_letter_acts
from workflow_fsm.parts.dead_letters import DeadLetters
from workflow_fsm.read.across.effects import count_dead_effects
from workflow_fsm.read.dead_letters import DeadLetterId, Wanted
from workflow_fsm.read.letter_shapes import DeadLetterRecord, DroppedLetters, RetriedLetters
from workflow_fsm.read.limits import MOST_A_PAGE
from workflow_fsm.read.status import sums


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedLetter:
    """A dead letter that matched: what is told of it while many are acted on."""

    id: str
    user_id: str
    claim_id: str | None
    trigger: str | None
    handler: str | None
    event_id: str | None
    amount: str | None
    currency: str | None
    signed: Decimal

    @property
    def is_money(self) -> bool:
        """Whether it brings money or takes some back."""
        return self.currency is not None and bool(self.signed)


Heard = Callable[[MatchedLetter, str], None]
"""Is told of each what became of it: an outcome's status, an effect's, or the code of an error."""


class ManyDeadLetters(DeadLetters):
    """What an operator does with many at once; a part of `Workflow`."""

    def retry_dead_letters(
        self,
        *,
        kind: str | None = None,
        user_id: str | None = None,
        handler: str | None = None,
        trigger: str | None = None,
        reason_contains: str | None = None,
        dry_run: bool = False,
        actor: str = "library",
        reason: str | None = None,
        heard: Heard | None = None,
    ) -> RetriedLetters:
        """Retry all dead letters that match; with `dry_run` only count them, and their money.

        What a retry by its id laid over an event stays. One whose ids are another event's (422) is left as it
        is, and counts as failed: whether it counts beside the other is told of it alone. Gives `matched` and
        `money` (payouts less reversals among these), `settled` and `settled_money` (what is none any more),
        `waiting` (what waits again), `failed` (what failed again), and how many `became` what. `heard` is
        called with each, as it is done, and with what became of it. Raises InvalidEvent, and
        StoreUnavailable, which leaves the rest as it is.
        """
        wanted = Wanted(
            kind=kind, user_id=user_id, handler=handler, trigger=trigger, reason_contains=reason_contains
        )
        if dry_run:
            many, added = self._counted(wanted)
            return RetriedLetters(
                matched=many, money=added, settled=0, settled_money={}, waiting=0, failed=0, became={}
            )
        matched = list(self._matching(wanted))
        became: Counter[str] = Counter()
        settled: dict[str, Decimal] = {}
        failed = 0

        def retry(letter: MatchedLetter) -> str:
            return self._retry(self._acting(DeadLetterId.parse(letter.id), actor, reason), None).status

        for letter, how, is_done in self._each(matched, retry, heard):
            if not is_done:
                failed += 1
                continue
            became[how] += 1
            if how != "deferred":
                settled = _with(settled, letter)
        waiting = became["deferred"]
        return RetriedLetters(
            matched=len(matched),
            money=_added_up(matched),
            settled=became.total() - waiting,
            settled_money=sums(settled),
            waiting=waiting,
            failed=failed,
            became=dict(sorted((+became).items())),
        )

    def drop_dead_letters(
        self,
        *,
        reason: str | None = None,
        kind: str | None = None,
        user_id: str | None = None,
        handler: str | None = None,
        trigger: str | None = None,
        reason_contains: str | None = None,
        dry_run: bool = False,
        actor: str = "library",
        heard: Heard | None = None,
    ) -> DroppedLetters:
        """End all dead letters that match, for a `reason` that is kept; with `dry_run` only count them.

        A dry run needs no reason. Gives `matched` and `money` (payouts less reversals among these),
        `dropped`, and `failed`: what was settled by somebody else meanwhile. `heard` is as for
        `retry_dead_letters`. Raises InvalidEvent, and StoreUnavailable, which leaves the rest as it is.
        """
        if not dry_run and not (reason or "").strip():
            raise InvalidEvent([FieldError(field="reason", reason="is required, and not blank")])
        wanted = Wanted(
            kind=kind, user_id=user_id, handler=handler, trigger=trigger, reason_contains=reason_contains
        )
        if dry_run:
            many, added = self._counted(wanted)
            return DroppedLetters(matched=many, money=added, dropped=0, failed=0)
        matched = list(self._matching(wanted))

        def drop(letter: MatchedLetter) -> str:
            acting = self._acting(DeadLetterId.parse(letter.id), actor, reason)
            dead_letter_acts.drop_in(self._store, self.definition, acting)
            return "dropped"

        done = [is_done for _, _, is_done in self._each(matched, drop, heard)]
        return DroppedLetters(
            matched=len(matched), money=_added_up(matched), dropped=sum(done), failed=done.count(False)
        )

    # -- parts

    def _counted(self, wanted: Wanted) -> tuple[int, dict[str, str]]:
        """Count all that match, and add up their money; effects, which have none, without reading them."""
        if wanted.kind == "event" or wanted.user_id is not None or wanted.trigger is not None:
            matched = list(self._matching(wanted))
            return len(matched), _added_up(matched)
        effects = 0
        if wanted.kind in (None, "effect"):
            effects = self._store.read(lambda session: count_dead_effects(session, wanted))
        if wanted.kind == "effect" or (wanted.kind is None and wanted.handler is not None):
            return effects, {}
        events = list(self._matching(replace(wanted, kind=wanted.kind or "event")))
        return effects + len(events), _added_up(events)

    def _matching(self, wanted: Wanted) -> Iterator[MatchedLetter]:
        """Give all that match, as they stand now, oldest first."""
        cursor: str | None = None
        while True:
            page = self._dead_letters(wanted, MOST_A_PAGE, cursor)
            yield from map(self._matched, page)
            cursor = page.next_cursor
            if cursor is None:
                return

    def _each(
        self, letters: Iterable[MatchedLetter], act: Callable[[MatchedLetter], str], heard: Heard | None
    ) -> Iterator[tuple[MatchedLetter, str, bool]]:
        """Do an act with each; give what became of it, or the code of its error, and whether it was done."""
        for letter in letters:
            try:
                how, is_done = act(letter), True
            except StoreUnavailable:
                raise
            except WorkflowError as error:
                how, is_done = error.code, False
            if heard is not None:
                heard(letter, how)
            yield letter, how, is_done

    def _matched(self, letter: DeadLetterRecord) -> MatchedLetter:
        trigger = self.definition.trigger(letter.trigger) if letter.trigger is not None else None
        signed = Decimal(0)
        if letter.kind == "event" and letter.amount is not None and trigger is not None:
            signed = Decimal(letter.amount) * trigger.money
        return MatchedLetter(
            id=letter.id,
            user_id=letter.user_id,
            claim_id=letter.claim_id,
            trigger=letter.trigger,
            handler=letter.handler,
            event_id=letter.event_id,
            amount=letter.amount,
            currency=letter.currency,
            signed=signed,
        )


def _with(added: Mapping[str, Decimal], letter: MatchedLetter) -> dict[str, Decimal]:
    if letter.currency is None or not letter.is_money:
        return dict(added)
    return money.add(added, letter.currency, letter.signed)


def _added_up(letters: list[MatchedLetter]) -> dict[str, str]:
    added: dict[str, Decimal] = {}
    for letter in letters:
        added = _with(added, letter)
    return sums(added)
