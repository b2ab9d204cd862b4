"""For engineers' tests: the pytest plugin, its clock and ids, stories, and transitions without a store."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from workflow_fsm import Fire, Transition, Workflow
from workflow_fsm.testing import (
    NOON,
    CountedIds,
    ManualClock,
    detect,
    detect_plainly,
    detected,
    expired,
    find,
    match,
    matched,
    open_workflow,
    paid,
    pay,
    reject,
    rejected,
    submit,
    submitted,
    sync,
    synced,
    take_back,
    transition,
)

THEIRS = '''
"""A stranger's tests of their own handlers."""
from workflow_fsm import Fire
from workflow_fsm.testing import detected, matched, transition

def submit(told):
    if told.claim["decision"] == "auto_submit":
        return Fire("claim_submitted", amazon_case_id="k1")

def test_alone():
    assert submit(transition()) == Fire("claim_submitted", amazon_case_id="k1")
    assert submit(transition({"decision": "review"})) is None

def test_in_a_workflow(workflow, clock):
    workflow.on_enter("matched", not_before="eligible_from")(submit)
    matched(workflow, "u1", "c1", eligible_from="2026-01-02T00:00:00Z")
    assert workflow.run_effects() == 0
    clock.advance(days=1)
    assert workflow.run_effects() == 1
    assert workflow.status("u1").claims[0].state == "submitted"

def test_every_test_has_a_workflow_of_its_own(workflow, clock):
    assert workflow.status("u1") is None
    assert clock().isoformat() == "2026-01-01T12:00:00+00:00"
'''


def test_it_is_a_pytest_plugin(tmp_path: Path) -> None:
    """ "`workflow_fsm.testing` (also a pytest plugin by `pytest_plugins`) has a clock, ids, stories and a
    `workflow` fixture." """
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["workflow_fsm.testing"]\n')
    (tmp_path / "test_theirs.py").write_text(THEIRS)
    without = ("-p", "no:cacheprovider", "-p", "no:schemathesis")
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", *without, str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=50, check=False)
    assert "3 passed" in done.stdout, done.stdout + done.stderr


def test_a_handler_is_called_with_a_built_transition_without_any_store() -> None:
    """ "a handler called with a built transition without any store" """

    def submit(told: Transition) -> Fire | None:
        if told.claim["decision"] != "auto_submit":
            return None
        return Fire("claim_submitted", amazon_case_id=f"case of {told.claim_id}", note=told.key)

    answer = submit(transition())
    assert answer == Fire("claim_submitted", amazon_case_id="case of c1", note="eff_test")
    assert repr(answer) == "Fire('claim_submitted', amazon_case_id='case of c1', note='eff_test')"
    assert submit(transition({"decision": "ask_user"})) is None
    built = transition({"amount": "3.00"}, claim_id="c7", to_state="rejected", attempt=3, event={"a": 1})
    assert (built.claim.claim_id, built.claim.state, built.claim.amount) == ("c7", "rejected", "3.00")
    assert (built.attempt, built.event, built.at) == (3, {"a": 1}, NOON)


def test_a_built_transition_has_what_a_real_one_has(workflow: Workflow) -> None:
    seen: list[Transition] = []
    workflow.on_enter("matched", name="see")(seen.append)
    matched(workflow, amount=None)
    workflow.run_effects()
    real, built = seen[0], transition()
    assert list(built.claim) == list(real.claim)
    assert built.claim | {"sync_id": "sync-of-c1"} == real.claim
    names = ("user_id", "claim_id", "from_state", "to_state", "trigger", "version", "at", "attempt")
    assert [getattr(built, name) for name in names] == [getattr(real, name) for name in names]


@pytest.mark.parametrize(
    ("story", "state", "version"),
    [
        (detected, "detected", 2),
        (matched, "matched", 3),
        (submitted, "submitted", 4),
        (rejected, "rejected", 5),
        (paid, "paid", 5),
        (expired, "expired", 3),
    ],
)
def test_a_story_brings_a_claim_to_its_state(
    workflow: Workflow, story: type[object], state: str, version: int
) -> None:
    """ "story builders (`detected(workflow, "u1", "c1")`)" """
    story(workflow, "u1", "c1")  # type: ignore[call-arg]
    story(workflow, "u1", "c2")  # type: ignore[call-arg]
    status = workflow.status("u1")
    assert status is not None
    assert [(one.claim_id, one.state, one.version) for one in status.claims] == [
        ("c1", state, version),
        ("c2", state, version),
    ]


def test_each_act_is_one_webhook(workflow: Workflow) -> None:
    told = [
        sync(workflow),
        detect(workflow, "c1", {"claim_id": "c2", "amount": "7.00"}),
        match(workflow),
        submit(workflow, amazon_case_id="k1"),
        pay(workflow, amount="7.00"),
        take_back(workflow, amount="2.00"),
        reject(workflow, "c2"),
        sync(workflow, "s2"),
        detect_plainly(workflow, "s2"),
        pay(workflow, user_id="u2"),
    ]

    assert [one.status for one in told] == ["applied"] * 6 + ["deferred"] + ["applied"] * 2 + ["deferred"]
    assert [one.event_id for one in told] == [f"evt_{number}" for number in range(1, 11)]


def test_claims_of_one_sync_are_found_together(workflow: Workflow) -> None:
    find(workflow, "c1", "c2")
    status = workflow.status("u1")
    assert status is not None
    assert [(one.claim_id, one.sync_id) for one in status.claims] == [("c1", "s1"), ("c2", "s1")]


def test_the_clock_stands_until_it_is_moved(clock: ManualClock) -> None:
    assert (clock(), clock()) == (NOON, NOON)
    assert clock.advance(hours=1, seconds=30) == NOON + timedelta(seconds=3630)
    assert clock.advance(timedelta(days=-1)) == clock() == NOON + timedelta(seconds=3630, days=-1)


def test_the_clock_writes_an_instant_ahead_of_it_as_a_body_would(
    workflow: Workflow, clock: ManualClock
) -> None:
    assert clock.text() == "2026-01-01T12:00:00.000000Z"
    assert clock.text(days=31, hours=-12) == "2026-02-01T00:00:00.000000Z"
    detected(workflow, deadline_date=clock.text(seconds=1))
    clock.advance(seconds=1)
    assert workflow.tick() == 1


def test_ids_are_the_same_in_every_run() -> None:
    ids = CountedIds("made")
    assert [ids(), ids()] == ["made_1", "made_2"]
    for _ in range(2):
        with open_workflow() as workflow:
            assert [synced(workflow).event_id, detected(workflow).event_id] == ["evt_1", "evt_3"]


def test_the_environment_is_not_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WORKFLOW_DATABASE_URL", "nonsense")
    monkeypatch.setenv("WORKFLOW_EFFECT_TRIES", "nonsense")
    with open_workflow(f"sqlite:///{tmp_path / 'claims.db'}") as workflow:
        synced(workflow)
    assert (tmp_path / "claims.db").exists()
