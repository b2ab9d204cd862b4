"""What of the table counts as entered: what a decision met, and not what a test asked the definition."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.machine.entered import CLOSED_TO_ALL, Entered, Recorder, shown
from workflow_fsm import Workflow, claim_lifecycle
from workflow_fsm.core.definition import Meeting


@pytest.fixture
def anew(request: pytest.FixtureRequest) -> Iterator[Entered]:
    """What this test enters, beside what those before it did."""
    recorder = request.config.pluginmanager.get_plugin("entered")
    assert isinstance(recorder, Recorder)
    before = dict(recorder.entered.by)
    recorder.entered.by.clear()
    yield recorder.entered
    recorder.entered.by.update(before)


def test_nothing_is_entered_by_asking_a_definition(anew: Entered) -> None:
    claim_lifecycle().answer("detected", "payout_received", Meeting(facts={}, told={}))
    assert anew.by == {}
    assert anew.missing() == list(anew.all)
    assert anew.summary().startswith("tests entered, of the claim table, 0 of 61 cells, 0 of 26 arrows")


def test_an_event_enters_the_cells_that_it_meets(anew: Entered, in_memory: Workflow) -> None:
    in_memory.fire("payout_received", user_id="u", claim_id="c", amount="1.00", currency="USD")
    in_memory.fire("sync_complete", user_id="u", sync_id="s")
    in_memory.fire("claim_submitted", user_id="u")
    in_memory.fire("detection_complete", user_id="u", sync_id="s", claims=[{"claim_id": "c"}])
    assert [shown(way) for way in anew.by] == [
        "(none yet) / payout_received",
        "(none yet) / sync_complete",
        "synced / claim_submitted",
        "synced / detection_complete",
        "detected / payout_received",
        "paid / claim_submitted",
    ]


def test_what_is_closed_to_all_is_in_the_table() -> None:
    table = claim_lifecycle().table
    assert {way[:2] for way in CLOSED_TO_ALL} <= table.keys()
