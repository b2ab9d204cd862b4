"""Retry-After: heeded in every spelling, within bounds, and only where it means something."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import pytest
from responses import RequestsMock

from tests.webapp.test_integrations import SYNC, ask, calling, node
from webapp.integrations import read_wait
from workflow_fsm import Workflow
from workflow_fsm.testing import ManualClock

__all__ = ["calling", "node"]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("120", 120),
        (" 120 ", 120),
        ("0", 1),
        ("999999", 3600),
        ("9" * 5000, 3600),
        ("in 90 seconds", 90),
        ("2 days ago", 1),
        ("in 3 days", 3600),
    ],
)
def test_retry_after_is_heeded_within_bounds(
    calling: Workflow, node: RequestsMock, clock: ManualClock, status: int, asked: str, seconds: int
) -> None:
    dates = {"in 90 seconds": 90, "2 days ago": -172800, "in 3 days": 259200}
    if asked in dates:
        asked = format_datetime(clock.now + timedelta(seconds=dates[asked]), usegmt=True)
    node.post(SYNC, status=status, headers={"Retry-After": asked})
    [owed] = ask(calling)

    assert owed["ready_at"] == (clock.now + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert f"answered {status} (asked to wait" in owed["error"]


@pytest.mark.parametrize(
    "text",
    ["", "soon", "-5", "1.5", "١٢", "Sun, 99 Nov 2026 08:49:37 GMT", "1e3", "0x10", "2026-03-01T12:00:00Z"],
)
def test_a_retry_after_that_says_nothing_leaves_the_usual_pause(text: str, clock: ManualClock) -> None:
    assert read_wait(text, clock.now) is None
    assert read_wait(None, clock.now) is None


@pytest.mark.parametrize(
    "text", ["Sun, 01 Mar 2026 12:00:30 GMT", "Sunday, 01-Mar-26 12:00:30 GMT", "Sun Mar  1 12:00:30 2026"]
)
def test_all_three_spellings_of_an_http_date_are_read(text: str, clock: ManualClock) -> None:
    assert read_wait(text, clock.now) == 30


def test_retry_after_elsewhere_means_nothing(
    calling: Workflow, node: RequestsMock, clock: ManualClock
) -> None:
    node.post(SYNC, status=500, headers={"Retry-After": "3000"})
    [owed] = ask(calling)

    assert owed["ready_at"] < clock.text(seconds=2)
