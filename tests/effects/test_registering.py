"""What is registered: one name is one program's work; what could never be called, or owed, is refused."""

from __future__ import annotations

import functools
import json
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.effects.conftest import Open
from workflow_fsm import HandlerInvalid, Transition, Workflow
from workflow_fsm.effects.modules import load_handlers
from workflow_fsm.testing import detected, matched, submitted

# -- one name, two programs


def test_a_name_that_another_program_keeps_is_refused_on_every_way_to_register(open_again: Open) -> None:
    """ "A name that is recorded with another pattern is `HandlerInvalid`" """
    first, second = open_again(), open_again()
    first.on_enter("matched", name="notify")(lambda told: None)
    ways: list[Callable[[], Any]] = [
        lambda: second.on_enter("submitted", name="notify")(lambda told: None),
        lambda: second.on_enter("matched", name="notify", not_before="eligible_from")(lambda told: None),
        lambda: second.on_transition(target="matched", name="notify")(lambda told: None),
        lambda: second.on_dead_letter(name="notify")(lambda told: None),
        lambda: second.on_dead_letter(lambda told: None, name="notify"),
        lambda: second.on_request("notify")(lambda told: None),
    ]
    for register in ways:
        with pytest.raises(HandlerInvalid) as caught:
            register()
        assert "the store keeps the handler 'notify' for entering matched, and this one is for" in str(
            caught.value
        )
        assert "replace=True" in str(caught.value)
    assert [one.pattern.enter for one in first.handlers()] == ["matched"]
    matched(second)
    assert [one.handler for one in second.owed()] == ["notify"]


def test_how_often_it_is_tried_is_no_other_pattern(open_again: Open) -> None:
    first, second = open_again(), open_again()
    first.on_enter("matched", name="notify", tries=3)(lambda told: None)
    second.on_enter("matched", name="notify", tries=5, pause_seconds=2, timeout_seconds=9)(lambda told: None)
    assert [one.pattern["tries"] for one in first.handlers()] == [5]


def test_what_replaces_another_is_owed_and_run_alone(
    open_again: Open, caplog: pytest.LogCaptureFixture
) -> None:
    """ "unless `replace=True` says that the new one takes its place" """
    done: list[tuple[str, str]] = []
    before, after = open_again(), open_again()
    before.on_enter("matched", name="notify")(lambda told: done.append(("before", told.to_state)))
    matched(before)
    after.on_enter("submitted", name="notify", replace=True)(
        lambda told: done.append(("after", told.to_state))
    )
    submitted(before, claim_id="c2")
    assert [one.here for one in before.owed()] == [False, False]
    with caplog.at_level(logging.WARNING, "workflow_fsm"):
        assert before.run_effects() == 0
        assert before.run_effects() == 0
    assert sum("'notify' of this process was replaced" in one.message for one in caplog.records) == 1
    assert after.run_effects() == 2
    assert done == [("after", "matched"), ("after", "submitted")]

    before.on_enter("matched", name="notify", replace=True)(
        lambda told: done.append(("again", told.to_state))
    )
    matched(before, claim_id="c3")
    assert (after.run_effects(), before.run_effects()) == (0, 1)
    assert done[2:] == [("again", "matched")]


def test_every_way_to_register_replaces_where_it_is_told_to(open_again: Open) -> None:
    workflow = open_again()
    ways: list[tuple[Any, Callable[[], Any]]] = [
        ("enter", lambda: workflow.on_enter("matched", name="x", replace=True)(lambda told: None)),
        ("target", lambda: workflow.on_transition(target="paid", name="x", replace=True)(lambda told: None)),
        ("dead_letter", lambda: workflow.on_dead_letter(name="x", replace=True)(lambda told: None)),
        ("request", lambda: workflow.on_request("x", replace=True)(lambda told: None)),
    ]
    for key, register in [*ways, *ways]:
        register()
        [one] = workflow.handlers()
        assert one.pattern[key]


RACER = """
import sys
from workflow_fsm import HandlerInvalid, Settings, Workflow

url, state = sys.argv[1:]
with Workflow.open(url, settings=Settings()) as workflow:
    sys.stdin.readline()
    try:
        workflow.on_enter(state, name="notify")(lambda told: None)
        print("registered", state)
    except HandlerInvalid:
        print("refused", state)
"""


def test_of_processes_that_race_for_a_name_one_has_it_and_the_others_are_told(
    store_url: str, open_again: Open
) -> None:
    states = ["detected", "matched", "submitted", "paid"]
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, store_url, state],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for state in states
    ]
    for one in racers:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    told = [one.communicate(timeout=60)[0].split() for one in racers]
    assert sorted(how for how, _ in told) == ["refused", "refused", "refused", "registered"]
    [winner] = [state for how, state in told if how == "registered"]
    assert [one.pattern.enter for one in open_again().handlers()] == [winner]


# -- what can't be a handler


class Asynchronous:
    async def __call__(self, told: Transition) -> None: ...


async def asynchronous(told: Transition) -> None: ...


def generator(told: Transition) -> Any:
    yield


def without() -> None: ...


def with_two(told: Transition, more: int) -> None: ...


def with_keyword(told: Transition, *, more: int) -> None: ...


@pytest.mark.parametrize(
    ("function", "fault"),
    [
        ("matched", "is str, which can't be called; register a function with one parameter"),
        (None, "is NoneType, which can't be called"),
        (without, "takes (), and is called with one argument; give it exactly one parameter"),
        (with_two, "and is called with one argument"),
        (with_keyword, "and is called with one argument"),
        (asynchronous, "is an async function, which only begins when it is called"),
        (functools.partial(asynchronous), "is an async function"),
        (Asynchronous(), "is an async function"),
        (generator, "is a generator, which only begins when it is called"),
    ],
    ids=range(9),
)
def test_what_could_never_do_its_work_is_refused_with_a_sentence_on_every_way(
    workflow: Workflow, function: Any, fault: str
) -> None:
    ways: list[Callable[[], Any]] = [
        lambda: workflow.on_enter("matched", name="x")(function),
        lambda: workflow.on_transition(name="x")(function),
        lambda: workflow.on_dead_letter(name="x")(function),
        lambda: workflow.on_request("x")(function),
    ]
    for register in ways:
        with pytest.raises(HandlerInvalid) as caught:
            register()
        assert fault in str(caught.value)
    assert workflow.handlers() == []


def test_what_takes_one_argument_in_any_way_is_taken(workflow: Workflow) -> None:
    class Callable_:
        def work(self, told: Transition) -> None: ...

        def __call__(self, told: Transition, *more: object) -> None: ...

    for number, function in enumerate(
        (Callable_().work, Callable_(), print, functools.partial(with_two, more=1))
    ):
        workflow.on_enter("matched", name=f"h{number}")(function)  # type: ignore[type-var]
    assert len(workflow.handlers()) == 4


def test_a_decorator_without_parentheses_is_refused_with_what_to_write(workflow: Workflow) -> None:
    """ "`@workflow.on_enter` without parentheses" """

    def submit(told: Transition) -> None: ...

    on_enter: Any = workflow.on_enter
    on_transition: Any = workflow.on_transition
    on_request: Any = workflow.on_request
    for decorator, told in (
        (on_enter, '@workflow.on_enter("matched")'),
        (on_transition, '@workflow.on_transition(target="paid"), or with ()'),
        (on_request, '@workflow.on_request("NAME")'),
    ):
        with pytest.raises(HandlerInvalid) as caught:
            decorator(submit)
        assert "stands without parentheses on 'submit'" in str(caught.value)
        assert told in str(caught.value)
    workflow.on_dead_letter(lambda_named("told"))
    assert [one.name for one in workflow.handlers()] == ["told"]


def lambda_named(name: str) -> Any:
    def function(told: object) -> None: ...

    function.__name__ = name
    return function


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        (
            {"source": "paid", "target": "synced"},
            "paid → synced, a transition that can't occur: from paid go",
        ),
        ({"trigger": "sync_complete", "target": "paid"}, "sync_complete leads to synced"),
        ({"source": "synced", "trigger": "payout_received"}, "synced → any state, a transition that can't"),
        (
            {"source": "detected", "trigger": "claim_submitted", "target": "paid"},
            "claim_submitted to submitted",
        ),
    ],
    ids=range(4),
)
def test_a_transition_that_cannot_occur_is_refused(
    workflow: Workflow, pattern: dict[str, Any], told: str
) -> None:
    """ "patterns that can't occur (`paid → synced`)" """
    with pytest.raises(HandlerInvalid) as caught:
        workflow.on_transition(**pattern, name="never")(print)
    assert told in str(caught.value)
    assert workflow.handlers() == []


def test_every_transition_of_the_table_can_be_registered_for(workflow: Workflow) -> None:
    for (state, trigger), cell in workflow.definition.table.items():
        for arrow in cell.arrows:
            options: dict[str, Any] = {"trigger": trigger, "source": state, "target": arrow.leads_to(state)}
            workflow.on_transition(**options, name=f"{state}.{trigger}.{arrow.leads_to(state)}")(print)
    for one in workflow.definition.states:
        workflow.on_enter(one.name, name=f"in.{one.name}")(print)


# -- modules


@pytest.mark.parametrize("kind", ["async def", "def"])
def test_a_register_that_only_begins_is_refused(
    workflow: Workflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """ "`async def register` registers nothing" """
    name = f"only_begins_{kind.partition(' ')[0]}"
    body = "    workflow.on_enter('matched', name='x')(print)\n"
    if kind == "def":
        body += "    yield\n"
    (tmp_path / f"{name}.py").write_text(f"{kind} register(workflow):\n{body}")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(HandlerInvalid, match="calling it registers nothing; make it a plain function"):
        load_handlers([name], workflow)
    assert json.dumps(workflow.handlers()) == "[]"
    assert detected(workflow).status == "applied"
