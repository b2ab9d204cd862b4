"""What readers are shown of a user: status and history, in the shape that callers get as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, cast

from workflow_fsm.core.decision.correlation import (
    Nobody,
    Several,
    To,
    Unknown,
    address,
    candidates,
    show_candidates,
)
from workflow_fsm.core.definition import Addressing, Definition
from workflow_fsm.core.definition.cases import Case, ordered, shown_case_id
from workflow_fsm.core.definition.events import DEFAULT_CURRENCY
from workflow_fsm.core.model.inbox import Share, Standing, StoredEvent
from workflow_fsm.core.model.lifecycle import CaseOwner, Lifecycle
from workflow_fsm.core.model.situation import Situation
from workflow_fsm.core.records import Candidate, Page, Record
from workflow_fsm.core.values import money
from workflow_fsm.core.values.fields import comparable_value
from workflow_fsm.core.values.instants import show_instant
from workflow_fsm.read.shapes import CaseRecord, Claim, HistoryRow, Status, Sync, WaitingEvent
from workflow_fsm.stores.mapping import case_of, lifecycle_of
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
    pages: list[Statement] = [("claims_page", wanted), ("merged_page", wanted)]
    told_syncs: Statement = ("syncs", whose)
    if sync_id is not None:
        of_sync = {**wanted, "sync_id": sync_id}
        pages = [("claims_page_of_sync", {**of_sync, "state": state.name}) for state in definition.states]
        pages.append(("merged_page_of_sync", of_sync))
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
        found = sorted(_read(session, definition, *pages), key=lambda one: one.id)
    else:
        claim = source.claim(named)
        fits = claim is not None and claim.id > cursor and sync_id in (None, claim.sync_id)
        found = [claim] if claim is not None and fits else []
    claims = found[:limit]
    names = _names(session, user_id, claims)
    syncs = _read(session, definition, told_syncs)
    waiting = source.all_waiting()
    return Status(
        user_id=user_id,
        state=_state(session, definition, source, user_id, counts),
        counts=Record({s.name: counts[s.name] for s in definition.states if s.name in counts}),
        recovered=_money(source.recovered),
        unapplied=_unapplied(definition, waiting, source),
        claims=[_claim(definition, one, names, now) for one in claims],
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
            _deferred(definition, situation, stored, share, source)
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


def told_money(
    definition: Definition, stored: StoredEvent, currency: str = DEFAULT_CURRENCY
) -> tuple[str, Decimal] | None:
    """Give the currency and signed amount of a payout or reversal; `currency` where nothing tells its own."""
    trigger = definition.trigger(stored.event.trigger)
    if trigger is None or not trigger.money:
        return None
    amount = Decimal(comparable_value(stored.event.field("amount")))
    known = (share.currency for share in stored.shares if share.currency is not None)
    return stored.event.field("currency") or next(known, currency), trigger.money * amount


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
            "amount": None if row["amount"] is None else row["amount"].removeprefix("-"),
            "currency": row["currency"],
            "at": row["at"],
            "occurred_at": row["occurred_at"],
            "actor": row["actor"],
            "reason": row["reason"],
            "hash": row["hash"],
        }
    )


def show_claim(
    session: Session, definition: Definition, user_id: str, lifecycle: Lifecycle, now: datetime
) -> Claim:
    """Show one lifecycle as status does."""
    return _claim(definition, lifecycle, _names(session, user_id, [lifecycle]), now)


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


def _claim(definition: Definition, one: Lifecycle, names: _Names, now: datetime) -> Claim:
    facts = one.facts
    cases = ordered(names.cases.get(one.owner, []))
    matched = "decision" in facts
    confidence = facts.get("match_confidence" if matched else "detected_confidence")
    currency = facts.get("currency") or (None if one.claim_id is None else DEFAULT_CURRENCY)
    return Claim(
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
        paid=_money(one.paid),
        units=one.units,
        deadline_date=facts.get("deadline_date"),
        eligible_from=facts.get("eligible_from"),
        overdue=_is_overdue(definition, one, now),
        merged_into=one.merged_into,
    )


def _case_state(case: Case) -> Literal["filed", "rejected", "paid"] | None:
    match case.state:
        case "filed" | "rejected" | "paid" as state:
            return state
        case _:
            return None


def _is_overdue(definition: Definition, one: Lifecycle, now: datetime) -> bool:
    """Tell whether a deadline passed before what it was for was done."""
    if one.due_at is not None:
        return one.due_at <= now
    timers = definition.by_addressing(Addressing.TIMER)
    return any(_is_entered_by(definition, one.state, timer.name) for timer in timers)


def _deferred(
    definition: Definition, situation: Situation, stored: StoredEvent, share: Share, source: Repository
) -> WaitingEvent:
    trigger = definition.trigger(stored.event.trigger)
    assert trigger is not None
    waiting_for, several = meant_by(definition, situation, stored, share)
    amount, currency = shown_money(definition, stored, source)
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


def meant_by(
    definition: Definition, situation: Situation, stored: StoredEvent, share: Share
) -> tuple[tuple[str, ...], tuple[Candidate, ...]]:
    """Give the triggers that a waiting part waits for, as things stand, and who could be meant by it."""
    trigger = definition.trigger(stored.event.trigger)
    part = next((part for part in stored.event.parts if part.claim == share.claim), None)
    if trigger is None or part is None or share.conflicts_with is not None:
        return share.waiting_for, ()
    if trigger.addressing in (Addressing.SYNC, Addressing.DETECTION):
        return share.waiting_for, ()
    match address(definition, situation, trigger, stored.event, part):
        case Nobody(waiting_for=way):
            return way, ()
        case Several(lifecycles=several) if several:
            return (), show_candidates(several)
        case Several():
            return (), candidates(definition, situation, trigger, stored.event)
        case Unknown(waiting_for=way):
            return way, candidates(definition, situation, trigger, stored.event)
        case To():
            return share.waiting_for, ()


def shown_money(
    definition: Definition, stored: StoredEvent, source: Repository
) -> tuple[str | None, str | None]:
    """Give an event's amount as text, above nothing, and its currency; None of both where it brings no
    money."""
    told = told_money(definition, stored, source.shown_currency)
    if told is None:
        return None, None
    return _text_in(abs(told[1]), told[0], source), told[0]


def _unapplied(definition: Definition, waiting: list[StoredEvent], source: Repository) -> Record:
    """Add up the payouts that wait, less the reversals that wait."""
    sums: dict[str, Decimal] = {}
    for stored in waiting:
        told = told_money(definition, stored, source.shown_currency)
        if told is not None:
            sums = money.add(sums, *told)
    return Record({code: _text_in(amount, code, source) for code, amount in sums.items()})


def _text_in(amount: Decimal, currency: str, source: Repository) -> str:
    """Show money with its currency's decimals: those that the store knows, where no list has it any more."""
    return money.text_in(amount, currency, {} if money.is_listed(currency) else source.currencies())


def _money(sums: Mapping[str, Decimal]) -> Record:
    return Record({code: money.text(sums[code]) for code in sorted(sums) if sums[code]})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    """The aliases of claims, and the cases of lifecycles."""

    aliases: Mapping[str, list[str]]
    cases: Mapping[CaseOwner, list[Case]]


def _names(session: Session, user_id: str, lifecycles: list[Lifecycle]) -> _Names:
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
    return _Names(aliases=aliases, cases=cases)
