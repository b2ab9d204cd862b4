"""User: the audit of one user, table by table, in the order in which one needs what the other tells.

Nothing is mended, and nothing that a damaged row holds makes it fail: what can't be read is a fault of that
row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from workflow_fsm.audit import overlays
from workflow_fsm.audit.cases import Cases, Keeper
from workflow_fsm.audit.chain import Chain, Values, differences, fold
from workflow_fsm.audit.effects import misfits
from workflow_fsm.audit.money import Bookings, Currencies, differ, misfits_of_user
from workflow_fsm.audit.names import Names, unfit_aliases, unfit_ids, unfit_waits
from workflow_fsm.audit.overlays import Acts
from workflow_fsm.audit.report import Tally, text_of, unread
from workflow_fsm.audit.tellings import Key, Tellings
from workflow_fsm.core.decision.moves import due_at
from workflow_fsm.core.definition import Definition
from workflow_fsm.core.model.inbox import Standing, StoredEvent
from workflow_fsm.core.model.lifecycle import ACTS, CaseOwner, Lifecycle
from workflow_fsm.core.values.instants import read_instant, show_instant
from workflow_fsm.stores.columns import sums_of, sums_text, unapplied_text
from workflow_fsm.stores.event_mapping import event_row, fingerprint_of, stored_event_of
from workflow_fsm.stores.mapping import EVERY, claim_currencies_of, lifecycle_of, shown_currency
from workflow_fsm.stores.session import Columns, Session

_TOLD_TWICE = (
    "standing",
    "reimbursement_id",
    "original_id",
    "occurred_at",
    "amount",
    "currency",
    "units",
    "id_given",
    "letter",
    "letter_at",
    "dropped",
)


class User:
    """The audit of one user."""

    def __init__(
        self, session: Session, definition: Definition, tally: Tally, key: Any, currencies: Currencies
    ) -> None:
        self.user_id = key.decode(errors="backslashreplace") if isinstance(key, bytes) else str(key)
        self._session = session
        self._definition = definition
        self._tally = tally
        self._key = key
        self._currencies = currencies
        self._lifecycles: dict[Any, Values] = {}
        self._events: dict[str, StoredEvent | None] = {}
        self._seqs: set[Any] = set()
        self._chains: dict[Any, Chain] = {}
        self._acts = Acts(())
        self._names = Names((), ())
        self._read_lifecycles: list[Lifecycle] = []

    def examine(self, user: Columns | None) -> None:
        """Examine everything; `user` is the row of the user, None where there is none."""
        self._session.prefetch((statement, {"user_id": self._key}) for statement, _, _ in EVERY.values())
        shown = shown_currency("{}" if user is None else text_of(user["currencies"]))
        bookings = Bookings(self._definition, self._tally, self._currencies, shown)
        self._lifecycles = {row["id"]: row for row in self._read("lifecycles")}
        for row in self._read("events"):
            self._events[row["event_id"]] = self._event(row, bookings)
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
        self._acts = Acts([row for row in rows if row["lifecycle"] == ACTS])
        effects = self._effects(rows)
        handed_out = [*self._seqs, *(row["cursor"] for row in rows), *effects]
        aliases = self._read("aliases")
        self._names = Names(self._lifecycles.values(), aliases)
        for alias, reason in unfit_aliases(aliases):
            self._fault("aliases", alias, reason)
        tellings = self._cases(rows, user, handed_out)
        for row in self._lifecycles.values():
            self._lifecycle(row, bookings, tellings)
        self._look_for_waits()
        for event_id, reason in unfit_ids(self._read("event_ids"), self._events, self._seqs):
            self._fault("event_ids", event_id, reason)
        self._look_for_acts()
        if user is None:
            self._fault("users", self.user_id, "something is kept of a user who has no row")
        else:
            self._totals(user, bookings, handed_out)
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

    def _event(self, row: Values, bookings: Bookings) -> StoredEvent | None:
        """Read one event, count it, and compare what it says twice."""
        self._tally.received += 1
        if row["standing"] in _STANDINGS:
            self._tally.standings[row["standing"]] += 1
        try:
            stored = stored_event_of(self._definition, row)
            for reason in self._contradictions(stored, row):
                self._fault("events", row["seq"], reason)
            for reason in bookings.add(stored):
                self._fault("events", row["seq"], reason)
        except Exception as error:  # whatever a damaged row does to its reader
            self._fault("events", row["seq"], unread(error))
            return None
        return bookings.without_what_none_moves(stored)

    def _contradictions(self, stored: StoredEvent, row: Values) -> Iterator[str]:
        if stored.event.user_id != row["user_id"]:
            yield f"its body is of user {stored.event.user_id!r}"
        if fingerprint_of(self._definition, row) != row["fingerprint"]:
            yield "its content is not what its fingerprint was made of"
        told = event_row(stored)
        known = self._definition.trigger(stored.event.trigger) is not None
        for name in (
            _TOLD_TWICE if known else ("standing", "amount", "currency", "letter", "letter_at", "dropped")
        ):
            if told[name] != row[name]:
                yield f"its {name} is {row[name]!r}, where the rest of it says {told[name]!r}"
        for share in stored.shares:
            for one in share.lifecycles:
                if one not in self._lifecycles:
                    yield f"it was for lifecycle {one!r}, which is not there"

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
            for reason in misfits(self.user_id, row, by_cursor.get(row["cursor"]), self._acts.dropped):
                self._fault("effects", row["seq"], reason)
            if row["seq"] in self._seqs or row["seq"] in by_cursor:
                self._fault("effects", row["seq"], "its number was handed out to something else as well")
        return [row["seq"] for row in effects]

    def _look_for_acts(self) -> None:
        """Find what only a person can have done to an event, and no act tells; or the other way round."""
        for stored in self._events.values():
            if stored is None:
                continue
            dropped = any(one.standing is Standing.DROPPED for one in stored.shares)
            if dropped and f"event:{stored.seq}" not in self._acts.dropped:
                self._fault("events", stored.seq, "it was dropped, and no act says by whom")
            self._hold(stored, lambda one: overlays.misfits(self._definition, self._acts, one))

    def _hold(self, stored: StoredEvent, reasons: Callable[[StoredEvent], Iterator[str]]) -> None:
        """Complain of an event for reasons that are looked for."""
        try:
            for reason in reasons(stored):
                self._fault("events", stored.seq, reason)
        except Exception as error:  # whatever a damaged row does to its reader
            self._fault("events", stored.seq, unread(error))

    def _look_for_waits(self) -> None:
        read = [one for one in self._events.values() if one is not None]
        unread = self._seqs - {one.seq for one in read}
        for wait, reason in unfit_waits(self._read("waits"), read, unread):
            self._fault("waits", wait, reason)

    def _cases(self, rows: Sequence[Values], user: Columns | None, handed_out: Collection[Any]) -> Tellings:
        """Compare cases with the events that can have told them."""
        moved = {(row["event_id"], row["lifecycle"]): row for row in rows if row["lifecycle"] != ACTS}
        tellings = Tellings(self._definition, self._names, moved)
        known = [one for one in self._events.values() if one is not None]
        tellings.read(
            [
                (one, overlays.names_told(self._acts, one))
                for one in known
                if self._definition.trigger(one.event.trigger) is not None
            ]
        )
        cases = Cases(tellings, self._names)
        keeper = Keeper.of(user, handed_out)
        booked: set[Key] = set()
        for row in self._read("cases"):
            key = f"{row['case_id']}/{row['claim_id'] or row['sync_id']}"
            booked.add((CaseOwner(row["claim_id"], row["sync_id"]), row["case_id"] or None))
            try:
                for reason in cases.misfits(row, keeper):
                    self._fault("cases", key, reason)
            except Exception as error:  # whatever a damaged row does to its reader
                self._fault("cases", key, unread(error))
        for key, reason in cases.missing(booked):
            self._fault("cases", key, reason)
        for one in known:
            self._hold(one, cases.undoubted)
            self._hold(one, cases.misbooked)
        return tellings

    def _lifecycle(self, row: Values, bookings: Bookings, tellings: Tellings) -> None:
        chain = self._chains.get(row["id"])
        if chain is None:
            self._fault("lifecycles", row["id"], "it has no row of history")
            return
        try:
            reasons = [*differences(row, chain), *self._names.unmerged(row)]
            reasons += self._disagreements(row, bookings, tellings)
        except Exception as error:  # whatever a damaged row does to its reader
            reasons = [unread(error)]
        for reason in reasons:
            self._fault("lifecycles", row["id"], reason)

    def _disagreements(self, row: Values, bookings: Bookings, tellings: Tellings) -> Iterator[str]:
        """Say where a lifecycle contradicts itself, or the money that was applied to it."""
        lifecycle = lifecycle_of(self._definition, row)
        self._read_lifecycles.append(lifecycle)
        due = due_at(self._definition, lifecycle.state, lifecycle.facts)
        told = None if due is None or lifecycle.merged_into is not None else show_instant(due)
        if row["due_at"] != told:
            yield f"its due_at is {row['due_at']!r}, and its facts say {told!r}"
        may_fork = lifecycle.claim_id is None and lifecycle.state == self._definition.forked_state()
        may_fork = may_fork or lifecycle.merged_into is not None
        if row["forked"] not in ((0, 1) if may_fork else (0,)):
            yield f"its forked is {row['forked']!r}, which it can't be"
        yield from bookings.misfits(lifecycle, tellings.filed, tellings.moved)

    def _totals(self, user: Columns, bookings: Bookings, handed_out: Sequence[Any]) -> None:
        """Compare the user's row with what was added up."""
        told = bookings.total()
        try:
            recovered = sums_of(text_of(user["recovered"]))
            for currency, amount in recovered.items():
                self._tally.add(currency, amount, "recovered")
            if differ(recovered, told):
                reason = f"recovered is {sums_text(recovered)}, and {sums_text(told)} was applied"
                self._fault("users", self.user_id, reason)
        except Exception as error:  # whatever a damaged row does to its reader
            self._fault("users", self.user_id, f"recovered: {unread(error)}")
        unapplied = unapplied_text(bookings.unapplied)
        if text_of(user["unapplied"]) != unapplied:
            reason = f"unapplied is {text_of(user['unapplied'])}, and {unapplied} waits"
            self._fault("users", self.user_id, reason)
        try:
            currencies = claim_currencies_of({"currencies": text_of(user["currencies"])})
            read_instant(text_of(user["updated_at"]))
            if len(self._read_lifecycles) == len(self._lifecycles):
                for reason in misfits_of_user(currencies, self._read_lifecycles):
                    self._fault("users", self.user_id, reason)
        except Exception as error:  # whatever a damaged row does to its reader
            self._fault("users", self.user_id, unread(error))
        highest = max((one for one in handed_out if isinstance(one, int)), default=0)
        if not isinstance(user["cursor"], int) or user["cursor"] < highest:
            self._fault("users", self.user_id, f"cursor is {user['cursor']!r}, and {highest} was handed out")


_STANDINGS = frozenset(standing.value for standing in Standing)
