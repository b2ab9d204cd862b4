"""`migrate`: a SQLite store moves into an empty database, whole or not at all, and both say the same."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.cli.conftest import Run, answer, complaint, process
from tests.stores.postgres.server import Server
from workflow_fsm import Fire, Settings, Workflow
from workflow_fsm.testing import open_workflow, paid, rejected, submitted, synced

COUNTS = (
    "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM history), (SELECT count(*) FROM effects), "
    "(SELECT count(*) FROM handlers)"
)


@pytest.fixture
def filled(path: Path) -> Path:
    """A store in which something of everything stands."""
    with open_workflow(f"sqlite:///{path}", settings=Settings(tries=1)) as workflow:
        workflow.on_enter("submitted", name="ask")(lambda transition: Fire("claim_rejected"))
        workflow.on_enter("paid", name="fails")(
            lambda transition: 1 / 0  # type: ignore[type-var]  # it never answers
        )
        workflow.on_enter("synced", name="later", not_before="deadline_date")(lambda transition: None)
        for number in range(5):
            paid(workflow, f"ü{number}", "c1", amount="12.50")
            rejected(workflow, f"ü{number}", "c2", reason='no; "really"\n\t\\N no')
        workflow.link(user_id="ü1", claim_id="c1", alias="x")
        workflow.fire("payout_received", user_id="ü1", claim_id="c9", amount="5", currency="JPY")
        workflow.fire("claim_submitted", user_id="late", claim_id="c1")
        workflow.run_effects()
        submitted(workflow, "ü9", "c1")
        synced(workflow, "ü9", "s9")
    return path


def test_a_store_moves_with_all_its_history_and_goes_on(
    run: Run, filled: Path, postgres: Server, postgres_url: str
) -> None:
    with open_workflow(f"sqlite:///{filled}") as workflow:
        shown = {user: workflow.status(user) for user in ("ü1", "ü9", "late")}
        owed, dead_letters = workflow.owed(), workflow.dead_letters()
        report = workflow.check()

    moved = run("migrate", "--to", postgres_url, "--json")

    assert (moved.exit_code, answer(moved)["status"]) == (0, "migrated")
    assert answer(moved)["check"] == report.as_dict()
    assert answer(moved)["rows"]["history"] >= report.rows
    assert "history: " in moved.stderr
    with open_workflow(postgres_url) as workflow:
        assert {user: workflow.status(user) for user in shown} == shown
        assert workflow.owed() == owed
        assert workflow.dead_letters() == dead_letters
        assert workflow.check() == report
        workflow.on_enter("submitted", name="ask")(lambda transition: Fire("claim_rejected"))
        assert workflow.run_effects() > 0
        assert paid(workflow, "ü1", "c7").status == "applied"
        assert workflow.check().sound


def test_people_are_told_what_check_says_of_both(run: Run, filled: Path, postgres_url: str) -> None:
    moved = run("migrate", "--to", postgres_url)
    checked = run("check").stdout
    assert moved.exit_code == 0
    assert moved.stdout.startswith(checked)
    assert "set WORKFLOW_DATABASE_URL to postgresql://" in moved.stdout
    assert run("check", "--database", postgres_url).stdout == checked


def test_a_database_that_holds_anything_is_left_as_it_is(
    run: Run, filled: Path, postgres: Server, postgres_url: str, postgres_store: str
) -> None:
    with Workflow.open(postgres_url, settings=Settings()) as workflow:
        synced(workflow)
    before = postgres.execute(COUNTS, postgres_store)
    refused = run("migrate", "--to", postgres_url)
    assert refused.exit_code == 3
    assert "holds users already; name an empty database" in complaint_in(refused.stderr)
    assert postgres.execute(COUNTS, postgres_store) == before


def test_a_damaged_store_is_not_copied(
    run: Run, filled: Path, postgres: Server, postgres_url: str, postgres_store: str
) -> None:
    with closing(sqlite3.connect(filled, isolation_level=None)) as connection:
        connection.execute("UPDATE history SET reason = 'x' WHERE cursor = 2")
    refused = run("migrate", "--to", postgres_url)
    assert refused.exit_code == 3
    assert "is damaged" in complaint(refused)
    assert postgres.execute(COUNTS, postgres_store) == [(0, 0, 0, 0)]


def test_interrupted_it_leaves_nothing_half_done(
    filled: Path, postgres: Server, postgres_url: str, postgres_store: str
) -> None:
    """Killed while it waits for the last table; what it copied is gone with it."""
    import psycopg

    with psycopg.connect(postgres_url) as holder:
        holder.execute("LOCK TABLE handlers")
        moving = process("migrate", "--to", postgres_url, "--database", f"sqlite:///{filled}")
        waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'LOCK TABLE'"
        until = monotonic() + 20
        while not postgres.execute(waiting):
            assert monotonic() < until
            sleep(0.02)
        with (
            closing(sqlite3.connect(filled, timeout=0.1)) as connection,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            connection.execute("BEGIN IMMEDIATE")
        moving.send_signal(signal.SIGINT)
        moving.communicate(timeout=20)
    assert moving.returncode != 0
    assert postgres.execute(COUNTS, postgres_store) == [(0, 0, 0, 0)]


def test_killed_under_way_it_leaves_nothing_and_may_be_begun_again(
    run: Run, filled: Path, postgres: Server, postgres_url: str, postgres_store: str
) -> None:
    postgres.execute(
        """
        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql
        AS 'BEGIN PERFORM pg_sleep(20); RETURN NEW; END';
        CREATE TRIGGER slow BEFORE INSERT ON effects FOR EACH ROW EXECUTE FUNCTION slow()
        """,
        postgres_store,
    )
    try:
        moving = process("migrate", "--to", postgres_url, "--database", f"sqlite:///{filled}")
        assert moving.stderr is not None
        while not moving.stderr.readline().startswith(b"aliases"):
            assert moving.poll() is None
        sleep(0.2)
        moving.kill()
        moving.communicate(timeout=20)
        postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'COPY%'")
    finally:
        postgres.execute("DROP TRIGGER slow ON effects; DROP FUNCTION slow", postgres_store)
    assert postgres.execute(COUNTS, postgres_store) == [(0, 0, 0, 0)]
    assert run("migrate", "--to", postgres_url).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--to", "sqlite:///other.db"], 2, "must be postgresql://"),
        (["--to", "postgresql://h/d", "--database", "postgresql://h/e"], 2, "name a SQLite file"),
        (["--to", "postgresql://u:hush@/d?host=/nowhere"], 3, "no store at"),
        (["--to", "postgresql://h/d", "--check"], 2, "give one of them"),
        ([], 3, "no store at"),
    ],
)
def test_what_cannot_be_moved_is_refused(run: Run, arguments: list[str], code: int, told: str) -> None:
    refused = run("migrate", *arguments)
    assert refused.exit_code == code
    assert told in complaint(refused)
    assert "hush" not in refused.output


def complaint_in(stderr: str) -> str:
    """Give the sentence behind what was told of progress."""
    return stderr.partition("Error: ")[2]


def test_a_server_that_is_not_there_is_told_without_its_password(run: Run, filled: Path) -> None:
    refused = run("migrate", "--to", "postgresql://u:hush@/d?host=/nowhere")
    assert refused.exit_code == 3
    assert "hush" not in refused.output
