"""Unapplied money of a store that didn't add it up: the payouts and reversals that wait, by user."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from decimal import Decimal

from workflow_fsm.core.definition.claim import claim_lifecycle
from workflow_fsm.core.definition.reading import read_event
from workflow_fsm.core.model.inbox import FORCE, Standing
from workflow_fsm.core.model.unapplied import UNTOLD
from workflow_fsm.core.values import money
from workflow_fsm.core.values.fields import comparable_value
from workflow_fsm.stores.columns import unapplied_text
from workflow_fsm.stores.second_edition.rows import Row, Run

log = logging.getLogger(__name__)


def add_up(run: Run) -> None:
    """Add up the money that waits of every user who has any."""
    after = ""
    while users := run(
        "SELECT DISTINCT user_id FROM events WHERE letter IS NOT NULL AND user_id > :after "
        "ORDER BY user_id LIMIT 500",
        {"after": after},
    ):
        for user in users:
            _add_up_of(run, user["user_id"])
        after = users[-1]["user_id"]


def _add_up_of(run: Run, user_id: str) -> None:
    sums: Mapping[str, Decimal] = {}
    waiting = run(
        "SELECT * FROM events WHERE user_id = :user_id AND letter IS NOT NULL AND standing = 'waiting' "
        "ORDER BY seq",
        {"user_id": user_id},
    )
    for row in waiting:
        try:
            told = _told(row)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            log.error("event %d of user %r can't be added up: %r", row["seq"], user_id, error)
            continue
        if told is not None:
            sums = money.add(sums, *told)
    run(
        "UPDATE users SET unapplied = :unapplied WHERE user_id = :user_id",
        {"user_id": user_id, "unapplied": unapplied_text(sums)},
    )


def _told(row: Row) -> tuple[str, Decimal] | None:
    """Give the currency that an event tells, and its signed amount; None for one that brings no money."""
    trigger = claim_lifecycle().trigger(row["trigger"])
    if trigger is None or not trigger.money:
        return None
    body = json.loads(row["body"], parse_float=Decimal)
    overlay = {} if row["overlay"] is None else json.loads(row["overlay"], parse_float=Decimal)
    laid = {name: value for name, value in overlay.items() if name != FORCE}
    shares = json.loads(row["shares"])
    refused = {one["index"] for one in shares if one["standing"] == Standing.REFUSED and "index" in one}
    event = read_event(trigger, {**body, **laid}, is_stored=True, refused=refused)
    currencies = (one["currency"] for one in shares if one.get("currency") is not None)
    currency = event.field("currency") or next(currencies, UNTOLD)
    return currency, trigger.money * Decimal(comparable_value(event.field("amount")))
