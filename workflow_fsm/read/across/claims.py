"""Claims across users: filtered and in order, a page by an index.

Decides what a filter means. Claims in a state, with a decision and in a currency are one stream of an index
in each order; a page is merged from those that are asked for. What names few (a case, a reimbursement, how an
id begins, what is waited for) is looked up first, and sorted here; where it names many after all, the streams
are read, and each of their claims is asked.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from heapq import merge
from itertools import islice

from workflow_fsm.core.definition import Addressing, Definition
from workflow_fsm.core.definition.arguments import must_be_one_of
from workflow_fsm.core.definition.facts import DECISIONS
from workflow_fsm.core.errors import FieldError, InvalidEvent, RowUnreadable
from workflow_fsm.core.model.lifecycle import Lifecycle
from workflow_fsm.read.across.claims_asked import SORTS, ClaimsAsked, Fits, Order
from workflow_fsm.read.across.claims_named import Key, due, named
from workflow_fsm.read.across.money import instant_asked
from workflow_fsm.read.across.paging import (
    PageRead,
    Place,
    all_asked,
    choice_asked,
    currency_asked,
    read_cursor,
    write_cursor,
)
from workflow_fsm.read.across.question_shapes import ClaimRow
from workflow_fsm.read.status import NamesShown, claim_of, names_of
from workflow_fsm.stores.mapping import lifecycle_of
from workflow_fsm.stores.session import Columns, Session

log = logging.getLogger(__name__)

_STREAMS = {
    "deadline": ("claims_at_deadline", "claims_by_deadline"),
    "-deadline": ("claims_at_deadline_down", "claims_by_deadline_down"),
    "amount": ("claims_at_amount", "claims_by_amount"),
    "-amount": ("claims_at_amount_down", "claims_by_amount_down"),
    "entered_at": ("claims_at_entry", "claims_by_entry"),
    "-entered_at": ("claims_at_entry_down", "claims_by_entry_down"),
}
"""By what a stream is read in each order: in one place, and beyond it."""
_TOLD, _LAST = "!", "~"
"""Before and behind all that is told: what isn't is ''."""


def claims_page(
    session: Session,
    definition: Definition,
    asked: ClaimsAsked,
    now: datetime,
    *,
    currencies: Collection[str],
    limit: int,
    cursor: str | None,
) -> PageRead[ClaimRow]:
    """Give a page of claims and plain lifecycles. One that can't be read is passed over, and logged.

    `currencies` are those that the store has met. Raises InvalidEvent with each state, decision, currency,
    sort, instant or cursor that is none.
    """
    question = f"claims by {asked.sort}"
    is_sorted = asked.sort in _STREAMS
    *_, due_before, place = all_asked(
        partial(choice_asked, "state", asked.state, [one.name for one in definition.states]),
        partial(choice_asked, "decision", asked.decision, DECISIONS),
        partial(currency_asked, asked.currency, currencies),
        partial(_refuse_sort, asked.sort),
        partial(instant_asked, "due_before", asked.due_before),
        partial(read_cursor, question, cursor if is_sorted else None),
    )
    fits = Fits(session, definition, asked, now, due_before)
    few = named(session, definition, asked)
    order = Order(asked)
    looked_up = few if few is not None else due(session, now) if asked.overdue else []
    found_early = (one for one in _read(session, definition, looked_up) if fits.early(one))
    streams = [] if few is not None else _streamed(session, definition, asked, due_before, place, limit + 1)
    keys = merge(order.behind(place, found_early), *streams, key=order.key, reverse=asked.down)
    rows: list[ClaimRow] = []
    at = place
    while chunk := list(islice(keys, limit + 1)):
        found = {(one[0], one[1].id): one[1] for one in _with_user(session, definition, fits.waits(chunk))}
        users: dict[str, list[Lifecycle]] = {}
        for (user_id, _), lifecycle in found.items():
            users.setdefault(user_id, []).append(lifecycle)
        names = {user_id: _names(session, user_id, of_user) for user_id, of_user in users.items()}
        for key in chunk:
            here, told = found.get((key[1], key[2])), names.get(key[1])
            if here is not None and told is not None and fits.whole(key[1], here, told):
                if len(rows) == limit:
                    return PageRead(rows=rows, next_cursor=write_cursor(question, at or key))
                shown = _show(definition, key[1], here, told, now)
                if shown is not None:
                    rows.append(shown)
            at = key
    return PageRead(rows=rows, next_cursor=None)


def _refuse_sort(sort: str) -> None:
    """Raise InvalidEvent for an order that there isn't."""
    if sort not in _STREAMS:
        clause = must_be_one_of(sort.removeprefix("-"), SORTS)
        reason = f"is {sort!r}; it {clause}, with - before it for the other way"
        raise InvalidEvent([FieldError(field="sort", reason=reason)])


def _streamed(
    session: Session,
    definition: Definition,
    asked: ClaimsAsked,
    due_before: str | None,
    place: Place | None,
    many: int,
) -> list[Iterator[Place]]:
    """Give the streams of the indexes that are asked for, each with its keys in order, behind a place."""
    by_deadline = asked.by == "deadline"
    told = {"due_from": "" if due_before is None else _TOLD, "due_before": due_before or _LAST}
    most = due_before if by_deadline and due_before is not None else _LAST
    untold = due_before is None or not by_deadline
    of_kinds = [{**kind, **({} if by_deadline else told)} for kind in kinds(session, definition, asked)]
    for name, where in islice(_asks(asked, most, place, untold=untold), 1):
        session.prefetch((name, {**kind, **where, "limit": many}) for kind in of_kinds)

    def stream(kind: Mapping[str, str], place: Place | None) -> Iterator[Place]:
        while True:
            asks = _asks(asked, most, place, untold=untold)
            rows: list[Columns] = []
            for name, where in asks:
                rows += session.rows(name, **kind, **where, limit=many - len(rows))
                if len(rows) == many:
                    break
            yield from ((row["place"], row["user_id"], row["id"]) for row in rows)
            if len(rows) < many:
                return
            place = rows[-1]["place"], rows[-1]["user_id"], rows[-1]["id"]

    return [stream(kind, place) for kind in of_kinds]


def _asks(
    asked: ClaimsAsked, most: str, place: Place | None, *, untold: bool
) -> Iterator[tuple[str, dict[str, str | int]]]:
    """Give what is asked of each stream, in turn: the rest of a place, what is beyond, what isn't told."""
    at_place, beyond = _STREAMS[asked.sort]
    first: dict[str, str | int] = {"after_user": "", "after_seq": 0}
    if asked.down:
        first = {"after_user": _LAST_USER, "after_seq": 0}
    if place is not None:
        yield at_place, {"at": place[0], "after_user": place[1], "after_seq": place[2]}
    if place is None or place[0] != "":
        start = place[0] if place is not None else (most if asked.down else "")
        yield beyond, {"at": start, "until": "" if asked.down else most}
        if untold:
            yield at_place, {"at": "", **first}


_LAST_USER = "\U0010ffff" * 4


def kinds(session: Session, definition: Definition, asked: ClaimsAsked) -> Iterator[dict[str, str]]:
    """Give the states, decisions and currencies of the streams that are asked for, where there are any."""
    states = [one.name for one in definition.states] if asked.state is None else [asked.state]
    if asked.overdue:
        late = definition.led_to(definition.by_addressing(Addressing.TIMER), stays=False)
        states = [one for one in states if one in late]
    decisions = ("", *DECISIONS) if asked.decision is None else (asked.decision,)
    pairs = [{"state": state, "decision": decision} for state in states for decision in decisions]
    if asked.currency is not None:
        yield from ({**pair, "currency": asked.currency.upper()} for pair in pairs)
        return
    for pair in pairs:  # a plain lifecycle without a currency has '', which is behind nothing
        yield {**pair, "currency": ""}
    after = {tuple(pair.values()): "" for pair in pairs}
    while after:
        asks = [{"state": one[0], "decision": one[1], "after": at} for one, at in after.items()]
        session.prefetch(("next_currency_of_claims", ask) for ask in asks)
        following: dict[tuple[str, ...], str] = {}
        for ask in asks:
            row = session.row("next_currency_of_claims", **ask)
            if row is not None:
                following[ask["state"], ask["decision"]] = row["currency"]
                yield {"state": ask["state"], "decision": ask["decision"], "currency": row["currency"]}
        after = following


def _read(session: Session, definition: Definition, keys: Sequence[Key]) -> Iterator[tuple[str, Lifecycle]]:
    session.prefetch(("lifecycle", {"user_id": user_id, "id": number}) for user_id, number in keys)
    for user_id, number in keys:
        row = session.row("lifecycle", user_id=user_id, id=number)
        try:
            if row is not None:
                yield user_id, lifecycle_of(definition, row)
        except RowUnreadable as error:
            log.error("a claim is passed over: %s", error)


def _with_user(
    session: Session, definition: Definition, places: Sequence[Place]
) -> Iterator[tuple[str, Lifecycle]]:
    return _read(session, definition, [(user_id, number) for _, user_id, number in places])


def _names(session: Session, user_id: str, lifecycles: list[Lifecycle]) -> NamesShown | None:
    """Read a user's names, None where one can't be read."""
    try:
        return names_of(session, user_id, lifecycles)
    except RowUnreadable as error:
        log.error("claims of %r are passed over: %s", user_id, error)
        return None


def _show(
    definition: Definition, user_id: str, lifecycle: Lifecycle, names: NamesShown, now: datetime
) -> ClaimRow | None:
    try:
        return ClaimRow.of({"user_id": user_id, **dict(claim_of(definition, lifecycle, names, now).items())})
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        log.error("claim %r of %r is passed over: %s", lifecycle.claim_id, user_id, error)
        return None
