"""What commands have in common: the store and the settings that each needs; and the drawing without them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run, answer, complaint
from tests.settings.unusable import UNUSABLE
from workflow_fsm import claim_lifecycle
from workflow_fsm.core.definition.explain import mermaid

READS = (("status", "u1"), ("history", "u1"), ("check",))


@pytest.mark.parametrize("command", READS, ids=lambda command: command[0])
def test_a_command_that_reads_makes_no_store(run: Run, path: Path, command: tuple[str, ...]) -> None:
    for_scripts = run(*command, "--json")

    assert for_scripts.exit_code == 3
    assert answer(for_scripts)["code"] == "store-refused"
    assert f"there is no store at {path}" in complaint(run(*command))
    assert list(path.parent.iterdir()) == []


def test_the_database_named_goes_before_the_environment_s(run: Run, path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    assert run("fire", "sync_complete", "u1", "--database", f"sqlite:///{other}").exit_code == 0
    assert run("status", "u1", "--database", f"sqlite:///{other}").exit_code == 0
    assert not path.exists()


@pytest.mark.parametrize("command", [("fire", "sync_complete", "u1"), *READS], ids=lambda command: command[0])
def test_a_store_that_can_t_be_used_ends_with_3(run: Run, path: Path, command: tuple[str, ...]) -> None:
    path.write_bytes(b"no database at all, and more than a hundred bytes of it" * 4)
    told = run(*command, "--json")
    assert (told.exit_code, answer(told)["code"]) == (3, "store-refused")
    assert "no SQLite database" in complaint(told)


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"WORKFLOW_DEFER_TTL": "soon"}, "WORKFLOW_DEFER_TTL is 'soon'"),
        ({"WORKFLOW_DATABASE_URL": "mysql://me:secret@host/db"}, "can't be used"),
    ],
)
def test_a_setting_that_can_t_be_used_ends_with_2(run: Run, variables: dict[str, str], sentence: str) -> None:
    for command in (("fire", "sync_complete", "u1"), ("check",)):
        told = run(*command, "--json", **variables)
        assert (told.exit_code, answer(told)["code"]) == (2, "settings-invalid")
        assert sentence in complaint(told)
        assert "secret" not in told.output


@pytest.mark.parametrize("command", [("fire", "sync_complete", "u1"), *READS], ids=lambda command: command[0])
def test_what_is_the_service_s_alone_stops_no_command_that_serves_nothing(
    run: Run, command: tuple[str, ...]
) -> None:
    assert run("fire", "sync_complete", "u1", **UNUSABLE).exit_code == 0

    told = run(*command, **UNUSABLE)

    assert (told.exit_code, told.stderr) == (0, "")


@pytest.mark.parametrize("name", [one for one in UNUSABLE if one != "HOST"])
def test_serve_ends_with_2_where_a_variable_of_the_service_can_t_be_used(run: Run, name: str) -> None:
    told = run("serve", **{name: UNUSABLE[name]})

    assert told.exit_code == 2
    assert complaint(told).startswith(f"{name} ")


def test_graph_draws_the_definition(run: Run, path: Path) -> None:
    drawing = mermaid(claim_lifecycle())
    assert run("graph").stdout == drawing + "\n"
    assert answer(run("graph", "--json")) == {"definition": "claim", "mermaid": drawing}
    assert not path.exists()
