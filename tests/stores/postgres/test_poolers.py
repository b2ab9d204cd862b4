"""Poolers: one that keeps sessions works, one that breaks them is refused, before anything is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.stores.postgres.poolers import pooled, url_through
from tests.stores.postgres.server import CannotRun, Server
from tests.stories.acts import status, sync
from workflow_fsm import Settings, SettingsInvalid, StoreRefused, Workflow
from workflow_fsm.stores.statements import migrations
from workflow_fsm.stores.url import look

Pool = Callable[..., str]


@pytest.fixture
def name(postgres: Server) -> Iterator[str]:
    """The name of a database with nothing in it."""
    made = postgres.make()
    yield made
    postgres.drop(made)


@pytest.fixture
def pool(postgres: Server) -> Iterator[Pool]:
    """Runs poolers before the server; gives the folder of each's socket."""
    with ExitStack() as stack:

        def start(mode: str, **settings: object) -> str:
            try:
                return stack.enter_context(pooled(postgres, mode=mode, **settings))
            except CannotRun as error:
                pytest.skip(str(error))

        yield start


def tables(postgres: Server, name: str) -> set[str]:
    """Name the schemas that tables of ours stand in."""
    found = postgres.execute("SELECT schemaname FROM pg_tables WHERE tablename = 'lifecycles'", name)
    return {row[0] for row in found}


def test_a_pooler_of_sessions_works(pool: Pool, name: str) -> None:
    url = url_through(pool("session"), name)
    with Workflow.open(url, settings=Settings()) as workflow:
        assert sync(workflow).status == "applied"
        workflow.ready()
    with Workflow.open(url, settings=Settings()) as workflow:
        assert status(workflow).state == "synced"


def test_a_pooler_of_sessions_that_has_only_few_is_not_taken_for_one_of_transactions(
    pool: Pool, name: str
) -> None:
    folder = pool("session", default_pool_size=1)
    with Workflow.open(url_through(folder, name), settings=Settings()) as workflow:
        assert sync(workflow).status == "applied"


@pytest.mark.parametrize(
    "settings",
    [{}, {"default_pool_size": 1}, {"server_round_robin": 1}, {"server_round_robin": 1, "min_pool_size": 4}],
    ids=["the last one used", "the only one", "in turn", "in turn of many"],
)
def test_a_pooler_of_transactions_is_refused_and_nothing_is_made(
    postgres: Server, pool: Pool, name: str, settings: dict[str, int]
) -> None:
    folder = pool("transaction", **settings)
    for _ in range(3):
        with pytest.raises(StoreRefused, match="set pool_mode = session for this database"):
            Workflow.open(url_through(folder, name), settings=Settings())
    assert tables(postgres, name) == set()


@pytest.mark.parametrize(
    "spoil",
    ["DEALLOCATE ALL", "DEALLOCATE ALL; PREPARE put_user AS SELECT 1"],
    ids=["prepared no more (26000)", "prepared already (42P05)"],
)
def test_a_statement_that_another_session_prepared_or_did_not_is_no_reason_to_fail(
    postgres_url: str, spoil: str
) -> None:
    """A pooler changed its mode, or went over to another server, while the store is open."""
    with Workflow.open(postgres_url, settings=Settings()) as workflow:
        database: Any = workflow._store._database
        sync(workflow)
        with database._connections.taken() as connection:
            connection.execute(spoil.encode())
            if "PREPARE put_user" in spoil:
                connection.prepared.clear()
        assert sync(workflow, "s2").status == "applied"
        assert workflow.check().sound


# -- schemas


def test_options_that_a_pooler_drops_are_noticed_before_anything_is_made(
    postgres: Server, pool: Pool, name: str
) -> None:
    postgres.execute("CREATE SCHEMA ours", name)
    folder = pool("session", ignore_startup_parameters="options")
    with pytest.raises(StoreRefused, match=r"search path 'ours'.*a pooler between drops them.*ALTER ROLE"):
        Workflow.open(url_through(folder, name, "&options=-csearch_path%3Dours"), settings=Settings())
    assert tables(postgres, name) == set()


@pytest.mark.parametrize("through", [False, True], ids=["straight", "through a pooler"])
def test_a_schema_that_the_url_names_is_made_and_used(
    postgres: Server, pool: Pool, name: str, through: bool
) -> None:
    url = url_through(pool("session"), name) if through else postgres.url(name)
    for number, schema in enumerate(("ours", "A one", "ours")):
        named = f"{url}&schema={schema.replace(' ', '%20')}"
        with Workflow.open(named, settings=Settings()) as workflow:
            sync(workflow, f"s{number}")
            worker = workflow.worker(threads=1)
            worker.start()
            worker.stop()
    assert tables(postgres, name) == {"ours", "A one"}
    with Workflow.open(f"{url}&schema=ours", settings=Settings()) as workflow:
        assert [one.sync_id for one in status(workflow).syncs] == ["s0", "s2"]


def test_a_role_whose_search_path_is_set_needs_nothing_in_the_url(
    postgres: Server, pool: Pool, name: str
) -> None:
    postgres.execute(
        f"CREATE SCHEMA ours; ALTER ROLE workflow IN DATABASE {name} SET search_path = ours", name
    )
    with Workflow.open(url_through(pool("session"), name), settings=Settings()) as workflow:
        sync(workflow)
    assert tables(postgres, name) == {"ours"}


def test_a_schema_that_the_role_may_not_make_is_refused_with_what_to_do(postgres: Server, name: str) -> None:
    postgres.execute("DROP ROLE IF EXISTS poor; CREATE ROLE poor LOGIN")
    url = postgres.url(name).replace("workflow@", "poor@") + "&schema=ours"
    with pytest.raises(StoreRefused, match='CREATE SCHEMA "ours" AUTHORIZATION "poor"'):
        Workflow.open(url, settings=Settings())
    postgres.execute('CREATE SCHEMA "ours" AUTHORIZATION "poor"', name)
    with Workflow.open(url, settings=Settings()) as workflow:
        assert sync(workflow).status == "applied"


def test_a_schema_that_can_be_none_is_refused(postgres: Server, name: str) -> None:
    with pytest.raises(StoreRefused, match="no schema can be named 'pg_ours'"):
        Workflow.open(f"{postgres.url(name)}&schema=pg_ours", settings=Settings())
    for query in ("schema=", "schema=a&schema=b", f"schema={'x' * 64}"):
        with pytest.raises(SettingsInvalid, match=r"must name one schema.*\?schema=NAME"):
            Workflow.open(f"{postgres.url(name)}&{query}", settings=Settings())
    with pytest.raises(SettingsInvalid, match="NUL"):
        Workflow.open(f"{postgres.url(name)}&schema=%00", settings=Settings())


def test_migrate_tells_of_a_schema_that_is_not_made_yet_and_makes_it(postgres: Server, name: str) -> None:
    url = f"{postgres.url(name)}&schema=claims"
    assert look(url).due == list(migrations("postgres"))
    assert tables(postgres, name) == set()
    Workflow.open(url, settings=Settings()).close()
    assert tables(postgres, name) == {"claims"}
    assert look(url).due == []
    assert look(postgres.url(name)).due == list(migrations("postgres"))
