"""User: the audit of one user, table by table, in the order in which one needs what the other tells.

Nothing is mended, and nothing that a damaged row holds makes it fail: what can't be read is a fault of that
row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from itertools import islice
from typing import Any

from workflow_fsm.audit.definitions import Definitions
from workflow_fsm.audit.of_user.cases import Cases, Keeper
from workflow_fsm.audit.of_user.chain import differences, fold
from workflow_fsm.audit.of_user.effects import misfits
from workflow_fsm.audit.of_user.events import Events
from workflow_fsm.audit.of_user.money import Bookings, Currencies, counted_currency, differ, misfits_of_user
from workflow_fsm.audit.of_user.names import Names, unfit_aliases, unfit_ids, unfit_waits
from workflow_fsm.audit.of_user.overlays import Acts
from workflow_fsm.audit.of_user.tellings import Key, Tellings
from workflow_fsm.audit.report import Tally, text_of, unread
from workflow_fsm.audit.scratch import Scratch, Values
from workflow_fsm.core.model.lifecycle import CaseOwner
from workflow_fsm.core.values.instants import read_instant, show_instant
from workflow_fsm.stores.columns import sums_of, sums_text, unapplied_text
from workflow_fsm.stores.mapping import claim_currencies_of, lifecycle_of, listed, shown_currency
from workflow_fsm.stores.session import Columns
from workflow_fsm.stores.statements import LISTED

_OWNERS_AT_ONCE = 1_000
"""Of so many claims the cases are held at once against what events tell of them."""


class User:
    """The audit of one user, whose rows are in a scratch."""

    def __init__(
        self, scratch: Scratch, definitions: Definitions, tally: Tally, currencies: Currencies
    ) -> None:
        self.user_id = spelled(scratch.key)
        self._scratch = scratch
        self._definitions = definitions
        self._tally = tally
        user = scratch.user
        shown = shown_currency("{}" if user is None else text_of(user["currencies"]))
        self._bookings = Bookings(definitions.reading, tally, currencies, shown, scratch, self._fault)
        self._acts = Acts(scratch)
        self._names = Names(scratch)
        self._events = Events(
            scratch, definitions, self._bookings, self._names, self._acts, complain=self._fault
        )
        self._all_read = True
        self._counted: Counter[str] = Counter()

    def examine(self) -> None:
        """Examine everything."""
        self._events.read(self._tally)
        self._history()
        self._effects()
        for alias, reason in unfit_aliases(self._scratch):
            self._fault("aliases", alias, reason)
        numbers = self._scratch.first("numbers")
        assert numbers is not None
        self._cases(Keeper.of(self._scratch.user, highest=numbers["highest"], many=numbers["many"]))
        self._lifecycles()
        for wait, reason in unfit_waits(self._scratch):
            self._fault("waits", wait, reason)
        for event_id, reason in unfit_ids(self._scratch):
            self._fault("event_ids", event_id, reason)
        if self._scratch.user is None:
            self._fault("users", self.user_id, "something is kept of a user who has no row")
        else:
            self._totals(self._scratch.user, numbers["highest"])

    def _fault(self, table: str, key: object, reason: str) -> None:
        self._tally.fault(self.user_id, table, key, reason)

    def _history(self) -> None:
        """Fold every chain, and compare it with its lifecycle and with the events that moved it."""
        unsound = 0

        def complain(table: str, key: object, reason: str) -> None:
            nonlocal unsound
            unsound += 1
            self._fault(table, key, reason)

        for chain in fold(self._definitions, self._scratch, self._events.moved, complain):
            self._tally.rows += chain.length
            self._scratch.note("put_head", lifecycle=chain.last["lifecycle"], hash=chain.last["hash"])
            for row in self._scratch.each("lifecycle", id=chain.last["lifecycle"]):
                self._hold(row, differences(row, chain))
        if not unsound:
            for row in self._scratch.each("unmoved_parts"):
                what = f"it was applied to {row['claim']!r}" if row["claim"] else "it was applied"
                self._fault("events", row["seq"], f"{what}, and no row of history says so")
        for row in self._scratch.each("rows_astray"):
            self._fault("history", row["cursor"], f"its lifecycle {row['lifecycle']!r} is not there")
        for row in self._scratch.each("cursors_of_events"):
            self._fault("history", row["cursor"], "its cursor was handed out to an event as well")

    def _effects(self) -> None:
        """Compare the effects with the transitions that owe them."""
        for row in self._scratch.each("effects_of"):
            cause = self._scratch.first("row_at", cursor=row["cursor"])
            for reason in misfits(self.user_id, row, cause, self._acts.dropped):
                self._fault("effects", row["seq"], reason)
            if row["is_taken"]:
                self._fault("effects", row["seq"], "its number was handed out to something else as well")

    # -- cases

    def _cases(self, keeper: Keeper) -> None:
        """Compare cases with the events that can have told them."""
        owners = (CaseOwner(row["claim_id"], row["sync_id"]) for row in self._scratch.each("owners_of_cases"))
        while some := frozenset(islice(owners, _OWNERS_AT_ONCE)):
            self._cases_of(self._tellings(some), keeper)
        nobody = self._tellings(())
        for row in self._scratch.each("booked_events"):
            stored = self._events.at(row["seq"])
            if stored is not None:
                self._events.hold(stored, Cases(nobody, self._names).misbooked)
        for row in self._scratch.each("doubted_of"):
            stored = self._events.at(row["seq"])
            if stored is not None:
                concerned = {self._names.owner(one) for one in stored.lifecycles}
                tellings = self._tellings({one for one in concerned if one is not None})
                self._events.hold(stored, Cases(tellings, self._names).undoubted)

    def _tellings(self, owners: Collection[CaseOwner]) -> Tellings:
        return Tellings(self._scratch, self._events, self._names, owners)

    def _cases_of(self, tellings: Tellings, keeper: Keeper) -> None:
        cases = Cases(tellings, self._names)
        booked: set[Key] = set()
        for owner in tellings.owners:
            for row in self._scratch.each("cases_of", claim_id=owner.claim_id, sync_id=owner.sync_id):
                key = f"{row['case_id']}/{row['claim_id'] or row['sync_id']}"
                booked.add((owner, row["case_id"] or None))
                try:
                    for reason in cases.misfits(row, keeper):
                        self._fault("cases", key, reason)
                except Exception as error:  # whatever a damaged row does to its reader
                    self._fault("cases", key, unread(error))
        for key, reason in cases.missing(booked):
            self._fault("cases", key, reason)

    # -- lifecycles

    def _lifecycles(self) -> None:
        for row in self._scratch.each("lifecycles_of"):
            self._tally.lifecycles += 1
            if not row["is_chained"]:
                self._fault("lifecycles", row["id"], "it has no row of history")
                self._all_read = False
                continue
            self._hold(row, self._names.unmerged(row))
            self._hold(row, self._disagreements(row))

    def _hold(self, row: Values, reasons: Iterator[str]) -> None:
        """Complain of a lifecycle for reasons that are looked for."""
        try:
            for reason in reasons:
                self._fault("lifecycles", row["id"], reason)
        except Exception as error:  # whatever a damaged row does to its reader
            self._fault("lifecycles", row["id"], unread(error))

    def _disagreements(self, row: Values) -> Iterator[str]:
        """Say where a lifecycle contradicts itself, or the money that was applied to it."""
        try:
            lifecycle = lifecycle_of(self._definitions.current, row)
        except Exception:
            self._all_read = False
            raise
        currency = counted_currency(lifecycle)
        if currency is not None:
            self._counted[currency] += 1
        dues = (None,) if lifecycle.merged_into is not None else self._definitions.dues(lifecycle)
        told, *others = (None if due is None else show_instant(due) for due in dues)
        if row["due_at"] not in (told, *others):
            yield f"its due_at is {row['due_at']!r}, and its facts say {told!r}"
        may_fork = lifecycle.claim_id is None and self._definitions.may_fork(lifecycle.state)
        may_fork = may_fork or lifecycle.merged_into is not None
        if row["forked"] not in ((0, 1) if may_fork else (0,)):
            yield f"its forked is {row['forked']!r}, which it can't be"
        if row["facts"].startswith(LISTED):
            for name, told in listed(lifecycle).items():
                if row[name] != told:
                    yield f"its {name} is {row[name]!r}, and its facts say {told!r}"
        yield from self._bookings.misfits(lifecycle)

    def _totals(self, user: Columns, highest: int) -> None:
        """Compare the user's row with what was added up."""
        told = self._bookings.total()
        try:
            recovered = sums_of(text_of(user["recovered"]))
            for currency, amount in recovered.items():
                self._tally.add(currency, amount, "recovered")
            if differ(recovered, told):
                reason = f"recovered is {sums_text(recovered)}, and {sums_text(told)} was applied"
                self._fault("users", self.user_id, reason)
        except Exception as error:  # whatever a damaged row does to its reader
            self._fault("users", self.user_id, f"recovered: {unread(error)}")
        unapplied = unapplied_text(self._bookings.unapplied)
        if text_of(user["unapplied"]) != unapplied:
            reason = f"unapplied is {text_of(user['unapplied'])}, and {unapplied} waits"
            self._fault("users", self.user_id, reason)
        try:
            currencies = claim_currencies_of({"currencies": text_of(user["currencies"])})
            read_instant(text_of(user["updated_at"]))
            if self._all_read:
                for reason in misfits_of_user(currencies, self._counted):
                    self._fault("users", self.user_id, reason)
        except Exception as error:  # whatever a damaged row does to its reader
            self._fault("users", self.user_id, unread(error))
        if not isinstance(user["cursor"], int) or user["cursor"] < highest:
            self._fault("users", self.user_id, f"cursor is {user['cursor']!r}, and {highest} was handed out")


def spelled(key: Any) -> str:
    """Give a user's id from how the database spells it."""
    return key.decode(errors="backslashreplace") if isinstance(key, bytes) else str(key)
