"""Money: a row for each payout and reversal, which add up to what is recovered, unapplied and dropped."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from heapq import merge
from typing import Any, get_args

from workflow_fsm.core.definition import Definition
from workflow_fsm.core.errors import FieldError, InvalidEvent, RowUnreadable
from workflow_fsm.core.model.inbox import Standing, StoredEvent
from workflow_fsm.core.values import money
from workflow_fsm.core.values.instants import read_instant, show_instant
from workflow_fsm.read.across.paging import (
    PageRead,
    Place,
    all_asked,
    choice_asked,
    currency_asked,
    read_cursor,
    write_cursor,
)
from workflow_fsm.read.across.question_shapes import MoneyRow, MoneyStanding
from workflow_fsm.read.waiting import shown_money
from workflow_fsm.stores.event_mapping import stored_event_of
from workflow_fsm.stores.mapping import lifecycle_of
from workflow_fsm.stores.repository import Repository
from workflow_fsm.stores.session import Columns, Session, Statement, walk

log = logging.getLogger(__name__)

_ASKED = "money"
_EVER = "~"
_STANDINGS: dict[MoneyStanding, tuple[str, str, Standing]] = {
    "recovered": ("money_booked", "money_booked_of", Standing.APPLIED),
    "unapplied": ("money_waiting", "money_waiting_of", Standing.WAITING),
    "dropped": ("money_dropped", "money_dropped_of", Standing.DROPPED),
}
"""By what each is read, of all users and of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyAsked:
    """Which rows are asked for; None takes any. `since` is the first instant, `until` the first no more."""

    user_id: str | None = None
    currency: str | None = None
    since: str | datetime | None = None
    until: str | datetime | None = None
    standing: str | None = None


def instant_asked(field: str, told: str | datetime | None) -> str | None:
    """Read an instant that a filter names, as the store writes it. Raises InvalidEvent."""
    if told is None:
        return None
    try:
        if isinstance(told, datetime):
            if told.tzinfo is None:
                raise ValueError("must have a time zone, such as datetime.now(UTC) has")
            return show_instant(told)
        return show_instant(read_instant(told))
    except (TypeError, ValueError) as error:
        raise InvalidEvent([FieldError(field=field, reason=str(error))]) from error


def money_page(
    session: Session,
    definition: Definition,
    asked: MoneyAsked,
    *,
    currencies: Collection[str],
    limit: int,
    cursor: str | None,
) -> PageRead[MoneyRow]:
    """Give a page of money, as it came in. One that can't be read is passed over, and logged.

    `currencies` are those that the store has met. Raises InvalidEvent with each currency, standing, instant
    or cursor that is none.
    """
    currency, since, until, _, behind = all_asked(
        partial(currency_asked, asked.currency, currencies),
        partial(instant_asked, "since", asked.since),
        partial(instant_asked, "until", asked.until),
        partial(choice_asked, "standing", asked.standing, get_args(MoneyStanding)),
        partial(read_cursor, _ASKED, cursor),
    )
    place: Place = behind or (since or "", "", 0)
    shower = _MoneyShower(session, definition)
    rows: list[MoneyRow] = []
    while True:
        found, is_last = _read(session, definition, asked, currency, until or _EVER, place, limit + 1)
        shower.expect(found)
        for row in found:
            at: Place = (row["received_at"], row["user_id"], row["seq"])
            shown = shower.show(row)
            if shown is not None and currency in (None, shown.currency):
                if len(rows) == limit:
                    return PageRead(rows=rows, next_cursor=write_cursor(_ASKED, place))
                rows.append(shown)
            place = at
        if is_last:
            return PageRead(rows=rows, next_cursor=None)


def _read(
    session: Session,
    definition: Definition,
    asked: MoneyAsked,
    currency: str | None,
    until: str,
    place: Place,
    limit: int,
) -> tuple[Sequence[Columns], bool]:
    """Read the next events behind a place; tell whether these are the last."""
    at, after_user, after_seq = place
    told: dict[str, Any] = {"at": at, "after_seq": after_seq, "until": until, "limit": limit}
    told |= {"after_user": after_user} if asked.user_id is None else {"user_id": asked.user_id}
    triggers = [one.name for one in definition.triggers if one.money]
    streams: list[Statement] = []
    for standing, (of_all, of_one, _) in _STANDINGS.items():
        name = of_all if asked.user_id is None else of_one
        if asked.standing not in (None, standing):
            continue
        if standing == "recovered":
            booked = [currency] if currency is not None else _booked(session, asked.user_id)
            streams += [(name, {**told, "currency": one}) for one in booked]
        else:
            streams += [(name, {**told, "trigger": one}) for one in triggers]
    session.prefetch(streams)
    pages = [session.rows(name, **parameters) for name, parameters in streams]
    found = list(merge(*pages, key=lambda row: (row["received_at"], row["user_id"], row["seq"])))
    return found[:limit], len(found) <= limit and all(len(page) < limit for page in pages)


def _booked(session: Session, user_id: str | None) -> Iterator[str]:
    """Give the currencies in which money was booked, a user's where one is given."""
    if user_id is None:
        return walk(session, "next_currency_booked", "currency")
    return walk(session, "next_currency_booked_of", "currency", user_id=user_id)


class _MoneyShower:
    """Shows the rows of one page; reads each user once."""

    def __init__(self, session: Session, definition: Definition) -> None:
        self._session = session
        self._definition = definition
        self._users: dict[str, Repository] = {}
        self._stored: dict[tuple[str, int], StoredEvent | None] = {}

    def expect(self, rows: Sequence[Columns]) -> None:
        """Read events that will be shown, and look ahead to whose their money is."""
        self._stored = {(row["user_id"], row["seq"]): self._read(row) for row in rows}
        lifecycles = {
            (stored.event.user_id, one): None
            for stored in self._stored.values()
            if stored is not None and stored.standing is Standing.APPLIED
            for one in stored.lifecycles
        }
        users = {row["user_id"]: None for row in rows if row["amount"] is None}
        self._session.prefetch(("user", {"user_id": one}) for one in users if one not in self._users)
        self._session.prefetch(("lifecycle", {"user_id": one, "id": number}) for one, number in lifecycles)

    def show(self, row: Columns) -> MoneyRow | None:
        """Show an event's money, None for one that has none or can't be read."""
        stored = self._stored[row["user_id"], row["seq"]]
        if stored is None:
            return None
        try:
            return self._show(stored)
        except RowUnreadable as error:
            log.error("a row of money is passed over: %s", error)
            return None

    def _read(self, row: Columns) -> StoredEvent | None:
        try:
            return stored_event_of(self._definition, row)
        except RowUnreadable as error:
            log.error("a row of money is passed over: %s", error)
            return None

    def _show(self, stored: StoredEvent) -> MoneyRow | None:
        user_id, event = stored.event.user_id, stored.event
        standing = next((name for name, (_, _, one) in _STANDINGS.items() if one is stored.standing), None)
        if standing is None:
            return None
        claim_id, case_id = event.field("claim_id"), event.field("amazon_case_id")
        if stored.money is not None and stored.standing is Standing.APPLIED:
            amount, currency = money.text(abs(stored.money.amount)), stored.money.currency
            case_id = stored.money.case_id or case_id
            claim_id = self._claim_of(stored)
        else:
            told, code = shown_money(self._definition, stored, self._user(user_id))
            if told is None or code is None:
                return None
            amount, currency = told, code
        return MoneyRow(
            user_id=user_id,
            claim_id=claim_id,
            amazon_case_id=case_id,
            reimbursement_id=event.field("reimbursement_id"),
            line_id=stored.line,
            trigger=event.trigger,
            amount=amount,
            currency=currency,
            standing=standing,
            at=show_instant(stored.received_at),
            occurred_at=None if event.occurred_at is None else show_instant(event.occurred_at),
            event_id=stored.event_id,
        )

    def _claim_of(self, stored: StoredEvent) -> str | None:
        """Give the claim that money was booked to; what it names, where that claim's row can't be read."""
        for one in stored.lifecycles:
            row = self._session.row("lifecycle", user_id=stored.event.user_id, id=one)
            if row is not None:
                try:
                    return lifecycle_of(self._definition, row).claim_id
                except RowUnreadable as error:
                    log.error("whose money is shown can't be read: %s", error)
                    return str(row["claim_id"])
        named: str | None = stored.event.field("claim_id")
        return named

    def _user(self, user_id: str) -> Repository:
        if user_id not in self._users:
            self._users[user_id] = Repository.of(self._session, self._definition, user_id)
        return self._users[user_id]
