"""`python -m workflow_fsm` is the command `workflow-fsm`."""

from workflow_fsm.cli.commands import main

main(prog_name="workflow-fsm")
