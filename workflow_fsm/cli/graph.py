"""The lifecycle drawn on the command line: in Mermaid's or DOT's words, or as an image; a state is marked."""

from __future__ import annotations

from typing import BinaryIO, Literal

import click

from workflow_fsm.cli.exit_codes import INVALID, UNKNOWN, Failure
from workflow_fsm.cli.options import common, existing, settings_for, text
from workflow_fsm.cli.terminal import show_json
from workflow_fsm.core.definition import Definition
from workflow_fsm.core.definition.explain import mermaid
from workflow_fsm.definition.named import definition_for

Form = Literal["mermaid", "dot", "svg", "png"]


@click.command()
@click.argument("user_id", required=False, callback=text)
@click.argument("claim_id", required=False, callback=text)
@click.option("--state", callback=text, help="Mark this state.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["mermaid", "dot", "svg", "png"]),
    default="mermaid",
    show_default=True,
    help="svg and png are drawn by Graphviz.",
)
@click.option("--output", type=click.File("wb", lazy=True), metavar="FILE", help="Write it to this file.")
@common
def graph(
    user_id: str | None,
    claim_id: str | None,
    state: str | None,
    form: Form,
    output: BinaryIO | None,
    as_json: bool,
    database: str | None,
) -> None:
    """Draw the lifecycle, or the variant in WORKFLOW_DEFINITION.

    With USER_ID and CLAIM_ID, the state that this claim is in is marked. Else no store is opened.
    """
    if user_id is not None and claim_id is None:
        raise click.UsageError("USER_ID goes with the CLAIM_ID whose state is marked.")
    if claim_id is not None and state is not None:
        raise click.UsageError("A claim's state is marked, or --state; not both.")
    if as_json and (form == "png" or output is not None):
        raise click.UsageError("--json gives text on stdout; leave it out for an image in a file.")
    if user_id is None or claim_id is None:
        definition = definition_for(settings_for(database))
    else:
        definition, state = _claims_state(user_id, claim_id, database)
    drawn = _draw(definition, state, form)
    if as_json:
        marked = {} if state is None else {"state": state}
        show_json({"definition": definition.name, **marked, form: drawn.decode().rstrip("\n")})
    elif output is not None:
        output.write(drawn)
    else:
        click.echo(drawn, nl=False)


def _claims_state(user_id: str, claim_id: str, database: str | None) -> tuple[Definition, str]:
    with existing(database) as workflow:
        found = workflow.status(user_id, claim_id=claim_id)
        if found is None or not found.claims:
            what = f"nothing is known of the claim {claim_id!r} of user {user_id!r}"
            raise Failure(UNKNOWN, "unknown-claim", what, user_id=user_id, claim_id=claim_id)
        return workflow.definition, found.claims[0].state


def _draw(definition: Definition, state: str | None, form: Form) -> bytes:
    if form == "mermaid":
        return f"{mermaid(definition, state)}\n".encode()
    from workflow_fsm.definition.drawing import dot, image  # it takes long to load, and few commands draw

    try:
        return dot(definition, state).encode() if form == "dot" else image(definition, state, form=form)
    except LookupError as error:
        told = f"{error}, which draws {form}: install Graphviz, or draw --format mermaid or dot"
        raise Failure(INVALID, "graphviz-missing", told) from error
