"""The table: a line a comparison, each figure and each ratio the median of its turns; is the target met?

Who does not sync each event is shown, and compared with nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median

from rich.table import Table

COLUMNS = ("peer", "one event of it", "it syncs", "a second", "ours", "a second", "ratio", "target", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a side said in one turn: how often a second, its version, what it syncs, if each time."""

    a_second: float
    version: str
    synced: str
    each: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A comparison: a figure of a peer's, what one event of it is, and ours that stands beside it."""

    theirs: str
    event: str
    ours: str
    target: float | None = None


@dataclass(slots=True)
class Figures:
    """What all sides said, by their names, in all turns; and why a peer could not be measured."""

    told: dict[str, list[Told]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def add(self, told: dict[str, Told]) -> None:
        """Take down what was said in one turn."""
        for name, one in told.items():
            self.told.setdefault(name, []).append(one)

    def a_second(self, name: str) -> float:
        """Give the median of a figure."""
        return median(one.a_second for one in self.told[name])

    def ratio(self, line: Line) -> float | None:
        """Give how many times theirs ours is, in the median turn.

        Nothing where one of them could not be run, or theirs isn't durable each time.
        """
        if {line.theirs, line.ours} & self.failed.keys():
            return None
        if not all(one.each for one in self.told[line.theirs]):
            return None
        turns = zip(self.told[line.ours], self.told[line.theirs], strict=True)
        return median(ours.a_second / theirs.a_second for ours, theirs in turns)

    def verdict(self, line: Line) -> str:
        """Say whether the target is met, or why nothing is compared."""
        ratio = self.ratio(line)
        if ratio is None:
            failures = [self.failed[name] for name in (line.theirs, line.ours) if name in self.failed]
            return f"could not be run: {failures[0]}" if failures else "not compared: not each is synced"
        if line.target is None:
            return ""
        return "met" if ratio >= line.target else "missed"


def cells(figures: Figures, line: Line) -> list[str]:
    """Give what stands in a line."""
    theirs, ours = figures.told.get(line.theirs, []), figures.told.get(line.ours, [])
    ratio = figures.ratio(line)
    version = theirs[-1].version if theirs else ""
    return [
        f"{line.theirs} ({version})" if version else line.theirs,
        line.event,
        theirs[-1].synced if theirs else "",
        f"{figures.a_second(line.theirs):,.0f}" if theirs else "",
        line.ours,
        f"{figures.a_second(line.ours):,.0f}" if ours else "",
        "" if ratio is None else f"{ratio:.2f}",
        "" if line.target is None else f"≥ {line.target:g}",
        figures.verdict(line),
    ]


def table(figures: Figures, lines: Iterable[Line]) -> Table:
    """Lay out all lines."""
    made = Table(title="beside peers", title_justify="left", show_lines=True)
    for name in COLUMNS:
        made.add_column(name, justify="right" if name in ("a second", "ratio", "target") else "left")
    for line in lines:
        made.add_row(*cells(figures, line))
    return made
