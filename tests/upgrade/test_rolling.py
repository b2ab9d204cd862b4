"""Upgrading while all goes on: versions beside each other on one store, under load, until one must stop."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from time import sleep

import pytest

from tests.upgrade.conftest import Load, command
from tests.webapp.services import until
from webapp import create_app
from workflow_fsm import Settings, StoreRefused, StoreUnavailable, Workflow

Versions = Mapping[str, Path]
Begin = Callable[..., Load]


AGAIN = """
import json, sys
from workflow_fsm import Settings, Workflow
told = json.load(sys.stdin)
told = [{"trigger": "sync_complete", "sync_id": "s" + one["event_id"][1:], **one} for one in told]
with Workflow.open(sys.argv[1], settings=Settings()) as workflow:
    pages = [workflow.fire_many(told[at : at + 500]) for at in range(0, len(told), 500)]
    print(sorted({str(one.status) for page in pages for one in page}), workflow.check().sound)
"""


def assert_kept(folder: Path, url: str, loads: list[Load]) -> None:
    """See that all that was acknowledged is there once: sent again, each is a duplicate."""
    told = [one for load in loads for one in load.acknowledged]
    ran = subprocess.run(
        [sys.executable, "-c", AGAIN, url],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        input=json.dumps(told),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (ran.stdout, ran.returncode) == ("['duplicate'] True\n", 0), ran.stderr


def test_versions_share_a_store_until_one_takes_away_what_the_other_needs(
    versions: Versions, load: Begin, empty_url: str
) -> None:
    """Migrations that only add are applied under the older one, which goes on; a contraction stops it."""
    older = load(versions["this"], empty_url, "older")
    assert older.goes_on()

    newer = load(versions["expanding"], empty_url, "newer")
    assert newer.goes_on()
    assert older.goes_on()
    assert older.stopped == newer.stopped == []

    newest = load(versions["contracting"], empty_url, "newest")
    assert newest.goes_on()
    assert newer.goes_on()
    older.wait()
    assert {one["kind"] for one in older.stopped} == {"refused"}
    assert all("workflow-fsm (9003_contract_9001_note); upgrade" in one["stopped"] for one in older.stopped)
    with pytest.raises(StoreRefused, match="this version knows the schema up to 0"):
        Workflow.open(empty_url, settings=Settings())

    newer.end()
    newest.end()
    assert newer.stopped == newest.stopped == []
    assert_kept(versions["contracting"], empty_url, [older, newer, newest])


def test_the_first_edition_stops_where_this_one_has_migrated_and_nothing_is_lost(
    first_edition: Path, versions: Versions, load: Begin, empty_url: str
) -> None:
    """It can't go on beside the second: its next write is refused, and what it acknowledged is there."""
    first = load(first_edition, empty_url, "first")
    assert first.goes_on()

    second = load(versions["this"], empty_url, "second")
    assert second.goes_on()
    first.wait()
    assert {one["kind"] for one in first.stopped} == {"unavailable"}
    assert all("the store can't be used just now" in one["stopped"] for one in first.stopped)
    reopened = command(first_edition, "status", "first-0-0", "--database", empty_url)
    assert reopened.returncode == 3
    assert "was migrated by a newer version of workflow-fsm" in reopened.stderr

    assert second.goes_on()
    second.end()
    assert_kept(versions["this"], empty_url, [first, second])


def test_migrate_check_tells_what_is_due_and_changes_nothing(versions: Versions, empty_url: str) -> None:
    Workflow.open(empty_url, settings=Settings()).close()
    ours = command(versions["this"], "migrate", "--check", "--database", empty_url)
    assert (ours.returncode, ours.stdout.splitlines()[-1]) == (0, "nothing is due")

    for _ in range(2):  # the second time as the first
        due = command(versions["contracting"], "migrate", "--check", "--json", "--database", empty_url)
        assert due.returncode == 1
        told = json.loads(due.stdout)
        assert told["needs"] == "9003_contract_9001_note"
        assert told["due"] == [
            {"name": "9001_expand_note", "older_versions": "older versions go on"},
            {"name": "9002_expand_history_by_time", "older_versions": "older versions go on"},
            {"name": "9003_contract_9001_note", "older_versions": "versions that don't know 9001 stop"},
        ]

    assert command(versions["expanding"], "migrate", "--database", empty_url).returncode == 0
    beside = command(versions["this"], "migrate", "--check", "--database", empty_url)
    assert beside.returncode == 0
    assert "newer: 9001_expand_note: this version goes on beside it" in beside.stdout

    assert command(versions["contracting"], "migrate", "--database", empty_url).returncode == 0
    refused = command(versions["this"], "migrate", "--check", "--database", empty_url)
    assert refused.returncode == 3
    assert "upgrade workflow-fsm to work on it" in refused.stderr


def test_a_worker_that_meets_a_contracted_store_ends_with_the_sentence(
    versions: Versions, empty_url: str
) -> None:
    Workflow.open(empty_url, settings=Settings()).close()
    with subprocess.Popen(
        [sys.executable, "-m", "workflow_fsm", "worker", "--database", empty_url],
        cwd=versions["this"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as worker:
        assert worker.stdout is not None
        assert worker.stderr is not None
        line = worker.stdout.readline()
        assert "working in" in line
        assert command(versions["contracting"], "migrate", "--database", empty_url).returncode == 0
        assert worker.wait(timeout=30) == os.EX_CONFIG
        assert "workflow-fsm can't work on: the store was migrated by a newer version" in worker.stderr.read()


def test_a_service_that_meets_a_contracted_store_answers_503_with_the_sentence(
    versions: Versions, empty_url: str
) -> None:
    """So that a proxy sends the webhook to one of the newer version."""
    with Workflow.open(empty_url, settings=Settings()) as workflow:
        client = create_app(workflow).test_client()
        event = {"user_id": "u1", "sync_id": "s1", "event_id": "e1"}
        assert client.post("/api/v1/workflow/sync/complete", json=event).status_code == 200
        assert command(versions["expanding"], "migrate", "--database", empty_url).returncode == 0
        assert client.post("/api/v1/workflow/sync/complete", json=event).status_code == 200
        assert command(versions["contracting"], "migrate", "--database", empty_url).returncode == 0
        for answer in (
            client.post("/api/v1/workflow/sync/complete", json={**event, "event_id": "e2"}),
            client.get("/api/v1/workflow/status/u1"),
            client.get("/readyz"),
        ):
            assert answer.status_code == 503
            assert answer.json is not None
            assert "upgrade workflow-fsm to work on it" in answer.json["detail"]


def test_a_worker_that_waits_for_its_store_stops_where_that_comes_back_contracted(
    versions: Versions, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'claims.db'}"
    with Workflow.open(url, settings=Settings()) as workflow:
        workflow.on_enter("synced", name="noted")(lambda transition: None)
        worker = workflow.worker(threads=2)
        worker.start()
        (tmp_path / "claims.db").rename(tmp_path / "away.db")
        for log in tmp_path.glob("claims.db-*"):
            log.unlink()
        until(lambda: not is_ready(workflow))
        away = f"sqlite:///{tmp_path / 'away.db'}"
        assert command(versions["contracting"], "migrate", "--database", away).returncode == 0
        sleep(2)  # it asks each second whether the store can be written to
        (tmp_path / "away.db").rename(tmp_path / "claims.db")
        until(lambda: worker.refused is not None)
        worker.stop()
        assert "upgrade workflow-fsm to work on it" in str(worker.refused)


def is_ready(workflow: Workflow) -> bool:
    try:
        workflow.ready()
    except StoreUnavailable:
        return False
    return True
