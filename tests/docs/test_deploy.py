"""What is under docs/deploy: each file can be read by what it is for, and names what there is."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tests.docs.generate import DOCS, ROOT
from webapp.settings import ServiceSettings
from workflow_fsm import Settings
from workflow_fsm.settings import misspelt, variables

DEPLOY = DOCS / "deploy"
UNITS = ("workflow-fsm.socket", "workflow-fsm.service", "workflow-fsm-worker.service")
PROGRAM = "/opt/workflow/bin/workflow-fsm"
KNOWN = [*variables(Settings), *variables(ServiceSettings)]


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [
        (word, rest.strip()) for word, _, rest in (line.partition(" ") for line in text.splitlines() if line)
    ]


def compose() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return read


def test_the_page_names_every_file_and_no_other() -> None:
    page = (DOCS / "how-to" / "deploy.md").read_text(encoding="utf-8")

    assert set(re.findall(r"\(\.\./deploy/([\w.-]+)\)", page)) == {path.name for path in DEPLOY.iterdir()}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_the_units_are_such_as_systemd_reads(tmp_path: Path) -> None:
    for name in UNITS:
        text = (DEPLOY / name).read_text()
        (tmp_path / name).write_text(text.replace(PROGRAM, sys.executable))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / name) for name in UNITS)],
        capture_output=True,
        text=True,
        timeout=50,
    )

    complaints = [line for line in done.stderr.splitlines() if "workflow-fsm" in line]
    assert complaints == []


def test_the_units_run_commands_that_there_are_and_hand_over_one_socket() -> None:
    units = {name: (DEPLOY / name).read_text() for name in UNITS}

    assert f"ExecStart={PROGRAM} serve\n" in units["workflow-fsm.service"]
    assert f"ExecStart={PROGRAM} worker\n" in units["workflow-fsm-worker.service"]
    assert units["workflow-fsm.socket"].count("ListenStream=") == 1
    for unit in ("workflow-fsm.service", "workflow-fsm-worker.service"):
        assert "RestartPreventExitStatus=78\n" in units[unit]
        assert "EnvironmentFile=/etc/workflow-fsm.env\n" in units[unit]


def test_every_variable_that_is_set_is_one_that_there_is() -> None:
    lines = (DEPLOY / "workflow-fsm.env").read_text().splitlines()
    of_units = [line.partition("=")[0] for line in lines if line and not line.startswith("#")]
    of_image = [
        one.partition("=")[0] for word, rest in instructions() if word == "ENV" for one in shlex.split(rest)
    ]
    of_services = [name for one in compose()["services"].values() for name in one["environment"]]

    assert of_units
    told = misspelt(KNOWN, dict.fromkeys([*of_units, *of_image, *of_services], "x"))
    assert told == []
    assert set(of_units) <= set(KNOWN)


def test_the_image_is_built_of_what_there_is_in_two_stages_runs_as_nobody_special_and_is_probed() -> None:
    given = instructions()
    words = [word for word, _ in given]
    last = words.index("FROM", words.index("FROM") + 1)
    copied = [one for word, rest in given[:last] if word == "COPY" for one in rest.split()[:-1]]
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()

    assert words.count("FROM") == 2
    assert copied
    for source in copied:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in ignored, source
    [user] = [rest for word, rest in given[last:] if word == "USER"]
    assert int(user) > 0
    [probe] = [rest for word, rest in given[last:] if word == "HEALTHCHECK"]
    assert "/readyz" in json.loads(probe.partition("CMD ")[2])[2]
    compile(json.loads(probe.partition("CMD ")[2])[2], "HEALTHCHECK", "exec")
    assert json.loads(dict(given[last:])["ENTRYPOINT"]) == ["workflow-fsm"]
    assert json.loads(dict(given[last:])["CMD"]) == ["serve"]


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="hadolint is not here")
def test_the_dockerfile_is_such_as_hadolint_likes() -> None:
    done = subprocess.run(
        ["hadolint", str(DEPLOY / "Dockerfile")], capture_output=True, text=True, timeout=50
    )

    assert (done.returncode, done.stdout) == (0, "")


def test_compose_builds_that_image_for_a_service_and_a_worker_on_postgresql() -> None:
    services = compose()["services"]

    assert set(services) == {"db", "service", "worker"}
    for name in ("service", "worker"):
        build = services[name]["build"]
        context = (DEPLOY / build["context"]).resolve()
        assert context == ROOT
        assert (context / build["dockerfile"]).samefile(DEPLOY / "Dockerfile")
        assert services[name]["environment"]["WORKFLOW_DATABASE_URL"].startswith("postgresql://")
        assert services[name]["depends_on"] == {"db": {"condition": "service_healthy"}}
    assert services["service"]["command"] == ["serve"]
    assert services["worker"]["command"] == ["worker"]
    assert all(port.startswith("127.0.0.1:") for port in services["service"]["ports"])
