"""Names of handlers: kept in the store with their patterns, owed by every process, dropped by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.effects.conftest import Open
from workflow_fsm import HandlerInvalid, Transition, Workflow
from workflow_fsm.testing import ManualClock, detected, matched


def handlers_owed(workflow: Workflow) -> list[tuple[str, str | None]]:
    return [(one.handler, one.trigger) for one in workflow.owed()]


def test_a_name_is_the_functions_or_the_one_given(workflow: Workflow) -> None:
    """ "a name that is stable over deployments (never a Python path by accident)" """

    @workflow.on_enter("matched", not_before="eligible_from", tries=3)
    def submit(told: Transition) -> None: ...

    workflow.on_transition(target="paid", name="thanks.v2")(lambda told: None)
    assert workflow.handlers() == [
        {
            "name": "submit",
            "pattern": {
                "name": "submit",
                "enter": "matched",
                "dead_letter": False,
                "request": False,
                "not_before": "eligible_from",
                "tries": 3,
            },
        },
        {
            "name": "thanks.v2",
            "pattern": {"name": "thanks.v2", "dead_letter": False, "request": False, "target": "paid"},
        },
    ]
    assert submit.__name__ == "submit"


def test_two_functions_of_one_name_are_refused_and_so_is_one_name_for_two_patterns(
    workflow: Workflow,
) -> None:
    @workflow.on_enter("matched")
    def submit(told: Transition) -> None: ...

    first = submit
    workflow.on_enter("matched")(first)
    with pytest.raises(HandlerInvalid, match="'submit' is taken by a handler already"):

        @workflow.on_enter("matched")
        def submit(told: Transition) -> None: ...

    with pytest.raises(HandlerInvalid, match="'submit' is taken by a handler already"):
        workflow.on_enter("rejected")(first)
    assert [one.pattern.enter for one in workflow.handlers()] == ["matched"]


async def slow(told: Transition) -> None: ...


@pytest.mark.parametrize(
    ("function", "options", "fault"),
    [
        (lambda told: None, {}, "'<lambda>' can't name a handler"),
        (print, {"name": ""}, "'' can't name a handler"),
        (print, {"name": "a b"}, "'a b' can't name a handler"),
        (print, {"name": "ä"}, "'ä' can't name a handler"),
        (print, {"name": 7}, "7 can't name a handler"),
        (slow, {}, "'slow' is an async function"),
        (print, {"state": "gone"}, "is for state 'gone', which is none of synced, detected"),
        (print, {"tries": 0}, "has tries=0; it needs one at least"),
        (print, {"pause_seconds": -1}, "has pause_seconds=-1; it must be from 0"),
        (print, {"timeout_seconds": float("nan")}, "has timeout_seconds=nan"),
        (print, {"not_before": "amount"}, "not_before='amount', and no event tells such an instant"),
    ],
    ids=range(11),
)
def test_what_cannot_be_registered_is_refused_with_a_sentence(
    workflow: Workflow, function: Callable[..., Any], options: dict[str, Any], fault: str
) -> None:
    with pytest.raises(HandlerInvalid) as caught:
        workflow.on_enter(**{"state": "matched", **options})(function)
    assert fault in str(caught.value)
    assert (caught.value.code, workflow.handlers()) == ("handler-invalid", [])


def test_a_trigger_that_is_none_is_refused(workflow: Workflow) -> None:
    with pytest.raises(HandlerInvalid, match="is for the trigger 'paid', which is none of sync_complete"):
        workflow.on_transition(trigger="paid", name="x")(print)


def test_a_process_without_the_code_owes_what_the_store_knows(open_again: Open) -> None:
    """ "every process owes what the store knows, whether or not it has the code; an effect is left for a
    worker that has its handler, and is shown as such" """
    done: list[str] = []
    with_code, without = open_again(), open_again()
    with_code.on_enter("detected", name="match")(lambda told: done.append(told.claim_id or ""))

    detected(without)
    assert [(one.handler, one.here, one.state) for one in without.owed()] == [("match", False, "owed")]
    assert (without.run_effects(), done) == (0, [])
    assert [one.here for one in with_code.owed()] == [True]
    assert (with_code.run_effects(), done) == (1, ["c1"])
    assert without.owed() == []


def test_what_is_owed_is_shown_with_its_claim_and_its_time(workflow: Workflow, clock: ManualClock) -> None:
    """ "`workflow.owed()`" """
    workflow.on_enter("detected", name="match", not_before="eligible_from")(lambda told: None)
    detected(workflow, eligible_from="2026-01-03T00:00:00+01:00")
    (one,) = workflow.owed()
    assert one == {
        "handler": "match",
        "user_id": "u1",
        "claim_id": "c1",
        "sync_id": "sync-of-c1",
        "trigger": "detection_complete",
        "state": "owed",
        "here": True,
        "attempt": 0,
        "owed_at": "2026-01-01T12:00:00.000000Z",
        "due_at": "2026-01-02T23:00:00.000000Z",
        "ready_at": "2026-01-02T23:00:00.000000Z",
        "key": one.key,
        "error": None,
    }
    assert workflow.owed("u2") == []
    assert workflow.owed("u1", limit=1) == [one]


def test_a_new_deployment_changes_what_a_name_is_owed_by_from_its_next_commit_on(open_again: Open) -> None:
    """ "so that a script, the command line or a service without the code owes them too, from its next commit
    on" """
    before, after = open_again(), open_again()
    before.on_enter("detected", name="work")(lambda told: None)
    after.on_enter("matched", name="work", replace=True)(lambda told: None)
    matched(before)
    assert handlers_owed(before) == [("work", "evidence_matching_complete")]


def test_only_dropping_forgets_a_handler_and_what_it_is_owed(open_again: Open, clock: ManualClock) -> None:
    """ "only `workflow-fsm handlers drop NAME` forgets one" """
    workflow = open_again()
    workflow.on_enter("detected", name="match")(lambda told: None)
    detected(workflow)
    other = open_again()
    assert other.drop_handler("match") == {"dropped": True, "void": 1}
    assert other.drop_handler("match") == {"dropped": False, "void": 0}
    assert (other.owed(), other.handlers(), workflow.run_effects()) == ([], [], 0)
    detected(workflow, claim_id="c2")
    assert workflow.owed() == []
