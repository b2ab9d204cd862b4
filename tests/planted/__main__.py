"""`make planted`: plants each bug in a copy of the tree, and shows by which test the suite finds it.

`python -m tests.planted [NAME …]` plants some; with `--all` the whole suite is asked, and not only the tests
that a patch names. Those are run on a sound copy first: what fails there finds nothing. Ends with 1 where a
bug isn't found.
"""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser
from time import monotonic

from tests.planted.patches import Planted, all_planted
from tests.tree import copied, run_tests

_FAILED = re.compile(r"^(?:FAILED|ERROR) (?P<test>\S+)", re.MULTILINE)
_HANGS = "+ Timeout +"


def main(arguments: list[str]) -> int:
    """Plant, ask, tell."""
    parser = ArgumentParser(prog="python -m tests.planted", description="shows that planted bugs are found")
    parser.add_argument("names", nargs="*", metavar="NAME", help="of a patch; all, if none is given")
    parser.add_argument("--all", action="store_true", help="ask the whole suite")
    given = parser.parse_args(arguments)
    chosen = [one for one in all_planted() if not given.names or one.name in given.names]
    if not chosen:
        parser.error("no patch has that name")
    wanted = [] if given.all else sorted({test for one in chosen for test in one.tests})
    with copied() as sound:
        code, said = run_tests(sound, wanted, "-n2", "--dist=worksteal")
    if code:
        sys.stdout.write(f"{said}\nthe tests fail on a sound tree: nothing was planted\n")
        return 1
    found = [find(one, everywhere=given.all) for one in chosen]
    sys.stdout.write(f"{sum(found)} of {len(found)} planted bugs are found\n")
    return 0 if all(found) else 1


def find(planted: Planted, *, everywhere: bool) -> bool:
    """Plant a bug and run the tests; tell whether one failed, and which."""
    since = monotonic()
    with copied() as copy:
        trouble = planted.apply(copy)
        if trouble:
            sys.stdout.write(f"{planted.name}: does not apply any more: {trouble}")
            return False
        tests = () if everywhere else planted.tests
        options = ("-x", "--timeout=60", "--timeout-method=thread", "-p", "no:xdist", "-rfE")
        code, said = run_tests(copy, tests, *options)
    failed = _FAILED.search(said)
    by = f"found by {failed['test']}" if failed else f"found: {' '.join(tests)} hangs"
    if not failed and (not code or _HANGS not in said):
        by = "NOT FOUND"
    sys.stdout.write(f"{planted.name}: {by} ({monotonic() - since:.0f} s)\n")
    if by == "NOT FOUND":
        sys.stdout.write("".join(f"    {line}\n" for line in said.splitlines()[-4:]))
    sys.stdout.flush()
    return by != "NOT FOUND"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
