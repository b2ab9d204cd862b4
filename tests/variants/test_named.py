"""`WORKFLOW_DEFINITION` names the variant that service, worker and commands open a store with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.variants.conftest import ROOT, Command
from tests.variants.reviewed import reviewed
from workflow_fsm import Settings, SettingsInvalid, Workflow

VARIANT = {"WORKFLOW_DEFINITION": "shop:lifecycle"}
WRONG = {
    "shop": "is 'shop'; it must be module:attribute",
    "shop:": "must be module:attribute",
    ":lifecycle": "must be module:attribute",
    "5:a": "must be module:attribute",
    "shop:lifecicle": "has no 'lifecicle': did you mean 'lifecycle'?",
    "shop:lifecycle.states.first": "has no 'first'",
    "shoppe:lifecycle": "'shoppe' can't be imported: ModuleNotFoundError",
    "shop:number": "which is 5 (int); it must be a Definition",
    "shop:failing": "made no definition from auto_submit= and prompt=: RuntimeError: no such luck",
    "shop:invalid": "did you mean 'submitted'?",
}


@pytest.fixture
def store(folder: Path) -> str:
    """A store with a claim in review, and one that waits for its submission."""
    url = f"sqlite:///{folder / 'claims.db'}"
    with Workflow.open(url, definition=reviewed(), settings=Settings()) as workflow:
        workflow.fire("sync_complete", user_id="u1", sync_id="s1")
        claims = [{"claim_id": "c1"}, {"claim_id": "c2"}]
        workflow.fire("detection_complete", user_id="u1", sync_id="s1", claims=claims)
        workflow.fire("claim_submitted", user_id="u1", claim_id="c1", amazon_case_id="K1")
        workflow.fire("review_started", user_id="u1", claim_id="c1", reviewer="Ada")
        workflow.fire("review_started", user_id="u1", claim_id="c2")
    return url


COMMANDS = [
    ["status", "u1"],
    ["history", "u1"],
    ["fire", "review_started", "u1", "claim_id=c2"],
    ["check"],
    ["deadletters"],
    ["handlers"],
    ["migrate"],
    ["graph"],
    ["claims"],
    ["claims", "u1", "c1"],
    ["money"],
    ["users"],
    ["effects"],
    ["explain", "u1", "c1", "claim_rejected", "amazon_case_id=K1"],
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_command_opens_a_store_of_the_variant_that_is_named(
    store: str, command: Command, arguments: list[str]
) -> None:
    done = command(*arguments, "--json", **VARIANT)
    assert (done.returncode, done.stderr) == (0, "")
    json.loads(done.stdout)


@pytest.mark.parametrize("command_line", [("status", "u1"), ("claims",), ("claims", "u1", "c1")])
def test_what_its_triggers_told_is_shown_to_people(
    store: str, command: Command, command_line: tuple[str, ...]
) -> None:
    """ "text `status` shows claims' facts where there are any" """
    done = command(*command_line, **VARIANT)
    assert (done.returncode, done.stderr) == (0, "")
    assert "reviewer=Ada" in done.stdout


@pytest.mark.parametrize("arguments", COMMANDS[:6], ids=lambda one: one[0])
def test_a_command_without_it_says_which_definition_the_store_needs(
    store: str, command: Command, arguments: list[str]
) -> None:
    done = command(*arguments)
    assert done.returncode == 3
    assert "'in_review'" in done.stderr
    assert "WORKFLOW_DEFINITION" in done.stderr
    assert "'reviewed claim'" in done.stderr


def test_the_sentence_names_where_the_definition_was_found(store: str, command: Command) -> None:
    assert command("fire", "sync_complete", "u9", "sync_id=s9", **VARIANT).returncode == 0
    done = command("status", "u1")
    assert "WORKFLOW_DEFINITION=shop:lifecycle" in done.stderr


def test_the_service_works_with_the_variant_that_is_named(store: str, folder: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WORKFLOW_")}
    told = {"WORKFLOW_DATABASE_URL": store, "PYTHONPATH": str(ROOT), "PORT": "0", "HOST": "127.0.0.1"}
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "workflow_fsm", "serve"],
        cwd=folder,
        env={**kept, **told, **VARIANT},
        stdout=subprocess.PIPE,
        text=True,
    ) as serving:
        assert serving.stdout is not None
        try:
            first = next(line for line in serving.stdout if "http://" in line)
            address = first[first.index("http://") :].split('"')[0].split()[0].rstrip("/.,")
            event = {"trigger": "review_started", "user_id": "u1", "claim_id": "c1"}
            body = json.dumps([event]).encode()
            posted = Request(f"{address}/api/v1/workflow/events", body, {"Content-Type": "application/json"})
            with urlopen(posted, timeout=20) as answer:
                assert [one["status"] for one in json.load(answer)] == ["unchanged"]
            with urlopen(f"{address}/api/v1/workflow/status/u1", timeout=20) as answer:
                assert json.load(answer)["counts"] == {"detected": 1, "in_review": 1}
        finally:
            serving.terminate()
            serving.communicate(timeout=20)


@pytest.mark.parametrize(
    ("named", "told"),
    {
        "shop:lifecycle": "reviewed claim",
        "shop:made": "from 0.9 and 0.50",
        "shop:plain": "plainly made",
        "shop:Lifecycles.nested": "nested review",
    }.items(),
)
def test_a_definition_and_what_makes_one_can_be_named(command: Command, named: str, told: str) -> None:
    variables = {"WORKFLOW_DEFINITION": named, "WORKFLOW_AUTO_SUBMIT_CONFIDENCE": "0.9"}
    done = command("graph", "--json", **variables)
    assert json.loads(done.stdout)["definition"] == told


@pytest.mark.parametrize(("named", "told"), WRONG.items())
def test_what_names_no_definition_is_an_error_that_says_why(command: Command, named: str, told: str) -> None:
    done = command("graph", WORKFLOW_DEFINITION=named)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: WORKFLOW_DEFINITION ")
    assert told in done.stderr


def test_settings_in_python_name_one_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(folder)
    settings = Settings(definition="shop:lifecycle")
    with Workflow.open("sqlite:///:memory:", settings=settings) as workflow:
        assert workflow.definition.name == "reviewed claim"
    given = reviewed(name="given")
    with Workflow.open("sqlite:///:memory:", settings=settings, definition=given) as workflow:
        assert workflow.definition.name == "given"
    with pytest.raises(SettingsInvalid, match="definition is 5"):
        Settings(definition=5)  # type: ignore[arg-type]


def test_a_variant_that_is_opened_by_another_name_is_told_of_in_the_log(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing stands in a state of its own yet, so that the store can be opened; an operator is told."""
    url = f"sqlite:///{folder / 'claims.db'}"
    with Workflow.open(url, definition=reviewed(), settings=Settings()) as workflow:
        workflow.fire("sync_complete", user_id="u1", sync_id="s1")
    assert caplog.text == ""
    with Workflow.open(url, settings=Settings()):
        assert "last worked under the definition 'reviewed claim'" in caplog.text
