"""Help: every command, option and exit code is told of."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from tests.cli.conftest import Run, answer, complaint
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
        "claims",
        "deadletters",
        "deadletters drop",
        "deadletters restore",
        "deadletters retry",
        "distribute",
        "effects",
        "events",
        "explain",
        "fire",
        "forget",
        "graph",
        "handlers",
        "handlers drop",
        "history",
        "migrate",
        "money",
        "serve",
        "simulate",
        "status",
        "users",
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
    codes = ("REFUSED", "INVALID", "STORE", "UNKNOWN", "WAITS", "FAULT", "PIPE")
    for code in (0, *(getattr(exit_codes, name) for name in codes), 69, 78):
        assert f"  {code}  " in shown or f"with {code} " in shown, code
    for name in main.commands:
        assert f"  {name} " in shown


def test_the_version_is_that_of_the_package() -> None:
    option = next(one for one in main.params if "--version" in one.opts)
    assert isinstance(option, click.Option)
    assert option.help


@pytest.mark.parametrize("flags", [(), ("--json",)], ids=["for people", "for scripts"])
def test_what_is_no_error_of_ours_ends_with_70_and_a_sentence(flags: tuple[str, ...]) -> None:
    """ "exit codes that scripts can use": whatever a command raises ends as one, without a traceback."""

    @click.group(cls=exit_codes.Commands)
    def group() -> None: ...

    @group.command(context_settings={"ignore_unknown_options": True})
    @click.argument("rest", nargs=-1)
    def divide(rest: tuple[str, ...]) -> None:
        raise ZeroDivisionError(f"of {len(rest)}\nlines")

    told = CliRunner().invoke(group, ["divide", *flags])

    assert told.exit_code == exit_codes.FAULT == 70
    assert complaint(told).startswith("a fault of the program, or of the store, which `check` can tell: ")
    assert re.search(rf": ZeroDivisionError at test_help.py:\d+: of {len(flags)} lines$", complaint(told))
    if flags:
        assert answer(told)["code"] == "internal-error"
    else:
        assert told.stdout == ""
