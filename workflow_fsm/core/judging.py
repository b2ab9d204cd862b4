"""Judges one lifecycle by its cell, and does what the cell says: a move, a fact kept, a wait, or a refusal.

Moves and facts are written into the situation, and told in the account from which the answer is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from workflow_fsm.core import money
from workflow_fsm.core.address import way_to
from workflow_fsm.core.claim import DEFAULT_CURRENCY
from workflow_fsm.core.definition import Definition, Meeting, Rest
from workflow_fsm.core.errors import FieldError
from workflow_fsm.core.events import Part
from workflow_fsm.core.kept import Kept, Money, Share, Standing
from workflow_fsm.core.lifecycle import Lifecycle, Row
from workflow_fsm.core.moves import due_at, move
from workflow_fsm.core.outcome import Record
from workflow_fsm.core.repeats import reimbursed_already, says_the_same_money
from workflow_fsm.core.situation import Situation

NEW_ID_NEEDED = "a correction needs a new event id"


@dataclass(slots=True)
class Account:
    """What became of an event's parts, as the answer tells it."""

    transitions: list[Record] = field(default_factory=list)
    unchanged: dict[int, Lifecycle] = field(default_factory=dict)
    refused: list[Record] = field(default_factory=list)
    candidates: list[Record] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)


class Judging:
    """One event, as it is held against the lifecycles that it is for."""

    def __init__(self, definition: Definition, situation: Situation, kept: Kept, now: datetime) -> None:
        trigger = definition.trigger(kept.event.trigger)
        assert trigger is not None
        self._definition = definition
        self._situation = situation
        self._trigger = trigger
        self._kept = kept
        self._event = kept.event
        self._now = now
        self._first = not kept.shares
        self.account = Account()

    def _judge(self, lifecycle: Lifecycle, part: Part) -> Share:
        """Ask the lifecycle's cell, and do what it says."""
        told = self._trigger.tells(part.fields, lifecycle.facts)
        if self._is_of_another_case(lifecycle, part):
            told = {name: value for name, value in told.items() if name != "amazon_case_id"}
        share = Share(claim=part.claim, standing=Standing.KNOWN, lifecycles=(lifecycle.id,), index=part.index)
        meeting = Meeting(facts=lifecycle.facts, paid=lifecycle.paid, told=told)
        if self._trigger.money:
            met = self._money(lifecycle, meeting)
            if not isinstance(met, Meeting):
                return replace(share, standing=met)
            meeting = met
        cell = self._definition.cell(lifecycle.state, self._trigger.name)
        answer = self._definition.answer(lifecycle.state, self._trigger.name, meeting)
        if answer is Rest.WAIT:
            way = cell.leads or way_to(self._definition, lifecycle.state, self._trigger.name)
            return replace(share, standing=Standing.WAITING, lifecycles=(), waiting_for=way)
        if answer is Rest.REFUSED and self._first:
            reason = (
                f"{self._trigger.name} contradicts what is recorded: the claim is {lifecycle.state}; "
                f"it takes {', '.join(self._definition.allowed(lifecycle.state)) or 'nothing more'}"
            )
            return self._refuse(lifecycle, part, reason)
        if isinstance(answer, Rest):
            self._learn(lifecycle, told)
            self.account.unchanged[lifecycle.id] = lifecycle
            return share
        if meeting.currency is not None:
            self._move_money(lifecycle, answer, told, meeting)
        else:
            self._move(lifecycle, answer, told)
        return replace(share, standing=Standing.APPLIED)

    def _money(self, lifecycle: Lifecycle, meeting: Meeting) -> Meeting | Standing:
        """Settle currency and amount; or say that the money waits, or was counted already."""
        currency = self._event.field("currency") or lifecycle.facts.get("currency") or DEFAULT_CURRENCY
        try:
            minor = money.payout_minor(self._event.field("amount"), currency)
        except money.NotMoney:
            return Standing.WAITING
        earlier = reimbursed_already(self._situation, self._kept, lifecycle)
        if earlier is not None:
            same = says_the_same_money(earlier, self._event)
            return Standing.KNOWN if same else Standing.WAITING
        return replace(meeting, currency=currency, amount=minor)

    def _move_money(
        self, lifecycle: Lifecycle, target: str, told: Mapping[str, Any], meeting: Meeting
    ) -> None:
        assert meeting.currency is not None
        signed = meeting.amount * self._trigger.money
        paid = {**lifecycle.paid}
        paid[meeting.currency] = paid.get(meeting.currency, 0) + signed
        paid = {currency: minor for currency, minor in sorted(paid.items()) if minor}
        self._move(replace(lifecycle, paid=paid), target, told)
        moved = Money(currency=meeting.currency, minor=signed)
        self._kept = replace(self._kept, money=moved)
        self._situation.changes.money.append(moved)

    def _learn(self, lifecycle: Lifecycle, told: Mapping[str, Any]) -> None:
        """Fill what is empty with what a known event tells, and overwrite nothing."""
        fills = {name: value for name, value in told.items() if lifecycle.facts.get(name) is None}
        for group in self._trigger.together:
            if any(name in told and lifecycle.facts.get(name) not in (None, told[name]) for name in group):
                fills = {name: value for name, value in fills.items() if name not in group}
        if fills:
            facts = {**lifecycle.facts, **fills}
            learnt = replace(lifecycle, facts=facts)
            due = due_at(self._definition, learnt.state, facts)
            self._situation.put(replace(learnt, due_at=due))

    def _answer(self, lifecycle: Lifecycle, fields: Mapping[str, Any]) -> str | Rest:
        told = self._trigger.tells(fields, lifecycle.facts)
        meeting = Meeting(facts=lifecycle.facts, paid=lifecycle.paid, told=told)
        return self._definition.answer(lifecycle.state, self._trigger.name, meeting)

    def _is_of_another_case(self, lifecycle: Lifecycle, part: Part) -> bool:
        """Tell whether the event names another claim's case beside this claim, which wins, with a hint."""
        case_id = self._event.field("amazon_case_id")
        if part.claim is None or case_id is None or lifecycle.case_id == case_id:
            return False
        others = [one for one in self._situation.with_case(case_id) if one.id != lifecycle.id]
        if others:
            self.account.hints.append(
                f"case {case_id!r} is that of claim {others[0].claim_id!r}; "
                f"the event was taken for claim {lifecycle.claim_id!r}, which it names."
            )
        return bool(others)

    def _move(
        self, lifecycle: Lifecycle, target: str, told: Mapping[str, Any], *, forked: bool = False
    ) -> None:
        row = move(
            self._definition,
            self._situation,
            lifecycle,
            target,
            self._trigger,
            told,
            now=self._now,
            kept=self._kept,
            forked=forked,
        )
        self._tell(row)

    def _tell(self, row: Row) -> None:
        self.account.transitions.append(
            Record(
                {
                    "claim_id": row.claim_id,
                    "sync_id": row.sync_id,
                    "from": row.from_state,
                    "to": row.to_state,
                    "version": row.version,
                }
            )
        )

    # -- refusals

    def _refuse(self, lifecycle: Lifecycle | None, part: Part, reason: str) -> Share:
        self.account.refused.append(
            Record(
                claim_id=part.claim if lifecycle is None else lifecycle.claim_id,
                state=None if lifecycle is None else lifecycle.state,
                reason=reason,
                allowed=[] if lifecycle is None else list(self._definition.allowed(lifecycle.state)),
                errors=[],
            )
        )
        lifecycles = () if lifecycle is None else (lifecycle.id,)
        return Share(claim=part.claim, standing=Standing.REFUSED, lifecycles=lifecycles, index=part.index)

    def _refuse_entry(self, part: Part, name: str, fault: str) -> Share:
        reason = f"{fault}; {NEW_ID_NEEDED}"
        self.account.refused.append(
            Record(
                index=part.index,
                claim_id=part.claim,
                state=None,
                reason=reason,
                allowed=[],
                errors=[FieldError(field=name, reason=fault).as_dict()],
            )
        )
        return Share(claim=part.claim, standing=Standing.REFUSED, index=part.index)
