"""How text reaches a terminal or a pipe: JSON, lines and tables, in which nothing moves the cursor.

What is printed, `printing.py` says.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:  # a service, a worker and scripts print JSON alone, and never load it
    from rich.console import Console

_ENDLESS = 100_000
"""So many columns has the terminal that isn't one: nothing is wrapped or cut off for a pipe."""
_BETWEEN = 2
"""How many blanks stand at most before, between and behind columns."""
_LEAST_PROSE = 24
"""How narrow a column of prose may become."""


def show_json(value: object) -> None:
    """Print a value as one line of JSON, spelled as the HTTP answers are."""
    line = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    click.echo(line.encode("utf-8", "backslashreplace"))


def show_pieces(pieces: Iterable[str]) -> None:
    """Print text as it comes, a piece at a time, in UTF-8 whatever the terminal's encoding."""
    for piece in pieces:
        click.echo(piece.encode("utf-8", "backslashreplace"), nl=False)


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    numbers: Iterable[int] = (),
    prose: Collection[str] = ("reason",),
) -> None:
    """Print a table, without the columns that nothing stands in; nothing where it has no rows.

    On a terminal that is too narrow for it, the columns of `prose` are wrapped between words; where that is
    not enough, each row is a block of lines, a column a line: no id is ever broken, so that it can be copied.
    """
    if not rows:
        return
    filled = [at for at in range(len(columns)) if any(row[at] not in (None, "") for row in rows)]
    names = [columns[at] for at in filled]
    cells = [["" if row[at] is None else clean(str(row[at])) for at in filled] for row in rows]
    right = {columns[at] for at in numbers}
    if _fits(names, cells, prose):
        _print_table(names, cells, right, prose)
    else:
        _print_blocks(names, cells)


def _fits(names: Sequence[str], cells: Sequence[Sequence[str]], prose: Collection[str]) -> bool:
    """Tell whether a table can be printed without breaking any word but between its words of prose."""
    from rich.cells import cell_len

    width = _console().width - _BETWEEN * (len(names) + 1)
    for at, name in enumerate(names):
        column = [name, *(row[at] for row in cells)]
        widest = max(map(cell_len, column))
        if name in prose:
            words = (word for text in column for word in text.split())
            widest = min(widest, max(_LEAST_PROSE, *map(cell_len, words)))
        width -= widest
    return width >= 0


def _print_table(
    names: Sequence[str], cells: Sequence[Sequence[str]], right: Collection[str], prose: Collection[str]
) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD if sys.stdout.isatty() else None, pad_edge=False)
    for name in names:
        table.add_column(
            name,
            justify="right" if name in right else "left",
            overflow="fold",
            no_wrap=name not in prose,
        )
    for row in cells:
        table.add_row(*row)
    console = _console()
    with console.capture() as printed:
        console.print(table)
    for line in printed.get().splitlines():
        click.echo(line.rstrip())


def _print_blocks(names: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    widest = max(map(len, names))
    for number, row in enumerate(cells):
        if number:
            click.echo()
        for name, text in zip(names, row, strict=True):
            if text:
                click.echo(f"{name.ljust(widest)}  {text}")


def print_lines(lines: Iterable[str]) -> None:
    """Print lines, each as it is, however long."""
    for line in lines:
        sys.stdout.write(f"{clean(line)}\n")
        sys.stdout.flush()


def _console() -> Console:
    from rich.console import Console

    width = None if sys.stdout.isatty() else _ENDLESS
    return Console(file=sys.stdout, width=width, markup=False, highlight=False, emoji=False)


def clean(text: str) -> str:
    """Spell out what would move the cursor or hide: a sender's text must not write on the terminal."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
