"""The start: a module that ends it or never lets it go on is named, and a misspelt variable is warned of."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest

from tests.packaging.conftest import ROOT
from tests.webapp.services import Service, Start, StartService
from webapp.server.startup import REFUSED
from webapp.settings import ServiceSettings
from workflow_fsm import Settings
from workflow_fsm.cli.options import ALIKE
from workflow_fsm.settings import misspelt, variables

ENDS = {
    "raises": "raise SystemExit('not today')",
    "exits": "import os; os._exit(0)",
    "fails": "import os; os._exit(3)",
    "aborts": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
}
WHY = {"raises": "not today", "exits": "exit code 0", "fails": "exit code 3", "aborts": "SIGKILL"}
HANG = "import time; time.sleep(600)"
BOUND = "from webapp.server import startup; startup.MODULE_SECONDS = 1.5; "
RUN = BOUND + "from workflow_fsm.cli import main; import sys; main([sys.argv[1]])"


def begin(folder: Path, command: str, **variables: str) -> tuple[int, str]:
    """Run a command that is given a second and a half for a module; give how it ended, and what it said."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PORT": "0", **variables}
    done = subprocess.run(
        [sys.executable, "-c", RUN, command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=50,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("how", ENDS)
def test_a_module_of_handlers_that_ends_the_process_is_named(
    start_process: Start, tmp_path: Path, how: str
) -> None:
    (tmp_path / "ending.py").write_text(ENDS[how])
    process = start_process(tmp_path / "log", WORKFLOW_HANDLERS="ending", PYTHONPATH=str(tmp_path))
    told = process.complaint(timeout=20)

    assert process.returncode == REFUSED
    assert told.startswith("workflow-fsm can't serve: WORKFLOW_HANDLERS names 'ending', which ")
    assert told.count("\n") == 1
    assert WHY[how] in told


@pytest.mark.parametrize("how", ENDS)
def test_a_definition_that_ends_the_process_is_named(start_process: Start, tmp_path: Path, how: str) -> None:
    (tmp_path / "ending.py").write_text(ENDS[how])
    process = start_process(tmp_path / "log", WORKFLOW_DEFINITION="ending:made", PYTHONPATH=str(tmp_path))
    told = process.complaint(timeout=20)

    assert process.returncode == REFUSED
    assert told.startswith("workflow-fsm can't serve: WORKFLOW_DEFINITION names 'ending:made', ")
    assert WHY[how] in told


@pytest.mark.parametrize("command", ["serve", "worker"])
@pytest.mark.parametrize("variable", ["WORKFLOW_HANDLERS", "WORKFLOW_DEFINITION"])
def test_a_module_that_hangs_as_it_is_imported_is_named(tmp_path: Path, command: str, variable: str) -> None:
    (tmp_path / "hanging.py").write_text(HANG)
    name = "hanging" if variable == "WORKFLOW_HANDLERS" else "hanging:made"
    began = monotonic()
    code, told = begin(tmp_path, command, **{variable: name})

    assert code == REFUSED
    assert f"{variable} names '{name}', which was not imported within 1.5 seconds" in told
    assert monotonic() - began < 30


def test_a_variable_that_is_misspelt_is_warned_of_with_what_is_meant(start_service: StartService) -> None:
    service: Service = start_service(
        WORKFLOW_API_TOKN="a-secret-that-stays-one", WORKFLOW_COLOUR="blue", WORKFLOW_EMPTY=""
    )
    told = [line["message"] for line in service.lines() if line.get("level") == "warning"]

    assert told == [
        "WORKFLOW_API_TOKN is no variable of workflow-fsm, and is not read; did you mean WORKFLOW_API_TOKEN?",
        "WORKFLOW_COLOUR is no variable of workflow-fsm, and is not read",
    ]
    assert "a-secret-that-stays-one" not in service.log.read_text()


def test_a_command_warns_of_another_store_that_is_meant(tmp_path: Path) -> None:
    told = begin(tmp_path, "check", WORKFLOW_DATABSE_URL="sqlite:///other.db")[1]

    assert told.startswith("Warning: WORKFLOW_DATABSE_URL is no variable of workflow-fsm, and is not read; ")
    assert "did you mean WORKFLOW_DATABASE_URL?" in told


def test_a_command_takes_none_of_the_service_s_variables_for_one_of_the_library_s() -> None:
    environment = dict.fromkeys(variables(ServiceSettings), "x")

    assert misspelt(variables(Settings), environment, alike=ALIKE) == []
    assert misspelt([*variables(Settings), *variables(ServiceSettings)], environment) == []


@pytest.mark.parametrize("given", ["workflow_handlers", "Workflow_Handlers", "WORKFLOW_HANDLER"])
def test_a_variable_in_another_case_is_misspelt_too(given: str) -> None:
    [told] = misspelt(variables(Settings), {given: "x"})

    assert told.startswith(f"{given} is no variable of workflow-fsm")
    assert told.endswith("did you mean WORKFLOW_HANDLERS?")
