"""The sample alerts: rules that name what there is, and fire when they should, where promtool is here."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tests.docs.generate import DOCS
from webapp.routes.metric_table import OF_A_PROCESS, OF_THE_STORE

PAGE = DOCS / "how-to" / "watch-it.md"
STORIES = Path(__file__).with_name("alerts.yaml")


def groups() -> list[dict[str, Any]]:
    page = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return [group for text in blocks for group in yaml.safe_load(text).get("groups", ())]


def test_the_sample_alerts_are_rules_and_name_what_there_is() -> None:
    rules = [rule for group in groups() for rule in group["rules"]]
    names = {one.name for one in (*OF_THE_STORE, *OF_A_PROCESS)}
    ends = ("_bucket", "_sum", "_count")
    names |= {f"{one.name}{end}" for one in OF_A_PROCESS if one.type == "histogram" for end in ends}

    assert len(rules) > 5
    for rule in rules:
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
        assert rule["annotations"]["summary"]
        named = set(re.findall(r"workflow_\w+", rule["expr"]))
        assert named or rule["alert"] == "ProcessDown"
        assert named <= names, rule["alert"]


def test_the_sample_alerts_fire_when_they_should(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not here: Debian's package prometheus has it")
    rules, stories = tmp_path / "rules.yaml", tmp_path / "stories.yaml"
    rules.write_text(yaml.safe_dump({"groups": groups()}))
    stories.write_text(STORIES.read_text().replace("RULES", str(rules)))
    for command in (["check", "rules", str(rules)], ["test", "rules", str(stories)]):
        done = subprocess.run([promtool, *command], capture_output=True, text=True, timeout=50)
        assert done.returncode == 0, done.stdout + done.stderr
