"""Workflows for tests, which repeat and raise what handlers raise; and transitions without any store."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any, TypeVar

from workflow_fsm.core.definition import Definition
from workflow_fsm.core.definition.claim import claim_lifecycle
from workflow_fsm.core.definition.events import DEFAULT_CURRENCY
from workflow_fsm.core.records import Record
from workflow_fsm.core.values.instants import show_instant
from workflow_fsm.effects.handler import Transition
from workflow_fsm.parts.store_handle import Ids
from workflow_fsm.read.shapes import Claim
from workflow_fsm.settings import Settings
from workflow_fsm.testing.clock import NOON, CountedIds, ManualClock
from workflow_fsm.workflow import Workflow

W = TypeVar("W", bound=Workflow)
MOST_EFFECTS = 1000
"""Effects that one `run_effects` of a test does at most: a handler that feeds itself ends with an error."""


class TestWorkflow(Workflow):
    """A workflow whose `run_effects` raises what a handler raises, and ends, where nothing else is told."""

    __test__ = False  # no class of tests, whatever its name looks like

    def run_effects(self, *, raising: bool = True, limit: int | None = MOST_EFFECTS) -> int:
        """Do what is due, as `Workflow.run_effects` does, and raise what a handler raised, a `Discard` too.

        Its try is settled by then: the next call goes on. Raises EffectsEndless past `limit`.
        """
        return super().run_effects(raising=raising, limit=limit)


def open_workflow(
    url: str | PathLike[str] = "sqlite:///:memory:",
    *,
    clock: ManualClock | None = None,
    definition: Definition | None = None,
    settings: Settings | None = None,
    ids: Ids | None = None,
) -> Workflow:
    """Open a workflow that repeats: a manual clock, counted ids, no jitter; in memory unless `url` says else.

    A store that holds events goes on with ids of its own (`evt_12_1` behind twelve events). The environment
    is not read.
    """
    return open_as(Workflow, url, clock=clock, definition=definition, settings=settings, ids=ids)


def open_as(
    kind: type[W],
    url: str | PathLike[str] = "sqlite:///:memory:",
    *,
    clock: ManualClock | None,
    definition: Definition | None,
    settings: Settings | None,
    ids: Ids | None,
) -> W:
    """Open a workflow of a kind, as `open_workflow` does."""
    counted = CountedIds()
    workflow = kind.open(
        url,
        definition=definition,
        settings=settings or Settings(),
        clock=clock or ManualClock(),
        ids=ids or counted,
        chance=lambda: 1.0,
    )
    held = sum(workflow.totals().events.values())
    if held:
        counted.prefix = f"{counted.prefix}_{held}"
    return workflow


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
