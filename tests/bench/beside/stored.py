"""What a version of the project stores: a script, run where that version's code is found, as `measured` is.

It fills a SQLite file with real events of users who take turns, and tells some stories more, one event at a
time. Prints one line of JSON: bytes by b-tree, and the pages of SQLite's log that an event writes, by b-tree.
"""

from __future__ import annotations

import json
import sqlite3
import struct
import sys
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

from workflow_fsm import Settings, Workflow

BATCH = 1000
USERS = 1000
AT_ONCE = 2000
"""How many stories are under way at any time, an event of each by turns."""
CLAIMS = 4
"""Of each sync, in stories."""
TOLD = 20
"""How many stories more are told one event at a time."""
_LOG_HEADER, _FRAME_HEADER = 32, 24

Events = Iterator[dict[str, Any]]


def main() -> None:
    """Fill a file, tell the stories, and print what was found."""
    path, mix, lifecycles = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with Workflow.open(f"sqlite:///{path}", settings=Settings()) as workflow:
        events = {"syncs": syncs, "stories": stories}[mix](lifecycles)
        while batch := list(islice(events, BATCH)):
            workflow.fire_many(batch)
        log = Path(f"{path}-wal").stat().st_size
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            ((found,),) = connection.execute("SELECT count(*) FROM lifecycles").fetchall()
            sizes = dict(connection.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name"))
            pages = _pages(workflow, connection, path)
    print(json.dumps({"lifecycles": found, "log": log, "sizes": sizes, "pages": pages}))


def syncs(lifecycles: int) -> Events:
    """Give events that begin a lifecycle each, of a thousand users."""
    for number in range(lifecycles):
        yield {
            "trigger": "sync_complete",
            "user_id": f"user-{number % USERS}",
            "sync_id": f"sync-{number}",
            "event_id": f"msg_{number:010}",
            "orders_count": 12,
        }


def stories(lifecycles: int) -> Events:
    """Give events of stories: a sync whose claims are found, of which some are matched, filed and paid."""
    users = max(10, lifecycles // 100)
    coming = (_story(number, f"user-{number * 7919 % users}") for number in range(lifecycles // (CLAIMS + 1)))
    begun: deque[Events] = deque()
    while True:
        begun.extend(islice(coming, AT_ONCE - len(begun)))
        if not begun:
            return
        story = begun.popleft()
        event = next(story, None)
        if event is not None:
            yield event
            begun.append(story)


def _story(number: int, user: str) -> Events:
    claims = [{"claim_id": f"claim-{number}-{one}", "amount": "12.50"} for one in range(CLAIMS)]
    sync = {"user_id": user, "sync_id": f"sync-{number}"}
    claim = {"user_id": user, "claim_id": f"claim-{number}-0"}
    case = {"amazon_case_id": f"case-{number}"}
    told = f"msg_{number:07}"
    yield {"trigger": "sync_complete", **sync, "event_id": f"{told}_synced", "orders_count": 12}
    yield {"trigger": "detection_complete", **sync, "event_id": f"{told}_detected", "claims": claims}
    yield {
        "trigger": "evidence_matching_complete",
        **claim,
        "event_id": f"{told}_matched",
        "confidence": "0.91",
    }
    yield {"trigger": "claim_submitted", **claim, **case, "event_id": f"{told}_filed"}
    yield {"trigger": "payout_received", **claim, **case, "event_id": f"{told}_paid", "amount": "12.50"}


def _pages(workflow: Workflow, connection: sqlite3.Connection, path: str) -> dict[str, dict[str, float]]:
    """Tell stories one event at a time; give how many pages of each b-tree an event of a trigger writes."""
    written: dict[str, Counter[str]] = {}
    for number in range(TOLD):
        for event in _story(10_000_000 + number * 37, f"user-{number * 7}"):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            workflow.fire(**event)
            of_page = dict(connection.execute("SELECT pageno, name FROM dbstat"))
            names = (of_page.get(page, "the file") for page in _logged(Path(f"{path}-wal")))
            written.setdefault(event["trigger"], Counter()).update(names)
    return {
        trigger: {name: many / TOLD for name, many in counted.items()} for trigger, counted in written.items()
    }


def _logged(log: Path) -> Iterator[int]:
    """Give the page that each frame of a log holds."""
    held = log.read_bytes()
    (page_size,) = struct.unpack_from(">I", held, 8)
    for start in range(_LOG_HEADER, len(held), _FRAME_HEADER + page_size):
        yield struct.unpack_from(">I", held, start)[0]


if __name__ == "__main__":
    main()
