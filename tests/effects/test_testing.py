"""For engineers' tests: the pytest plugin, its clock and ids, stories, and transitions without a store."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from workflow_fsm import EffectsEndless, Fire, Transition, Workflow
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


OVERRIDDEN = '''
"""A stranger's tests of a handler under a definition, settings and ids of their own."""
import pytest
from workflow_fsm import EffectsEndless, Fire, RetryAfter, Settings, Transition, claim_lifecycle
from workflow_fsm.testing import CountedIds, matched, synced

@pytest.fixture
def workflow_definition():
    return claim_lifecycle().variant(name="theirs")

@pytest.fixture
def workflow_settings():
    return Settings(tries=2)

@pytest.fixture
def workflow_ids():
    return CountedIds("theirs")

def test_what_was_given_is_what_it_has(workflow):
    assert (workflow.definition.name, workflow.settings.tries) == ("theirs", 2)
    assert synced(workflow).event_id == "theirs_1"

def test_what_a_handler_raises_is_raised(workflow, clock):
    @workflow.on_enter("matched")
    def submit(told):
        assert told.claim_id == "c2", "the wrong claim"
    matched(workflow)
    with pytest.raises(AssertionError, match="the wrong claim"):
        workflow.run_effects()
    assert workflow.owed()[0].attempt == 1
    clock.advance(hours=1)
    assert workflow.run_effects(raising=False) == 1
    assert [one.handler for one in workflow.dead_letters()] == ["submit"]

def test_a_pause_that_is_asked_for_is_raised_too(workflow):
    @workflow.on_enter("matched")
    def submit(told):
        raise RetryAfter(60, "closed")
    matched(workflow)
    with pytest.raises(RetryAfter, match="closed"):
        workflow.run_effects()

def test_a_handler_that_feeds_itself_ends(workflow):
    @workflow.on_transition(trigger="evidence_matching_complete")
    def again(told):
        return Fire("evidence_matching_complete", confidence=str(0.1 + told.version / 10000))
    matched(workflow, confidence="0.01")
    with pytest.raises(EffectsEndless, match="1000 effects were done, and one of 'again'"):
        workflow.run_effects()
    with pytest.raises(EffectsEndless, match="^3 effects"):
        workflow.run_effects(limit=3)
'''


def test_the_fixture_raises_ends_and_has_what_it_is_given(tmp_path: Path) -> None:
    """ "whose `run_effects()` raises what a handler raised, unless `raising=False`; and whose `limit=1000`
    ends a handler that feeds itself with an error"; "Fixtures to give a definition, settings and ids" """
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["workflow_fsm.testing"]\n')
    (tmp_path / "test_theirs.py").write_text(OVERRIDDEN)
    without = ("-p", "no:cacheprovider", "-p", "no:schemathesis")
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", *without, str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=50, check=False)
    assert "4 passed" in done.stdout, done.stdout + done.stderr


WITHOUT_PYTEST = """
import sys
from importlib.machinery import PathFinder

class WithoutPytest(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] in ("pytest", "_pytest"):
            return None
        return super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = WithoutPytest
from workflow_fsm.testing import matched, open_workflow
with open_workflow() as workflow:
    print(matched(workflow).status, "pytest" in sys.modules)
"""


def test_it_is_imported_without_pytest() -> None:
    """ "importable without pytest" """
    command = [sys.executable, "-c", WITHOUT_PYTEST]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert done.stdout == "applied False\n", done.stderr


def test_elsewhere_nothing_is_raised_and_nothing_bounds_what_is_done(workflow: Workflow) -> None:
    """ "(elsewhere `limit` is `None`)" """

    @workflow.on_enter("matched", tries=1)
    def submit(told: Transition) -> None:
        raise ValueError

    for claim in ("c1", "c2"):
        matched(workflow, "u1", claim)
    with pytest.raises(ValueError):  # noqa: PT011  # as it was raised
        workflow.run_effects(raising=True)
    assert workflow.run_effects() == 1
    matched(workflow, "u1", "c3")
    matched(workflow, "u1", "c4")
    with pytest.raises(EffectsEndless) as caught:
        workflow.run_effects(limit=1)
    assert (caught.value.limit, caught.value.handler) == (1, "submit")
    assert workflow.run_effects(limit=1) == 1


def test_a_file_that_exists_goes_on_with_new_ids(store_url: str) -> None:
    """ "`open_workflow` on a file that exists goes on with new ids" """
    ids: list[str] = []
    for _ in range(3):
        with open_workflow(store_url) as workflow:
            told = [synced(workflow, sync_id=f"s{len(ids)}-{n}") for n in range(2)]
            assert {one.status for one in told} == {"applied"}
            ids += [one.event_id for one in told]
    assert ids == ["evt_1", "evt_2", "evt_2_1", "evt_2_2", "evt_4_1", "evt_4_2"]


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
