"""Audit: reads everything a store holds, folds its chains, adds up its events and money, names what is wrong.

One user at a time, so that memory is bounded by the largest. Nothing is mended, and nothing that a damaged
row holds makes it fail: what can't be read is a fault of that row.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from workflow_fsm.audit.chain import Chain, Values, differences, fold
from workflow_fsm.audit.effects import misfits
from workflow_fsm.audit.report import Report, Tally
from workflow_fsm.core.decision.dead_letters import DROPPED
from workflow_fsm.core.decision.inbox import Standing, StoredEvent
from workflow_fsm.core.decision.lifecycle import ACTS
from workflow_fsm.core.decision.moves import due_at
from workflow_fsm.core.definition import Definition
from workflow_fsm.core.values import money
from workflow_fsm.core.values.instants import show_instant
from workflow_fsm.core.values.strict_json import EXACT
from workflow_fsm.read.status import told_money
from workflow_fsm.stores.mapping import EVERY, event_row, fingerprint_of, lifecycle_of, stored_event_of
from workflow_fsm.stores.session import Columns, Session

_PAGE = 500
_TOLD_TWICE = ("standing", "reimbursement_id", "occurred_at", "minor", "letter", "letter_at")


def audit(session: Session, definition: Definition) -> Report:
    """Audit all that a session can read."""
    tally = Tally()
    root = hashlib.sha256()
    users = 0
    for complaint in session.rows("every_complaint"):
        tally.fault("", "", "", f"the database says of itself: {complaint['complaint']}")
    for key, row in _users(session):
        users += 1
        one = _User(session, definition, tally, key)
        one.examine(row)
        for lifecycle_id, head in one.heads():
            root.update(json.dumps([one.user_id, lifecycle_id, head], separators=(",", ":")).encode() + b"\n")
    return tally.report(root=root.hexdigest(), users=users)


def _users(session: Session) -> Iterator[tuple[Any, Columns | None]]:
    """Give every user's id, as the database spells it, and row; last those who have rows but are no users."""
    start: Any = ""
    seen: Any = None
    while True:
        page = session.rows("every_user", start=start, limit=_PAGE)
        for row in page:
            if row["user_id"] != seen:
                yield row["user_id"], row
        if len(page) < _PAGE:
            break
        start = seen = page[-1]["user_id"]
    for row in session.rows("every_stranger"):
        yield row["user_id"], None


class _User:
    """The audit of one user."""

    def __init__(self, session: Session, definition: Definition, tally: Tally, key: Any) -> None:
        self.user_id = key.decode(errors="backslashreplace") if isinstance(key, bytes) else str(key)
        self._session = session
        self._definition = definition
        self._tally = tally
        self._key = key
        self._lifecycles: dict[Any, Values] = {}
        self._events: dict[str, StoredEvent | None] = {}
        self._seqs: set[Any] = set()
        self._unlike: list[StoredEvent] = []
        self._chains: dict[Any, Chain] = {}
        self._dropped: set[Any] = set()
        self._paid: dict[int, Counter[str]] = {}

    def examine(self, user: Columns | None) -> None:
        """Examine everything; `user` is the row of the user, None where there is none."""
        self._session.prefetch((statement, {"user_id": self._key}) for statement, _, _ in EVERY.values())
        self._lifecycles = {row["id"]: row for row in self._read("lifecycles")}
        for row in self._read("events"):
            self._events[row["event_id"]] = self._event(row)
            self._seqs.add(row["seq"])
        rows = self._read("history")
        found = self._tally.found
        self._chains = fold(self._definition, rows, self._events, self._fault)
        if self._tally.found == found:
            self._look_for_moves(rows)
        for row in rows:
            if row["lifecycle"] != ACTS and row["lifecycle"] not in self._lifecycles:
                self._fault("history", row["cursor"], f"its lifecycle {row['lifecycle']!r} is not there")
            if row["cursor"] in self._seqs:
                self._fault("history", row["cursor"], "its cursor was handed out to an event as well")
        for row in self._lifecycles.values():
            self._lifecycle(row)
        self._look_for_waits()
        self._look_for_acts([row for row in rows if row["lifecycle"] == ACTS])
        effects = self._effects(rows)
        if user is None:
            self._fault("users", self.user_id, "something is kept of a user who has no row")
        else:
            self._totals(user, [*self._seqs, *(row["cursor"] for row in rows), *effects])
        self._tally.lifecycles += len(self._lifecycles)
        self._tally.rows += len(rows)

    def heads(self) -> Iterator[tuple[int, str]]:
        """Give the head of every chain, the hash of its last row, by lifecycle."""
        for lifecycle_id in sorted(one for one in self._chains if isinstance(one, int)):
            yield lifecycle_id, self._chains[lifecycle_id].last["hash"]

    def _fault(self, table: str, key: object, reason: str) -> None:
        self._tally.fault(self.user_id, table, key, reason)

    def _read(self, table: str) -> list[Values]:
        """Read the user's rows of a table, text from its bytes."""
        statement, key, names = EVERY[table]
        rows: list[Values] = []
        for row in self._session.rows(statement, user_id=self._key):
            values: dict[str, Any] = {name: row[name] for name in names.split()}
            for name, value in values.items():
                if isinstance(value, bytes):
                    values[name] = value.decode(errors="backslashreplace")
                    if values[name].encode() != value:
                        self._fault(table, row[key], f"its {name} is not UTF-8")
            rows.append(values)
        return rows

    # -- events

    def _event(self, row: Values) -> StoredEvent | None:
        """Read one event, count it, and compare what it says twice."""
        self._tally.received += 1
        if row["standing"] in _STANDINGS:
            self._tally.standings[row["standing"]] += 1
        try:
            stored = stored_event_of(self._definition, row)
            for reason in self._contradictions(stored, row):
                self._fault("events", row["seq"], reason)
        except Exception as error:  # whatever reading a damaged row does
            self._fault("events", row["seq"], f"it can't be read ({type(error).__name__}: {error})")
            return None
        return stored

    def _contradictions(self, stored: StoredEvent, row: Values) -> Iterator[str]:
        if stored.event.user_id != row["user_id"]:
            yield f"its body is of user {stored.event.user_id!r}"
        if fingerprint_of(self._definition, row) != row["fingerprint"]:
            self._unlike.append(stored)
        told = event_row(stored)
        known = self._definition.trigger(stored.event.trigger) is not None
        for name in _TOLD_TWICE if known else ("standing", "minor", "letter", "letter_at"):
            if told[name] != row[name]:
                yield f"its {name} is {row[name]!r}, where the rest of it says {told[name]!r}"
        for share in stored.shares:
            for one in share.lifecycles:
                if one not in self._lifecycles:
                    yield f"it was for lifecycle {one!r}, which is not there"
        yield from self._money(stored)

    def _money(self, stored: StoredEvent) -> Iterator[str]:
        """Add up what a payout or reversal brought."""
        told = told_money(self._definition, stored)
        trigger = self._definition.trigger(stored.event.trigger)
        applied = stored.standing is Standing.APPLIED
        if told is None or trigger is None or not applied:
            if stored.money is not None:
                yield "it says that it moved money, which no such event does"
            if told is not None and stored.standing is Standing.WAITING:
                self._tally.add(*told, "payouts", "unapplied")
            elif told is not None and stored.standing is Standing.DROPPED:
                self._tally.add(*told, "payouts", "dropped")
            return
        if stored.money is None:
            yield "it was applied, and does not say what money it moved"
            return
        currency = stored.money.currency
        minor = trigger.money * money.payout_minor(stored.event.field("amount"), currency)
        if minor != stored.money.minor or stored.event.field("currency") not in (None, currency):
            told_to_move = f"{stored.money.minor} {currency} (minor units)"
            yield f"it says that it moved {told_to_move}, and its body does not"
        self._tally.add(currency, _major(minor, currency), "payouts")
        lifecycles = [one for share in stored.shares for one in share.lifecycles]
        if len(lifecycles) != 1:
            yield f"its money went to {len(lifecycles)} lifecycles instead of one"
        for one in lifecycles[:1]:
            self._paid.setdefault(one, Counter())[currency] += minor

    def _look_for_moves(self, rows: Sequence[Values]) -> None:
        """Find the applied parts of events that left no row."""
        moved = {(row["event_id"], row["lifecycle"]) for row in rows}
        for event_id, stored in self._events.items():
            for share in stored.shares if stored is not None else ():
                if share.standing is Standing.APPLIED and not any(
                    (event_id, one) in moved for one in share.lifecycles
                ):
                    what = f"it was applied to {share.claim!r}" if share.claim else "it was applied"
                    self._fault(
                        "events",
                        stored.seq if stored else "",
                        f"{what}, and no row of history says so",
                    )

    def _effects(self, rows: Sequence[Values]) -> list[Any]:
        """Compare the effects with the transitions that owe them; give their numbers."""
        effects = self._read("effects")
        by_cursor = {row["cursor"]: row for row in rows}
        for row in effects:
            for reason in misfits(self.user_id, row, by_cursor.get(row["cursor"]), self._dropped):
                self._fault("effects", row["seq"], reason)
            if row["seq"] in self._seqs or row["seq"] in by_cursor:
                self._fault("effects", row["seq"], "its number was handed out to something else as well")
        return [row["seq"] for row in effects]

    def _look_for_acts(self, acts: Sequence[Values]) -> None:
        """Find what only a person can have done to an event, and no act tells."""
        self._dropped = {row["to_state"] for row in acts if row["trigger"] == DROPPED}
        for stored in self._events.values():
            dropped = stored is not None and any(one.standing is Standing.DROPPED for one in stored.shares)
            if stored is not None and dropped and f"event:{stored.seq}" not in self._dropped:
                self._fault("events", stored.seq, "it was dropped, and no act says by whom")
        given = {row["to_state"]: row["claim_id"] for row in acts if row["claim_id"] is not None}
        for stored in self._unlike:
            claim_id = given.get(f"event:{stored.seq}")
            if claim_id is None or stored.event.field("claim_id") != claim_id:
                self._fault("events", stored.seq, "its content is not what its fingerprint was made of")

    def _look_for_waits(self) -> None:
        found = {(row["name"], row["seq"]) for row in self._read("waits")}
        read = [one for one in self._events.values() if one is not None]
        told = {(name, one.seq) for one in read for name in one.waits_under}
        unread = self._seqs - {one.seq for one in read}
        for name, seq in sorted(told - found, key=str):
            self._fault("waits", f"{name}/{seq}", "it is missing, and its event waits")
        for name, seq in sorted(found - told, key=str):
            if seq not in unread:
                self._fault("waits", f"{name}/{seq}", "no event waits under it")

    def _lifecycle(self, row: Values) -> None:
        chain = self._chains.get(row["id"])
        if chain is None:
            self._fault("lifecycles", row["id"], "it has no row of history")
            return
        try:
            reasons = [*differences(row, chain), *self._disagreements(row)]
        except Exception as error:  # whatever reading a damaged row does
            reasons = [f"it can't be read ({type(error).__name__}: {error})"]
        for reason in reasons:
            self._fault("lifecycles", row["id"], reason)

    def _disagreements(self, row: Values) -> Iterator[str]:
        """Say where a lifecycle contradicts itself, or the money that was applied to it."""
        lifecycle = lifecycle_of(row)
        due = due_at(self._definition, lifecycle.state, lifecycle.facts)
        told = {"case_id": lifecycle.case_id, "due_at": None if due is None else show_instant(due)}
        for name, value in told.items():
            if row[name] != value:
                yield f"its {name} is {row[name]!r}, and its facts say {value!r}"
        may_fork = lifecycle.claim_id is None and lifecycle.state == self._definition.forked_state()
        if row["forked"] not in ((0, 1) if may_fork else (0,)):
            yield f"its forked is {row['forked']!r}, which it can't be"
        paid = _without_nothing(self._paid.get(lifecycle.id, {}))
        if lifecycle.paid != paid:
            yield f"its paid is {lifecycle.paid!r}, and {paid!r} was applied to it (minor units)"

    def _totals(self, user: Columns, handed_out: Sequence[Any]) -> None:
        """Compare the user's row with what was added up."""
        applied: Counter[str] = Counter()
        for paid in self._paid.values():
            applied.update(paid)
        told = _without_nothing(applied)
        try:
            recovered = json.loads(user["recovered"])
            for currency, minor in recovered.items():
                self._tally.add(currency, _major(minor, currency), "recovered")
            if recovered != told:
                reason = f"recovered is {recovered!r}, and {told!r} was applied (minor units)"
                self._fault("users", self.user_id, reason)
        except Exception as error:  # whatever reading a damaged row does
            self._fault("users", self.user_id, f"recovered can't be read ({type(error).__name__}: {error})")
        highest = max((one for one in handed_out if isinstance(one, int)), default=0)
        if not isinstance(user["cursor"], int) or user["cursor"] < highest:
            self._fault("users", self.user_id, f"cursor is {user['cursor']!r}, and {highest} was handed out")


_STANDINGS = frozenset(standing.value for standing in Standing)


def _major(minor: int, currency: str) -> Decimal:
    return Decimal(minor).scaleb(-money.decimals(currency), EXACT)


def _without_nothing(minors: Mapping[str, int]) -> dict[str, int]:
    return {currency: minor for currency, minor in minors.items() if minor}
