"""Cases: a claim's filings with the marketplace, and what a filing, a verdict or a payment makes of them.

A claim may have several, and a case may be of several claims; none is ever forgotten or overwritten. A filing
that came without an id is a case without a name, until an event that names the claim tells one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from workflow_fsm.core.values import money
from workflow_fsm.core.values.value_types import dataclass, replace


class CaseState(StrEnum):
    """Where a case stands with the marketplace."""

    FILED = "filed"
    REJECTED = "rejected"
    PAID = "paid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case of one claim.

    `case_id` is None for a filing without a name; `state` is None while nobody told one. `at` is when the
    state was told (else when the case was), `seq` the number of the event that told it. `told` tells whether
    a submission did: else only a verdict or a payout has. `paid` and `units` are what was booked under it on
    this claim. `alone` is the number of the last event whose money or verdict was taken by the case alone.
    """

    case_id: str | None
    state: str | None = None
    at: datetime
    seq: int
    told: bool = False
    paid: Mapping[str, Decimal] = field(default_factory=dict)
    units: int = 0
    alone: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether neither money nor units are left under it."""
        return self.units <= 0 and all(held <= 0 for held in self.paid.values())


Cases = Mapping[str | None, Case]
"""The cases of one claim, by id, in the order in which they were last told."""


def ordered(cases: Sequence[Case]) -> Cases:
    """Give cases by id, in the order in which they were last told."""
    return {case.case_id: case for case in sorted(cases, key=lambda one: (one.seq, one.case_id or ""))}


def joined(cases: Cases, others: Cases) -> Cases:
    """Give the cases of two claims that are one: of one that both have, what was told last, and all money."""
    return ordered([_one(cases.get(case_id), others.get(case_id)) for case_id in {**cases, **others}])


def _one(case: Case | None, other: Case | None) -> Case:
    if case is None or other is None:
        found = case or other
        assert found is not None
        return found
    last = max((case, other), key=lambda one: (one.state is not None, one.seq))
    paid = case.paid
    for currency, amount in other.paid.items():
        paid = money.add(paid, currency, amount)
    alone = max((one.alone for one in (case, other) if one.alone is not None), default=None)
    return replace(last, told=case.told or other.told, paid=paid, units=case.units + other.units, alone=alone)


def newest(cases: Cases, *, state: CaseState | None = None) -> Case | None:
    """Give the case that was told last, or the last that is in a state."""
    found = [case for case in cases.values() if case.state is not None and state in (None, case.state)]
    return found[-1] if found else None


def shown_case_id(cases: Cases) -> str | None:
    """Give the case that a claim is shown with: the newest that is filed, else the newest told."""
    filed = [case for case in cases.values() if case.state == CaseState.FILED]
    told = [case for case in cases.values() if case.state is not None]
    found = filed or told
    return found[-1].case_id if found else None


def is_another_filed(cases: Cases, case_id: str | None) -> bool:
    """Tell whether the marketplace still has another of a claim's cases, once it decided this one.

    A verdict that names none decides all of them.
    """
    return case_id is not None and any(
        case.state == CaseState.FILED and case.case_id != case_id for case in cases.values()
    )


def is_told_late(cases: Cases, case_id: str | None, *, paid_without_case: bool) -> bool:
    """Tell whether a submission tells of a filing that a verdict or a payout has told before it."""
    case = newest(cases) if case_id is None else cases.get(case_id)
    if case is not None:
        return not case.told and case.state in (CaseState.REJECTED, CaseState.PAID)
    return case_id is None and paid_without_case and not any(one.told for one in cases.values())


def file(
    cases: Cases,
    case_id: str | None,
    *,
    late: bool,
    state: CaseState,
    at: datetime,
    seq: int,
    moved: bool = False,
) -> Cases:
    """File a case; one told late, after its verdict or money, is told by now, and stays as it is.

    `state` is that of a case that nobody told before. One by which the claim `moved` is filed anew.
    """
    if late and case_id is None:
        known = newest(cases)
        case_id = None if known is None else known.case_id
    known = cases.get(case_id)
    settled = (CaseState.FILED,) if moved else (CaseState.FILED, CaseState.PAID)
    if known is not None and (late or known.state in settled):
        return {**cases, case_id: replace(known, told=True)}
    filed = Case(case_id=case_id, at=at, seq=seq) if known is None else known
    return _told(cases, replace(filed, state=state, at=at, seq=seq, told=True))


def reject(cases: Cases, case_id: str | None, *, at: datetime, seq: int, alone: bool) -> Cases:
    """Reject a case, or all that are filed where none is named."""
    if case_id is None:
        return {
            name: replace(case, state=CaseState.REJECTED, at=at, seq=seq)
            if case.state == CaseState.FILED
            else case
            for name, case in cases.items()
        }
    case = cases.get(case_id) or Case(case_id=case_id, at=at, seq=seq)
    told = replace(case, state=CaseState.REJECTED, at=at, seq=seq, alone=seq if alone else case.alone)
    return _told(cases, told)


def book(
    cases: Cases,
    case_id: str,
    *,
    currency: str,
    amount: Decimal,
    units: int,
    at: datetime,
    seq: int,
    alone: bool,
) -> Cases:
    """Book a payout, or a reversal (below 0), under a case: it is paid, or rejected where nothing is left."""
    case = cases.get(case_id) or Case(case_id=case_id, at=at, seq=seq)
    booked = replace(
        case,
        paid=money.add(case.paid, currency, amount),
        units=case.units + units,
        alone=seq if alone else case.alone,
    )
    if amount < 0 or units < 0:
        if case.is_empty or not booked.is_empty:
            return {**cases, case_id: booked}
        state = CaseState.REJECTED
    else:
        state = CaseState.PAID
    return _told(cases, replace(booked, state=state, at=at, seq=seq))


def name(cases: Cases, case_id: str, *, at: datetime, seq: int) -> Cases:
    """Let a claim have a case: the filing without a name is that one, if there is any."""
    unnamed = cases.get(None)
    known = cases.get(case_id)
    if unnamed is None:
        if known is not None:
            return cases
        # One that is only named was told before all that have a state.
        return {**cases, case_id: Case(case_id=case_id, at=at, seq=seq)}
    rest = {other: case for other, case in cases.items() if other is not None}
    if known is None:
        named = replace(unnamed, case_id=case_id)
    else:
        named = replace(known, state=unnamed.state, at=unnamed.at, seq=unnamed.seq, told=True)
    return ordered([*(case for other, case in rest.items() if other != case_id), named])


def _told(cases: Cases, case: Case) -> Cases:
    """Put the case that was told last behind the others, as they stand once they were stored."""
    return ordered([*(other for name, other in cases.items() if name != case.case_id), case])
