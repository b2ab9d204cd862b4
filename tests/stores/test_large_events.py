"""Large events: others pass while one is decided on, and what is committed is what any order would have made.

Nothing is timed: what comes in between comes from where a decision asks for an id.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.stores.filled import multiply, running
from workflow_fsm import EventTooLarge, Outcome, Settings, StoreUnavailable, Workflow
from workflow_fsm.parts.firing import MOST_TOGETHER
from workflow_fsm.stores.statements import inserting, statements
from workflow_fsm.stores.store import MOST_IN_TURN, TRIES_AHEAD
from workflow_fsm.workflow import new_id

LARGE = MOST_IN_TURN + 100


@dataclass
class Between:
    """Ids, and what is done, once armed, whenever one is asked for: deciding asks for one."""

    act: Callable[[], None] | None = None
    times: int = 0
    done: int = field(default=0, init=False)

    def __call__(self) -> str:
        if self.act is not None and self.times > 0:
            self.times -= 1
            thread = threading.Thread(target=self.act)
            thread.start()
            thread.join(60)
            self.done += not thread.is_alive()
        return new_id()


def claims(many: int) -> list[dict[str, Any]]:
    return [{"claim_id": f"c{number}"} for number in range(many)]


def detect(workflow: Workflow, many: int, **fields: Any) -> Outcome:
    return workflow.fire("detection_complete", user_id="large", sync_id="s", claims=claims(many), **fields)


def counts(workflow: Workflow, user_id: str = "large") -> dict[str, int]:
    status = workflow.status(user_id)
    assert status is not None
    return dict(status.counts)


@pytest.fixture
def between() -> Between:
    return Between()


@pytest.fixture
def workflow(store_url: str, between: Between) -> Any:
    with Workflow.open(store_url, settings=Settings(), ids=between) as opened:
        opened.fire("sync_complete", user_id="large", sync_id="s", event_id="sync")
        yield opened


def small(workflow: Workflow, user_id: str, event_id: str) -> Callable[[], None]:
    def fire() -> None:
        workflow.fire("sync_complete", user_id=user_id, sync_id=event_id, event_id=event_id)

    return fire


def test_another_users_event_is_committed_while_a_long_list_is_decided_on(
    workflow: Workflow, between: Between
) -> None:
    """ "one event never holds up others for more than a second on two cores" """
    between.act, between.times = small(workflow, "other", "e1"), 1
    assert len(detect(workflow, LARGE).transitions) == LARGE + 1
    assert between.done == 1
    assert counts(workflow, "other") == {"synced": 1}
    assert workflow.check().sound


def test_another_users_event_is_committed_while_a_match_for_everybody_is_decided_on(
    workflow: Workflow, between: Between
) -> None:
    detect(workflow, LARGE, event_id="d")
    between.act, between.times = small(workflow, "other", "e1"), 1
    outcome = workflow.fire("evidence_matching_complete", user_id="large", confidence="0.6")
    assert (len(outcome.transitions), between.done) == (LARGE, 1)
    assert counts(workflow) == {"matched": LARGE}
    assert workflow.check().sound


def test_what_its_own_user_does_meanwhile_is_seen_and_counts_before_it(
    workflow: Workflow, between: Between
) -> None:
    def detect_one() -> None:
        workflow.fire(
            "detection_complete",
            user_id="large",
            sync_id="s",
            event_id="one",
            claims=[{"claim_id": "c7"}],
        )

    between.act, between.times = detect_one, 1
    outcome = detect(workflow, LARGE)
    assert between.done == 1
    assert len(outcome.transitions) == LARGE - 1
    assert [one.claim_id for one in outcome.unchanged] == ["c7"]
    assert counts(workflow) == {"detected": LARGE}
    assert workflow.check().sound


def test_one_that_its_user_interrupts_again_and_again_is_unavailable_and_leaves_nothing(
    workflow: Workflow, between: Between
) -> None:
    numbers = iter(range(100))

    def sync() -> None:
        small(workflow, "large", f"s{next(numbers)}")()

    between.act, between.times = sync, TRIES_AHEAD
    told = r"came in between 5 times.*nothing of it was kept; send it again"
    with pytest.raises(StoreUnavailable, match=told):
        detect(workflow, LARGE)
    assert "detected" not in counts(workflow)
    assert len(detect(workflow, LARGE).transitions) == LARGE + 1


def test_a_small_event_that_frees_a_large_one_holds_up_nobody_either(
    workflow: Workflow, between: Between
) -> None:
    """What it takes shows only while it is decided on: it is given up, and decided on apart."""
    workflow.fire("detection_complete", user_id="large", sync_id="later", event_id="d", claims=claims(LARGE))
    tries: list[str] = []

    def count() -> None:
        tries.append("asked")

    between.act, between.times = count, 9
    outcome = workflow.fire("sync_complete", user_id="large", sync_id="later")
    assert [one.to for one in outcome.transitions] == ["synced"]
    assert len(tries) == 2
    assert counts(workflow)["detected"] == LARGE
    assert workflow.check().sound


def test_a_repeat_of_a_large_event_is_a_duplicate(workflow: Workflow) -> None:
    first, again = (detect(workflow, LARGE, event_id="d") for _ in range(2))
    assert (first.status, again.status) == ("applied", "duplicate")
    assert again.transitions == first.transitions


def test_a_large_event_of_somebody_unknown_waits_whole(workflow: Workflow) -> None:
    outcome = workflow.fire("detection_complete", user_id="new", sync_id="none", claims=claims(LARGE))
    assert outcome.status == "deferred"
    assert workflow.check().sound


def test_large_ones_owe_and_void_what_small_ones_do(workflow: Workflow) -> None:
    workflow.on_enter("detected", name="told")(lambda transition: None)
    workflow.on_enter("matched", name="filed")(lambda transition: None)
    detect(workflow, LARGE)
    workflow.fire("evidence_matching_complete", user_id="large", confidence="0.6")
    workflow.fire("evidence_matching_complete", user_id="large", confidence="0.7")
    assert workflow.run_effects() == LARGE
    assert workflow.check().sound


def test_what_is_too_large_among_others_is_kept_out_of_their_commit_and_taken_alone(
    workflow: Workflow,
) -> None:
    """ "one bad event harms no other; one commit for all" """
    many = MOST_TOGETHER + 100
    detect(workflow, many)
    matches = [
        {"trigger": "evidence_matching_complete", "user_id": "large", "confidence": f"0.6{n}"}
        for n in range(3)
    ]
    before, *kept_out, after = workflow.fire_many(
        [
            {"trigger": "sync_complete", "user_id": "other", "sync_id": "s1"},
            *matches,
            {"trigger": "sync_complete", "user_id": "other", "sync_id": "s2"},
        ]
    )
    assert [one.status for one in (before, after) if isinstance(one, Outcome)] == ["applied", "applied"]
    for one in kept_out:
        assert isinstance(one, EventTooLarge)
        assert "nothing of it was kept: send it by itself" in str(one)
    assert counts(workflow) == {"detected": many}
    alone = workflow.fire("evidence_matching_complete", user_id="large", confidence="0.60")
    assert len(alone.transitions) == many


def test_an_event_that_names_none_is_for_50_000_claims_at_most(workflow: Workflow, store_url: str) -> None:
    detect(workflow, 100)
    with running(store_url) as run:
        multiply(run, "large", 501)
    told = r"names no claim, and is for 50100 of them.*at most 50000.*nothing was kept: name them, in parts"
    with pytest.raises(EventTooLarge, match=told) as caught:
        workflow.fire("evidence_matching_complete", user_id="large", confidence="0.6")
    assert (caught.value.field, caught.value.found) == (None, 50_100)
    assert counts(workflow) == {"detected": 50_100}


@pytest.mark.parametrize("name", ["insert_lifecycle", "insert_row", "insert_effect", "put_lifecycle"])
def test_many_rows_are_inserted_by_one_statement(name: str) -> None:
    sql = statements("sqlite")[name]
    most, many, names = inserting(sql, 3)
    assert most >= 500
    assert many.count("?") == 3 * len(names)
    assert ":" not in many


def test_what_inserts_nothing_is_of_one_row() -> None:
    most, _, names = inserting(statements("sqlite")["update_event"], 1)
    assert most == 1
    assert names[-2:] == ("user_id", "seq")
