"""What is told of a server that won't: each cause by its name, with what to do about it."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import errors

from tests.stores.postgres.server import Server
from tests.stories.acts import sync
from workflow_fsm import Settings, StoreRefused, StoreUnavailable, Workflow
from workflow_fsm.stores.postgres import errors as faults


def test_a_statement_that_its_timeout_ended_is_not_told_as_a_server_that_is_stopping(
    postgres_url: str, database: psycopg.Connection[Any]
) -> None:
    url = f"{postgres_url}&options=-cstatement_timeout%3D300ms"
    with Workflow.open(url, settings=Settings()) as workflow:
        sync(workflow)
        with database.transaction():
            database.execute("SELECT 1 FROM users FOR UPDATE")
            with pytest.raises(StoreUnavailable, match="statement_timeout") as caught:
                sync(workflow, "s2")
        assert "stopping" not in str(caught.value)
        assert sync(workflow, "s2").status == "applied"


@pytest.mark.parametrize("kind", [errors.AdminShutdown, errors.CrashShutdown, errors.CannotConnectNow])
def test_a_server_that_stops_or_starts_is_told_as_such(kind: type[psycopg.Error]) -> None:
    assert "the server is stopping or starting" in str(faults.unavailable(kind("told so")))


def test_another_applications_tables_are_left_alone_and_a_schema_is_asked_for(postgres: Server) -> None:
    name = postgres.make()
    postgres.execute("CREATE TABLE users (id int PRIMARY KEY, email text)", name)
    with pytest.raises(StoreRefused, match=r'another application.*"users" already exists.*\?schema=NAME'):
        Workflow.open(postgres.url(name), settings=Settings())
    tables = "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', 'ours')"
    assert postgres.execute(tables, name) == [("public", "users")]
    with Workflow.open(f"{postgres.url(name)}&schema=ours", settings=Settings()) as workflow:
        assert sync(workflow).status == "applied"
    assert ("ours", "users") in postgres.execute(tables, name)
    postgres.drop(name)
