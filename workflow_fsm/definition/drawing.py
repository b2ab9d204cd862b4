"""Drawing: a lifecycle as Graphviz draws it, in DOT's words or as an image, with a state marked.

The package `graphviz` writes the words; images are drawn by the program `dot`.
"""

from __future__ import annotations

from typing import Literal

import graphviz

from workflow_fsm.core.definition import Definition
from workflow_fsm.core.definition.explain import arrows, refuse_unknown

_BEGIN = ""
"""The node where lifecycles begin; no state goes by that name."""


def dot(definition: Definition, state: str | None = None) -> str:
    """Draw the arrows in DOT's words; `state` is marked.

    Raises InvalidEvent where the definition has no such state.
    """
    refuse_unknown(definition, state)
    drawing = graphviz.Digraph(comment=graphviz.escape(definition.name))
    drawing.attr(rankdir="TB")
    drawing.attr("node", shape="box", style="rounded,filled", fillcolor="white", fontname="Helvetica")
    drawing.attr("edge", fontname="Helvetica", fontsize="10")
    drawing.node(_BEGIN, label="", shape="circle", width="0.2", fillcolor="black")
    for one in definition.states:
        marked = {"fillcolor": "#ffd54f", "penwidth": "3"} if one.name == state else {}
        closed = {"peripheries": "2"} if one.closed else {}
        drawing.node(_id(one.name), label=graphviz.escape(one.name), **marked, **closed)
    for (source, target), by in arrows(definition).items():
        told = graphviz.escape("\n".join(by)).replace("\n", r"\l") + r"\l"
        drawing.edge(_BEGIN if source is None else _id(source), _id(target), label=told)
    return str(drawing.source)


def image(definition: Definition, state: str | None = None, *, form: Literal["svg", "png"]) -> bytes:
    """Draw the arrows as an image; `state` is marked.

    Raises InvalidEvent where the definition has no such state, and LookupError where Graphviz isn't there.
    """
    try:
        return bytes(graphviz.Source(dot(definition, state)).pipe(format=form, quiet=True))
    except graphviz.ExecutableNotFound as error:
        raise LookupError("Graphviz's program `dot` is not on the PATH") from error


def _id(name: str) -> str:
    """Give a node's name; a colon in it would name a port of the node."""
    return name.replace(":", "\N{RATIO}")
