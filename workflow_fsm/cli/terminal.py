"""How text reaches a terminal or a pipe: JSON, lines and tables, in which nothing moves the cursor.

What is printed, `printing.py` says.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:  # a service, a worker and scripts print JSON alone, and never load it
    from rich.console import Console

_ENDLESS = 100_000
"""So many columns has the terminal that isn't one: nothing is wrapped or cut off for a pipe."""


def show_json(value: object) -> None:
    """Print a value as one line of JSON, spelled as the HTTP answers are."""
    line = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    click.echo(line.encode("utf-8", "backslashreplace"))


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], numbers: Iterable[int] = ()) -> None:
    """Print a table, without the columns that nothing stands in; nothing where it has no rows."""
    if not rows:
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD if sys.stdout.isatty() else None, pad_edge=False)
    filled = [at for at in range(len(columns)) if any(row[at] not in (None, "") for row in rows)]
    for at in filled:
        justify = "right" if at in numbers else "left"
        table.add_column(columns[at], justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in rows:
        table.add_row(*("" if row[at] is None else clean(str(row[at])) for at in filled))
    console = _console()
    with console.capture() as printed:
        console.print(table)
    for line in printed.get().splitlines():
        click.echo(line.rstrip())


def print_lines(lines: Iterable[str]) -> None:
    """Print lines, each as it is, however long."""
    for line in lines:
        _console().print(clean(line), soft_wrap=True)


def _console() -> Console:
    from rich.console import Console

    width = None if sys.stdout.isatty() else _ENDLESS
    return Console(file=sys.stdout, width=width, markup=False, highlight=False, emoji=False)


def clean(text: str) -> str:
    """Spell out what would move the cursor or hide: a sender's text must not write on the terminal."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
