"""The page of the command line: each command's `--help`, as it is shown."""

from __future__ import annotations

from collections.abc import Iterator

from click import Command, Context, Group

from workflow_fsm.cli.commands import main


def commands_page() -> str:
    """Write the page of commands, as their `--help` tells them."""
    lines = ["# Command line", ""]
    lines += ["As `--help` tells it. `workflow-fsm` comes with the package.", ""]
    for path, text in _helps(main, "workflow-fsm", None):
        lines += [f"## {path}", "", "```text", text.rstrip(), "```", ""]
    return "\n".join(lines)


def _helps(command: Command, name: str, parent: Context | None) -> Iterator[tuple[str, str]]:
    context = Context(command, info_name=name, parent=parent, terminal_width=90, **command.context_settings)
    yield context.command_path, command.get_help(context)
    if isinstance(command, Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            if found is not None:
                yield from _helps(found, inner, context)
