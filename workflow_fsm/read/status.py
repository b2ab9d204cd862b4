"""What readers are shown of a user: status and history, in the shape that callers get as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from workflow_fsm.core.decision.correlation import Nobody, Several, address, candidates
from workflow_fsm.core.decision.inbox import Share, Standing, StoredEvent
from workflow_fsm.core.decision.lifecycle import Lifecycle
from workflow_fsm.core.decision.situation import Situation
from workflow_fsm.core.definition import Addressing, Definition
from workflow_fsm.core.definition.events import DEFAULT_CURRENCY
from workflow_fsm.core.records import Candidate, Page, Record
from workflow_fsm.core.values import money
from workflow_fsm.core.values.fields import comparable_value
from workflow_fsm.core.values.instants import show_instant
from workflow_fsm.read.shapes import Claim, HistoryRow, Status, Sync, WaitingEvent
from workflow_fsm.stores.mapping import lifecycle_of
from workflow_fsm.stores.repository import Repository
from workflow_fsm.stores.session import Columns, Session, Statement


def status(
    session: Session,
    definition: Definition,
    user_id: str,
    *,
    claim_id: str | None,
    sync_id: str | None,
    limit: int,
    cursor: int,
    now: datetime,
) -> Status | None:
    """Show where a user stands; None for one of whom nothing is known."""
    first = definition.first_state()
    whose = {"user_id": user_id}
    wanted: dict[str, Any] = {**whose, "cursor": cursor, "limit": limit + 1}
    pages: list[Statement] = [("claims_page", wanted)]
    told_syncs: Statement = ("syncs", whose)
    if sync_id is not None:
        of_sync = {**wanted, "sync_id": sync_id}
        pages = [("claims_page_of_sync", {**of_sync, "state": state.name}) for state in definition.states]
        told_syncs = ("sync", {**whose, "sync_id": sync_id})
    session.prefetch(
        [
            ("user", whose),
            ("is_told_of", whose),
            ("counts", {**whose, "first": first}),
            *(pages if claim_id is None else []),
            told_syncs,
            ("all_waiting", whose),
        ]
    )
    source = Repository.of(session, definition, user_id)
    if session.row("is_told_of", user_id=user_id) is None:
        return None
    situation = Situation(user_id, source)
    named = None if claim_id is None else situation.canonical(claim_id)
    counts = {row["state"]: row["many"] for row in session.rows("counts", user_id=user_id, first=first)}
    if named is None:
        found = sorted(_read(session, *pages), key=lambda one: one.id)
    else:
        claim = source.claim(named)
        fits = claim is not None and claim.id > cursor and sync_id in (None, claim.sync_id)
        found = [claim] if claim is not None and fits else []
    claims = found[:limit]
    aliases = _aliases(session, user_id, claims)
    syncs = _read(session, told_syncs)
    waiting = source.all_waiting()
    return Status(
        user_id=user_id,
        state=_state(session, definition, source, user_id, counts),
        counts=Record({s.name: counts[s.name] for s in definition.states if s.name in counts}),
        recovered=_money(source.recovered),
        unapplied=_unapplied(definition, waiting),
        claims=[_claim(definition, one, aliases.get(one.claim_id or "", []), now) for one in claims],
        syncs=[
            Sync(
                sync_id=one.sync_id,
                state=one.state,
                claims_found=one.facts.get("claims_found"),
                entered_at=show_instant(one.entered_at),
            )
            for one in syncs
        ],
        deferred=[
            _deferred(definition, situation, stored, share)
            for stored in waiting
            for share in stored.shares
            if share.standing is Standing.WAITING
            and (named is None or (share.claim and situation.canonical(share.claim) == named))
        ],
        next_cursor=claims[-1].id if len(found) > limit else None,
        updated_at=cast(str, source.updated_at),  # whoever is told of has a row
    )


def history(
    session: Session,
    definition: Definition,
    user_id: str,
    *,
    claim_id: str | None,
    sync_id: str | None,
    limit: int,
    cursor: int,
) -> Page[HistoryRow] | None:
    """Show a user's transitions, oldest first; None for a user of whom nothing is known."""
    wanted: dict[str, Any] = {"user_id": user_id, "cursor": cursor, "limit": limit + 1}
    page: Statement = ("history_page", wanted)
    if sync_id is not None:
        page = ("history_page_of_sync", {**wanted, "sync_id": sync_id})
    session.prefetch([("user", {"user_id": user_id}), ("is_told_of", {"user_id": user_id})])
    if claim_id is None:
        session.prefetch([page])
    source = Repository.of(session, definition, user_id)
    if session.row("is_told_of", user_id=user_id) is None:
        return None
    if claim_id is None:
        name, parameters = page
        rows = session.rows(name, **parameters)
    else:
        claim = Situation(user_id, source).claim(claim_id)
        if claim is None:
            return Page([], None)
        rows = session.rows(
            "history_page_of_claim", lifecycle=claim.id, parent=claim.parent, sync_id=sync_id, **wanted
        )
    shown = [show_transition(row) for row in rows[:limit]]
    return Page(shown, shown[-1].cursor if len(rows) > limit else None)


def told_money(definition: Definition, stored: StoredEvent) -> tuple[str, Decimal] | None:
    """Give the currency (USD where it tells none) and signed amount of a payout or reversal."""
    trigger = definition.trigger(stored.event.trigger)
    if trigger is None or not trigger.money:
        return None
    amount = Decimal(comparable_value(stored.event.field("amount")))
    return stored.event.field("currency") or DEFAULT_CURRENCY, trigger.money * amount


def show_transition(row: Columns) -> HistoryRow:
    """Show a row of history."""
    return HistoryRow.of(  # pages are long, and a dictionary is made quickest
        {
            "cursor": row["cursor"],
            "claim_id": row["claim_id"],
            "sync_id": row["sync_id"],
            "version": row["version"],
            "trigger": row["trigger"],
            "from": row["from_state"],
            "to": row["to_state"],
            "event_id": row["event_id"],
            "at": row["at"],
            "occurred_at": row["occurred_at"],
            "actor": row["actor"],
            "hash": row["hash"],
        }
    )


def show_claim(
    session: Session, definition: Definition, user_id: str, lifecycle: Lifecycle, now: datetime
) -> Claim:
    """Show one lifecycle as status does."""
    aliases = _aliases(session, user_id, [lifecycle])
    return _claim(definition, lifecycle, aliases.get(lifecycle.claim_id or "", []), now)


def _read(session: Session, *statements: Statement) -> list[Lifecycle]:
    return [lifecycle_of(row) for name, told in statements for row in session.rows(name, **told)]


def _state(
    session: Session, definition: Definition, source: Repository, user_id: str, counts: Mapping[str, int]
) -> str | None:
    """Give the least advanced open state; where all are closed, `paid` if any was, else the newest's."""
    open_states = [one.name for one in definition.states if one.name in counts and not one.closed]
    if open_states:
        return open_states[0]
    if counts:
        paying = [t.name for t in definition.triggers if t.money > 0]
        for state in definition.states:
            if state.name in counts and any(_is_entered_by(definition, state.name, p) for p in paying):
                return state.name
        newest = session.row("newest_counted", user_id=user_id, first=definition.first_state())
        return None if newest is None else newest["state"]
    sync = source.newest_sync(None)
    return None if sync is None else sync.state


def _is_entered_by(definition: Definition, state: str, trigger: str) -> bool:
    return any(
        arrow.target == state
        for other in definition.states
        for arrow in definition.cell(other.name, trigger).arrows
    )


def _claim(definition: Definition, one: Lifecycle, aliases: list[str], now: datetime) -> Claim:
    facts = one.facts
    matched = "decision" in facts
    confidence = facts.get("match_confidence" if matched else "detected_confidence")
    currency = facts.get("currency") or (None if one.claim_id is None else DEFAULT_CURRENCY)
    amount = facts.get("amount")
    return Claim(
        claim_id=one.claim_id,
        aliases=aliases,
        sync_id=one.sync_id,
        state=one.state,
        version=one.version,
        entered_at=show_instant(one.entered_at),
        allowed=list(definition.allowed(one.state)),
        claim_type=facts.get("claim_type"),
        amount=None if amount is None else money.text(amount, currency or DEFAULT_CURRENCY),
        currency=currency,
        confidence=None if confidence is None else float(confidence),
        decision=facts.get("decision"),
        amazon_case_id=facts.get("amazon_case_id"),
        rejection_reason=facts.get("rejection_reason"),
        paid=_money(one.paid),
        deadline_date=facts.get("deadline_date"),
        eligible_from=facts.get("eligible_from"),
        overdue=_is_overdue(definition, one, now),
    )


def _is_overdue(definition: Definition, one: Lifecycle, now: datetime) -> bool:
    """Tell whether a deadline passed before what it was for was done."""
    if one.due_at is not None:
        return one.due_at <= now
    timers = definition.by_addressing(Addressing.TIMER)
    return any(_is_entered_by(definition, one.state, timer.name) for timer in timers)


def _deferred(
    definition: Definition, situation: Situation, stored: StoredEvent, share: Share
) -> WaitingEvent:
    trigger = definition.trigger(stored.event.trigger)
    assert trigger is not None
    waiting_for = share.waiting_for
    several: tuple[Candidate, ...] = ()
    if trigger.addressing not in (Addressing.SYNC, Addressing.DETECTION):
        part = next(part for part in stored.event.parts if part.claim == share.claim)
        found = address(definition, situation, trigger, stored.event, part)
        if isinstance(found, Nobody):
            waiting_for = found.waiting_for
        elif isinstance(found, Several):
            waiting_for, several = (), candidates(found.lifecycles)
    return WaitingEvent(
        event_id=stored.event_id,
        trigger=stored.event.trigger,
        claim_id=share.claim,
        waiting_for=list(waiting_for),
        candidates=list(several),
        received_at=show_instant(stored.received_at),
        expires_at=None if stored.expires_at is None else show_instant(stored.expires_at),
    )


def _unapplied(definition: Definition, waiting: list[StoredEvent]) -> Record:
    """Add up the payouts that wait, less the reversals that wait."""
    sums: dict[str, Decimal] = {}
    for stored in waiting:
        told = told_money(definition, stored)
        if told is not None:
            currency, amount = told
            sums[currency] = sums.get(currency, Decimal(0)) + amount
    return Record({code: money.text_decimal(sums[code], code) for code in sorted(sums) if sums[code]})


def _money(minors: Mapping[str, int]) -> Record:
    return Record({code: money.text(minors[code], code) for code in sorted(minors) if minors[code]})


def _aliases(session: Session, user_id: str, claims: list[Lifecycle]) -> dict[str, list[str]]:
    named = [one.claim_id for one in claims if one.claim_id is not None]
    found: dict[str, list[str]] = {}
    for row in session.rows("aliases_of", user_id=user_id, claims=json.dumps(named)):
        found.setdefault(row["claim_id"], []).append(row["alias"])
    return {claim_id: sorted(aliases) for claim_id, aliases in found.items()}
