"""Handlers and workers on the command line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Run, answer, process
from workflow_fsm import Transition, Workflow
from workflow_fsm import testing as stories

WITHOUT_WEB = "import sys; sys.modules['flask'] = None; from workflow_fsm.cli import main; main()"
MODULE = """
from workflow_fsm import Fire

def register(workflow):
    @workflow.on_enter("detected")
    def submit(transition):
        return Fire("claim_submitted", amazon_case_id="case-of-" + transition.claim_id)
"""


@pytest.fixture
def store(path: Path) -> Iterator[Workflow]:
    """Give the store that the commands work on."""
    with stories.open_workflow(f"sqlite:///{path}") as workflow:
        yield workflow


def register(workflow: Workflow) -> None:
    """Register a handler of each kind."""

    @workflow.on_enter("matched", not_before="eligible_from")
    def submit(transition: Transition) -> None: ...

    @workflow.on_transition(trigger="payout_received", target="paid", name="tell.user")
    def tell(transition: Transition) -> None: ...

    @workflow.on_dead_letter
    def page(dead_letter: object) -> None: ...

    @workflow.on_request("start")
    def start(request: object) -> None: ...


def test_handlers_are_listed_with_what_is_owed_to_each(run: Run, store: Workflow) -> None:
    register(store)
    stories.matched(store, claim_id="c1", eligible_from="2026-02-01T00:00:00Z")
    stories.matched(store, claim_id="c2")

    told = run("handlers", "--json")

    assert told.exit_code == 0
    rows = {row.pop("name"): row for row in answer(told)["handlers"]}
    idle = {"owed": 0, "running": 0, "oldest": None, "last_error": None}
    assert rows == {
        "page": {"pattern": {"name": "page", "dead_letter": True, "request": False}, **idle},
        "start": {"pattern": {"name": "start", "dead_letter": False, "request": True}, **idle},
        "submit": {
            "pattern": {
                "name": "submit",
                "enter": "matched",
                "dead_letter": False,
                "request": False,
                "not_before": "eligible_from",
            },
            "owed": 2,
            "running": 0,
            "oldest": "2026-01-01T12:00:00.000000Z",
            "last_error": None,
        },
        "tell.user": {
            "pattern": {
                "name": "tell.user",
                "dead_letter": False,
                "request": False,
                "trigger": "payout_received",
                "target": "paid",
            },
            **idle,
        },
    }
    lines = [" ".join(line.split()) for line in run("handlers").stdout.splitlines()]
    assert lines == [
        "handler for not before owed running oldest",
        "page dead letters 0 0",
        "start requests 0 0",
        "submit being in matched eligible_from 2 0 2026-01-01 12:00:00Z",
        "tell.user transitions by payout_received to paid 0 0",
    ]


def test_without_handlers_the_list_says_so(run: Run, store: Workflow) -> None:
    assert run("handlers").stdout == "no handlers\n"


def test_a_dropped_handler_is_owed_nothing_any_more(run: Run, store: Workflow) -> None:
    register(store)
    stories.matched(store)
    assert run("handlers", "drop", "submit").stdout == "handler submit is forgotten; 1 effect void\n"
    stories.matched(store, claim_id="c2")
    assert [row["name"] for row in answer(run("handlers", "--json"))["handlers"]] == [
        "page",
        "start",
        "tell.user",
    ]
    assert store.owed() == []
    assert answer(run("handlers", "drop", "page", "--json")) == {"dropped": True, "void": 0}


def test_an_unknown_handler_ends_with_4(run: Run, store: Workflow) -> None:
    told = run("handlers", "drop", "submit", "--json")
    assert told.exit_code == 4
    assert answer(told) == {
        "code": "unknown-handler",
        "detail": "the store knows no handler 'submit'",
        "handler": "submit",
    }


# -- a worker as a process


def work(tmp_path: Path, code: str | None, **variables: str) -> subprocess.Popen[bytes]:
    (tmp_path / "engines.py").write_text(MODULE)
    return process(
        "worker",
        "--database",
        f"sqlite:///{tmp_path / 'claims.db'}",
        code=code,
        stdout=subprocess.PIPE,
        cwd=tmp_path,
        variables={"PYTHONPATH": os.pathsep.join([*filter(None, sys.path), str(tmp_path)]), **variables},
    )


@pytest.mark.parametrize("code", [None, WITHOUT_WEB], ids=["with the web extra", "the library alone"])
def test_a_worker_does_what_another_process_s_transitions_owe(tmp_path: Path, code: str | None) -> None:
    running = work(tmp_path, code, WORKFLOW_HANDLERS="engines")
    try:
        with Workflow.open(f"sqlite:///{tmp_path / 'claims.db'}") as workflow:
            until = time.monotonic() + 20
            while not workflow.handlers():
                assert running.poll() is None
                assert time.monotonic() < until
                time.sleep(0.02)
            stories.detected(workflow)
            while workflow.allowed("u1", "c1") != ("claim_rejected", "payout_received"):
                assert time.monotonic() < until
                time.sleep(0.02)
            (row,) = [row for row in workflow.history("u1", "c1") or () if row.to == "submitted"]
            assert row.actor == "effect:submit"
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=20) == 0
    finally:
        running.kill()
        running.communicate()


@pytest.mark.parametrize("code", [None, WITHOUT_WEB], ids=["with the web extra", "the library alone"])
def test_handlers_that_can_t_be_had_stop_a_worker_with_78_and_a_sentence(
    tmp_path: Path, code: str | None
) -> None:
    running = work(tmp_path, code, WORKFLOW_HANDLERS="nowhere.engines")
    _, complained = running.communicate(timeout=20)
    assert running.returncode == 78
    assert b"'nowhere.engines', which can't be imported" in complained
    assert b"Traceback" not in complained


def test_a_worker_without_the_web_extra_can_t_call_other_services(tmp_path: Path) -> None:
    running = work(tmp_path, WITHOUT_WEB, INTEGRATIONS_URL="http://127.0.0.1:9")
    _, complained = running.communicate(timeout=20)
    assert running.returncode == 2
    assert b"needs flask, which is not installed: pip install 'workflow-fsm[web]'" in complained
