"""The wheel: what is in it, and that it alone, without any extra, is the library and its command line."""

from __future__ import annotations

import re
from pathlib import Path

from tests.packaging.conftest import ROOT, Bare, Wheel

PACKAGES = ("workflow_fsm", "webapp")

OF_THE_WEB = {"flask", "werkzeug", "gunicorn", "requests", "urllib3", "httpx", "aiohttp", "flask-sock"}

LOOK_ROUND = """
import json
from importlib.util import find_spec

names = ("flask", "werkzeug", "gunicorn", "requests", "urllib3", "httpx", "aiohttp", "psycopg", "pytest")
import workflow_fsm
print(json.dumps([[name for name in names if find_spec(name)], workflow_fsm.__file__]))
"""

LIFE = """
import json
from workflow_fsm import NotAllowed, Workflow

told = []
with Workflow.open("sqlite:///claims.db") as workflow:
    def fire(trigger, **fields):
        told.append(workflow.fire(trigger, user_id="u1", **fields).status)

    fire("payout_received", claim_id="c1", amount=0.1 + 0.2, event_id="early")
    fire("sync_complete", sync_id="s1")
    fire("detection_complete", sync_id="s1", claims=[{"claim_id": "c1", "amount": "12.50"}])
    fire("payout_received", claim_id="c1", amount="12.20", event_id="late")
    fire("payout_received", claim_id="c1", amount="12.20", event_id="late")
    try:
        fire("claim_rejected", claim_id="c1")
    except NotAllowed as refused:
        told.append([refused.code, refused.state])
with Workflow.open("sqlite:///claims.db") as workflow:
    status = workflow.status("u1")
    [claim] = status["claims"]
    rows = [row["to"] for row in workflow.history("u1", "c1")]
print(json.dumps([told, claim["state"], claim["paid"], status["recovered"], status["unapplied"], rows]))
"""


def test_the_wheel_holds_every_file_of_the_packages_and_none_of_the_tests(wheel: Wheel) -> None:
    source = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    described = {name for name in wheel.files() if ".dist-info/" in name}

    assert wheel.files() - described == source
    assert {name for name in source if name.endswith(("py.typed", ".sql"))} == {
        "webapp/py.typed",
        "workflow_fsm/audit/scratch.sql",
        "workflow_fsm/py.typed",
        "workflow_fsm/stores/ddl.sql",
        "workflow_fsm/stores/postgres/postgres.sql",
        "workflow_fsm/stores/shared.sql",
        "workflow_fsm/stores/sqlite/sqlite.sql",
    }
    assert {name.partition(".dist-info/")[2] for name in described} == {
        "METADATA",
        "RECORD",
        "WHEEL",
        "entry_points.txt",
        "licenses/LICENSE",
        "top_level.txt",
    }


def test_the_wheel_says_what_it_is_and_which_extras_it_has(wheel: Wheel) -> None:
    told = wheel.metadata

    assert (told["Name"], told["License-Expression"] or told["License"]) == ("workflow-fsm", "MIT")
    assert told["Requires-Python"] == ">=3.11"
    assert told.get_all("Provides-Extra") == ["web", "postgres", "dev", "mutants", "bench"]
    assert wheel.read("entry_points.txt") == "[console_scripts]\nworkflow-fsm = workflow_fsm.cli:main\n"


def test_flask_and_http_clients_come_with_the_web_extra_alone(wheel: Wheel) -> None:
    assert wheel.requirements() & OF_THE_WEB == set()
    assert wheel.requirements("web") >= {"flask", "gunicorn", "requests", "flask-sock"}


def test_the_bare_environment_has_the_library_and_nothing_of_the_web(bare: Bare, tmp_path: Path) -> None:
    found, file = bare.tell(LOOK_ROUND, cwd=tmp_path)

    assert found == []
    assert Path(file).is_relative_to(bare.folder)


def test_the_library_alone_carries_a_claim_to_paid(bare: Bare, tmp_path: Path) -> None:
    assert bare.tell(LIFE, cwd=tmp_path) == [
        ["deferred", "applied", "applied", "applied", "duplicate", ["not-allowed", "paid"]],
        "paid",
        {"USD": "12.50"},
        {"USD": "12.50"},
        {},
        ["synced", "detected", "paid", "paid"],
    ]


def test_the_command_line_helps_without_any_extra(bare: Bare, tmp_path: Path) -> None:
    done = bare.run("workflow-fsm", "--help", cwd=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    listed = set(re.findall(r"^\W*([a-z]+)\b", done.stdout, re.MULTILINE))
    assert listed >= {"serve", "fire", "status", "history", "graph", "check"}


def test_serving_without_the_web_extra_says_in_one_sentence_what_to_install(
    bare: Bare, tmp_path: Path
) -> None:
    done = bare.run("workflow-fsm", "serve", cwd=tmp_path)

    assert done.returncode != 0
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert "workflow-fsm[web]" in done.stderr
    assert list(tmp_path.iterdir()) == []
