"""The power fails: "after this answer nothing that the process or the machine can suffer loses it".

A layer between the process and the disk (`power/disk.c`, preloaded) writes down each write and sync. From its
log the disk is made as a failure at any point would leave it: what was synced, and nothing or some sectors of
what wasn't. `WORKFLOW_CRASH_POWER_CUTS` says how often the power fails. The same with `synchronous=NORMAL`
must be caught losing what was acknowledged: else these tests would prove nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crash.power.journal import Entry, after_cuts, behind_answers, choose, entries
from tests.machine.ledger import Ledger
from tests.once import once
from workflow_fsm import Settings, Workflow

CUTS = int(os.environ.get("WORKFLOW_CRASH_POWER_CUTS", "8"))
EVENTS = 20 if CUTS < 100 else 120
"""How many each of the four threads fires."""
SOURCE = Path(__file__).parent / "power" / "disk.c"

pytestmark = [
    pytest.mark.crash,
    pytest.mark.skipif(
        sys.platform != "linux" or shutil.which("cc") is None, reason="needs Linux and a C compiler, cc"
    ),
]
Live = Callable[..., list[Entry]]


@pytest.fixture(scope="session")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The layer, compiled."""

    def compiled() -> bytes:
        made = tmp_path_factory.mktemp("layer") / "disk.so"
        how = ("-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror")
        subprocess.run(["cc", *how, "-o", made, SOURCE, "-ldl", "-lpthread"], check=True)
        return made.read_bytes()

    path = tmp_path_factory.mktemp("layer") / "disk.so"
    path.write_bytes(once(tmp_path_factory, "disk", compiled))
    return path


@pytest.fixture
def live(layer: Path, tmp_path: Path) -> Live:
    """Let a process live on a disk that is watched; give what was written, and said."""

    def live_so(how: str, *, seed: int = 1, events: int = EVENTS) -> list[Entry]:
        store, log = tmp_path / "watched.db", tmp_path / "log"
        told = {"POWER_STORE": str(store), "POWER_LOG": str(log), "LD_PRELOAD": str(layer)}
        done = subprocess.run(
            [sys.executable, "-m", "tests.crash.power.machine", str(store), str(seed), str(events), how],
            env={**os.environ, **told, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return entries(log)

    return live_so


def lost(store: Path, marks: list[str]) -> list[str]:
    """Open what a failure left, hold that it is sound, and give what was acknowledged and isn't there."""
    if marks or store.exists():
        with Workflow.open(f"sqlite:///{store}", settings=Settings()) as workflow:
            assert workflow.check().faults == ()
    ledger = Ledger(store)
    ledger.check()
    kept = Counter(
        f"{user} {row['event_id']}" for user in ledger.users() for row in ledger.rows("events", user)
    )
    assert set(kept.values()) <= {1}
    return [mark for mark in marks if not mark.startswith("refused ") and mark not in kept]


def test_what_was_acknowledged_is_there_wherever_the_power_fails(live: Live, tmp_path: Path) -> None:
    log = live("FULL")
    assert sum(entry.kind == "S" and entry.file == 0 for entry in log) > 1  # the log was begun anew
    store = tmp_path / "claims.db"
    for cut, marks in after_cuts(log, choose(log, CUTS, seed=1), store):
        assert lost(store, marks) == [], cut


def test_a_store_that_does_not_sync_each_commit_is_caught(live: Live, tmp_path: Path) -> None:
    """`synchronous=NORMAL` syncs the log only before it is begun anew: SQLite's own words, seen here."""
    log = live("NORMAL")
    store = tmp_path / "claims.db"
    assert any(lost(store, marks) for _, marks in after_cuts(log, behind_answers(log), store))


def test_a_disk_that_fails_to_write_or_to_sync_loses_nothing_that_was_acknowledged(
    live: Live, tmp_path: Path
) -> None:
    """What a failed sync covered is gone, whatever a later sync says: `EIO` and `ENOSPC`, of both."""
    log = live("failing", seed=2)
    refused = [entry for entry in log if entry.kind == "M" and entry.content.startswith(b"refused ")]
    assert refused
    assert all(b"the store can't be used just now" in entry.content for entry in refused)
    store = tmp_path / "claims.db"
    for cut, marks in after_cuts(log, choose(log, CUTS, seed=2), store):
        assert lost(store, marks) == [], cut


def test_on_a_slow_disk_answers_wait_for_it_and_share_its_syncs(live: Live, tmp_path: Path) -> None:
    log = live("slow", events=EVENTS // 2)
    store = tmp_path / "claims.db"
    for cut, marks in after_cuts(log, choose(log, CUTS, seed=3), store):
        assert lost(store, marks) == [], cut
    first = next(number for number, entry in enumerate(log) if entry.kind == "M")
    syncs = sum(entry.kind == "S" and entry.file == 1 for entry in log[first:])
    assert syncs < sum(entry.kind == "M" for entry in log)
