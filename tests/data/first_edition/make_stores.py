"""Make the stores of the first edition that this folder keeps. Runs on a checkout of the first edition only.

From its root, with the list of currencies of 2025 in place of a later one:

    python -m tests.data.first_edition.make_stores [FOLDER]

writes `claims.db`, `claims.sql` and `expected.json` into FOLDER, else beside this file.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.data.first_edition import story_cases, story_claims, story_effects, story_letters, story_money
from tests.data.first_edition.telling import BEGINNING, Teller
from tests.stores.postgres.server import Server
from workflow_fsm import Outcome
from workflow_fsm.core.values import money
from workflow_fsm.core.values.instants import show_instant
from workflow_fsm.stores.sqlite.prepare import MIGRATIONS

END = datetime(2025, 11, 15, 12, tzinfo=UTC)
"""When the story ends: a deadline has passed since the last that was told, and no timer has fired yet."""
FIRST_EDITION = ["0001_lifecycles_events_history", "0002_effects_and_handlers", "0003_figures"]
KEYS = {
    "users": "user_id",
    "lifecycles": "user_id, id",
    "history": "user_id, cursor",
    "events": "user_id, seq",
    "waits": "user_id, seq, name",
    "aliases": "user_id, alias",
    "effects": "user_id, seq",
    "handlers": "name",
}
RETRIED_FOR_A_CLAIM = {
    "dead-2": {"claim_id": "nobody-2", "amazon_case_id": "L-2"},
    "refused-2": {"claim_id": "l-a", "rejection_reason": "no", "number": 2},
    "for l-f": {"amount": "11.00", "note": "it named nobody"},
    "for l-g": {"claim_id": "nobody-7", "amount": "12.00", "currency": "USD"},
    "moved on": {"claim_id": "nobody-8", "amount": "14.00"},
}
"""What events said that a person retried for a claim: the first edition overwrote it."""


def tell(t: Teller) -> None:
    """Tell the whole story."""
    story_claims.states(t)
    story_letters.letters(t)
    t.pass_by(days=8)
    while t.workflow.tick():
        pass
    story_claims.states_after_a_week(t)
    story_letters.letters_after_a_week(t)
    for part in (story_claims.syncs, story_claims.plain, story_claims.mixed, story_claims.aliases):
        part(t)
    for part in (story_claims.lists, story_cases.cases, story_cases.guessed, story_money.money):
        part(t)
    for part in (story_money.reimbursements, story_money.odd, story_money.ambiguous, story_money.bulgaria):
        part(t)
    for part in (story_letters.waiting, story_letters.nobody_yet, story_letters.early):
        part(t)
    story_effects.register(t)
    story_effects.effects(t)
    story_effects.owed_at_the_end(t)
    t.now = END


def tell_of(t: Teller, users: list[str]) -> dict[str, Any]:
    """Give what the first edition says of its store once the story was told."""
    workflow = t.workflow
    report = workflow.check()
    if not report.sound:
        raise SystemExit(f"the store is not sound: {report.as_dict()}")
    return {
        "as_of": show_instant(t.now),
        "check": report.as_dict(),
        "status": {user: workflow.status(user, limit=1000) for user in users},
        "history": {user: [row.hash for row in workflow.history(user, limit=1000) or []] for user in users},
        "acts": {user: acts for user in users if (acts := workflow.acts(user, limit=1000))},
        "dead_letters": workflow.dead_letters(limit=1000),
        "owed": [{name: one[name] for name in one if name != "here"} for one in workflow.owed()],
    }


def make_sqlite(folder: Path) -> dict[str, Any]:
    """Make the SQLite file; give what is expected of it."""
    path = folder / "claims.db"
    t = Teller(f"sqlite:///{path}")
    tell(t)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        users = [row[0] for row in connection.execute("SELECT user_id FROM users ORDER BY user_id")]
        expected = tell_of(t, users)
        t.close()
        # When a migration was applied is the machine's time: alone that is told over.
        at = show_instant(BEGINNING)
        connection.execute("UPDATE _sqlite_migrations SET applied_at = ?", (at,))
        # Forty small tables and indexes need no more than small pages.
        connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        connection.execute("PRAGMA page_size = 512")
        connection.execute("VACUUM")
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
        expected["rows"] = {
            table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608  # of ours
            for table in KEYS
        }
        made = connection.execute(
            "SELECT \"trigger\", event_id, body FROM events WHERE event_id LIKE 'made-%' ORDER BY user_id"
        ).fetchall()
    expected["said"] = RETRIED_FOR_A_CLAIM
    expected["repeats"] = [
        event_id for trigger, event_id, body in made if _repeats(path, trigger, event_id, body)
    ]
    return expected


def _repeats(path: Path, trigger: str, event_id: str, body: str) -> bool:
    """Tell whether an event that had no id is taken for itself where it comes again without one."""
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copy(path, folder)
        t = Teller(f"sqlite:///{copy}", made="again")
        t.now = END
        [outcome] = t.workflow.fire_many([{"trigger": trigger, **json.loads(body)}])
        t.close()
    return isinstance(outcome, Outcome) and (outcome.status, outcome.event_id) == ("duplicate", event_id)


def make_postgres(folder: Path, users: list[str]) -> dict[str, Any]:
    """Tell the same to a PostgreSQL server, and dump its database; give what is expected of it."""
    server = Server()
    try:
        name = server.make()
        t = Teller(server.url(name))
        tell(t)
        expected = tell_of(t, users)
        t.close()
        for table in KEYS:  # rows are dumped as they lie
            server.execute(
                f"CLUSTER {table} USING {table}_pkey; ALTER TABLE {table} SET WITHOUT CLUSTER", name
            )
        dumped = subprocess.run(
            [str(server._bin / "pg_dump"), "--inserts", "--no-owner", "--no-privileges", server.url(name)],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    finally:
        server.remove()
    (folder / "claims.sql").write_text(_without_what_is_the_servers(dumped))
    return expected


def _without_what_is_the_servers(dumped: str) -> str:
    """Leave out comments, settings and what only `psql` reads: the rest loads into any version from 13 on."""
    aside = re.compile(r"(--|SET |SELECT pg_catalog\.set_config|\\(un)?restrict ).*|")
    lines: list[str] = []
    inside = False
    for line in dumped.splitlines():
        if not inside and aside.fullmatch(line):
            continue
        lines.append(line)
        inside = (inside + line.count("'")) % 2 == 1
    return "\n".join(lines) + "\n"


def main() -> None:
    """Make both, and see that they say the same."""
    if list(MIGRATIONS) != FIRST_EDITION:
        raise SystemExit(
            "this version isn't the first edition, whose last migration is 0003_figures: run it there"
        )
    if "BGN" not in money.CURRENCIES:
        raise SystemExit("the list of currencies has no BGN any more: pip install iso4217==1.14.20250512")
    into = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        expected = make_sqlite(folder)
        served = make_postgres(folder, list(expected["status"]))
        if served != {part: expected[part] for part in served}:
            raise SystemExit("the two stores don't say the same")
        text = json.dumps(expected, ensure_ascii=False, indent=1, sort_keys=True)
        (folder / "expected.json").write_text(text + "\n")
        for made in ("claims.db", "claims.sql", "expected.json"):
            shutil.copy(folder / made, into)


if __name__ == "__main__":
    main()
