"""`make mutants`: changes the core here and there in a copy, and shows which changes no test notices.

What is changed and which tests are asked stands in `setup.cfg`, `[mutmut]`. `python -m tests.mutants NAME …`
takes mutants by their names, or by patterns of them; `--sample N` takes N of all, the same ones each time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from random import Random

from tests.tree import copied

_SURVIVED, _UNTESTED = 0, 33
"""What mutmut notes of a mutant that no test failed for, and of one that no test enters."""


def main(arguments: list[str]) -> int:
    """Change, ask, tell."""
    parser = ArgumentParser(prog="python -m tests.mutants", description="shows which changes no test notices")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="of mutants, or a pattern; all, if none is given"
    )
    parser.add_argument("--sample", type=int, metavar="N", help="so many of all")
    given = parser.parse_args(arguments)
    with copied() as copy:
        chosen = given.names
        if given.sample is not None:
            run(copy, "run", "--max-children", "2", "no such mutant")  # makes them all, and tries none
            everyone = sorted(outcomes(copy))
            chosen = sorted(Random(1).sample(everyone, min(given.sample, len(everyone))))
        run(copy, "run", "--max-children", "2", *chosen)
        told = {name: code for name, code in outcomes(copy).items() if code is not None}
        left = sorted(name for name, code in told.items() if code in (_SURVIVED, _UNTESTED))
        for name in left:
            sys.stdout.write(f"{run(copy, 'show', name)}\n")
    files = Counter(name.rpartition(".")[0].rpartition(".")[2] for name in told)
    missed = Counter(name.rpartition(".")[0].rpartition(".")[2] for name in left)
    for file, many in sorted(files.items()):
        sys.stdout.write(f"{file}: {many - missed[file]} of {many} are noticed\n")
    sys.stdout.write(f"all: {len(told) - len(left)} of {len(told)} are noticed\n")
    return 0


def run(copy: Path, *arguments: str) -> str:
    """Run mutmut in a copy; give what it says."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-m", "mutmut", *arguments],
        cwd=copy,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return done.stdout


def outcomes(copy: Path) -> dict[str, int | None]:
    """Give how each mutant ended: pytest's code, or mutmut's own; None where it was not tried."""
    found: dict[str, int | None] = {}
    for meta in (copy / "mutants").rglob("*.meta"):
        found |= json.loads(meta.read_text())["exit_code_by_key"]
    return found


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
