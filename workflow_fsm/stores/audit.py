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

from workflow_fsm.core import money
from workflow_fsm.core.definition import Definition
from workflow_fsm.core.instants import show_instant
from workflow_fsm.core.kept import Kept, Standing
from workflow_fsm.core.lifecycle import COLUMNS
from workflow_fsm.core.moves import due_at
from workflow_fsm.core.strict_json import EXACT
from workflow_fsm.stores.chains import Chain, Values, fold
from workflow_fsm.stores.findings import Report, Tally
from workflow_fsm.stores.rows import event_row, kept_of, lifecycle_of
from workflow_fsm.stores.session import Columns, Session
from workflow_fsm.stores.views import told_money

_PAGE = 500
_TOLD_TWICE = ("standing", "fingerprint", "reimbursement_id", "occurred_at", "minor")


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
        self._events: dict[str, Kept | None] = {}
        self._seqs: set[Any] = set()
        self._chains: dict[Any, Chain] = {}
        self._paid: dict[int, Counter[str]] = {}

    def examine(self, user: Columns | None) -> None:
        """Examine everything; `user` is the row of the user, None where there is none."""
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
            if row["lifecycle"] not in self._lifecycles:
                self._fault("history", row["cursor"], f"its lifecycle {row['lifecycle']!r} is not there")
            if row["cursor"] in self._seqs:
                self._fault("history", row["cursor"], "its cursor was handed out to an event as well")
        for row in self._lifecycles.values():
            self._lifecycle(row)
        self._look_for_waits()
        if user is None:
            self._fault("users", self.user_id, "something is kept of a user who has no row")
        else:
            self._totals(user, [*self._seqs, *(row["cursor"] for row in rows)])
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
        statement, key, names = _TABLES[table]
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

    def _event(self, row: Values) -> Kept | None:
        """Read one event, count it, and compare what it says twice."""
        self._tally.received += 1
        if row["standing"] in _STANDINGS:
            self._tally.standings[row["standing"]] += 1
        try:
            kept = kept_of(self._definition, row)
            for reason in self._contradictions(kept, row):
                self._fault("events", row["seq"], reason)
        except Exception as error:  # whatever a damaged row does to its reader
            self._fault("events", row["seq"], f"it can't be read ({type(error).__name__}: {error})")
            return None
        return kept

    def _contradictions(self, kept: Kept, row: Values) -> Iterator[str]:
        if kept.event.user_id != row["user_id"]:
            yield f"its body is of user {kept.event.user_id!r}"
        told = event_row(kept)
        known = self._definition.trigger(kept.event.trigger) is not None
        for name in _TOLD_TWICE if known else ("standing", "minor"):
            if told[name] != row[name]:
                yield f"its {name} is {row[name]!r}, where the rest of it says {told[name]!r}"
        for share in kept.shares:
            for one in share.lifecycles:
                if one not in self._lifecycles:
                    yield f"it was for lifecycle {one!r}, which is not there"
        yield from self._money(kept)

    def _money(self, kept: Kept) -> Iterator[str]:
        """Add up what a payout or reversal brought."""
        told = told_money(self._definition, kept)
        trigger = self._definition.trigger(kept.event.trigger)
        applied = kept.standing is Standing.APPLIED
        if told is None or trigger is None or not applied:
            if kept.money is not None:
                yield "it says that it moved money, which no such event does"
            if told is not None and kept.standing is Standing.WAITING:
                self._tally.add(*told, "payouts", "unapplied")
            elif told is not None and kept.standing is Standing.DROPPED:
                self._tally.add(*told, "payouts", "dropped")
            return
        if kept.money is None:
            yield "it was applied, and does not say what money it moved"
            return
        currency = kept.money.currency
        minor = trigger.money * money.payout_minor(kept.event.field("amount"), currency)
        if minor != kept.money.minor or kept.event.field("currency") not in (None, currency):
            yield f"it says that it moved {kept.money.minor} {currency} (minor units), and its body does not"
        self._tally.add(currency, _major(minor, currency), "payouts")
        lifecycles = [one for share in kept.shares for one in share.lifecycles]
        if len(lifecycles) != 1:
            yield f"its money went to {len(lifecycles)} lifecycles instead of one"
        for one in lifecycles[:1]:
            self._paid.setdefault(one, Counter())[currency] += minor

    def _look_for_moves(self, rows: Sequence[Values]) -> None:
        """Find the applied parts of events that left no row."""
        moved = {(row["event_id"], row["lifecycle"]) for row in rows}
        for event_id, kept in self._events.items():
            for share in kept.shares if kept is not None else ():
                if share.standing is Standing.APPLIED and not any(
                    (event_id, one) in moved for one in share.lifecycles
                ):
                    what = f"it was applied to {share.claim!r}" if share.claim else "it was applied"
                    self._fault("events", kept.seq if kept else "", f"{what}, and no row of history says so")

    def _look_for_waits(self) -> None:
        stored = {(row["name"], row["seq"]) for row in self._read("waits")}
        kept = [one for one in self._events.values() if one is not None]
        told = {(name, one.seq) for one in kept for name in one.waits_under}
        unread = self._seqs - {one.seq for one in kept}
        for name, seq in sorted(told - stored, key=str):
            self._fault("waits", f"{name}/{seq}", "it is missing, and its event waits")
        for name, seq in sorted(stored - told, key=str):
            if seq not in unread:
                self._fault("waits", f"{name}/{seq}", "no event waits under it")

    def _lifecycle(self, row: Values) -> None:
        chain = self._chains.get(row["id"])
        if chain is None:
            self._fault("lifecycles", row["id"], "it has no row of history")
            return
        try:
            reasons = [*self._differences(row, chain), *self._disagreements(row)]
        except Exception as error:  # whatever a damaged row does to its reader
            reasons = [f"it can't be read ({type(error).__name__}: {error})"]
        for reason in reasons:
            self._fault("lifecycles", row["id"], reason)

    def _differences(self, row: Values, chain: Chain) -> Iterator[str]:
        """Say where a lifecycle differs from its chain."""
        first, last = chain.first, chain.last
        parent = chain if chain.parent is None else chain.parent
        pairs: list[tuple[str, Any]] = []
        if chain.first_sound:
            pairs = [("id", first["cursor"]), ("claim_id", first["claim_id"]), ("sync_id", first["sync_id"])]
            pairs.append(("parent", None if chain.parent is None else parent.first["lifecycle"]))
        if chain.last_sound:
            pairs += [(name, last[told]) for name, told in _LAST.items()]
        for name, told in pairs:
            if row[name] != told:
                yield f"its {name} is {row[name]!r}, and history says {told!r}"
        if row["head"] not in chain.hashes:
            yield f"its head is {row['head']!r}, which is not the hash of its last row"
        if chain.first_sound and row["origin"] not in parent.origins:
            yield f"its origin is {row['origin']!r}, which is not the hash of its sync's first row"

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
        except Exception as error:  # whatever a damaged row does to its reader
            self._fault("users", self.user_id, f"recovered can't be read ({type(error).__name__}: {error})")
        highest = max((one for one in handed_out if isinstance(one, int)), default=0)
        if not isinstance(user["cursor"], int) or user["cursor"] < highest:
            self._fault("users", self.user_id, f"cursor is {user['cursor']!r}, and {highest} was handed out")


_TABLES = {
    "lifecycles": (
        "every_lifecycle",
        "id",
        "id claim_id sync_id state version entered_at cursor head origin parent forked case_id due_at "
        "facts paid",
    ),
    "history": ("every_row", "cursor", " ".join((*COLUMNS, "hash"))),
    "events": (
        "every_event",
        "seq",
        "user_id seq event_id trigger standing received_at occurred_at expires_at settled fingerprint "
        "body shares answer actor reimbursement_id currency minor",
    ),
    "waits": ("every_wait", "seq", "name seq"),
}
"""Of each table: the statement that reads it, its key within a user, its columns."""
_LAST = {"state": "to_state", "version": "version", "cursor": "cursor", "entered_at": "at"}
"""Columns of a lifecycle, and what they are in its last row of history."""
_STANDINGS = frozenset(standing.value for standing in Standing)


def _major(minor: int, currency: str) -> Decimal:
    return Decimal(minor).scaleb(-money.decimals(currency), EXACT)


def _without_nothing(minors: Mapping[str, int]) -> dict[str, int]:
    return {currency: minor for currency, minor in minors.items() if minor}
