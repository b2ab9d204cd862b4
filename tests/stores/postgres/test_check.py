"""The audit on a PostgreSQL server that ends what idles: it is one moment of each user, and idles in none."""

from __future__ import annotations

from contextlib import closing
from time import sleep

import psycopg
import pytest

from tests.stories.acts import detect, sync
from workflow_fsm import Settings, Workflow

CLAIMS = 3_000


def test_a_user_of_whom_much_is_kept_is_audited_past_the_servers_timeouts(postgres_url: str) -> None:
    """The copy takes pages that are short each; while they are audited no transaction is open."""
    options = "-cidle_in_transaction_session_timeout%3D500%20-cstatement_timeout%3D2000"
    with Workflow.open(postgres_url, settings=Settings()) as workflow:
        sync(workflow)
        detect(workflow, *(f"c{number}" for number in range(CLAIMS)))
    before = ended_by_the_server(postgres_url)
    with Workflow.open(f"{postgres_url}&options={options}", settings=Settings()) as workflow:
        report = workflow.check()
    assert (report.sound, report.rows) == (True, CLAIMS + 2)
    assert ended_by_the_server(postgres_url) == before, "a connection was cut off, and its copy begun again"


def test_a_transaction_that_idles_longer_counts_as_ended_by_the_server(postgres_url: str) -> None:
    """So that the count above would tell."""
    before = ended_by_the_server(postgres_url)
    with closing(psycopg.connect(postgres_url, options="-cidle_in_transaction_session_timeout=50")) as idle:
        idle.execute("SELECT 1")
        sleep(0.5)
        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
            idle.execute("SELECT 1")
    assert ended_by_the_server(postgres_url) == before + 1


def ended_by_the_server(url: str) -> int:
    """Count the connections to the database that didn't end by their client."""
    with psycopg.connect(url, autocommit=True) as connection:
        told = connection.execute(
            "SELECT sessions_fatal + sessions_killed FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()
    assert told is not None
    return int(told[0])


def test_all_of_a_user_is_read_page_by_page(postgres_url: str) -> None:
    with Workflow.open(postgres_url, settings=Settings()) as workflow:
        for number in range(3):
            sync(workflow, f"s{number}")
        detect(workflow, *(f"c{number}" for number in range(1_200)), sync_id="s1")
        for number in range(1_100):
            workflow.link(user_id="u1", claim_id=f"c{number % 7}", alias=f"alias-{number}")
        report = workflow.check()
        once = workflow.check(since=report.root)
    assert report.faults == ()
    assert (report.lifecycles, report.rows) == (1_203, 1_204)
    assert (once.root, once.users) == (report.root, 0)
