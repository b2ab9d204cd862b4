"""Settles one kept event: finds whom each part is for, forks what a detection found, has each judged.

What became of each part comes back as the event's shares. Whether the event is a repeat, and what it frees,
is `decide.py`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from workflow_fsm.core.address import Nobody, Several, To, address, candidates, way_to
from workflow_fsm.core.definition import Addressing, Rest
from workflow_fsm.core.events import Part
from workflow_fsm.core.judging import NEW_ID_NEEDED, Judging
from workflow_fsm.core.kept import Kept, Share, Standing
from workflow_fsm.core.lifecycle import Lifecycle
from workflow_fsm.core.moves import begin, branch
from workflow_fsm.core.outcome import Record


class Settling(Judging):
    """One event being settled against one situation."""

    def settle(self) -> Kept:
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
            shares += self._bad_entries()
        waits = any(share.standing is Standing.WAITING for share in shares)
        settled = self._kept.settled if waits else self._situation.cursor
        self._kept = replace(self._kept, shares=tuple(shares), settled=settled)
        return self._kept

    # -- the ways of addressing

    def _sync(self) -> Share:
        sync_id = self._event.field("sync_id") or self._kept.event_id
        sync = self._situation.sync(sync_id)
        if sync is not None:
            return self._judge(sync, self._event.parts[0])
        row = begin(self._definition, self._situation, sync_id, self._trigger, self._kept, self._now)
        self._tell(row)
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
            self.account.unchanged[sync.id] = sync
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
                return self._refuse_entry(part, "aliases", f"alias {alias!r} names claim {owner!r} already")
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
        kept, refused = [], []
        for claim_id, group in groups.items():
            told = [{**part.fields, "claim_id": None} for part in group]
            if several or all(one == told[0] for one in told):
                kept.append(max(group, key=_confidence))
                continue
            fault = f"claim {claim_id!r} is named twice with different content"
            refused += [self._refuse_entry(part, "claim_id", fault) for part in group]
        return kept, refused

    def _waiting_parts(self) -> list[Share]:
        """Judge the parts that wait; those that found their end stay as they are."""
        parts = {part.claim: part for part in self._event.parts}
        return [
            self._part(parts[share.claim]) if share.standing is Standing.WAITING else share
            for share in self._kept.shares
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
            self.account.refused.clear()
        waiting_for = next((share.waiting_for for share in shares if share.waiting_for), ())
        return Share(
            claim=None,
            standing=standing,
            lifecycles=tuple(one.id for one in lifecycles),
            waiting_for=waiting_for if standing is Standing.WAITING else (),
        )

    def _ambiguous(self, several: tuple[Lifecycle, ...], part: Part) -> Share:
        self.account.candidates = list(candidates(several))
        if self._trigger.money or not self._first:
            return Share(claim=part.claim, standing=Standing.WAITING)
        reason = (
            f"{self._trigger.name} names no claim, and {len(several)} could be meant: "
            "name one with claim_id, or with the amazon_case_id of its case"
        )
        return self._refuse(None, part, reason)

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
            self.account.unchanged.update({one.id: one for one in known})
            return Share(claim=None, standing=Standing.KNOWN, lifecycles=tuple(one.id for one in known))
        self.account.candidates = list(candidates(nobody.asked))
        return self._refuse(None, part, f"none of the user's lifecycles takes {self._trigger.name} now")

    def _bad_entries(self) -> list[Share]:
        shares = []
        for entry in self._event.bad:
            what = "; ".join(f"{e.field} {e.reason}".strip() for e in entry.errors)
            self.account.refused.append(
                Record(
                    index=entry.index,
                    state=None,
                    reason=f"entry {entry.index} is not well formed: {what}; {NEW_ID_NEEDED}",
                    allowed=[],
                    errors=[error.as_dict() for error in entry.errors],
                )
            )
            shares.append(Share(claim=None, standing=Standing.REFUSED, index=entry.index))
        return shares


def _confidence(part: Part) -> Any:
    confidence = part.fields.get("confidence")
    return -1 if confidence is None else confidence
