"""Status: where a user stands, claim by claim, in the shape that callers get as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, Self, cast

from workflow_fsm.core.definition import Addressing, Definition
from workflow_fsm.core.definition.cases import Case, ordered, shown_case_id
from workflow_fsm.core.definition.claim import LIFECYCLE
from workflow_fsm.core.definition.events import DEFAULT_CURRENCY
from workflow_fsm.core.definition.facts import FACTS
from workflow_fsm.core.errors import FieldError, InvalidEvent
from workflow_fsm.core.model.lifecycle import CaseOwner, Lifecycle
from workflow_fsm.core.model.situation import Situation
from workflow_fsm.core.records import Record
from workflow_fsm.core.values import money
from workflow_fsm.core.values.instants import show_instant
from workflow_fsm.read.shapes import CaseRecord, Claim, Status, Sync
from workflow_fsm.read.waiting import Place, WaitingEvents, WaitingPage, unapplied, waiting_page
from workflow_fsm.stores.mapping import case_of, lifecycle_of
from workflow_fsm.stores.repository import Repository
from workflow_fsm.stores.session import Session, Statement

_OLDEST = Place()
_LARGEST = 2**63 - 1
PLACE = r"([0-9]{1,18})(?:\.([0-9]{1,18})\.([0-9]{1,9})(?:s([0-9]{1,18}))?|s([0-9]{1,18}))"
"""How a cursor is written that stands in several lists."""
_PLACE = re.compile(PLACE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Behind which claim and sync, and from which waiting event on, a page begins; None: behind all of them.

    It is written as the claim's number alone, where all that waits and all syncs were shown.
    """

    claims: int = 0
    waiting: Place | None = _OLDEST
    syncs: int | None = 0

    @classmethod
    def read(cls, cursor: int | str | None) -> Self:
        """Read what a page gave. Raises InvalidEvent for what none can have given."""
        if cursor is None:
            return cls()
        text = str(cursor)
        if (found := _PLACE.fullmatch(text)) is not None:
            claims, seq, parts, *syncs = (None if one is None else int(one) for one in found.groups())
            waiting = None if seq is None or parts is None else Place(seq, parts)
            syncs_left = next((one for one in syncs if one is not None), None)
            return cls(claims=claims or 0, waiting=waiting, syncs=syncs_left)
        if isinstance(cursor, bool) or re.fullmatch("[0-9]+", text) is None:
            reason = f"is {cursor!r}, which no page gave as its next_cursor"
            raise InvalidEvent([FieldError(field="cursor", reason=reason)])
        claims = min(int(text[-4000:]), _LARGEST)
        return cls(claims=claims, waiting=None, syncs=None) if claims else cls()

    def write(self) -> int | str:
        """Give what the next page is asked for by."""
        if self.waiting is None and self.syncs is None:
            return self.claims
        waiting = "" if self.waiting is None else f".{self.waiting.seq}.{self.waiting.parts}"
        return f"{self.claims}{waiting}" + ("" if self.syncs is None else f"s{self.syncs}")


def status(
    session: Session,
    definition: Definition,
    user_id: str,
    *,
    claim_id: str | None,
    sync_id: str | None,
    limit: int,
    cursor: int | str | None,
    now: datetime,
) -> Status | None:
    """Show where a user stands; None for one of whom nothing is known.

    Raises InvalidEvent for a cursor that no page gave.
    """
    begin = Cursor.read(cursor)
    first = definition.first_state()
    whose = {"user_id": user_id}
    wanted: dict[str, Any] = {**whose, "cursor": begin.claims, "limit": limit + 1}
    pages: list[Statement] = [("claims_page", wanted), ("merged_page", wanted)]
    told_syncs: Statement = ("syncs_page", {**wanted, "cursor": begin.syncs})
    if sync_id is not None:
        of_sync = {**wanted, "sync_id": sync_id}
        pages = [("claims_page_of_sync", {**of_sync, "state": state.name}) for state in definition.states]
        pages.append(("merged_page_of_sync", of_sync))
        told_syncs = ("sync", {**whose, "sync_id": sync_id})
    first_page = {**whose, "seq": 0 if begin.waiting is None else begin.waiting.seq, "limit": limit + 1}
    session.prefetch(
        [
            ("user", whose),
            ("is_told_of", whose),
            ("counts", {**whose, "first": first}),
            *(pages if claim_id is None else []),
            *([told_syncs] if begin.syncs is not None else []),
            *([("waiting_page", first_page)] if claim_id is None else []),
        ]
    )
    source = Repository.of(session, definition, user_id)
    if session.row("is_told_of", user_id=user_id) is None:
        return None
    situation = Situation(user_id, source)
    named = None if claim_id is None else situation.canonical(claim_id)
    counts = {row["state"]: row["many"] for row in session.rows("counts", user_id=user_id, first=first)}
    if named is None:
        found = sorted(_read(session, definition, *pages), key=lambda one: one.id)
    else:
        claim = source.claim(named)
        fits = claim is not None and claim.id > begin.claims and sync_id in (None, claim.sync_id)
        found = [claim] if claim is not None and fits else []
    claims = found[:limit]
    names = names_of(session, user_id, claims)
    syncs = [] if begin.syncs is None else _read(session, definition, told_syncs)
    waiting = WaitingPage((), None)
    if begin.waiting is not None:
        waiting = waiting_page(situation, source, begin.waiting, limit, claim_id=named)
    shows = WaitingEvents(definition, situation, source)
    shows.expect(session, waiting.parts)
    shown = Cursor(
        claims=claims[-1].id if claims else begin.claims,
        waiting=waiting.then,
        syncs=syncs[limit - 1].id if len(syncs) > limit else None,
    )
    is_last = len(found) <= limit and waiting.then is None and shown.syncs is None
    return Status(
        user_id=user_id,
        state=_state(session, definition, source, user_id, counts),
        counts=Record({s.name: counts[s.name] for s in definition.states if s.name in counts}),
        recovered=sums(source.recovered),
        unapplied=unapplied(source),
        claims=[claim_of(definition, one, names, now) for one in claims],
        syncs=[
            Sync(
                sync_id=one.sync_id,
                state=one.state,
                claims_found=one.facts.get("claims_found"),
                entered_at=show_instant(one.entered_at),
            )
            for one in syncs[:limit]
        ],
        deferred=[shows.show(stored, share) for stored, share in waiting.parts],
        next_cursor=None if is_last else shown.write(),
        updated_at=cast(str, source.updated_at),  # whoever is told of has a row
    )


def show_claim(
    session: Session, definition: Definition, user_id: str, lifecycle: Lifecycle, now: datetime
) -> Claim:
    """Show one lifecycle as status does."""
    return claim_of(definition, lifecycle, names_of(session, user_id, [lifecycle]), now)


def _read(session: Session, definition: Definition, *statements: Statement) -> list[Lifecycle]:
    return [lifecycle_of(definition, row) for name, told in statements for row in session.rows(name, **told)]


def _state(
    session: Session, definition: Definition, source: Repository, user_id: str, counts: Mapping[str, int]
) -> str | None:
    """Give the least advanced open state; where all are closed, `paid` if any was, else the newest's."""
    open_states = [one.name for one in definition.states if one.name in counts and not one.closed]
    if open_states:
        return open_states[0]
    if counts:
        paid = definition.led_to((t for t in definition.triggers if t.money > 0), stays=False)
        for state in definition.states:
            if state.name in counts and state.name in paid:
                return state.name
        newest = session.row("newest_counted", user_id=user_id, first=definition.first_state())
        return None if newest is None else newest["state"]
    sync = source.newest_sync(None)
    return None if sync is None else sync.state


def claim_of(definition: Definition, one: Lifecycle, names: NamesShown, now: datetime) -> Claim:
    """Show a lifecycle, given its names."""
    facts = one.facts
    cases = ordered(names.cases.get(one.owner, []))
    matched = "decision" in facts
    confidence = facts.get("match_confidence" if matched else "detected_confidence")
    currency = facts.get("currency") or (None if one.claim_id is None else DEFAULT_CURRENCY)
    shown = Claim(
        claim_id=one.claim_id,
        aliases=names.aliases.get(one.claim_id or "", []),
        sync_id=one.sync_id,
        state=one.state,
        version=one.version,
        entered_at=show_instant(one.entered_at),
        allowed=[] if one.merged_into is not None else list(definition.allowed(one.state)),
        claim_type=facts.get("claim_type"),
        amount=facts.get("amount"),
        currency=currency,
        confidence=None if confidence is None else float(confidence),
        decision=facts.get("decision"),
        amazon_case_id=shown_case_id(cases),
        cases=[
            CaseRecord(amazon_case_id=case.case_id, state=_case_state(case), at=show_instant(case.at))
            for case in cases.values()
        ],
        rejection_reason=facts.get("rejection_reason"),
        paid=sums(one.paid),
        units=one.units,
        deadline_date=facts.get("deadline_date"),
        eligible_from=facts.get("eligible_from"),
        overdue=is_overdue(definition, one, now),
        merged_into=one.merged_into,
    )
    own = {name: fact for name, fact in facts.items() if name not in FACTS}
    if own or definition.name != LIFECYCLE:
        shown["facts"] = Record(own)
    return shown


def _case_state(case: Case) -> Literal["filed", "rejected", "paid"] | None:
    match case.state:
        case "filed" | "rejected" | "paid" as state:
            return state
        case _:
            return None


def is_overdue(definition: Definition, one: Lifecycle, now: datetime) -> bool:
    """Tell whether a deadline passed before what it was for was done."""
    if one.due_at is not None:
        return one.due_at <= now
    return one.state in definition.led_to(definition.by_addressing(Addressing.TIMER), stays=False)


def sums(amounts: Mapping[str, Decimal]) -> Record:
    """Show sums of money by currency; what is nothing is left out."""
    return Record({code: money.text(amounts[code]) for code in sorted(amounts) if amounts[code]})


@dataclass(frozen=True, slots=True, kw_only=True)
class NamesShown:
    """The aliases of claims, and the cases of lifecycles."""

    aliases: Mapping[str, list[str]]
    cases: Mapping[CaseOwner, list[Case]]


def names_of(session: Session, user_id: str, lifecycles: list[Lifecycle]) -> NamesShown:
    """Read the names of some lifecycles of a user."""
    claims = json.dumps([one.claim_id for one in lifecycles if one.claim_id is not None])
    syncs = json.dumps([one.sync_id for one in lifecycles if one.claim_id is None])
    aliases: dict[str, list[str]] = {}
    session.prefetch(
        [
            ("aliases_of", {"user_id": user_id, "claims": claims}),
            ("cases_of_many", {"user_id": user_id, "claims": claims, "syncs": syncs}),
        ]
    )
    for row in session.rows("aliases_of", user_id=user_id, claims=claims):
        aliases.setdefault(row["claim_id"], []).append(row["alias"])
    aliases = {claim_id: sorted(found) for claim_id, found in aliases.items()}
    cases: dict[CaseOwner, list[Case]] = {}
    for row in session.rows("cases_of_many", user_id=user_id, claims=claims, syncs=syncs):
        cases.setdefault(CaseOwner(row["claim_id"], row["sync_id"]), []).append(case_of(row))
    return NamesShown(aliases=aliases, cases=cases)
