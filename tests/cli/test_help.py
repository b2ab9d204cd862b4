"""Help: every command, option and exit code is told of."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from tests.cli.conftest import Run
from workflow_fsm.cli import exit_codes
from workflow_fsm.cli.commands import main


def commands(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Give every command with its name, those below a group with the group's name before theirs."""
    for name, command in sorted(group.commands.items()):
        yield f"{path}{name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")


COMMANDS = dict(commands(main))


def test_the_commands_are_those_of_the_contract_so_far() -> None:
    assert list(COMMANDS) == [
        "check",
        "deadletters",
        "deadletters drop",
        "deadletters restore",
        "deadletters retry",
        "fire",
        "graph",
        "handlers",
        "handlers drop",
        "history",
        "migrate",
        "serve",
        "status",
        "worker",
    ]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does_and_what_it_takes(run: Run, name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts}"
        else:
            told = (parameter.metavar or parameter.human_readable_name).strip("[].")
            assert all(word.strip() in command.help for word in told.split("|")), f"{name} {told}"

    for flag in ("--help", "-h"):
        shown = run(*name.split(), flag)
        assert (shown.exit_code, shown.stderr) == (0, "")
        assert f"Usage: workflow-fsm {name}" in shown.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_answer_as_json_and_name_a_store(name: str) -> None:
    flags = {flag for parameter in COMMANDS[name].params for flag in parameter.opts}
    assert {"--json", "--database"} <= flags


def test_the_exit_codes_are_told_where_the_commands_are(run: Run) -> None:
    shown = run("--help").stdout
    codes = ("REFUSED", "INVALID", "STORE", "UNKNOWN", "FAULT")
    for code in (0, *(getattr(exit_codes, name) for name in codes), 69, 78):
        assert f"  {code}  " in shown or f"with {code} " in shown, code
    for name in main.commands:
        assert f"  {name} " in shown


def test_the_version_is_that_of_the_package() -> None:
    option = next(one for one in main.params if "--version" in one.opts)
    assert isinstance(option, click.Option)
    assert option.help
