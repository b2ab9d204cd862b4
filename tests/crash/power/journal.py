"""What a process wrote, in order, and what of it is left on the disk when the power fails at some point.

What was synced is there, under its name once its folder was synced. Of what was written since, some is there
or nothing, whole or in sectors, in whatever order the disk took it; what a failed sync covered is never
written by a later one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Literal

SECTOR = 512
SUFFIXES = ("", "-wal", "-journal")
FOLDER = 3
Loss = Literal["all that is not synced", "some of it"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log: `W`rite, cu`T`, `B`egin of a sync, `S`ynced or `F`ailed, `U`nlink, `M`ark."""

    kind: str
    file: int
    at: int
    content: bytes


def entries(log: Path) -> list[Entry]:
    """Read the log; what a killed process began to write of it at the end is left out."""
    text, found, at = log.read_bytes(), [], 0
    while (end := text.find(b"\n", at)) >= 0:
        kind, file, where, many = text[at:end].split()
        content = text[end + 1 : end + 1 + int(many)]
        if len(content) < int(many):
            break
        found.append(Entry(kind.decode(), int(file), int(where), content))
        at = end + 1 + int(many)
    return found


@dataclass(slots=True)
class _File:
    """A file: what of it is safe, and what was done to it since."""

    safe: bytearray = field(default_factory=bytearray)
    since: list[Entry] = field(default_factory=list)
    begun: list[int] = field(default_factory=list)
    was: bytes | None = None
    """What it held when it was last removed, until its folder is synced."""
    is_named: bool = False
    """Whether its folder was synced since it was made."""

    def sync(self, *, well: bool) -> None:
        many = self.begun.pop(0)
        covered, self.since = self.since[:many], self.since[many:]
        self.begun = [max(0, one - many) for one in self.begun]
        if well:
            for entry in covered:
                _do(self.safe, entry.kind, entry.at, entry.content)

    def left(self, loss: Loss, chance: Random) -> bytes | None:
        """Give what is left of it, None for no file."""
        if self.was is not None and chance.random() < 0.5:
            return self.was
        if not self.is_named and chance.random() < 0.5:
            return None
        left = bytearray(self.safe)
        for entry in self.since if loss == "some of it" else ():
            for at, content in _parts(entry, chance):
                _do(left, entry.kind, at, content)
        return bytes(left)


def _parts(entry: Entry, chance: Random) -> Iterator[tuple[int, bytes]]:
    """Give what the disk took of a write: all, nothing, or some sectors."""
    how = chance.choice(("all", "nothing", "sectors"))
    if how == "all" or (how == "sectors" and entry.kind != "W"):
        yield entry.at, entry.content
    elif how == "sectors":
        for begin in range(0, len(entry.content), SECTOR):
            if chance.random() < 0.5:
                yield entry.at + begin, entry.content[begin : begin + SECTOR]


def _do(content: bytearray, kind: str, at: int, written: bytes) -> None:
    size = at if kind == "T" else at + len(written)
    if len(content) < size:
        content.extend(bytes(size - len(content)))
    if kind == "T":
        del content[at:]
    else:
        content[at:size] = written


@dataclass(frozen=True, slots=True)
class Cut:
    """A power failure: behind so many entries of the log; what is lost; and the number of its chance."""

    behind: int
    loss: Loss
    seed: int


def after_cuts(log: list[Entry], cuts: list[Cut], store: Path) -> Iterator[tuple[Cut, list[str]]]:
    """Leave at `store` what each cut leaves, the earliest first; give it with the marks made before."""
    files = [_File() for _ in SUFFIXES]
    marks: list[str] = []
    done = 0
    for cut in sorted(cuts, key=lambda one: one.behind):
        for entry in log[done : cut.behind]:
            if entry.file == FOLDER:
                for file in files if entry.kind == "S" else ():
                    file.was, file.is_named = None, True
                continue
            file = files[entry.file]
            match entry.kind:
                case "M":
                    marks.append(entry.content.decode())
                case "W" | "T":
                    file.since.append(entry)
                case "B":
                    file.begun.append(len(file.since))
                case "S" | "F":
                    file.sync(well=entry.kind == "S")
                case "U":
                    files[entry.file] = _File(was=bytes(file.safe))
        done = cut.behind
        chance = Random(cut.seed)
        for file, suffix in zip(files, SUFFIXES, strict=True):
            path = store.with_name(store.name + suffix)
            left = file.left(cut.loss, chance)
            path.unlink(missing_ok=True)
            if left:
                path.write_bytes(left)
        store.with_name(store.name + "-shm").unlink(missing_ok=True)
        yield cut, list(marks)


def behind_answers(log: list[Entry]) -> list[Cut]:
    """Give a cut right behind each answer, that takes all that is not synced."""
    return [
        Cut(behind=number + 1, loss="all that is not synced", seed=number)
        for number, entry in enumerate(log)
        if entry.kind == "M"
    ]


def choose(log: list[Entry], many: int, seed: int) -> list[Cut]:
    """Choose cuts: each second right behind an answer, whose event must be there; the others anywhere."""
    chance = Random(seed)
    answers = [number for number, entry in enumerate(log) if entry.kind == "M"]
    return [
        Cut(
            behind=chance.choice(answers) + 1 if number % 2 else chance.randrange(answers[0], len(log)) + 1,
            loss=chance.choice(("all that is not synced", "some of it")),
            seed=seed * 10_000 + number,
        )
        for number in range(many)
    ]
