"""Days over a bad line, workers that die, a definition that changes: a store does what the pure core says.

Each message is decided by the core alone as well (`machine/plain.py`), and each answer and row of history
compared. `WORKFLOW_FUZZ_SEEDS` says how many seeds, `WORKFLOW_FUZZ_FIRST` from which on: a seed that fails is
in its test's name, and replays alone by `WORKFLOW_FUZZ_SEEDS=1 WORKFLOW_FUZZ_FIRST=<seed>`.
"""

from __future__ import annotations

import os
from collections import Counter
from datetime import timedelta
from itertools import groupby
from random import Random
from typing import Any

import pytest

from tests.machine.plain import Plain
from tests.simulate.disturbed import disturbed
from tests.variants.reviewed import reviewed
from workflow_fsm import Outcome, Settings, Transition, Workflow, WorkflowError, claim_lifecycle
from workflow_fsm.core.definition import Definition
from workflow_fsm.simulate.days import START, Message
from workflow_fsm.simulate.living import SLICE
from workflow_fsm.testing import CountedIds, ManualClock

FIRST = int(os.environ.get("WORKFLOW_FUZZ_FIRST", "1"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("WORKFLOW_FUZZ_SEEDS", "3")))
ON_A_SERVER = 3
"""Each so manieth seed is lived through on PostgreSQL."""
DIES = 0.05
REVIEWS = 0.3
SHOWN = {
    **{name: name for name in ("claim_id", "sync_id", "version", "trigger", "event_id")},
    **{"from_state": "from", "to_state": "to"},
}
"""What of a row of history is compared, as the core calls it and as it is shown; not its number: what is owed
takes some, too."""


class Life:
    """A store and the core alone, told the same."""

    def __init__(self, url: str, seed: int) -> None:
        self.clock = ManualClock(START)
        self.done: Counter[str] = Counter()
        self.dies = DIES
        self._url = url
        self._chance = Random(seed)
        self._ids = CountedIds()
        self.definition = claim_lifecycle()
        self.plain = Plain(self.definition, self.clock)
        self.workflow = self._open(self.definition)

    def _open(self, definition: Definition) -> Workflow:
        workflow = Workflow.open(
            self._url,
            definition=definition,
            settings=Settings(),
            clock=self.clock,
            ids=self._ids,
            chance=lambda: 0.5,
        )
        workflow.on_enter("detected", name="work")(self._work)
        workflow.on_transition(name="note")(self._work)
        return workflow

    def _work(self, told: Transition) -> None:
        if self._chance.random() < self.dies:
            raise RuntimeError("it fails")
        self.done[told.key] += 1

    def change(self, definition: Definition) -> None:
        """Close the store and open it under another definition, in the middle of all that waits."""
        self.workflow.close()
        users = self.plain.users
        self.definition = definition
        self.plain = Plain(definition, self.clock)
        self.plain.users = users
        self.workflow = self._open(definition)

    def fire(self, messages: list[Message]) -> None:
        """Fire what has come, in one commit, and hold each answer against the core's."""
        bodies = [{**one.fields, "trigger": one.trigger} for one in messages]
        told = self.workflow.fire_many(bodies)
        for one, outcome in zip(messages, told, strict=True):
            assert said(self.plain.fire(one.trigger, **one.fields)) == said(outcome), one

    def pass_by(self, hours: float) -> None:
        """Let time pass, for workers that do what is owed, or die with it."""
        self.clock.advance(hours=hours)
        while self.workflow.tick():
            pass
        while self.plain.tick():
            pass
        while self._chance.random() < self.dies:
            self.workflow._engine.leasing.lease()  # and never heard of again
        self.workflow.run_effects()

    def hold(self) -> None:
        """Hold that the store is sound, and has what the core has."""
        assert self.workflow.check().faults == ()
        for user, plain in self.plain.users.items():
            rows: list[Any] = []
            cursor: int | None = 0
            while cursor is not None:
                page = self.workflow.history(user, limit=1000, cursor=cursor)
                if page is None:
                    break
                rows += page
                cursor = page.next_cursor
            stored = [tuple(one[name] for name in SHOWN.values()) for one in rows]
            decided = [tuple(getattr(one, name) for name in SHOWN) for one in plain.rows]
            assert timers_together(stored) == timers_together(decided), user


def timers_together(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Give rows in one order where timers fire in a row: of those due at one instant none is the first."""
    runs = groupby(rows, key=lambda row: row[list(SHOWN).index("trigger")] == "deadline_passed")
    return [row for is_timer, run in runs for row in (sorted(run, key=repr) if is_timer else run)]


def said(outcome: Outcome | WorkflowError) -> tuple[object, ...]:
    """Give what an answer says, without its prose."""
    if isinstance(outcome, WorkflowError):
        return (outcome.code,)
    moved = [(one["claim_id"], one["from"], one["to"], one["version"]) for one in outcome.transitions]
    return (outcome.status, outcome.event_id, outcome.first_status, moved)


@pytest.fixture
def url(request: pytest.FixtureRequest, seed: int) -> str:
    kind = "postgres" if seed % ON_A_SERVER == 0 else "sqlite"
    found: str = request.getfixturevalue(f"{kind}_url")
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_days_over_a_bad_line_are_what_the_core_makes_of_them(url: str, seed: int) -> None:
    chance = Random(seed)
    messages = disturbed(seed)
    changes_at = chance.randrange(len(messages))
    life = Life(url, seed)
    waiting: list[Message] = []
    for number, message in enumerate(messages):
        if message.at >= life.clock() + SLICE:
            life.fire(waiting)
            waiting = []
            life.pass_by((message.at - life.clock()) // SLICE)
        if number == changes_at:
            life.fire(waiting)
            waiting = []
            life.change(reviewed())
        waiting.append(message)
        if number > changes_at and message.trigger == "claim_submitted" and chance.random() < REVIEWS:
            waiting.append(review(message, chance))
    life.fire(waiting)
    for _ in range(20):
        life.pass_by(24)
    life.dies = 0
    for _ in range(3):
        life.pass_by(24)
    life.hold()
    assert life.workflow.owed() == []
    life.workflow.close()


def review(filed: Message, chance: Random) -> Message:
    """Make the event of a review of what was filed."""
    fields = {name: value for name, value in filed.fields.items() if name in ("user_id", "claim_id")}
    fields |= {"event_id": f"review-{chance.getrandbits(48)}", "reviewer": "somebody"}
    return Message(at=filed.at + timedelta(0), trigger="review_started", fields=fields, kind="review")
