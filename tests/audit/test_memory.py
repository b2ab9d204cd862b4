"""What an audit holds of a user at once, seen from outside: as much of one who has four times as much."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.stories.acts import detect, sync
from workflow_fsm import Settings, Workflow

CHECK = """
import sys
from pathlib import Path
from workflow_fsm import Settings, Workflow
with Workflow.open(sys.argv[1], settings=Settings()) as workflow:
    report = workflow.check(users=sys.argv[2:])
assert report.sound, report.faults
(peak,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")]
print(report.rows, peak.split()[1])
"""
CLAIMS, AT_ONCE, TIMES = 4_000, 2_000, 4


@pytest.mark.skipif(sys.platform != "linux", reason="the system tells a process's peak of memory")
def test_the_audit_of_four_times_as_many_claims_holds_no_more_memory(sqlite_url: str) -> None:
    users = {"some": CLAIMS, "many": CLAIMS * TIMES}
    with Workflow.open(sqlite_url, settings=Settings()) as workflow:
        for user, claims in users.items():
            sync(workflow, user_id=user)
            for start in range(0, claims, AT_ONCE):
                detect(workflow, *(f"c{start + number}" for number in range(AT_ONCE)), user_id=user)
    some, many = (checked(sqlite_url, user) for user in users)
    assert [rows for rows, _ in (some, many)] == [claims + 2 for claims in users.values()]
    assert many[1] < 1.15 * some[1]


def checked(url: str, user: str) -> tuple[int, int]:
    """Check a user in a process of its own; give the rows of history, and the peak of its memory in KiB."""
    ended = subprocess.run(
        [sys.executable, "-c", CHECK, url, user], check=True, capture_output=True, text=True, timeout=120
    )
    rows, peak = ended.stdout.split()
    return int(rows), int(peak)
