"""The schema shards by user: from the catalogue, and from the plans of every statement about one user."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.stores.postgres.server import Server
from tests.stories.acts import status, sync
from workflow_fsm import Settings, StoreRefused, Workflow
from workflow_fsm.stores.statements import migrations, numbered, statements

# What looks over all users on purpose: workers, timers, sockets, operators, `check`; and what is of no user.
ACROSS = {
    "checks",
    "extent",
    "handlers",
    "handler",
    "put_handler",
    "drop_handler",
    "users_owing",
    "next_owed_handler",
    "owed_to_handler",
    "ready_effects",
    "unfinished_effects",
    "dead_events",
    "dead_effects",
    "count_dead_effects",
    "count_dead_effects_by_error",
    "dropped_events",
    "dropped_effects",
    "currencies",
    "forgotten",
    "forgotten_as",
    "last_forgotten",
    "definitions",
    "definition_ids",
    "insert_currency",
    "due",
    "expired",
    "next_state",
    "next_trigger",
    "waits_by_trigger",
    "confirmed_state",
    "confirmed_trigger",
    "oldest_waiting",
    "probe",
    "time",
    "overlong_leases",
    "count_migrations",
    "migrations",
    "wait_for_nobody",
    "every_complaint",
    "every_user",
    "every_stranger",
    "not_at",
    "figures_of_events",
    "figures_of_effects",
    "figures_of_due_effects",
    "figures_of_lifecycles",
    "figures_of_kind",
    "money_by_day",
    "moves_since",
    "intake_since",
    "users_since",
    "last_check",
    "figures_of_money",
    "figures_of_unapplied",
    "figures_of_waiting",
    "figures_of_the_rest",
    "next_currency_booked",
    "next_currency_of_claims",
    "next_handler",
    "aliases_called",
    "claims_by_deadline",
    "claims_by_deadline_down",
    "claims_by_amount",
    "claims_by_amount_down",
    "claims_by_entry",
    "claims_by_entry_down",
    "claims_called",
    "claims_of_case",
    "events_of_reimbursement",
}
OF_NOBODY = {"wait_for_nobody"}
ABOUT_A_USER = statements("postgres").keys() - ACROSS - OF_NOBODY
OF_NO_USER = {"checks", "handlers", "currencies", "definitions", "forgotten", "workflow_fsm_migrations"}


@pytest.fixture(scope="module")
def new_url(postgres: Server) -> Iterator[str]:
    """The URL of a database that was only just migrated: what others left would steer the plans."""
    name = postgres.make()
    Workflow.open(postgres.url(name), settings=Settings()).close()
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture
def database(new_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(new_url, autocommit=True) as connection:
        yield connection


def test_every_key_begins_with_the_user(database: psycopg.Connection[Any]) -> None:
    keys = database.execute(
        """
        SELECT tables.relname, keys.relname, attname FROM pg_index
        JOIN pg_class AS tables ON tables.oid = indrelid
        JOIN pg_class AS keys ON keys.oid = indexrelid
        JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
        WHERE indisunique AND tables.relnamespace = current_schema()::regnamespace
        """
    ).fetchall()
    assert {table for table, _, _ in keys} > OF_NO_USER
    assert [key for key in keys if key[0] not in OF_NO_USER and key[2] != "user_id"] == []


@pytest.mark.parametrize("name", sorted(ABOUT_A_USER))
def test_a_statement_about_a_user_finds_its_rows_by_the_user(
    database: psycopg.Connection[Any], name: str
) -> None:
    sql, names = numbered(statements("postgres")[name])
    database.execute("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan")
    database.execute(f"PREPARE asked AS {sql}".encode())
    values = f"({', '.join(['NULL'] * len(names))})" if names else ""
    row = database.execute(f"EXPLAIN (FORMAT JSON) EXECUTE asked{values}".encode()).fetchone()
    assert row is not None
    scans = [node for node in nodes(row[0][0]["Plan"]) if "Scan" in node["Node Type"]]
    of_tables = [node for node in scans if "Relation Name" in node or "Index Name" in node]
    assert of_tables or sql.startswith("INSERT")
    for node in of_tables:
        if node["Node Type"] != "Bitmap Heap Scan":  # its index scan is a node of its own
            assert "user_id" in node.get("Index Cond", ""), json.dumps(node, indent=1)


def test_who_has_many_events_costs_no_more_than_who_has_few(postgres_url: str) -> None:
    """Whatever the figures of all users together make the planner think of one."""
    with Workflow.open(postgres_url, settings=Settings()) as workflow:
        users = ["many"] * 200 + [f"u{number}" for number in range(200)]
        workflow.fire_many(
            [
                {"trigger": "sync_complete", "user_id": user, "sync_id": f"s{number}"}
                for number, user in enumerate(users)
            ]
        )
        workflow.fire(
            "claim_submitted", user_id="many", claim_id="c1", amazon_case_id="k", event_id="waiting"
        )
    sql, names = numbered(statements("postgres")["waiting"])
    with (
        psycopg.connect(postgres_url, autocommit=True) as database,
        database.transaction(force_rollback=True),  # what was seen here steers no other test's plans
    ):
        database.execute("ANALYZE; SET LOCAL plan_cache_mode = force_generic_plan")
        database.execute(f"PREPARE asked AS {sql}".encode())
        for user, found in (("many", 1), ("u1", 0)):
            values = {"user_id": user, "names": '[["claim", "c1"]]', "limit": 20}
            given = ", ".join(f"'{values[one]}'" for one in names)
            asked = f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE asked({given})"
            row = database.execute(asked.encode()).fetchone()
            assert row is not None
            of_events = [node for node in nodes(row[0][0]["Plan"]) if node.get("Relation Name") == "events"]
            assert [node["Actual Rows"] * node["Actual Loops"] for node in of_events] == [found]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def test_ten_that_open_an_empty_database_at_once_make_one_schema(postgres: Server) -> None:
    name = postgres.make()
    with ThreadPoolExecutor(10) as pool:
        opened = list(pool.map(lambda _: Workflow.open(postgres.url(name), settings=Settings()), range(10)))
    for number, workflow in enumerate(opened):
        assert sync(workflow, f"s{number}").status == "applied"
        workflow.close()
    done = postgres.execute("SELECT name FROM workflow_fsm_migrations ORDER BY name", name)
    assert [row[0] for row in done] == sorted(migrations("postgres"))
    postgres.drop(name)


def test_a_store_stands_in_the_first_schema_of_the_search_path(postgres: Server) -> None:
    name = postgres.make()
    postgres.execute('CREATE SCHEMA "A one"; CREATE SCHEMA two', name)
    urls = [
        postgres.url(name),
        postgres.url(name, schema='"A\\ one",public'),
        postgres.url(name, schema="two"),
    ]
    for number, url in enumerate(urls):
        with Workflow.open(url, settings=Settings()) as workflow:
            sync(workflow, f"s{number}")
    for number, url in enumerate(urls):
        with Workflow.open(url, settings=Settings()) as workflow:
            assert [one.sync_id for one in status(workflow).syncs] == [f"s{number}"]
    with pytest.raises(StoreRefused, match="no schema of the search path is there"):
        Workflow.open(postgres.url(name, schema="three"), settings=Settings())
    postgres.drop(name)


def test_a_database_of_another_encoding_is_refused(postgres: Server) -> None:
    postgres.execute("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    with pytest.raises(StoreRefused, match="encoding is LATIN1"):
        Workflow.open(postgres.url("latin"), settings=Settings())
    postgres.drop("latin")
