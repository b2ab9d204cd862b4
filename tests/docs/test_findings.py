"""Findings are told in full, install packages of one version, stand alone, and are listed on their page."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest

from tests.docs.generate import DOCS, ROOT

FINDINGS = sorted((ROOT / "findings").glob("*.sh"))
_PINNED = {
    "python_packages": re.compile(r"[\w-]+(\[\w+\])?==\d+(\.\w+)*"),
    "node_packages": re.compile(r"(@[\w-]+/)?[\w.-]+@\d+\.\d+\.\d+"),
}

every_finding = pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.stem)


def installed(finding: Path) -> list[tuple[str, str]]:
    """Give what a finding installs, each with the command that does."""
    lines = finding.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    commands = [shlex.split(line) for line in lines if line.startswith(tuple(_PINNED))]
    return [(command[0], package) for command in commands for package in command[1:]]


def test_there_are_ten_findings_at_least() -> None:
    assert len(FINDINGS) >= 10


@every_finding
def test_a_finding_can_be_run_and_stops_at_what_fails(finding: Path) -> None:
    lines = finding.read_text(encoding="utf-8").splitlines()
    assert os.access(finding, os.X_OK)
    assert lines[0] == "#!/usr/bin/env bash"
    assert "set -euo pipefail" in lines
    assert lines[-1] == "FOUND"


@every_finding
def test_a_finding_begins_with_the_guess_the_truth_and_whom_it_hurts(finding: Path) -> None:
    head = re.match(r"#!.*\n((?:#.*\n)+)", finding.read_text(encoding="utf-8"))
    assert head is not None
    parts = re.findall(r"^# (\S.*?): \S", head[1], re.MULTILINE)
    assert parts == ["One would guess", "True is", "It hurts"]


@every_finding
def test_a_finding_installs_packages_of_one_version(finding: Path) -> None:
    packages = installed(finding)
    assert packages
    assert [package for by, package in packages if not _PINNED[by].fullmatch(package)] == []


@every_finding
def test_a_finding_stands_apart_from_this_project_and_from_other_hosts(finding: Path) -> None:
    text = finding.read_text(encoding="utf-8")
    assert not re.search(r"workflow_fsm|webapp|pip install|npm install", text)
    assert set(re.findall(r"https?://([\w.-]+)", text)) <= {"127.0.0.1", "erp.invalid"}


def test_every_finding_is_listed_once_on_its_page() -> None:
    page = (DOCS / "explanation" / "findings.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"\]\(\.\./\.\./findings/(.*?)\)", page)) == [path.name for path in FINDINGS]
