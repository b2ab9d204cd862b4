"""`python -m tests.bench.memory`: the most memory a service takes while many large bodies come at once.

Bodies whose signature is wrong, bodies of a sender who is known, and answers that nobody reads; each against
a service of its own, with how many were answered what.
"""

from __future__ import annotations

import json
import socket
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from time import monotonic, sleep

from rich.console import Console
from rich.table import Table

from tests.bench.__main__ import Served, served
from tests.webapp.http.keys import NEW, STRANGE, WEBHOOKS, signed

ROUTE = "/api/v1/workflow/detection/complete"
MOST_BYTES = 10 * 1024 * 1024
UNSIGNED, GOOD, UNREAD = 60, 20, 20
ENTRIES = 20_000
READ_SECONDS = 180
SECONDS_UNREAD = 4.0


def main() -> None:
    """Measure, and print a table."""
    table = Table(title="memory of the service's process, MiB", title_justify="left")
    for name in ("what", "before", "at most", "afterwards", "answers", "seconds"):
        table.add_column(name, justify="left" if name in ("what", "answers") else "right")
    sizes = f"of {MOST_BYTES >> 20} MiB"
    unsigned, good = f"{UNSIGNED} bodies {sizes}", f"{GOOD} bodies {sizes}"
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for title, name, load in (
            (f"{unsigned}, no signature", "bare", partial(post_all, [None] * UNSIGNED)),
            (
                f"{unsigned}, signed by nobody",
                "unsigned",
                partial(post_all, [STRANGE] * UNSIGNED),
            ),
            (
                f"{good}, one large field",
                "padded",
                partial(post_all, [NEW] * GOOD, padded=True),
            ),
            (f"{good}, {ENTRIES:,} claims", "good", partial(post_all, [NEW] * GOOD)),
            (f"{UNREAD} answers to them that nobody reads", "unread", leave_unread),
        ):
            with served(home, name, "workflow_fsm", **WEBHOOKS) as service:
                worker = worker_of(service)
                before, began = resident(worker, "VmRSS"), monotonic()
                codes = load(service)
                seconds = monotonic() - began
                most, after = resident(worker, "VmHWM"), resident(worker, "VmRSS")
            told = ", ".join(f"{many} x {code}" for code, many in sorted(codes.items()))
            table.add_row(title, *(f"{one:.0f}" for one in (before, most, after)), told, f"{seconds:.1f}")
    Console(width=140).print(table)


def post_all(secrets: Sequence[str | None], service: Served, *, padded: bool = False) -> Counter[str]:
    """Post a large body under each secret (None: without a signature), all at once; count the answers."""
    with ThreadPoolExecutor(len(secrets)) as pool:
        return Counter(pool.map(partial(_post, service, padded), range(len(secrets)), secrets))


def leave_unread(service: Served) -> Counter[str]:
    """Post large bodies, and read nothing of the answers for a while."""
    with ThreadPoolExecutor(UNREAD) as pool:
        return Counter(pool.map(partial(_leave, service), range(UNREAD)))


def worker_of(service: Served) -> int:
    """Give the process that serves, below the one that watches over it."""
    with closing(HTTPConnection("127.0.0.1", service.port, timeout=30)) as connection:
        connection.request("GET", "/healthz")
        connection.getresponse().read()
    pid = service.process.pid
    [child] = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


def resident(pid: int, what: str) -> float:
    """Give how much memory a process has (VmRSS), or ever had (VmHWM)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    [line] = [line for line in lines if line.startswith(f"{what}:")]
    return int(line.split()[1]) / 1024


def body_of(number: int, *, padded: bool) -> bytes:
    """Make a body that is as large as one may be."""
    if padded:
        body = json.dumps({"user_id": f"u{number}", "note": ""}).encode()
        return body[:-2] + b"x" * (MOST_BYTES - len(body)) + body[-2:]
    claims = [{"claim_id": f"c{one}", "amount": "12.50", "evidence": {"note": ""}} for one in range(ENTRIES)]
    told = json.dumps({"user_id": f"u{number}", "sync_id": "s", "claims": claims}).encode()
    room = (MOST_BYTES - len(told)) // ENTRIES
    return told.replace(b'"note": ""', b'"note": "' + b"x" * room + b'"')


def _headers(number: int, secret: str | None, body: bytes) -> dict[str, str]:
    proof = {} if secret is None else signed(body, datetime.now(UTC), message_id=f"m{number}", of=secret)  # noqa: TID251
    return {"Content-Type": "application/json", **proof}


def _post(service: Served, padded: bool, number: int, secret: str | None) -> str:
    body = body_of(number, padded=padded)
    with closing(HTTPConnection("127.0.0.1", service.port, timeout=READ_SECONDS)) as connection:
        try:
            connection.request("POST", ROUTE, body, _headers(number, secret, body))
            return str(connection.getresponse().status)
        except (OSError, HTTPException) as error:
            return type(error).__name__


def _leave(service: Served, number: int) -> str:
    body = body_of(number, padded=False)
    lines = {"Host": "localhost", "Content-Length": str(len(body)), **_headers(number, NEW, body)}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(READ_SECONDS)
        connection.connect(("127.0.0.1", service.port))
        try:
            connection.sendall(f"POST {ROUTE} HTTP/1.1\r\n{head}\r\n".encode() + body)
            code = connection.recv(12).decode().rpartition(" ")[2]
            sleep(SECONDS_UNREAD)
        except OSError as error:
            return type(error).__name__
    return code


if __name__ == "__main__":
    main()
