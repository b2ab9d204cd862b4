"""Filings: what an event tells of a claim's cases. Names them, marks them filed, rejected or paid, and
doubts.

Where a case becomes another claim's as well, the answer hints at it; what was taken by that case alone is
told to a person as a dead letter, and nothing is moved.
"""

from __future__ import annotations

from datetime import datetime

from workflow_fsm.core.decision.addressing.correlation import original_of
from workflow_fsm.core.decision.answer import AnswerDraft, event_dead_letter
from workflow_fsm.core.decision.one_event import OneEvent
from workflow_fsm.core.definition import Definition, Trigger
from workflow_fsm.core.definition.cases import Cases, CaseState, file, is_told_late, reject
from workflow_fsm.core.definition.cases import book as book_under
from workflow_fsm.core.definition.cases import name as named_case
from workflow_fsm.core.definition.events import Part
from workflow_fsm.core.definition.facts import PAID_WITHOUT_CASE
from workflow_fsm.core.model.inbox import Money, StoredEvent
from workflow_fsm.core.model.lifecycle import CaseOwner, Lifecycle
from workflow_fsm.core.model.situation import Situation
from workflow_fsm.core.values.value_types import replace


class Filings(OneEvent):
    """What one event changes of the cases of those that it is for."""

    def __init__(
        self,
        definition: Definition,
        situation: Situation,
        trigger: Trigger,
        stored: StoredEvent,
        now: datetime,
        draft: AnswerDraft,
    ) -> None:
        super().__init__(definition, situation, trigger, stored, now)
        self._draft = draft

    def asked_about(self, lifecycle: Lifecycle) -> Cases:
        """Give a lifecycle's cases, where its cell asks about them, as they are with what the event names."""
        if not self._trigger.files and not self._trigger.rejects:
            return {}
        cases = self._situation.cases_of(lifecycle.owner)
        case_id = self._event.field("amazon_case_id")
        if case_id is not None and self._event.field("claim_id") is not None:
            cases = named_case(cases, case_id, at=self._now, seq=self._stored.seq)
        return cases

    def names_anew(self, lifecycle: Lifecycle) -> bool:
        """Tell whether it names a case that the claim which it names hasn't by that name."""
        if not self._trigger.rejects or self._event.field("claim_id") is None:
            return False
        return self._event.field("amazon_case_id") not in self._situation.cases_of(lifecycle.owner)

    def book(self, lifecycle: Lifecycle, part: Part, booked: Money) -> str | None:
        """Book money under the case that it is for, where there is one; give that."""
        case_id = self._booked_case(lifecycle, part)
        if case_id is None:
            return None
        cases = book_under(
            self._situation.cases_of(lifecycle.owner),
            case_id,
            currency=booked.currency,
            amount=booked.amount,
            units=booked.units,
            at=self._now,
            seq=self._stored.seq,
            alone=self._is_by_case_alone(part),
        )
        self._put_cases(lifecycle.owner, cases)
        return case_id

    def name_of(self, lifecycle: Lifecycle, part: Part, *, again: bool = False) -> None:
        """Let a lifecycle that is named as a claim have the case that is named with it."""
        if part.claim is not None:
            self.name(lifecycle.owner, again=again)

    def name(self, owner: CaseOwner, *, again: bool = False) -> None:
        """Let a claim that is named have the case that is named with it.

        One that is judged `again` names it for the filing without a name that came since; a case that was
        taken away meanwhile stays away.
        """
        case_id = self._event.field("amazon_case_id")
        if case_id is None:
            return
        cases = self._situation.cases_of(owner)
        if not again or (case_id in cases and None in cases):
            self._put_cases(owner, named_case(cases, case_id, at=self._now, seq=self._stored.seq))

    def change(self, lifecycle: Lifecycle, part: Part, *, moved: bool) -> None:
        """Let a filing or a verdict say what it says of the claim's cases."""
        case_id = self._event.field("amazon_case_id")
        cases = (
            self._situation.cases_of(lifecycle.owner) if self._trigger.files or self._trigger.rejects else {}
        )
        if self._trigger.rejects:
            changed = reject(
                cases, case_id, at=self._now, seq=self._stored.seq, alone=self._is_by_case_alone(part)
            )
            self._put_cases(lifecycle.owner, changed)
        elif self._trigger.files:
            without_case = bool(lifecycle.facts.get(PAID_WITHOUT_CASE))
            late = not moved and is_told_late(cases, case_id, paid_without_case=without_case)
            is_new = case_id is not None or not any(case.told for case in cases.values())
            if late or moved or is_new:
                self._file(lifecycle, cases, late=late, moved=moved)
            if without_case:  # whoever files now tells of the filing that was paid
                now = self._situation.lifecycle(lifecycle.id)
                assert now is not None
                self._situation.put(replace(now, facts={**now.facts, PAID_WITHOUT_CASE: None}))

    def _file(self, lifecycle: Lifecycle, cases: Cases, *, late: bool, moved: bool) -> None:
        state = CaseState.FILED
        if late:
            is_paid = lifecycle.units > 0 or any(lifecycle.paid.values())
            state = CaseState.PAID if is_paid else CaseState.REJECTED
        case_id = self._event.field("amazon_case_id")
        changed = file(
            cases, case_id, late=late, state=state, at=self._now, seq=self._stored.seq, moved=moved
        )
        self._put_cases(lifecycle.owner, changed)

    def _put_cases(self, owner: CaseOwner, cases: Cases) -> None:
        """Keep a claim's cases; where one is another's too, say so, and doubt what was taken by it alone."""
        before = self._situation.cases_of(owner)
        self._situation.put_cases(owner, cases)
        for case_id in cases.keys() - before.keys():
            for other, _ in self._situation.owners_of(case_id) if case_id is not None else ():
                if other != owner:
                    self._share_case(str(case_id), owner, other)

    def _share_case(self, case_id: str, owner: CaseOwner, other: CaseOwner) -> None:
        claim, known = (one.claim_id or f"of sync {one.sync_id}" for one in (owner, other))
        self._draft.hints.append(f"case {case_id!r} is that of claim {known!r}, too.")
        alone = self._situation.cases_of(other)[case_id].alone
        stored = None if alone is None else self._situation.event_at(alone)
        if stored is not None and stored.seq != self._stored.seq:  # whoever names it by a retry has seen both
            doubt = (
                f"it was taken for claim {known!r} by case {case_id!r} alone, which is that of claim "
                f"{claim!r}, too; nothing was moved: see whose it is, correct what is wrong, "
                "then retry or drop this"
            )
            doubted = replace(stored, doubt=doubt)
            self._situation.keep(doubted)
            self._situation.tell_of(event_dead_letter(doubted), self._now)

    def _is_by_case_alone(self, part: Part) -> bool:
        """Tell whether it is for whom it is only since that one has the case that it names."""
        if part.claim is not None or self._event.field("amazon_case_id") is None:
            return False
        return original_of(self._definition, self._situation, self._trigger, self._event) is None

    def _booked_case(self, lifecycle: Lifecycle, part: Part) -> str | None:
        """Give the case that money is booked under: the one that is named, else that of what is taken back.

        A case that is named beside an original alone, and isn't the claim's, is none of its either.
        """
        case_id: str | None = self._event.field("amazon_case_id")
        original = original_of(self._definition, self._situation, self._trigger, self._event)
        is_its = part.claim is not None or case_id in self._situation.cases_of(lifecycle.owner)
        if case_id is not None and (is_its or original is None):
            return case_id
        for stored in original[1] if original is not None else ():
            if stored.money is not None and lifecycle.id in stored.lifecycles:
                return stored.money.case_id
        return None
