"""The command line: `workflow-fsm`, a file a family of commands."""

from workflow_fsm.cli.commands import main

__all__ = ["main"]
