"""Help: every command, option and exit code is told of."""

from __future__ import annotations

import click
import pytest

from tests.cli.conftest import Run
from workflow_fsm import cli_codes
from workflow_fsm.cli import main

COMMANDS = sorted(main.commands)


def test_the_commands_are_those_of_the_contract_so_far() -> None:
    assert COMMANDS == ["check", "fire", "graph", "history", "serve", "status"]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does_and_what_it_takes(run: Run, name: str) -> None:
    command = main.commands[name]
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts}"
        else:
            told = (parameter.metavar or parameter.human_readable_name).strip("[].")
            assert all(word.strip() in command.help for word in told.split("|")), f"{name} {told}"

    for flag in ("--help", "-h"):
        shown = run(name, flag)
        assert (shown.exit_code, shown.stderr) == (0, "")
        assert f"Usage: workflow-fsm {name}" in shown.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_answer_as_json_and_name_a_store(name: str) -> None:
    flags = {flag for parameter in main.commands[name].params for flag in parameter.opts}
    assert {"--json", "--database"} <= flags


def test_the_exit_codes_are_told_where_the_commands_are(run: Run) -> None:
    shown = run("--help").stdout
    codes = ("REFUSED", "INVALID", "STORE", "UNKNOWN", "FAULT")
    for code in (0, *(getattr(cli_codes, name) for name in codes), 69, 78):
        assert f"  {code}  " in shown or f"with {code} " in shown, code
    for name in COMMANDS:
        assert f"  {name} " in shown


def test_the_version_is_that_of_the_package() -> None:
    option = next(one for one in main.params if "--version" in one.opts)
    assert isinstance(option, click.Option)
    assert option.help
