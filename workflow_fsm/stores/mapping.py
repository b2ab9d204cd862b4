"""Mapping: how lifecycles, cases, history and effects stand in a table, and are read back as values."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from workflow_fsm.core.definition import Addressing, Definition
from workflow_fsm.core.definition.cases import Case, CaseState
from workflow_fsm.core.definition.events import DEFAULT_CURRENCY
from workflow_fsm.core.definition.facts import DETECTION_AT
from workflow_fsm.core.model.lifecycle import CaseOwner, Lifecycle, Row
from workflow_fsm.core.model.outbox import Effect, Pattern
from workflow_fsm.core.values import strict_json
from workflow_fsm.core.values.instants import read_instant, show_instant
from workflow_fsm.stores.columns import (
    amount_of,
    instant_of,
    instant_or_none,
    json_of,
    object_of,
    reads,
    shown,
    sums_of,
    sums_text,
)
from workflow_fsm.stores.session import Columns
from workflow_fsm.stores.statements import LISTED


def lifecycle_row(user_id: str, lifecycle: Lifecycle) -> dict[str, Any]:
    """Give a lifecycle as the columns of its table."""
    return {
        "user_id": user_id,
        "id": lifecycle.id,
        "claim_id": lifecycle.claim_id,
        "sync_id": lifecycle.sync_id,
        "state": lifecycle.state,
        "version": lifecycle.version,
        "entered_at": show_instant(lifecycle.entered_at),
        "cursor": lifecycle.cursor,
        "head": lifecycle.head,
        "origin": lifecycle.origin,
        "parent": lifecycle.parent,
        "forked": int(lifecycle.forked),
        "due_at": shown(lifecycle.due_at),
        "facts": LISTED + strict_json.dumps(dict(lifecycle.facts)),
        "paid": sums_text(lifecycle.paid),
        "units": lifecycle.units,
        "entered": lifecycle.entered,
        "merged_into": lifecycle.merged_into,
        **listed(lifecycle),
    }


def listed(lifecycle: Lifecycle) -> dict[str, str]:
    """Give what a lifecycle is listed by, as columns whose text sorts; '' where its facts don't tell it.

    An amount has fifteen digits before its point.
    """
    facts = lifecycle.facts
    amount = facts.get("amount")
    usual = "" if lifecycle.claim_id is None else DEFAULT_CURRENCY
    return {
        "listed_decision": facts.get("decision") or "",
        "listed_currency": facts.get("currency") or usual,
        "listed_deadline": facts.get("deadline_date") or "",
        "listed_amount": "" if amount is None else "0" * (15 - len(amount.partition(".")[0])) + amount,
    }


@reads("lifecycles", "id")
def lifecycle_of(definition: Definition, row: Columns) -> Lifecycle:
    """Read a lifecycle back from its row. Raises RowUnreadable."""
    if row["state"] not in definition.cells:
        raise ValueError(f"its state {row['state']!r} is none of the definition's")
    return Lifecycle(
        id=row["id"],
        claim_id=row["claim_id"],
        sync_id=row["sync_id"],
        state=row["state"],
        version=row["version"],
        entered_at=instant_of(row["entered_at"]),
        cursor=row["cursor"],
        head=row["head"],
        origin=row["origin"],
        parent=row["parent"],
        forked=bool(row["forked"]),
        facts=_facts(definition, row["facts"]),
        paid=sums_of(row["paid"]),
        units=row["units"],
        due_at=instant_or_none(row["due_at"]),
        entered=row["entered"],
        merged_into=row["merged_into"],
    )


@reads("users", "user_id")
def recovered_of(row: Columns) -> dict[str, Decimal]:
    """Read the money that a user recovered. Raises RowUnreadable."""
    return sums_of(row["recovered"])


@reads("users", "user_id")
def unapplied_of(row: Columns) -> dict[str, Decimal]:
    """Read the money that waits, by the currency that it tells. Raises RowUnreadable."""
    return sums_of(row["unapplied"])


@reads("users", "user_id")
def claim_currencies_of(row: Columns) -> dict[str, int]:
    """Read how many claims of a user have each currency. Raises RowUnreadable."""
    return {code: int(many) for code, many in object_of(json.loads(row["currencies"])).items()}


@lru_cache(maxsize=256)  # a user's is asked for again and again
def shown_currency(text: str) -> str:
    """Give the one currency that a user's claims have, else USD; `text` says how many have each."""
    try:
        found = [code for code, many in json.loads(text).items() if many]
    except (AttributeError, ValueError):
        found = []
    return found[0] if len(found) == 1 else DEFAULT_CURRENCY


def case_row(user_id: str, owner: CaseOwner, case: Case) -> dict[str, Any]:
    """Give a case as the columns of its table; one without a name has an empty one."""
    return {
        "user_id": user_id,
        "case_id": case.case_id or "",
        "claim_id": owner.claim_id,
        "sync_id": owner.sync_id,
        "state": case.state,
        "at": show_instant(case.at),
        "seq": case.seq,
        "told": int(case.told),
        "paid": sums_text(case.paid),
        "units": case.units,
        "alone": case.alone,
    }


@reads("cases", "case_id claim_id sync_id")
def case_of(row: Columns) -> Case:
    """Read a case back from its row. Raises RowUnreadable."""
    if row["state"] not in (None, *CaseState):
        raise ValueError(f"its state {row['state']!r} is none that a case has")
    return Case(
        case_id=row["case_id"] or None,
        state=row["state"],
        at=instant_of(row["at"]),
        seq=row["seq"],
        told=bool(row["told"]),
        paid=sums_of(row["paid"]),
        units=row["units"],
        alone=row["alone"],
    )


def history_row(row: Row, definition: int | None) -> dict[str, Any]:
    """Give a row of history as the columns of its table; `definition` is the number of the one that it was
    written under."""
    return {
        "user_id": row.user_id,
        "cursor": row.cursor,
        "lifecycle": row.lifecycle,
        "claim_id": row.claim_id,
        "sync_id": row.sync_id,
        "version": row.version,
        "trigger": row.trigger,
        "from_state": row.from_state,
        "to_state": row.to_state,
        "event_id": row.event_id,
        "at": show_instant(row.at),
        "occurred_at": shown(row.occurred_at),
        "actor": row.actor,
        "reason": row.reason,
        "hash": row.hash,
        "definition": definition,
    }


def row_of(row: Columns) -> Row:
    """Read a row of history back. Raises ValueError where an instant in it is none."""
    return Row(
        user_id=row["user_id"],
        cursor=row["cursor"],
        lifecycle=row["lifecycle"],
        claim_id=row["claim_id"],
        sync_id=row["sync_id"],
        version=row["version"],
        trigger=row["trigger"],
        from_state=row["from_state"],
        to_state=row["to_state"],
        event_id=row["event_id"],
        at=instant_of(row["at"]),
        occurred_at=instant_or_none(row["occurred_at"]),
        actor=row["actor"],
        reason=row["reason"],
        hash=row["hash"],
    )


def effect_row(user_id: str, effect: Effect, now: datetime) -> dict[str, Any]:
    """Give a new effect as the columns of its table."""
    return {
        "user_id": user_id,
        "seq": effect.seq,
        "lifecycle": effect.lifecycle,
        "cursor": effect.cursor,
        "handler": effect.handler,
        "on_enter": int(effect.on_enter),
        "owed_at": show_instant(now),
        "due_at": show_instant(effect.due_at),
        "key": effect.key,
        "about": effect.about,
    }


@reads("handlers", "name")
def pattern_of(row: Columns) -> Pattern:
    """Read a handler's pattern back. Raises RowUnreadable."""
    pattern = _pattern(row["pattern"])
    if pattern.name != row["name"]:
        raise ValueError(f"its pattern is of {pattern.name!r}")
    return pattern


@lru_cache(maxsize=256)  # every event reads the same few
def _pattern(text: str) -> Pattern:
    return Pattern(**json.loads(text))


def _facts(definition: Definition, text: str) -> dict[str, Any]:
    facts = object_of(json_of(text))
    for timer in definition.by_addressing(Addressing.TIMER):
        if timer.due is not None and facts.get(timer.due) is not None:
            read_instant(facts[timer.due])
    if facts.get(DETECTION_AT) is not None:
        read_instant(facts[DETECTION_AT])
    if facts.get("amount") is not None:
        amount_of(facts["amount"])
    return facts
