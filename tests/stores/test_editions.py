"""A small store of every schema since the first edition's is opened, migrated, audited and gone on with.

`tests/data/editions` holds them, of both dialects, as the versions of their time left them.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.data.editions.make_stores import Story, told
from tests.stores.postgres.server import Server
from workflow_fsm import Settings, Transition, Workflow
from workflow_fsm.stores.statements import migrations
from workflow_fsm.testing import ManualClock

FOLDER = Path(__file__).parents[1] / "data" / "editions"
EDITIONS = sorted(path.stem for path in FOLDER.glob("*.json"))


@pytest.fixture(params=["sqlite", "postgres"])
def edition_url(request: pytest.FixtureRequest, tmp_path: Path, edition: str) -> Iterator[str]:
    """The URL of an edition's store, which nobody has opened since."""
    if request.param == "sqlite":
        path = tmp_path / "claims.db"
        path.write_bytes(gzip.decompress((FOLDER / f"{edition}.db.gz").read_bytes()))
        yield f"sqlite:///{path}"
        return
    postgres: Server = request.getfixturevalue("postgres")
    name = postgres.make()
    postgres.execute(gzip.decompress((FOLDER / f"{edition}.sql.gz").read_bytes()).decode(), name)
    yield postgres.url(name)
    postgres.drop(name)


def test_the_newest_schema_has_a_store_too() -> None:
    how = "make one now: PYTHONPATH=. python tests/data/editions/make_stores.py tests/data/editions"
    assert EDITIONS[-1] == list(migrations("sqlite"))[-1], how


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_store_of_that_schema_says_what_it_said_and_goes_on(edition: str, edition_url: str) -> None:
    then: dict[str, Any] = json.loads((FOLDER / f"{edition}.json").read_text())
    story = Story.__new__(Story)
    story.now = datetime.fromisoformat(then["as_of"])
    clock, numbers = ManualClock(story.now), count(1)
    with Workflow.open(
        edition_url, settings=Settings(), clock=clock, ids=lambda: f"new-{next(numbers)}"
    ) as workflow:
        story.workflow = workflow
        assert told(story) == then  # which holds that the store is sound
        go_on(workflow, clock)
        report = workflow.check()
        assert report.faults == ()
        assert (len(workflow.forgotten()) == 1) is (edition >= "0013")


def go_on(workflow: Workflow, clock: ManualClock) -> None:
    """Do with a store what waited to be done: each thing that a version before this one began."""
    done: list[str | None] = []

    @workflow.on_enter("matched", name="submit")
    def submit(told: Transition) -> None:
        done.append(told.claim_id)

    @workflow.on_transition(target="paid", name="thank")
    def thank(told: Transition) -> None:
        done.append(told.claim_id)

    workflow.run_effects()
    assert done == ["good"]

    # What came before is known, by its id.
    body = {"claim_id": "filed", "amazon_case_id": "CASE-1", "event_id": "f1"}
    again = workflow.fire("claim_submitted", user_id="u", **body)
    assert again.status == "duplicate"
    # What waited for its claim is applied with it, in its own currency.
    claims = [{"claim_id": "to come", "currency": "EUR"}]
    workflow.fire("detection_complete", user_id="u", sync_id="s", claims=claims)
    assert states(workflow, "u")["to come"] == "paid"
    # A reversal finds what it takes back, a rejection the case that it names.
    taken_back = {"original_reimbursement_id": "R-1", "amount": "700"}
    workflow.fire("payout_reversed", user_id="u", **taken_back)
    workflow.fire("claim_rejected", user_id="u", amazon_case_id="CASE-3")
    assert states(workflow, "u")["rejected"] == "rejected"
    workflow.fire("sync_complete", user_id="w", sync_id="ws")
    workflow.fire("detection_complete", user_id="w", sync_id="ws", claims_found=1)
    assert states(workflow, "w")["ws"] == "paid"
    # Money that was nobody's is retried for a claim, and what failed is done.
    letters = {one.event_id or one.handler: one.id for one in workflow.dead_letters(limit=1000)}
    workflow.retry_dead_letter(letters["nobody's"], claim_id="timed")
    workflow.retry_dead_letter(letters["e3"])
    workflow.run_effects()
    assert set(done) == {"good", "bad", "to come", "paid", "timed", None}
    assert {one.event_id for one in workflow.dead_letters(limit=1000)} == {"refused"}
    # A deadline that was set then passes.
    workflow.fire("detection_complete", user_id="w2", claims=[{"claim_id": "x"}])
    clock.advance(days=200)
    while workflow.tick():
        pass
    assert money(workflow, "u") == {"EUR": "5.00", "JPY": "300", "USD": "22.49"}


def states(workflow: Workflow, user: str) -> dict[str | None, str]:
    status = workflow.status(user, limit=1000)
    assert status is not None
    return {one.claim_id or one.sync_id: one.state for one in status.claims}


def money(workflow: Workflow, user: str) -> dict[str, str]:
    status = workflow.status(user)
    assert status is not None
    return dict(status.recovered)
