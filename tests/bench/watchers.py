"""What open dashboards cost: webhooks a second without and with 50 of them by turns, of 100,000 claims.

`python -m tests.bench.watchers` prints it. A dashboard asks for its page as the page's own script does, every
three seconds over a connection that stays open; the figures behind it are shared by all who look.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep

from rich.console import Console
from rich.table import Table

from tests.bench.__main__ import CONNECTIONS, ROUTE, drive, middle, served
from tests.bench.questions import CLAIMS, fill

DASHBOARDS = 50
PAUSE_SECONDS = 3.0
"""As `live.js` has it."""
TURN_SECONDS, TURNS, ALONE_SECONDS = 2.0, 15, 15
"""Short and many, one beside the other: a machine that others use as well drifts."""


def main() -> None:
    """Measure, and print a table; or, with a port and a number behind it, be so many dashboards."""
    if len(sys.argv) == 3:
        watch(int(sys.argv[1]), int(sys.argv[2]))
        return
    table = Table(title=f"webhooks a second, of a store with {CLAIMS:,} claims", title_justify="left")
    for name in ("what", "a second", "p50 ms", "p99 ms", "beside"):
        table.add_column(name, justify="left" if name in ("what", "beside") else "right")
    with tempfile.TemporaryDirectory(dir=os.environ.get("WORKFLOW_BENCH_FOLDER")) as folder:
        without, among, pages, share = measure(Path(folder))
    for title, runs in (("no dashboard", without), (f"{DASHBOARDS} open dashboards", among)):
        rate = middle(runs, "a_second")
        beside = f"{beside_each_other(without, among):.2f} of without; {pages:.1f} pages a second"
        figures = (f"{rate:,.0f}", *(f"{middle(runs, one) * 1000:.2f}" for one in ("p50", "p99")))
        table.add_row(f"{CONNECTIONS} connections, {title}", *figures, beside if runs is among else "")
    table.add_row(f"{DASHBOARDS} open dashboards alone", "", "", "", f"{share:.3f} of a processor")
    Console(width=120).print(table)


def measure(
    home: Path, claims: int = CLAIMS
) -> tuple[list[dict[str, float]], list[dict[str, float]], float, float]:
    """Drive one service by turns without and with dashboards.

    Give how many pages a second these got, and the share of a processor that the service took for them alone:
    webhooks want a whole one, so that is what they lose where the machine is nobody else's.
    """
    url = f"sqlite:///{home / 'watched.db'}"
    fill(url, claims)
    without, among, rates = [], [], []
    with served(home, "watched", "workflow_fsm", WORKFLOW_DATABASE_URL=url) as service:
        with dashboards(service.port, 1):
            drive(service.port, ROUTE, CONNECTIONS, 6, "warm")
        for turn in range(TURNS):
            with dashboards(service.port, 0):  # a process that starts and ends is beside either
                without.append(drive(service.port, ROUTE, CONNECTIONS, TURN_SECONDS, f"without-{turn}"))
            with dashboards(service.port, DASHBOARDS) as pages:
                began = monotonic()
                among.append(drive(service.port, ROUTE, CONNECTIONS, TURN_SECONDS, f"among-{turn}"))
                seconds = monotonic() - began
            rates.append(pages[0] / seconds)
        with dashboards(service.port, DASHBOARDS):
            before, began = processor_seconds(service.process.pid), monotonic()
            sleep(ALONE_SECONDS)
            share = (processor_seconds(service.process.pid) - before) / (monotonic() - began)
    return without, among, sorted(rates)[len(rates) // 2], share


def processor_seconds(pid: int) -> float:
    """Give how long a process of Linux and its children have computed."""
    ticks = 0
    for one in (str(pid), *Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
        after_name = Path(f"/proc/{one}/stat").read_text().rpartition(") ")[2].split()
        ticks += int(after_name[11]) + int(after_name[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def beside_each_other(without: list[dict[str, float]], among: list[dict[str, float]]) -> float:
    """Give the median of what each turn with dashboards had of the one without just before it."""
    shares = sorted(two["a_second"] / one["a_second"] for one, two in zip(without, among, strict=True))
    return shares[len(shares) // 2]


@contextmanager
def dashboards(port: int, many: int) -> Iterator[list[int]]:
    """Open dashboards, in a process of their own; give, once they are closed, how many pages they got."""
    pages = [0]
    command = [sys.executable, "-m", "tests.bench.watchers", str(port), str(many)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()  # they are open
        yield pages
        process.stdin.close()
        pages[0] = int(process.stdout.read())


def watch(port: int, many: int) -> None:
    """Be so many dashboards until stdin ends, and print how many pages they got."""
    ended = Event()
    got = [0] * many

    def look(number: int) -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        ended.wait(PAUSE_SECONDS * number / many)
        while not ended.is_set():
            connection.request("GET", "/", headers={"Accept": "text/html"})
            answer = connection.getresponse()
            if answer.status != 200 or b"</html>" not in answer.read():
                raise SystemExit(f"a dashboard was answered {answer.status}")
            got[number] += 1
            ended.wait(PAUSE_SECONDS)

    threads = [Thread(target=look, args=(number,)) for number in range(many)]
    for thread in threads:
        thread.start()
    print("open", flush=True)
    sys.stdin.read()
    ended.set()
    for thread in threads:
        thread.join()
    print(sum(got))


if __name__ == "__main__":
    main()
