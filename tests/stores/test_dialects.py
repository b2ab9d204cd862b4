"""Both dialects say the same: the same rows, the same hashes and the same refusals."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.stories.acts import detect, status, sync
from workflow_fsm import Settings, StoreRefused, Workflow
from workflow_fsm.audit.report import Report
from workflow_fsm.testing import ManualClock, open_workflow, rejected, submitted

OF_LOCKS = {"make_user", "wait_for_nobody"}
"""What only a server with locks by row can be told."""


def test_the_same_events_leave_the_same_hashes_on_both(sqlite_url: str, postgres_url: str) -> None:
    """Users stand in the order of their bytes, whatever a locale makes of them."""

    def told(url: str) -> Report:
        clock = ManualClock()
        with open_workflow(url, clock=clock) as workflow:
            for user in ("b", "B", "ä", "a", "Z z", "é/è", "%", "用户"):
                submitted(workflow, user, "c1")
                workflow.link(user_id=user, claim_id="c1", alias="x1")
                clock.advance(hours=1)
                for trigger, claim_id, amount in (
                    ("payout_received", "x1", "12.50"),
                    ("payout_received", "c9", "1.10"),
                    ("payout_reversed", "c1", "2.50"),
                ):
                    workflow.fire(
                        trigger,
                        user_id=user,
                        claim_id=claim_id,
                        amount=amount,
                        event_id=f"{trigger}-{claim_id}",
                    )
                rejected(workflow, user, "c2")
            return workflow.check()

    first, second = told(sqlite_url), told(postgres_url)
    assert first.sound
    assert first == second


def test_a_store_of_a_newer_version_is_refused_with_the_same_sentence(
    store_url: str, stored: Callable[[str], object]
) -> None:
    table = "_sqlite_migrations" if store_url.startswith("sqlite") else "workflow_fsm_migrations"
    columns = "migration_set, name, applied_at" if store_url.startswith("sqlite") else "name, applied_at"
    values = "'workflow_fsm', '9999_later', ''" if store_url.startswith("sqlite") else "'9999_later', ''"
    stored(f"INSERT INTO {table} ({columns}) VALUES ({values})")  # noqa: S608  # of ours
    try:
        with pytest.raises(StoreRefused, match=r"newer version of workflow-fsm \(9999_later\); upgrade"):
            Workflow.open(store_url, settings=Settings())
    finally:
        stored(f"DELETE FROM {table} WHERE name = '9999_later'")  # noqa: S608  # of ours


@pytest.mark.parametrize("user", ["a\0b", "\0", "nobody"])
def test_whoever_can_be_no_user_is_unknown(workflow: Workflow, user: str) -> None:
    assert workflow.status(user) is None
    assert workflow.history(user) is None
    sync(workflow)
    assert list(workflow.after({user: 0, "u1": 0}, limit=10)) == ["u1"]


def test_nothing_is_kept_of_whom_nothing_came_to_be_known(
    workflow: Workflow, stored: Callable[[str], list[object]]
) -> None:
    workflow.link(user_id="u1", claim_id="c1", alias="c1")
    assert workflow.status("u1") is None
    assert stored("SELECT * FROM users") == []
    assert workflow.check().users == 0


def test_a_list_of_a_thousand_claims_is_one_event(workflow: Workflow) -> None:
    sync(workflow)
    detect(workflow, *[f"c{number}" for number in range(1000)])
    assert status(workflow).counts == {"detected": 1000}
    assert workflow.check().rows == 1002
