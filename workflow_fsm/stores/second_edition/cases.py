"""Cases of one user of a first edition's store: what its events told of them, and what its claims show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from workflow_fsm.core.definition import Trigger
from workflow_fsm.core.definition.cases import Cases, CaseState, book, file, name, ordered, reject
from workflow_fsm.core.definition.events import Event
from workflow_fsm.core.model.inbox import Standing
from workflow_fsm.core.model.lifecycle import CaseOwner
from workflow_fsm.core.values.instants import read_instant
from workflow_fsm.stores.mapping import case_row
from workflow_fsm.stores.second_edition.rows import Row, Run, owner_of


class ToldCases:
    """A user's cases, as the events tell them one by one.

    `aliases` are names of claims, `lifecycles` the rows of the user's, by their ids. `paid_without` are the
    ids of those that were paid under no case.
    """

    def __init__(self, user_id: str, aliases: Mapping[str, str], lifecycles: Mapping[int, Row]) -> None:
        self._user = user_id
        self._aliases = aliases
        self._lifecycles = lifecycles
        self._cases: dict[CaseOwner, Cases] = {}
        self.paid_without: set[int] = set()

    def take(
        self,
        row: Row,
        trigger: Trigger,
        event: Event,
        shares: Sequence[Row],
        *,
        amount: str | None,
        units: int,
    ) -> None:
        """Let an event say what it says of cases."""
        case_id, claim = event.field("amazon_case_id"), event.field("claim_id")
        at = read_instant(row["received_at"])
        if case_id is not None and claim is not None and row["standing"] in ("waiting", "applied", "known"):
            owner = CaseOwner(self._aliases.get(claim, claim), "")
            self._cases[owner] = name(self._cases.get(owner, {}), case_id, at=at, seq=row["seq"])
        for share in shares:
            if share["standing"] not in ("applied", "known"):
                continue
            for lifecycle_id in share.get("lifecycles", ()):
                lifecycle = self._lifecycles.get(lifecycle_id)
                if lifecycle is not None:
                    self._take_share(row, trigger, event, share, lifecycle, amount, units, at)

    def own(self, lifecycle: Row, case_id: str | None) -> None:
        """See that the case a claim was shown with is one of its cases, and that a filed claim has one."""
        owner = owner_of(lifecycle)
        cases = self._cases.get(owner, {})
        at, seq = read_instant(lifecycle["entered_at"]), lifecycle["cursor"]
        if case_id is not None and case_id not in cases:
            cases = name(cases, case_id, at=at, seq=seq)
        filed = any(case.state == CaseState.FILED for case in cases.values())
        if lifecycle["state"] == "submitted" and not filed:
            cases = file(cases, case_id, late=False, state=CaseState.FILED, at=at, seq=seq)
        self._cases[owner] = cases

    def write(self, run: Run) -> None:
        """Write all of them."""
        for owner, cases in self._cases.items():
            for case in cases.values():
                run(
                    "INSERT INTO cases "
                    "(user_id, case_id, claim_id, sync_id, state, at, seq, told, paid, units, alone) "
                    "VALUES (:user_id, :case_id, :claim_id, :sync_id, :state, "
                    ":at, :seq, :told, :paid, :units, :alone)",
                    case_row(self._user, owner, case),
                )

    def _take_share(
        self,
        row: Row,
        trigger: Trigger,
        event: Event,
        share: Row,
        lifecycle: Row,
        amount: str | None,
        units: int,
        at: datetime,
    ) -> None:
        owner = owner_of(lifecycle)
        cases = self._cases.get(owner, {})
        case_id, seq = event.field("amazon_case_id"), row["seq"]
        applied = share["standing"] == Standing.APPLIED
        alone = event.field("claim_id") is None and case_id is not None
        if trigger.files and (applied or case_id is not None):
            cases = file(cases, case_id, late=False, state=CaseState.FILED, at=at, seq=seq)
        elif trigger.rejects and applied:
            cases = reject(cases, case_id, at=at, seq=seq, alone=alone)
        elif trigger.money and applied and amount is not None:
            if case_id is None:
                self.paid_without.add(lifecycle["id"])
                return
            cases = book(
                cases,
                case_id,
                currency=row["currency"],
                amount=Decimal(amount),
                units=units,
                at=at,
                seq=seq,
                alone=alone,
            )
        else:
            return
        self._cases[owner] = ordered(list(cases.values()))
