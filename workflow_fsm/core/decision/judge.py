"""Judges one lifecycle: asks its cell what an event means to it, and does what the cell says.

A cell says a move, a fact kept, a wait, or a refusal. Moves and facts go into the situation, and are told in
the draft of the answer; what became of the event's part comes back as its share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from workflow_fsm.core.decision.addressing.correlation import original_of, way_to
from workflow_fsm.core.decision.answer import AnswerDraft, differences
from workflow_fsm.core.decision.filings import Filings
from workflow_fsm.core.decision.moves import due_at, move
from workflow_fsm.core.decision.one_event import OneEvent
from workflow_fsm.core.definition import Addressing, Definition, Meeting, Rest, Taken, Trigger
from workflow_fsm.core.definition.events import DEFAULT_CURRENCY, UNITS, Part
from workflow_fsm.core.definition.facts import DETECTION_AT, PAID_WITHOUT_CASE, TAKEN_BACK_AT
from workflow_fsm.core.model.inbox import ANY_CHANGE, Money, Share, Standing, StoredEvent, Wait, WaitKind
from workflow_fsm.core.model.lifecycle import Lifecycle
from workflow_fsm.core.model.situation import Situation
from workflow_fsm.core.model.ways_out import ONCE_MOVED, WITH_CLAIM
from workflow_fsm.core.values import money
from workflow_fsm.core.values.instants import show_instant
from workflow_fsm.core.values.value_types import replace


class Judge(OneEvent):
    """Judges lifecycles by one event, which is `stored` as it stands by now; `draft` is its answer so far."""

    def __init__(
        self,
        definition: Definition,
        situation: Situation,
        trigger: Trigger,
        stored: StoredEvent,
        now: datetime,
        *,
        is_retried: bool = False,
    ) -> None:
        super().__init__(definition, situation, trigger, stored, now)
        self._names_cases = self._first or is_retried
        self.stored = stored
        self.draft = AnswerDraft()
        self.cases = Filings(definition, situation, trigger, stored, now, self.draft)

    def wait(
        self,
        part: Part,
        *,
        reason: str,
        way_out: str | None = WITH_CLAIM,
        waits: Sequence[Wait] = (),
        waiting_for: Sequence[str] = (),
        lifecycle: Lifecycle | None = None,
    ) -> Share:
        """Give the share of a part that waits: for what, under which names, and why.

        Money that waits is a dead letter, so its reason goes on with the `way_out` (None: it does already).
        `lifecycle` is the one that it is for, where that is known: it tells the currency of money that tells
        none.
        """
        if self._trigger.money and way_out is not None:
            reason = f"{reason}; {way_out}"
        currency = None
        if self._trigger.money and self._event.field("currency") is None:
            currency = self._taken_back_in() if lifecycle is None else self._currency(lifecycle)
        return Share(
            claim=part.claim,
            standing=Standing.WAITING,
            index=part.index,
            waiting_for=tuple(waiting_for),
            waits=tuple(dict.fromkeys((*waits, *self._own_reimbursement()))),
            reason=reason,
            currency=currency,
        )

    def _own_reimbursement(self) -> tuple[Wait, ...]:
        """Give what any reversal waits for: a payout of its own id is what it takes back."""
        name = self._event.field("reimbursement_id")
        return (Wait(WaitKind.REIMBURSEMENT, name),) if self._trigger.money < 0 and name is not None else ()

    def names(self, part: Part) -> tuple[Wait, ...]:
        """Give the names by which the event says whom it is for."""
        if part.claim is not None:
            return (Wait(WaitKind.CLAIM, part.claim),)
        original = original_of(self._definition, self._situation, self._trigger, self._event)
        if original is not None:
            return (Wait(WaitKind.REIMBURSEMENT, original[0]),)
        case_id = self._event.field("amazon_case_id")
        if case_id is not None:
            return (Wait(WaitKind.CASE, case_id),)
        return () if self._trigger.money and self._situation.has_claims() else (ANY_CHANGE,)

    # -- one lifecycle

    def judge(self, lifecycle: Lifecycle, part: Part) -> Share:
        """Ask the lifecycle's cell, and do what it says."""
        told = self.told(part, lifecycle.facts)
        share = Share(claim=part.claim, standing=Standing.KNOWN, lifecycles=(lifecycle.id,), index=part.index)
        meeting = self._meeting(lifecycle, told)
        if self._trigger.money:
            met = self._money(lifecycle, meeting)
            if isinstance(met, str):
                self._name_case_of(lifecycle, part)
                way_out = "retry it with the currency that it is in, or drop it"
                return self.wait(
                    part, reason=met, way_out=way_out, waits=self.names(part), lifecycle=lifecycle
                )
            meeting = met
        answer = self._definition.answer(lifecycle.state, self._trigger.name, meeting)
        if answer is Rest.REFUSED and self._first:
            reason = (
                f"{self._trigger.name} contradicts what is recorded: the claim is {lifecycle.state}; "
                f"it takes {', '.join(self._definition.allowed(lifecycle.state)) or 'nothing more'}"
            )
            return self.draft.refuse(self._definition, lifecycle, part, reason, way_out=ONCE_MOVED)
        if answer is Rest.WAIT:
            self._name_case_of(lifecycle, part)
            return self._too_early(lifecycle, part, meeting)
        self.cases.name_of(lifecycle, part)
        if isinstance(answer, Rest):
            self._learn(lifecycle, told)
            if answer is Rest.KNOWN:
                self.cases.change(lifecycle, part, moved=False)
            self.draft.add_known(lifecycle, differences(lifecycle.facts, told))
            return share
        if meeting.currency is not None:
            self._move_money(lifecycle, answer, told, meeting, part)
        else:
            self.move(lifecycle, answer, told)
            self.cases.change(lifecycle, part, moved=True)
        return replace(share, standing=Standing.APPLIED)

    def _name_case_of(self, lifecycle: Lifecycle, part: Part) -> None:
        """Let one that waits name its claim's case."""
        self.cases.name_of(lifecycle, part, again=not self._names_cases)

    def told(self, part: Part, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Give the facts that a part tells of a lifecycle that has these."""
        told = self._trigger.told(part.fields, facts)
        at = self._event.occurred_at
        if at is not None and self._trigger.addressing is Addressing.DETECTION:
            told[DETECTION_AT] = show_instant(at)
        return told

    def _meeting(self, lifecycle: Lifecycle, told: Mapping[str, Any]) -> Meeting:
        return Meeting(
            facts=lifecycle.facts,
            told=told,
            paid=lifecycle.paid,
            units_paid=lifecycle.units,
            cases=self.cases.asked_about(lifecycle),
            case_id=self._event.field("amazon_case_id"),
            names_anew=self.cases.names_anew(lifecycle),
            force=self.stored.forced,
            now=self._now,
            occurred_at=self._event.occurred_at,
        )

    def _too_early(self, lifecycle: Lifecycle, part: Part, meeting: Meeting) -> Share:
        cell = self._definition.cell(lifecycle.state, self._trigger.name)
        way = cell.leads or way_to(self._definition, lifecycle.state, self._trigger, self._event)
        if self._trigger.money < 0 and cell.arrows:
            left = money.text(lifecycle.paid.get(meeting.currency or "", Decimal(0)))
            reason = (
                f"it takes back more than is left of what the claim was paid, {left} {meeting.currency}"
                + (f" and {lifecycle.units} units" if meeting.units else "")
            )
            way_out = "it waits for a payout, or retry it with force, or drop it"
        else:
            reason = f"{self._trigger.name} is too early: the claim is {lifecycle.state}"
            reason += f"; it waits for {' then '.join(way)}" if way else ""
            way_out = WITH_CLAIM
        own = (
            (WaitKind.SYNC, lifecycle.sync_id)
            if lifecycle.claim_id is None
            else (WaitKind.CLAIM, lifecycle.claim_id)
        )
        waits = (*self.names(part), Wait(*own))
        return self.wait(
            part, reason=reason, way_out=way_out, waits=waits, waiting_for=way, lifecycle=lifecycle
        )

    # -- money

    def _money(self, lifecycle: Lifecycle, meeting: Meeting) -> Meeting | str:
        """Find currency, amount and units; or say in a sentence why the money waits."""
        currency = self._currency(lifecycle)
        units = self._event.field(UNITS.name) or 0
        try:
            places = self._situation.decimals(currency)
            amount = money.payout(self._event.field("amount"), currency, places, or_nothing=units > 0)
        except money.NotMoney as error:
            return f"its amount can't be in {currency}: {error}"
        return replace(meeting, currency=currency, amount=amount, units=units)

    def _taken_back_in(self) -> str | None:
        """Give the currency of what is taken back, where that is one."""
        original = original_of(self._definition, self._situation, self._trigger, self._event)
        payouts = original[1] if original is not None else ()
        currencies = {stored.money.currency for stored in payouts if stored.money is not None}
        return currencies.pop() if len(currencies) == 1 else None

    def _currency(self, lifecycle: Lifecycle) -> str:
        """Give the currency that is told, else that of what is taken back, else the claim's."""
        told = self._event.field("currency")
        if told is not None:
            return str(told)
        original = original_of(self._definition, self._situation, self._trigger, self._event)
        for stored in original[1] if original is not None else ():
            if stored.money is not None and lifecycle.id in stored.lifecycles:
                return stored.money.currency
        if self._trigger.money < 0 and len(lifecycle.paid) == 1:
            return next(iter(lifecycle.paid))
        return str(lifecycle.facts.get("currency") or DEFAULT_CURRENCY)

    def _move_money(
        self, lifecycle: Lifecycle, taken: Taken, told: Mapping[str, Any], meeting: Meeting, part: Part
    ) -> None:
        assert meeting.currency is not None
        sign = self._trigger.money
        booked = Money(currency=meeting.currency, amount=sign * meeting.amount, units=sign * meeting.units)
        paid = money.add(lifecycle.paid, booked.currency, booked.amount)
        facts = dict(told)
        booked = replace(booked, case_id=self.cases.book(lifecycle, part, booked))
        if booked.case_id is None and sign > 0:
            facts[PAID_WITHOUT_CASE] = True
        if sign < 0 and original_of(self._definition, self._situation, self._trigger, self._event) is None:
            facts[TAKEN_BACK_AT] = self.stored.seq
        self.move(replace(lifecycle, paid=paid, units=lifecycle.units + booked.units), taken, facts)
        self.stored = replace(self.stored, money=booked)
        self._situation.changes.money.append(booked)
        for reimbursement in ("reimbursement_id", "original_reimbursement_id"):
            if self._event.field(reimbursement) is not None:
                self._situation.wake(Wait(WaitKind.REIMBURSEMENT, self._event.field(reimbursement)))

    # -- facts and moves

    def _learn(self, lifecycle: Lifecycle, told: Mapping[str, Any]) -> None:
        """Fill what is empty with what a known event tells, and overwrite nothing."""
        fills = {fact: value for fact, value in told.items() if lifecycle.facts.get(fact) is None}
        for group in self._trigger.together:
            if any(fact in told and lifecycle.facts.get(fact) not in (None, told[fact]) for fact in group):
                fills = {fact: value for fact, value in fills.items() if fact not in group}
        at, known = told.get(DETECTION_AT), lifecycle.facts.get(DETECTION_AT)
        if told.keys() == {DETECTION_AT}:
            fills.pop(DETECTION_AT, None)  # it tells nothing that an older one could tell otherwise
        elif at is not None and known is not None and at > known:
            fills[DETECTION_AT] = at  # nobody who is older than this one tells anew
        if fills:
            facts = {**lifecycle.facts, **fills}
            learnt = replace(lifecycle, facts=facts)
            due = due_at(self._definition, learnt.state, facts)
            self._situation.put(replace(learnt, due_at=due))

    def answer(self, lifecycle: Lifecycle, part: Part) -> Taken | Rest:
        """Ask a lifecycle's cell."""
        told = self.told(part, lifecycle.facts)
        return self._definition.answer(lifecycle.state, self._trigger.name, self._meeting(lifecycle, told))

    def move(
        self, lifecycle: Lifecycle, taken: Taken, told: Mapping[str, Any], *, forked: bool = False
    ) -> None:
        """Move a lifecycle as its cell says."""
        row = move(
            self._definition,
            self._situation,
            lifecycle,
            taken,
            self._trigger,
            told,
            now=self._now,
            stored=self.stored,
            forked=forked,
        )
        self.draft.add_move(row)
