"""Applies one event: finds whom each part is for, forks what a detection found, does what each cell says.

A cell says a move, a fact kept, a wait, or a refusal. Moves and facts go into the situation, and are told in
the draft of the answer; what became of each part comes back as the event's shares. Whether the event is a
repeat, and what it frees, is `decide.py`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from workflow_fsm.core.decision.answer import AnswerDraft
from workflow_fsm.core.decision.correlation import Nobody, Several, To, address, candidates, way_to
from workflow_fsm.core.decision.idempotency import reimbursed_already, says_the_same_money
from workflow_fsm.core.decision.inbox import Money, Share, Standing, StoredEvent
from workflow_fsm.core.decision.lifecycle import Lifecycle
from workflow_fsm.core.decision.moves import begin, branch, due_at, move
from workflow_fsm.core.decision.situation import Situation
from workflow_fsm.core.definition import Addressing, Definition, Meeting, Rest
from workflow_fsm.core.definition.events import DEFAULT_CURRENCY, Part, confidence_of
from workflow_fsm.core.values import money


class Application:
    """One event being applied to one situation."""

    def __init__(
        self, definition: Definition, situation: Situation, stored: StoredEvent, now: datetime
    ) -> None:
        trigger = definition.trigger(stored.event.trigger)
        assert trigger is not None
        self._definition = definition
        self._situation = situation
        self._trigger = trigger
        self._stored_event = stored
        self._event = stored.event
        self._now = now
        self._first = not stored.shares
        self.draft = AnswerDraft()

    def apply(self) -> StoredEvent:
        """Judge what isn't settled yet, and give the event as it stands then."""
        if self._trigger.addressing is Addressing.SYNC:
            shares = [self._sync()]
        elif self._trigger.addressing is Addressing.DETECTION:
            shares = self._detection()
        elif self._first:
            parts, twice = self._named_once()
            shares = [self._part(part) for part in parts] + twice
        else:
            shares = self._waiting_parts()
        if self._first or self._trigger.addressing is Addressing.DETECTION:
            shares += [self.draft.refuse_bad_entry(entry) for entry in self._event.bad]
        waits = any(share.standing is Standing.WAITING for share in shares)
        settled = self._stored_event.settled if waits else self._situation.cursor
        self._stored_event = replace(self._stored_event, shares=tuple(shares), settled=settled)
        return self._stored_event

    # -- the ways of addressing

    def _sync(self) -> Share:
        sync_id = self._event.field("sync_id") or self._stored_event.event_id
        sync = self._situation.sync(sync_id)
        if sync is not None:
            return self._judge(sync, self._event.parts[0])
        row = begin(self._definition, self._situation, sync_id, self._trigger, self._stored_event, self._now)
        self.draft.add_move(row)
        return Share(claim=None, standing=Standing.APPLIED, lifecycles=(row.lifecycle,))

    def _detection(self) -> list[Share]:
        sync_id = self._event.field("sync_id")
        if sync_id is None:
            sync = self._situation.newest_sync(self._definition.first_state())
        else:
            sync = self._situation.sync(sync_id)
        if sync is None:
            way = way_to(self._definition, None, self._trigger.name)
            return [Share(claim=None, standing=Standing.WAITING, waiting_for=way)]
        if not self._event.listed and self._event.field("claims_found") != 0:
            return [self._judge(sync, self._event.parts[0])]
        claims, twice = self._named_once() if self._event.listed else ((), [])
        fork = self._fork(sync)
        shares = [self._found(sync, part) for part in claims] + twice
        self._count_found(sync, shares)
        return shares if shares and fork.standing is Standing.KNOWN else [fork, *shares]

    def _fork(self, sync: Lifecycle) -> Share:
        """Let a sync go on as the claims that it found, unless it went its own way already."""
        share = Share(claim=None, standing=Standing.KNOWN, lifecycles=(sync.id,))
        answer = self._answer(sync, self._event.fields)
        if not isinstance(answer, Rest):
            self._move(sync, answer, {}, forked=True)
            return replace(share, standing=Standing.APPLIED)
        if sync.state == self._definition.forked_state() and not sync.forked:
            self._situation.put(replace(sync, forked=True))
            self._situation.leave(sync)
        if not self._event.parts or not self._event.listed:
            self.draft.unchanged[sync.id] = sync
        return share

    def _count_found(self, before: Lifecycle, shares: Sequence[Share]) -> None:
        """Keep how many claims the sync's detections found: those named first, then the new ones."""
        sync = self._situation.lifecycle(before.id)
        assert sync is not None
        known = before.facts.get("claims_found")
        found = sum(share.standing is not Standing.REFUSED for share in shares)
        if before.forked and known is not None:
            found = known + sum(share.standing is Standing.APPLIED for share in shares)
        if found != known:
            self._situation.put(replace(sync, facts={**sync.facts, "claims_found": found}))

    def _found(self, sync: Lifecycle, part: Part) -> Share:
        """Give a detected claim its lifecycle, or keep with a known one what the entry tells."""
        assert part.claim is not None
        claim = self._situation.claim(part.claim)
        claim_id = claim.claim_id if claim is not None else self._situation.canonical(part.claim)
        assert claim_id is not None
        aliases = [alias for alias in part.fields.get("aliases", ()) if alias != claim_id]
        for alias in aliases:
            owner = self._situation.owner(alias)
            if owner not in (None, claim_id) and self._first:
                return self.draft.refuse_entry(
                    part, "aliases", f"alias {alias!r} names claim {owner!r} already"
                )
        if claim is not None:
            share = self._judge(claim, part)
        else:
            first = self._definition.first_state()
            claim = branch(self._situation, sync, claim_id, first, self._now)
            target = self._answer(claim, part.fields)
            told = self._trigger.tells(part.fields, {})
            self._move(claim, str(target), told)
            share = Share(
                claim=part.claim, standing=Standing.APPLIED, lifecycles=(claim.id,), index=part.index
            )
        for alias in aliases:
            if self._situation.owner(alias) is None:
                self._situation.link(alias, claim_id)
        return share

    def _named_once(self) -> tuple[Sequence[Part], list[Share]]:
        """Take a list's parts, those that name one claim by two of its names as one.

        Where a claim may have several entries the highest confidence counts; else entries that differ are
        refused.
        """
        parts = self._event.parts
        if len(parts) < 2 or not self._situation.has_aliases():
            return parts, []
        groups: dict[str, list[Part]] = {}
        for part in parts:
            assert part.claim is not None
            groups.setdefault(self._situation.canonical(part.claim), []).append(part)
        several = any(field.several for field in self._trigger.fields)
        stored, refused = [], []
        for claim_id, group in groups.items():
            told = [{**part.fields, "claim_id": None} for part in group]
            if several or all(one == told[0] for one in told):
                stored.append(max(group, key=lambda part: confidence_of(part.fields)))
                continue
            fault = f"claim {claim_id!r} is named twice with different content"
            refused += [self.draft.refuse_entry(part, "claim_id", fault) for part in group]
        return stored, refused

    def _waiting_parts(self) -> list[Share]:
        """Judge the parts that wait; those that found their end stay as they are."""
        parts = {part.claim: part for part in self._event.parts}
        return [
            self._part(parts[share.claim]) if share.standing is Standing.WAITING else share
            for share in self._stored_event.shares
        ]

    def _part(self, part: Part) -> Share:
        found = address(self._definition, self._situation, self._trigger, self._event, part)
        match found:
            case To(lifecycles=(one,)):
                return self._judge(one, part)
            case To(lifecycles=many):
                return self._each(many, part)
            case Several(lifecycles=several):
                return self._ambiguous(several, part)
            case Nobody():
                return self._nobody(found, part)

    def _each(self, lifecycles: tuple[Lifecycle, ...], part: Part) -> Share:
        """Judge a nameless event for many; it is done once it has moved somebody."""
        shares = [self._judge(one, part) for one in lifecycles]
        standings = [share.standing for share in shares]
        order = (Standing.APPLIED, Standing.WAITING, Standing.KNOWN, Standing.REFUSED)
        standing = next(one for one in order if one in standings)
        if standing is not Standing.REFUSED:
            self.draft.refused.clear()
        waiting_for = next((share.waiting_for for share in shares if share.waiting_for), ())
        return Share(
            claim=None,
            standing=standing,
            lifecycles=tuple(one.id for one in lifecycles),
            waiting_for=waiting_for if standing is Standing.WAITING else (),
        )

    def _ambiguous(self, several: tuple[Lifecycle, ...], part: Part) -> Share:
        self.draft.candidates = list(candidates(several))
        if self._trigger.money or not self._first:
            return Share(claim=part.claim, standing=Standing.WAITING)
        reason = (
            f"{self._trigger.name} names no claim, and {len(several)} could be meant: "
            "name one with claim_id, or with the amazon_case_id of its case"
        )
        return self.draft.refuse(self._definition, None, part, reason)

    def _nobody(self, nobody: Nobody, part: Part) -> Share:
        if nobody.rest is Rest.WAIT:
            return Share(
                claim=part.claim,
                standing=Standing.WAITING,
                index=part.index,
                waiting_for=nobody.waiting_for,
            )
        if len(nobody.asked) == 1:
            return self._judge(nobody.asked[0], part)
        if nobody.rest is Rest.KNOWN or not self._first:
            known = [
                one
                for one in nobody.asked
                if self._definition.cell(one.state, self._trigger.name).rest is Rest.KNOWN
            ]
            self.draft.unchanged.update({one.id: one for one in known})
            return Share(claim=None, standing=Standing.KNOWN, lifecycles=tuple(one.id for one in known))
        self.draft.candidates = list(candidates(nobody.asked))
        return self.draft.refuse(
            self._definition, None, part, f"none of the user's lifecycles takes {self._trigger.name} now"
        )

    # -- one lifecycle

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
            return self.draft.refuse(self._definition, lifecycle, part, reason)
        if isinstance(answer, Rest):
            self._learn(lifecycle, told)
            self.draft.unchanged[lifecycle.id] = lifecycle
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
        earlier = reimbursed_already(self._situation, self._stored_event, lifecycle)
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
        self._stored_event = replace(self._stored_event, money=moved)
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
            self.draft.hints.append(
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
            stored=self._stored_event,
            forked=forked,
        )
        self.draft.add_move(row)
