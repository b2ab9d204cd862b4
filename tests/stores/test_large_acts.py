"""Large acts: what a retry, a link, a deadline or an effect brings about is decided on beside the writer.

Nothing is timed: others' events come in where something is decided on a snapshot.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest

from workflow_fsm import Fire, Settings, Transition, Workflow, claim_lifecycle
from workflow_fsm.stores.session import Database, Session
from workflow_fsm.stores.store import MOST_IN_TURN, Store
from workflow_fsm.stores.url import open_database
from workflow_fsm.testing import ManualClock

T = TypeVar("T")
MANY = MOST_IN_TURN + 100
IN_A_CALL = 250
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Interrupted:
    """A database of which each snapshot is held, once armed, while another user's event is committed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.act: Callable[[], object] | None = None
        self.passed = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    def read(self, work: Callable[[Session], T]) -> T:
        def work_and_wait(session: Session) -> T:
            result = work(session)
            act, self.act = self.act, None
            if act is not None:
                thread = threading.Thread(target=act)
                thread.start()
                thread.join(60)
                self.passed += not thread.is_alive()
            return result

        return self._database.read(work_and_wait)


class Beside:
    """A workflow, in which another user's event is let pass while something is decided on."""

    def __init__(self, url: str) -> None:
        self.clock = ManualClock(START)
        self._database = Interrupted(open_database(url, START))
        settings = Settings(tries=1)
        self.workflow = Workflow(
            Store(self._database, claim_lifecycle()), settings=settings, clock=self.clock
        )

    def passes(self, act: Callable[[], T]) -> T:
        """Do an act, beside whose deciding another user's event is committed."""
        self._database.act = lambda: self.workflow.fire("sync_complete", user_id="other", sync_id="s")
        result = act()
        assert self._database.passed == 1
        assert self.counts("other") == {"synced": 1}
        assert self.workflow.check().sound
        return result

    def counts(self, user_id: str = "u") -> dict[str, int]:
        status = self.workflow.status(user_id)
        assert status is not None
        return dict(status.counts)

    def fire(self, trigger: str, **fields: Any) -> str:
        return self.workflow.fire(trigger, user_id="u", **fields).status

    def let_wait(self, trigger: str, **fields: Any) -> None:
        """Let many events of a claim wait."""
        for start in range(0, MANY, IN_A_CALL):
            numbers = range(start, min(start + IN_A_CALL, MANY))
            told = {"trigger": trigger, "user_id": "u", **fields}
            outcomes = self.workflow.fire_many([{**told, "event_id": f"e{number}"} for number in numbers])
            assert {getattr(one, "status", None) for one in outcomes} == {"deferred"}


def claims(many: int, name: str = "c") -> list[dict[str, Any]]:
    return [{"claim_id": f"{name}{number}"} for number in range(many)]


@pytest.fixture
def beside(store_url: str) -> Iterator[Beside]:
    opened = Beside(store_url)
    with opened.workflow:
        yield opened


def test_a_retry_of_a_long_list(beside: Beside) -> None:
    assert beside.fire("detection_complete", sync_id="late", claims=claims(MANY)) == "deferred"
    beside.clock.advance(timedelta(days=8))
    assert beside.workflow.tick() == 1
    (letter,) = beside.workflow.dead_letters()
    assert beside.fire("sync_complete", sync_id="late") == "applied"
    outcome = beside.passes(lambda: beside.workflow.retry_dead_letter(letter.id, actor="ann"))
    assert outcome.status == "applied"
    assert beside.counts() == {"detected": MANY}
    assert [act.actor for act in beside.workflow.acts("u")] == ["ann"]


def test_a_link_that_frees_many_waiting_events_and_its_repeat(beside: Beside) -> None:
    beside.fire("sync_complete", sync_id="s")
    beside.fire("detection_complete", sync_id="s", claims=claims(1))
    beside.let_wait("payout_received", claim_id="x", amount="0.01")
    beside.passes(lambda: beside.workflow.link(user_id="u", claim_id="c0", alias="x"))
    assert beside.counts() == {"paid": 1}
    assert beside.workflow.link(user_id="u", claim_id="c0", alias="x").status == "linked"
    status = beside.workflow.status("u")
    assert status is not None
    assert status.recovered == {"USD": f"{MANY / 100:.2f}"}


def test_a_deadline_of_a_claim_that_many_events_wait_for(beside: Beside) -> None:
    beside.fire("sync_complete", sync_id="s")
    due = START + timedelta(days=1)
    found = [{"claim_id": "c0", "deadline_date": due.isoformat()}]
    beside.fire("detection_complete", sync_id="s", claims=found)
    beside.let_wait("claim_rejected", claim_id="c0")
    beside.clock.advance(timedelta(days=2))
    overdue = beside.workflow._store.overdue(beside.clock(), 10)
    assert len(overdue) == 1
    assert beside.passes(lambda: beside.workflow._pass(overdue, beside.clock())) == (1, 1)
    assert beside.counts() == {"expired": 1}
    assert beside.workflow.tick() == 0


def test_a_long_list_that_an_effect_fires_is_committed_with_its_end(beside: Beside) -> None:
    @beside.workflow.on_enter("synced", name="finds")
    def find(transition: Transition) -> Fire:
        return Fire("detection_complete", sync_id="s", claims=claims(MANY))

    beside.fire("sync_complete", sync_id="s")
    taken = beside.workflow._engine.leasing.lease()
    assert taken is not None
    verdict = beside.workflow._engine.run(taken)
    assert beside.passes(lambda: beside.workflow._engine.settle(taken, verdict)) == "done"
    assert beside.counts() == {"detected": MANY}
    assert beside.workflow._engine.settle(taken, verdict) == "done"
    assert len(beside.workflow.history("u") or ()) > 0
    assert [one.user_id for one in beside.workflow.owed()] == ["other"]


def test_events_of_one_effect_that_are_too_large_together_make_it_a_dead_letter(beside: Beside) -> None:
    @beside.workflow.on_enter("synced", name="finds")
    def find(transition: Transition) -> list[Fire]:
        return [Fire("detection_complete", sync_id="s", claims=claims(3000, name)) for name in "cd"]

    beside.fire("sync_complete", sync_id="s")
    assert beside.workflow.run_effects() == 1
    (letter,) = beside.workflow.dead_letters()
    assert "the 2 events that it fires together read and change more than 5000 claims" in letter.reason
    assert "nothing of them was kept: fire them one an effect" in letter.reason
    assert beside.counts() == {"synced": 1}
    assert beside.workflow.check().sound
