"""Waiting events as readers are shown them: what each waits for, who could be meant, what money it brings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from workflow_fsm.core.decision.addressing.addresses import Nobody, Several, To, Unknown
from workflow_fsm.core.decision.addressing.candidates import candidates, likeliest, show_candidates
from workflow_fsm.core.decision.addressing.correlation import address
from workflow_fsm.core.definition import Addressing, Definition, Rest, Trigger
from workflow_fsm.core.definition.events import Event
from workflow_fsm.core.model.inbox import Share, Standing, StoredEvent
from workflow_fsm.core.model.situation import Situation
from workflow_fsm.core.model.unapplied import shown_under, told_money
from workflow_fsm.core.records import Candidate, Record
from workflow_fsm.core.values import money
from workflow_fsm.core.values.instants import show_instant
from workflow_fsm.read.shapes import WaitingEvent
from workflow_fsm.stores.repository import Repository
from workflow_fsm.stores.session import Session


@dataclass(frozen=True, slots=True)
class Place:
    """From where on waiting events are shown: a number, and how many parts of that event are passed over."""

    seq: int = 0
    parts: int = 0


@dataclass(frozen=True, slots=True)
class WaitingPage:
    """Parts of events that wait, oldest first, and the place of the first that the page doesn't hold."""

    parts: Sequence[tuple[StoredEvent, Share]]
    then: Place | None


def waiting_page(
    situation: Situation, source: Repository, place: Place, limit: int, *, claim_id: str | None = None
) -> WaitingPage:
    """Give a page of the parts that wait; with a `claim_id`, of those that name that claim."""
    names = None if claim_id is None else [claim_id, *situation.aliases_of(claim_id)]
    parts: list[tuple[StoredEvent, Share]] = []
    while True:
        events, then = _events(source, names, place.seq, limit + 1)
        for stored in events:
            passed = place.parts if stored.seq == place.seq else 0
            for number, share in enumerate(stored.shares[passed:], passed):
                if share.standing is not Standing.WAITING:
                    continue
                if claim_id is None or (share.claim and situation.canonical(share.claim) == claim_id):
                    if len(parts) == limit:
                        return WaitingPage(parts, Place(stored.seq, number))
                    parts.append((stored, share))
        if then is None:
            return WaitingPage(parts, None)
        place = Place(then)


def _events(
    source: Repository, names: Sequence[str] | None, seq: int, limit: int
) -> tuple[list[StoredEvent], int | None]:
    """Give waiting events from a number on, at most `limit` under each name, and from where to read on."""
    if names is None:
        pages = [source.waiting_page(seq=seq, limit=limit)]
    else:
        pages = [source.waiting_page_of_claim(name, seq=seq, limit=limit) for name in names]
    whole = min((page[-1].seq for page in pages if len(page) == limit), default=None)
    found = {one.seq: one for page in pages for one in page if whole is None or one.seq <= whole}
    return [found[one] for one in sorted(found)], None if whole is None else whole + 1


class WaitingEvents:
    """Shows what waits of one user. Whoever could be meant is found once for all events that ask alike."""

    def __init__(self, definition: Definition, situation: Situation, source: Repository) -> None:
        self._definition = definition
        self._situation = situation
        self._source = source
        self._candidates: dict[tuple[str, bool, str | None], tuple[Candidate, ...]] = {}

    def expect(self, session: Session, parts: Iterable[tuple[StoredEvent, Share]]) -> None:
        """Look ahead to whose the cases are that parts about to be shown name."""
        cases = {stored.event.field("amazon_case_id") for stored, share in parts if share.claim is None}
        session.prefetch(
            ("with_case", {"user_id": self._situation.user_id, "case_id": case_id})
            for case_id in sorted(cases - {None})
        )

    def show(self, stored: StoredEvent, share: Share) -> WaitingEvent:
        """Show a part of an event that waits."""
        waiting_for, several = self.meant_by(stored, share)
        amount, currency = shown_money(self._definition, stored, self._source)
        return WaitingEvent(
            event_id=stored.event_id,
            trigger=stored.event.trigger,
            claim_id=share.claim,
            amount=amount,
            currency=currency,
            waiting_for=list(waiting_for),
            reason=share.reason,
            candidates=list(several),
            conflicts_with=share.conflicts_with,
            received_at=show_instant(stored.received_at),
            expires_at=None if stored.expires_at is None else show_instant(stored.expires_at),
        )

    def meant_by(self, stored: StoredEvent, share: Share) -> tuple[tuple[str, ...], tuple[Candidate, ...]]:
        """Give the triggers that a part waits for, as things stand, and who could be meant by it.

        Of a part that is refused or dead: who could be meant, were it judged anew.
        """
        trigger = self._definition.trigger(stored.event.trigger)
        part = next((part for part in stored.event.parts if part.claim == share.claim), None)
        if trigger is None or part is None or share.conflicts_with is not None:
            return share.waiting_for, ()
        if trigger.addressing in (Addressing.SYNC, Addressing.DETECTION):
            return share.waiting_for, ()
        match address(self._definition, self._situation, trigger, stored.event, part):
            case Nobody(rest=Rest.REFUSED, asked=asked) if len(asked) > 1:
                return (), show_candidates(asked)
            case Nobody(waiting_for=way):
                return way, ()
            case Several(lifecycles=several) if several:
                return (), show_candidates(
                    likeliest(self._definition, self._situation, stored.event, several)
                )
            case Several():
                return (), self._could_be_meant(trigger, stored.event)
            case Unknown(waiting_for=way):
                return way, self._could_be_meant(trigger, stored.event)
            case To(lifecycles=found) if part.claim is None and not share.lifecycles:
                return share.waiting_for, show_candidates(found)
            case To():
                return share.waiting_for, ()

    def _could_be_meant(self, trigger: Trigger, event: Event) -> tuple[Candidate, ...]:
        """Find candidates: they are the same for each event of a trigger that names a case, or names none."""
        asked = (
            trigger.name,
            event.field("amazon_case_id") is not None,
            None if trigger.money else event.field("sync_id"),
        )
        if asked not in self._candidates:
            self._candidates[asked] = candidates(self._definition, self._situation, trigger, event)
        return self._candidates[asked]


def shown_money(
    definition: Definition, stored: StoredEvent, source: Repository
) -> tuple[str | None, str | None]:
    """Give an event's amount as text, above nothing, and its currency; two Nones where it brings no money."""
    told = told_money(definition, stored, source.shown_currency)
    if told is None:
        return None, None
    currency, amount = told
    return _text_in(abs(amount), currency, source), currency


def unapplied(source: Repository) -> Record:
    """Give the payouts that wait, less the reversals that wait."""
    sums = shown_under(source.unapplied, source.shown_currency)
    return Record({code: _text_in(amount, code, source) for code, amount in sums.items()})


def _text_in(amount: Decimal, currency: str, source: Repository) -> str:
    """Show money with its currency's decimals: those that the store knows, where no list has it any more."""
    return money.text_in(amount, currency, {} if money.is_listed(currency) else source.currencies())
