"""For engineers' tests: a clock that you move, ids that repeat, stories that bring a claim somewhere.

As a pytest plugin (`pytest_plugins = ["workflow_fsm.testing"]`) it gives the fixtures `clock` and `workflow`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from workflow_fsm.core.definition import Definition
from workflow_fsm.core.definition.claim import claim_lifecycle
from workflow_fsm.core.definition.events import DEFAULT_CURRENCY
from workflow_fsm.core.outcome import Outcome
from workflow_fsm.core.records import Record
from workflow_fsm.core.values.instants import show_instant
from workflow_fsm.effects.handler import Transition
from workflow_fsm.read.shapes import Claim
from workflow_fsm.settings import Settings
from workflow_fsm.workflow import Workflow

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class ManualClock:
    """A clock that stands still until it is moved. Calling it gives its aware instant.

    `advance` lets time pass; `step` sets it, as a machine's clock is set, while no time passes.
    """

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now
        self._began = now

    def __call__(self) -> datetime:
        """Give the instant that it shows."""
        return self.now

    def advance(self, delta: timedelta | None = None, **units: float) -> datetime:
        """Move it on, by a timedelta or by its units (`hours=3`); give the new instant."""
        self.now += timedelta(**units) if delta is None else delta
        return self.now

    def step(self, delta: timedelta | None = None, **units: float) -> datetime:
        """Set it forward, or back by less than nothing (`hours=-1`); give the new instant."""
        by = timedelta(**units) if delta is None else delta
        self.now += by
        self._began += by
        return self.now

    def elapsed(self) -> float:
        """Give how many seconds have passed, however it was set."""
        return (self.now - self._began).total_seconds()

    def text(self, **ahead: float) -> str:
        """Write the instant so far ahead (`hours=3`), or behind, as a body spells it."""
        return show_instant(self.now + timedelta(**ahead))


class CountedIds:
    """Ids that are the same in every run: `evt_1`, `evt_2`, …"""

    def __init__(self, prefix: str = "evt") -> None:
        self._prefix = prefix
        self._numbers = count(1)

    def __call__(self) -> str:
        """Give the next id."""
        return f"{self._prefix}_{next(self._numbers)}"


def open_workflow(
    url: str = "sqlite:///:memory:",
    *,
    clock: ManualClock | None = None,
    definition: Definition | None = None,
    settings: Settings | None = None,
) -> Workflow:
    """Open a workflow that repeats: a manual clock, counted ids, no jitter; in memory unless `url` says else.

    The environment is not read.
    """
    return Workflow.open(
        url,
        definition=definition,
        settings=settings or Settings(),
        clock=clock or ManualClock(),
        ids=CountedIds(),
        chance=lambda: 1.0,
    )


def transition(claim: Mapping[str, Any] | None = None, **changed: Any) -> Transition:
    """Build a transition for calling a handler without any store.

    `claim` replaces what `transition.claim` holds, which has all that a claim of a status answer has;
    `changed` replaces any other attribute. Untold, it is claim `c1` of user `u1`, matched at noon with a
    confidence of 0.9.
    """
    told: dict[str, Any] = {
        "user_id": "u1",
        "claim_id": "c1",
        "sync_id": "s1",
        "from_state": "detected",
        "to_state": "matched",
        "trigger": "evidence_matching_complete",
        "version": 3,
        "at": NOON,
        "event": {},
        "key": "eff_test",
        "attempt": 1,
    } | changed
    shown = Claim(
        claim_id=told["claim_id"],
        aliases=[],
        sync_id=told["sync_id"],
        state=told["to_state"],
        version=told["version"],
        entered_at=show_instant(told["at"]),
        allowed=list(claim_lifecycle().allowed(told["to_state"])),
        claim_type=None,
        amount=None,
        currency=DEFAULT_CURRENCY,
        confidence=0.9,
        decision="auto_submit",
        amazon_case_id=None,
        cases=[],
        rejection_reason=None,
        paid=Record(),
        units=0,
        deadline_date=None,
        eligible_from=None,
        overdue=False,
        merged_into=None,
    )
    return Transition(claim=Claim.of(shown | dict(claim or {})), **told)


# -- acts: one webhook each, of user `u1` unless told; `fields` are the trigger's

USER = "u1"
Entry = str | Mapping[str, Any]
"""A claim in a detection's list: its id, or all that the list tells of it."""


def sync(workflow: Workflow, sync_id: str | None = "s1", *, user_id: str = USER, **fields: Any) -> Outcome:
    """Report a sync."""
    return workflow.fire("sync_complete", user_id=user_id, sync_id=sync_id, **fields)


def detect(
    workflow: Workflow, *claims: Entry, sync_id: str | None = "s1", user_id: str = USER, **fields: Any
) -> Outcome:
    """Report a detection with a list of claims."""
    entries = [{"claim_id": one} if isinstance(one, str) else one for one in claims]
    return detect_plainly(workflow, sync_id, user_id=user_id, claims=entries, **fields)


def detect_plainly(
    workflow: Workflow, sync_id: str | None = "s1", *, user_id: str = USER, **fields: Any
) -> Outcome:
    """Report a detection that names no claims."""
    return workflow.fire("detection_complete", user_id=user_id, sync_id=sync_id, **fields)


def match(
    workflow: Workflow,
    claim_id: str | None = "c1",
    confidence: object = "0.9",
    *,
    user_id: str = USER,
    **fields: Any,
) -> Outcome:
    """Report that evidence was matched to a claim; above 0.85 it is decided `auto_submit`."""
    return workflow.fire(
        "evidence_matching_complete", user_id=user_id, claim_id=claim_id, confidence=confidence, **fields
    )


def submit(workflow: Workflow, claim_id: str | None = "c1", *, user_id: str = USER, **fields: Any) -> Outcome:
    """Report that a claim was filed."""
    return workflow.fire("claim_submitted", user_id=user_id, claim_id=claim_id, **fields)


def reject(workflow: Workflow, claim_id: str | None = "c1", *, user_id: str = USER, **fields: Any) -> Outcome:
    """Report that a claim was rejected."""
    return workflow.fire("claim_rejected", user_id=user_id, claim_id=claim_id, **fields)


def pay(
    workflow: Workflow,
    claim_id: str | None = "c1",
    amount: object = "10.00",
    *,
    user_id: str = USER,
    **fields: Any,
) -> Outcome:
    """Report a payout."""
    return workflow.fire("payout_received", user_id=user_id, claim_id=claim_id, amount=amount, **fields)


def take_back(
    workflow: Workflow,
    claim_id: str | None = "c1",
    amount: object = "10.00",
    *,
    user_id: str = USER,
    **fields: Any,
) -> Outcome:
    """Report that a payout, or a part of it, was reversed."""
    return workflow.fire("payout_reversed", user_id=user_id, claim_id=claim_id, amount=amount, **fields)


# -- stories: each brings a claim one step further than the one before it


def synced(workflow: Workflow, user_id: str = USER, sync_id: str = "s1", **fields: Any) -> Outcome:
    """Tell of a user's sync."""
    return sync(workflow, sync_id, user_id=user_id, **fields)


def find(workflow: Workflow, *claims: Entry, sync_id: str = "s1", user_id: str = USER) -> Outcome:
    """Sync, and detect these claims."""
    sync(workflow, sync_id, user_id=user_id)
    return detect(workflow, *claims, sync_id=sync_id, user_id=user_id)


def detected(workflow: Workflow, user_id: str = USER, claim_id: str = "c1", **claim: Any) -> Outcome:
    """Sync, and detect a claim; `claim` is the rest of its entry (`amount`, `deadline_date`, …)."""
    entry = {"claim_id": claim_id, **claim}
    return find(workflow, entry, sync_id=f"sync-of-{claim_id}", user_id=user_id)


def expired(workflow: Workflow, user_id: str = USER, claim_id: str = "c1", **claim: Any) -> Outcome:
    """Detect a claim whose deadline is long past."""
    return detected(workflow, user_id, claim_id, **{"deadline_date": "2000-01-01T00:00:00Z", **claim})


def matched(
    workflow: Workflow,
    user_id: str = USER,
    claim_id: str = "c1",
    *,
    confidence: float | str = 0.9,
    **claim: Any,
) -> Outcome:
    """Detect a claim and match evidence to it; above 0.85 it is decided `auto_submit`."""
    detected(workflow, user_id, claim_id, **claim)
    return match(workflow, claim_id, confidence, user_id=user_id)


def submitted(
    workflow: Workflow, user_id: str = USER, claim_id: str = "c1", *, case_id: str | None = None, **claim: Any
) -> Outcome:
    """Match a claim and file it."""
    matched(workflow, user_id, claim_id, **claim)
    return submit(workflow, claim_id, user_id=user_id, amazon_case_id=case_id or f"case-of-{claim_id}")


def rejected(workflow: Workflow, user_id: str = USER, claim_id: str = "c1", *, reason: str = "no") -> Outcome:
    """File a claim, and have it rejected."""
    submitted(workflow, user_id, claim_id)
    return reject(workflow, claim_id, user_id=user_id, rejection_reason=reason)


def paid(
    workflow: Workflow, user_id: str = USER, claim_id: str = "c1", *, amount: str = "12.50", **payout: Any
) -> Outcome:
    """File a claim, and have it paid."""
    submitted(workflow, user_id, claim_id)
    return pay(workflow, claim_id, amount, user_id=user_id, **payout)


# -- fixtures


@pytest.fixture(name="clock")
def clock_fixture() -> ManualClock:
    """Give a clock that stands at noon of 1 January 2026 until the test moves it."""
    return ManualClock()


@pytest.fixture(name="workflow")
def workflow_fixture(clock: ManualClock) -> Iterator[Workflow]:
    """Give a workflow in memory, on the test's clock, closed behind it."""
    with open_workflow(clock=clock) as workflow:
        yield workflow
