"""Applies one event: finds whom each part is for, and has each cell answer.

What a cell says to one lifecycle is done in `judge.py`, what begins lifecycles in `discovery.py`. What became
of each part comes back as the event's shares; moves and facts go into the situation, and are told in the
draft of the answer. Whether the event is a repeat, and what it frees, is `decide.py`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from workflow_fsm.core.decision.addressing.addresses import Nobody, Several, To, Unknown
from workflow_fsm.core.decision.addressing.candidates import candidates, likeliest, show_candidates
from workflow_fsm.core.decision.addressing.correlation import address, way_to
from workflow_fsm.core.decision.discovery import Discovery
from workflow_fsm.core.decision.idempotency import Conflict, Repeat, find_earlier, learn_line
from workflow_fsm.core.decision.judge import Judge
from workflow_fsm.core.decision.one_event import OneEvent
from workflow_fsm.core.definition import Addressing, Definition, Rest
from workflow_fsm.core.definition.events import MOST_ENTRIES, Part, confidence_of
from workflow_fsm.core.errors import EventTooLarge
from workflow_fsm.core.model.inbox import Share, Standing, StoredEvent, Wait, WaitKind
from workflow_fsm.core.model.lifecycle import CaseOwner, Lifecycle
from workflow_fsm.core.model.situation import Situation
from workflow_fsm.core.records import Candidate
from workflow_fsm.core.values.value_types import replace


class Application(OneEvent):
    """One event being applied to one situation."""

    def __init__(
        self,
        definition: Definition,
        situation: Situation,
        stored: StoredEvent,
        now: datetime,
        *,
        is_retried: bool = False,
    ) -> None:
        trigger = definition.trigger(stored.event.trigger)
        assert trigger is not None
        super().__init__(definition, situation, trigger, stored, now)
        self._is_answered = self._first or is_retried
        self._judge = Judge(definition, situation, trigger, stored, now, is_retried=is_retried)
        self.draft = self._judge.draft

    def apply(self) -> StoredEvent:
        """Judge what isn't settled yet, and give the event as it stands then."""
        if self._trigger.addressing is Addressing.SYNC:
            shares = [self._discovery().sync()]
        elif self._trigger.addressing is Addressing.DETECTION:
            shares = self._discovery().detection(self._named_once)
        elif self._first:
            parts, twice = self._named_once()
            shares = [share for part in parts for share in self._part(part)] + twice
        else:
            shares = self._waiting_parts()
        if self._first or self._trigger.addressing is Addressing.DETECTION:
            shares += [self.draft.refuse_bad_entry(entry) for entry in self._event.bad]
        waits = any(share.standing is Standing.WAITING for share in shares)
        if waits and self._trigger.money and self._event.field("currency") is not None:
            self._situation.decimals(self._event.field("currency"))  # so that the store has met it
        settled = self._stored.settled if waits else self._situation.cursor
        return replace(self._judge.stored, shares=tuple(shares), settled=settled)

    # -- whom each part is for

    def _discovery(self) -> Discovery:
        return Discovery(
            self._definition, self._situation, self._trigger, self._stored, self._now, self._judge
        )

    def _named_once(self) -> tuple[Sequence[Part], list[Share]]:
        """Take a list's parts, those that name one claim by two of its names as one.

        Where a claim may have several entries the highest confidence counts; else entries that differ are
        refused, or told one after the other where the names became one claim's while the list waited.
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
            if not self._first:
                stored += group
                continue
            fault = f"claim {claim_id!r} is named twice with different content"
            refused += [self.draft.refuse_entry(part, "claim_id", fault) for part in group]
        return stored, refused

    def _waiting_parts(self) -> list[Share]:
        """Judge the parts that wait; those that found their end stay as they are."""
        parts = {part.claim: part for part in self._event.parts}
        shares: list[Share] = []
        for share in self._stored.shares:
            waits = share.standing is Standing.WAITING
            shares += self._part(parts[share.claim]) if waits else [share]
        return shares

    def _part(self, part: Part) -> list[Share]:
        if self._trigger.money and not self._stored.forced:
            earlier = find_earlier(
                self._definition, self._situation, self._trigger, self._event, stored=self._stored
            )
            if isinstance(earlier, Conflict):
                return [self._conflict(earlier, part)]
            if isinstance(earlier, Repeat):
                return [self._known_money(earlier.stored, part)]
        if part.claim is None and self._settled() and (names := self._awaited()):
            return self._left(names, part)
        found = address(self._definition, self._situation, self._trigger, self._event, part)
        match found:
            case To():
                return self._all(found, part)
            case Several():
                return [self._ambiguous(found, part)]
            case Unknown():
                return [self._unknown(found, part)]
            case Nobody():
                return [self._nobody(found, part)]

    def _all(self, to: To, part: Part) -> list[Share]:
        """Judge for all that it is for, but for those that it was settled for; for the awaited it waits."""
        settled = self._settled()
        left = [one for one in to.lifecycles if part.claim is not None or one.id not in settled]
        if self._first and len(left) > MOST_ENTRIES:
            raise EventTooLarge(
                f"the event names no claim, and is for {len(left)} of them; an event is for at most "
                f"{MOST_ENTRIES}, and nothing was kept: name them, in parts",
                found=len(left),
                most=MOST_ENTRIES,
            )
        return self._judge_all(left, to.awaited, part)

    def _left(self, names: set[str], part: Part) -> list[Share]:
        """Judge for those of its case's claims that it waited for, and that have the case still.

        Who has the case since isn't meant: that is a doubt instead.
        """
        case_id = self._event.field("amazon_case_id")
        owners = [owner.claim_id for owner, _ in self._situation.owners_of(case_id) if owner.claim_id]
        found = {name: self._situation.claim(name) for name in owners if name in names}
        left = [one for one in found.values() if one is not None]
        return self._judge_all(left, [name for name, one in found.items() if one is None], part)

    def _judge_all(self, left: Sequence[Lifecycle], awaited: Sequence[str], part: Part) -> list[Share]:
        """Judge for all of these; for those that are awaited it waits."""
        shares = (
            [self._judge.judge(left[0], part) if len(left) == 1 else self._each(left, part)] if left else []
        )
        if not awaited:
            known = tuple(sorted(self._settled()))
            return shares or [Share(claim=part.claim, standing=Standing.KNOWN, lifecycles=known)]
        if shares and shares[0].standing is Standing.REFUSED:
            self.draft.refused.clear()
            shares = [replace(shares[0], standing=Standing.KNOWN)]
        waits = (*self._judge.names(part), *(Wait(WaitKind.CLAIM, claim_id) for claim_id in awaited))
        way = way_to(self._definition, self._definition.first_state(), self._trigger, self._event)
        reason = f"claim {awaited[0]!r}, which has that case as well, is not known yet"
        return [*shares, self._judge.wait(part, reason=reason, waits=waits, waiting_for=way)]

    def _settled(self) -> set[int]:
        """Give the lifecycles for which some part of the event was settled."""
        return {
            one
            for share in self._stored.shares
            if share.standing is not Standing.WAITING
            for one in share.lifecycles
        }

    def _awaited(self) -> set[str]:
        """Give the claims that the event waits for by their names."""
        return {
            self._situation.canonical(wait.name) for wait in self._stored.waits if wait.kind == WaitKind.CLAIM
        }

    def _each(self, lifecycles: Sequence[Lifecycle], part: Part) -> Share:
        """Judge a nameless event for many; it is done once it has moved somebody."""
        shares = [self._judge.judge(one, part) for one in lifecycles]
        standings = [share.standing for share in shares]
        order = (Standing.APPLIED, Standing.WAITING, Standing.KNOWN, Standing.REFUSED)
        standing = next(one for one in order if one in standings)
        if standing is not Standing.REFUSED:
            self.draft.refused.clear()
        waiting = next((share for share in shares if share.standing is standing), shares[0])
        return replace(waiting, claim=None, lifecycles=tuple(one.id for one in lifecycles), index=None)

    def _ambiguous(self, several: Several, part: Part) -> Share:
        if several.lifecycles:
            found = likeliest(self._definition, self._situation, self._event, several.lifecycles)
            self.draft.candidates = list(show_candidates(found))
        else:
            self.draft.candidates = list(self._candidates())
        if self._trigger.money or not self._first:
            reason = several.reason if several.lasting is None else several.lasting
            return self._judge.wait(part, reason=reason, way_out=several.way_out, waits=several.waits)
        return self.draft.refuse(
            self._definition, None, part, several.reason, way_out=several.way_out, ask=several.ask
        )

    def _unknown(self, unknown: Unknown, part: Part) -> Share:
        self.draft.candidates = list(self._candidates())
        claim = self._name_case(part)
        return self._judge.wait(
            part,
            reason=unknown.reason,
            way_out=unknown.way_out,
            waits=unknown.waits,
            waiting_for=unknown.waiting_for,
            lifecycle=claim,
        )

    def _nobody(self, nobody: Nobody, part: Part) -> Share:
        if nobody.rest is Rest.WAIT:
            reason = f"{self._trigger.name} is too early for all of the user's lifecycles"
            first = nobody.waits[0]
            if first.kind == WaitKind.SYNC:
                reason = f"sync {first.name!r} is not known yet"
            if part.claim is not None:
                self._name_case(part)
                reason = f"claim {part.claim!r} is not known yet"
            return self._judge.wait(part, reason=reason, waits=nobody.waits, waiting_for=nobody.waiting_for)
        is_of_a_claim = self._trigger.files and nobody.asked[0].claim_id is not None
        is_for_all = self._trigger.addressing is Addressing.EVERY
        if len(nobody.asked) == 1 and not is_of_a_claim and not is_for_all:
            return self._judge.judge(nobody.asked[0], part)
        if nobody.rest is Rest.KNOWN or not self._first:
            known = [
                one
                for one in nobody.asked
                if self._definition.cell(one.state, self._trigger.name).rest is Rest.KNOWN
            ]
            for one in known:
                self.draft.add_known(one)
            return Share(claim=None, standing=Standing.KNOWN, lifecycles=tuple(one.id for one in known))
        self.draft.candidates = list(show_candidates(nobody.asked))
        reason = f"none of the user's lifecycles takes {self._trigger.name} now"
        return self.draft.refuse(
            self._definition, None, part, reason, way_out="retry it once one of them does, or drop it"
        )

    def _conflict(self, conflict: Conflict, part: Part) -> Share:
        reimbursement = Wait(WaitKind.REIMBURSEMENT, self._event.field("reimbursement_id"))
        claim = self._name_case(part)
        waits = (*self._judge.names(part), reimbursement)
        share = self._judge.wait(part, reason=conflict.reason, way_out=None, waits=waits, lifecycle=claim)
        return replace(share, conflicts_with=conflict.stored.event_id)

    def _name_case(self, part: Part) -> Lifecycle | None:
        """Let the claim that is named have the case that is named with it; give the claim, where it is
        known."""
        if part.claim is None:
            return None
        owner = CaseOwner(self._situation.canonical(part.claim), "")
        self._judge.cases.name(owner, again=not self._is_answered)
        return self._situation.claim(part.claim)

    def _known_money(self, earlier: StoredEvent, part: Part) -> Share:
        """Know the money that an earlier event brought already; the case that it names is the claim's all the
        same."""
        self._name_case(part)
        learn_line(self._situation, self._trigger, earlier, self._event)
        lifecycles = tuple(sorted(earlier.lifecycles))
        for lifecycle in map(self._situation.lifecycle, lifecycles):
            if lifecycle is not None:
                self.draft.add_known(lifecycle)
        return Share(claim=part.claim, standing=Standing.KNOWN, lifecycles=lifecycles, index=part.index)

    def _candidates(self) -> Sequence[Candidate]:
        """Give who could be meant; found only for an answer, as it costs more than the rest of the
        judging."""
        if not self._is_answered:
            return ()
        return candidates(self._definition, self._situation, self._trigger, self._event)
