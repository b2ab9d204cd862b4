"""Fixtures for pytest: `clock` and `workflow`, and what a test may give that workflow instead."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from workflow_fsm.core.definition import Definition
from workflow_fsm.parts.store_handle import Ids
from workflow_fsm.settings import Settings
from workflow_fsm.testing.clock import CountedIds, ManualClock
from workflow_fsm.testing.workflows import TestWorkflow, open_as


@pytest.fixture(name="clock")
def clock_fixture() -> ManualClock:
    """Give a clock that stands at noon of 1 January 2026 until the test moves it."""
    return ManualClock()


@pytest.fixture
def workflow_definition() -> Definition | None:
    """Give the lifecycle that `workflow` has; override it to give a variant."""
    return None


@pytest.fixture
def workflow_settings() -> Settings:
    """Give the settings that `workflow` has, which are the defaults; override it to give others."""
    return Settings()


@pytest.fixture
def workflow_ids() -> Ids:
    """Give the ids that `workflow` makes, `evt_1` and so on; override it to give others."""
    return CountedIds()


@pytest.fixture(name="workflow")
def workflow_fixture(
    clock: ManualClock,
    workflow_definition: Definition | None,
    workflow_settings: Settings,
    workflow_ids: Ids,
) -> Iterator[TestWorkflow]:
    """Give a workflow in memory, on the test's clock, closed behind it."""
    with open_as(
        TestWorkflow,
        clock=clock,
        definition=workflow_definition,
        settings=workflow_settings,
        ids=workflow_ids,
    ) as workflow:
        yield workflow
