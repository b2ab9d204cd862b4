"""Discovery: begins the lifecycle of a sync, and forks it into the claims that a detection found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from workflow_fsm.core.decision.addressing.correlation import way_to
from workflow_fsm.core.decision.judge import Judge
from workflow_fsm.core.decision.moves import begin, branch
from workflow_fsm.core.decision.one_event import OneEvent
from workflow_fsm.core.definition import Definition, Rest, Taken, Trigger
from workflow_fsm.core.definition.events import Part
from workflow_fsm.core.model.inbox import Share, Standing, StoredEvent, Wait, WaitKind
from workflow_fsm.core.model.lifecycle import Lifecycle
from workflow_fsm.core.model.looks import look_for
from workflow_fsm.core.model.situation import Situation
from workflow_fsm.core.values.value_types import replace

NamedOnce = Callable[[], tuple[Sequence[Part], list[Share]]]
"""Gives a list's parts, each claim named once, and the shares of those that are refused."""


class Discovery(OneEvent):
    """Applies one event of a sync or a detection; cells answer by its `judge`."""

    def __init__(
        self,
        definition: Definition,
        situation: Situation,
        trigger: Trigger,
        stored: StoredEvent,
        now: datetime,
        judge: Judge,
    ) -> None:
        super().__init__(definition, situation, trigger, stored, now)
        self._judge = judge
        self._draft = judge.draft

    def sync(self) -> Share:
        """Begin the lifecycle of a sync, or have that which has begun answer."""
        sync_id = self._event.field("sync_id") or self._stored.event_id
        sync = self._situation.sync(sync_id)
        if sync is not None:
            return self._judge.judge(sync, self._event.parts[0])
        row = begin(self._definition, self._situation, sync_id, self._trigger, self._stored, self._now)
        self._draft.add_move(row)
        return Share(claim=None, standing=Standing.APPLIED, lifecycles=(row.lifecycle,))

    def detection(self, named_once: NamedOnce) -> list[Share]:
        """Fork a sync into the claims that were found, or move it on; without it the whole event waits."""
        sync_id = self._event.field("sync_id")
        if sync_id is None:
            sync = self._situation.newest_sync(self._definition.first_state())
        else:
            sync = self._situation.sync(sync_id)
        if sync is None:
            way = way_to(self._definition, None, self._trigger, self._event)
            part = Part(claim=None, fields=self._event.fields)
            if sync_id is None:
                look = look_for(self._trigger, named=False)
                return [self._judge.wait(part, reason="no sync is known yet", waits=look, waiting_for=way)]
            wait = Wait(WaitKind.SYNC, sync_id)
            return [
                self._judge.wait(
                    part, reason=f"sync {sync_id!r} is not known yet", waits=(wait,), waiting_for=way
                )
            ]
        if not self._event.listed and self._event.field("claims_found") != 0:
            return [self._judge.judge(sync, self._event.parts[0])]
        claims, twice = named_once() if self._event.listed else ((), [])
        fork = self._fork(sync)
        shares = [self._found(sync, part) for part in claims] + twice
        self._count_found(sync, shares)
        return shares if shares and fork.standing is Standing.KNOWN else [fork, *shares]

    def _fork(self, sync: Lifecycle) -> Share:
        """Let a sync go on as the claims that it found, unless it went its own way already."""
        share = Share(claim=None, standing=Standing.KNOWN, lifecycles=(sync.id,))
        answer = self._judge.answer(sync, Part(claim=None, fields=self._event.fields))
        if not isinstance(answer, Rest):
            self._judge.move(sync, answer, {}, forked=True)
            return replace(share, standing=Standing.APPLIED)
        if sync.state == self._definition.forked_state() and not sync.forked:
            self._situation.put(replace(sync, forked=True))
            self._situation.leave(sync)
        if not self._event.parts or not self._event.listed:
            self._draft.add_known(sync)
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
                return self._draft.refuse_entry(
                    part, "aliases", f"alias {alias!r} names claim {owner!r} already"
                )
        if claim is not None:
            share = self._judge.judge(claim, part)
        else:
            first = self._definition.first_state()
            claim = branch(self._situation, sync, claim_id, first, self._now)
            taken = self._judge.answer(claim, part)
            assert isinstance(taken, Taken)
            self._judge.move(claim, taken, self._judge.told(part, {}))
            share = Share(
                claim=part.claim, standing=Standing.APPLIED, lifecycles=(claim.id,), index=part.index
            )
        for alias in aliases:
            if self._situation.owner(alias) is None:
                self._situation.link(alias, claim_id)
        return share
