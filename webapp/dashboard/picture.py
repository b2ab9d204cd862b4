"""The picture of a lifecycle: its states and arrows as Graphviz lays them out, ready to be drawn as SVG.

A definition is laid out once. The layout of the claim lifecycle comes with the package; that of another wants
the program `dot`, and where that isn't there a page shows a table in its place.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import graphviz

from workflow_fsm.core.definition import Definition
from workflow_fsm.core.definition.explain import arrows

LAID_OUT = "laid_out.json"
"""The layout that comes with the package: of which words, and what `dot` made of them."""
_POINTS_AN_INCH = 72
_HEIGHT, _LEAST_WIDTH, _A_LETTER, _ROUND = 82, 156, 9, 24
_A_COUNT = "00,000"
"""As much room is left below the words of an arrow, for how many went that way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A state: a box whose upper left corner is at `x` and `y`."""

    name: str
    closed: bool
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An arrow: its path, and where its triggers are written, one below another."""

    source: str | None
    target: str
    triggers: tuple[str, ...]
    path: str
    x: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A lifecycle laid out; `begin` is where lifecycles begin."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    begin: tuple[float, float]


def picture_of(definition: Definition) -> Picture | None:
    """Lay a lifecycle out; None where there is nothing to lay it out with."""
    words = words_of(definition)
    laid_out = _kept(words) or drawn(words)
    return None if laid_out is None else _read(definition, laid_out)


def words_of(definition: Definition) -> str:
    """Say in DOT's words what is to be laid out: boxes that have room for what is written in them."""
    drawing = graphviz.Digraph()
    drawing.attr(rankdir="TB", nodesep="0.2", ranksep="0.2", margin="0")
    drawing.attr("node", shape="box", fixedsize="true", fontname="Helvetica")
    drawing.attr("edge", fontname="Helvetica", fontsize="11")
    drawing.node("begin", label="", shape="circle", width="0.2", height="0.2")
    numbers = {one.name: f"s{number}" for number, one in enumerate(definition.states)}
    for one in definition.states:
        width = max(_LEAST_WIDTH, _A_LETTER * len(one.name) + _ROUND)
        size = {"width": f"{width / _POINTS_AN_INCH:.3f}", "height": f"{_HEIGHT / _POINTS_AN_INCH:.3f}"}
        drawing.node(numbers[one.name], label="", **size)
    for (source, target), by in ways(definition).items():
        told = graphviz.escape("\n".join((*by, _A_COUNT))).replace("\n", r"\l") + r"\l"
        drawing.edge("begin" if source is None else numbers[source], numbers[target], label=told)
    return str(drawing.source)


def ways(definition: Definition) -> dict[tuple[str | None, str], tuple[str, ...]]:
    """Give the ways from a state to another, and the triggers of each; not on which answers they go there."""
    return {
        (source, target): tuple(dict.fromkeys(one.partition(" (")[0] for one in by))
        for (source, target), by in arrows(definition).items()
        if source != target
    }


def drawn(words: str) -> Mapping[str, Any] | None:
    """Have DOT's words laid out; None where `dot` isn't there, or fails."""
    try:
        found: Mapping[str, Any] = json.loads(graphviz.Source(words).pipe(format="json", quiet=True))
    except (graphviz.ExecutableNotFound, graphviz.CalledProcessError):
        return None
    return found


def digest(words: str) -> str:
    """Give that by which words are known to be those of a layout."""
    return hashlib.sha256(words.encode()).hexdigest()


# -- parts


def _kept(words: str) -> Mapping[str, Any] | None:
    """Give the layout that came with the package, where it is of these words."""
    kept = _laid_out()
    return kept["drawn"] if kept["words"] == digest(words) else None


@cache
def _laid_out() -> Mapping[str, Any]:
    text = files("webapp.dashboard").joinpath(LAID_OUT).read_text(encoding="utf-8")
    kept: Mapping[str, Any] = json.loads(text)
    return kept


def _read(definition: Definition, laid_out: Mapping[str, Any]) -> Picture:
    _, _, width, height = map(float, laid_out["bb"].split(","))
    places = {one["name"]: _point(one["pos"], height) for one in laid_out["objects"]}
    sizes = {
        one["name"]: (float(one["width"]) * _POINTS_AN_INCH, float(one["height"]) * _POINTS_AN_INCH)
        for one in laid_out["objects"]
    }
    boxes = [
        Box(
            name=one.name,
            closed=one.closed,
            x=round(places[f"s{number}"][0] - sizes[f"s{number}"][0] / 2, 1),
            y=round(places[f"s{number}"][1] - sizes[f"s{number}"][1] / 2, 1),
            width=round(sizes[f"s{number}"][0], 1),
            height=round(sizes[f"s{number}"][1], 1),
        )
        for number, one in enumerate(definition.states)
    ]
    return Picture(
        width=width,
        height=height,
        boxes=tuple(boxes),
        lines=tuple(_lines(definition, laid_out, height)),
        begin=places["begin"],
    )


def _lines(definition: Definition, laid_out: Mapping[str, Any], height: float) -> Iterator[Line]:
    numbers = {one.name: f"s{number}" for number, one in enumerate(definition.states)}
    names = {one["_gvid"]: one["name"] for one in laid_out["objects"]}
    found = {(names[one["tail"]], names[one["head"]]): one for one in laid_out["edges"]}
    for (source, target), by in ways(definition).items():
        edge = found["begin" if source is None else numbers[source], numbers[target]]
        x, y = _point(edge["lp"], height)
        yield Line(
            source=source,
            target=target,
            triggers=by,
            path=_path(edge["pos"], height),
            x=x,
            y=y,
        )


def _path(position: str, height: float) -> str:
    """Give a spline as SVG has it: Graphviz tells where it ends, then its points."""
    end, *points = position.removeprefix("e,").split(" ")
    first, *rest = (_written(_point(one, height)) for one in points)
    return f"M{first} C{' '.join(rest)} L{_written(_point(end, height))}"


def _point(told: str, height: float) -> tuple[float, float]:
    """Read a point; Graphviz counts upwards, SVG downwards."""
    x, y = map(float, told.split(","))
    return round(x, 1), round(height - y, 1)


def _written(point: tuple[float, float]) -> str:
    return f"{point[0]:g},{point[1]:g}"
