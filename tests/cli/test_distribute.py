"""`distribute`: prints what spreads a store over a Citus cluster, and runs it only where there is one."""

from __future__ import annotations

from tests.cli.conftest import Run, answer, complaint
from tests.stores.contents import TABLES


def test_it_prints_a_statement_for_every_table_and_opens_no_store(run: Run) -> None:
    told = run("distribute", "--database", "postgresql://nobody@127.0.0.1:1/nowhere")
    assert told.exit_code == 0
    lines = told.stdout.splitlines()
    assert len(lines) == len(TABLES)
    assert "SELECT create_distributed_table('users', 'user_id');" in lines
    found = run("distribute", "--json")
    assert answer(found) == {"statements": lines, "ran": False}


def test_where_there_is_no_citus_nothing_is_run(run: Run, postgres_url: str) -> None:
    told = run("distribute", "--run", "--database", postgres_url)
    assert told.exit_code == 3
    assert "the database has no Citus" in complaint(told)


def test_a_file_is_spread_over_nothing(run: Run) -> None:
    told = run("distribute", "--run")
    assert told.exit_code == 2
    assert "name one on a Citus coordinator" in complaint(told)
