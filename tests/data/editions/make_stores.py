"""Make a small store of each kind under the version that is found first on the path, with what it says of it.

    PYTHONPATH=CHECKOUT python tests/data/editions/make_stores.py FOLDER

writes into FOLDER the SQLite file (`NAME.db`, compressed), the PostgreSQL database (`NAME.sql`) and what that
version tells of both (`NAME.json`), NAME being its last migration. It asks a version for nothing that
0004_look_ups hadn't. Clock and ids repeat.
"""

from __future__ import annotations

import gzip
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from tests.stores.postgres.server import Server
from workflow_fsm import NotAllowed, Settings, Workflow
from workflow_fsm.stores.statements import migrations

BEGINNING = datetime(2026, 2, 2, 8, tzinfo=UTC)
CLUSTERED = ("users", "lifecycles", "history", "events", "waits", "aliases", "effects", "handlers")


class Story:
    """What every store is told: money, cases, dead letters, what waits, names, timers and effects."""

    def __init__(self, url: str) -> None:
        self.now = BEGINNING
        numbers = count(1)
        self.workflow = Workflow.open(
            url,
            settings=Settings(tries=1),
            clock=lambda: self.now,
            ids=lambda: f"made-{next(numbers)}",
            chance=lambda: 1.0,
        )

    def tell(self, trigger: str, user: str, **fields: Any) -> None:
        """Fire an event; one that is refused is kept so."""
        self.now += timedelta(minutes=1)
        self.workflow.fire_many([{"trigger": trigger, "user_id": user, **fields}])

    def run(self) -> None:
        """Tell all of it."""
        self._register()
        self._claims()
        self._money()
        self._letters()
        self._effects()
        forget = getattr(self.workflow, "forget", None)
        if forget is not None:
            self.tell("sync_complete", "gone", sync_id="g", event_id="g1")
            self.tell("payout_received", "gone", amount="3.00", currency="USD", event_id="g2")
            forget("gone", reason="asked to be")

    def _register(self) -> None:
        @self.workflow.on_enter("matched", name="submit")
        def submit(told: Any) -> None:
            if told.claim_id == "bad":
                raise ValueError("this claim can't be submitted")

        @self.workflow.on_transition(target="paid", name="thank")
        def thank(told: Any) -> None:
            pass

    def _claims(self) -> None:
        claims = [
            {"claim_id": "filed", "amount": "40.00", "currency": "USD", "claim_type": "lost_inbound"},
            {"claim_id": "paid", "amount": "1200", "currency": "JPY"},
            {"claim_id": "rejected", "evidence": ["a.pdf"]},
            {"claim_id": "late", "deadline_date": "2026-02-03T00:00:00Z"},
            {"claim_id": "timed", "deadline_date": "2026-06-01T00:00:00Z"},
            {"claim_id": "matched"},
        ]
        self.tell("sync_complete", "u", sync_id="s", orders_count=12, event_id="s1")
        self.tell("detection_complete", "u", sync_id="s", claims=claims, event_id="d1")
        self.tell("evidence_matching_complete", "u", claim_id="matched", confidence="0.91", event_id="m1")
        self.tell("evidence_matching_complete", "u", claim_id="paid", confidence=0.5)
        self.tell("claim_submitted", "u", claim_id="filed", amazon_case_id="CASE-1", event_id="f1")
        self.tell("claim_submitted", "u", claim_id="rejected", amazon_case_id="CASE-2", event_id="f2")
        rejected = {"rejection_reason": "too late", "event_id": "r1"}
        self.tell("claim_rejected", "u", claim_id="rejected", amazon_case_id="CASE-2", **rejected)
        self.tell("claim_submitted", "u", claim_id="rejected", amazon_case_id="CASE-3", event_id="f3")
        self.workflow.link(user_id="u", claim_id="filed", alias="also filed")
        self.tell("sync_complete", "plain", sync_id="p", event_id="p1")
        self.tell("detection_complete", "plain", sync_id="p", claims_found=2, event_id="p2")
        self.tell("claim_submitted", "plain", amazon_case_id="P-1", event_id="p3")
        self.now += timedelta(days=2)
        while self.workflow.tick():
            pass

    def _money(self) -> None:
        paid = {"claim_id": "paid", "currency": "JPY"}
        self.tell("payout_received", "u", amount="700", reimbursement_id="R-1", event_id="y1", **paid)
        self.tell("payout_received", "u", amount="500", reimbursement_id="R-2", event_id="y2", **paid)
        self.tell(
            "payout_reversed", "u", amount="200", original_reimbursement_id="R-2", event_id="y3", **paid
        )
        self.tell("payout_received", "u", claim_id="also filed", amount="12.50", currency="USD")
        self.tell("payout_received", "u", amount="9.99", currency="USD", event_id="nobody's")
        self.tell("payout_received", "u", claim_id="to come", amount="5.00", currency="EUR", event_id="early")
        self.tell("payout_received", "plain", amount="30.00", currency="USD", event_id="p4")

    def _letters(self) -> None:
        self.tell("claim_rejected", "u", claim_id="paid", event_id="refused")
        self.tell("claim_submitted", "u", event_id="whose?")
        self.tell("evidence_matching_complete", "w", sync_id="ws", confidence="0.7", event_id="w1")
        self.tell("payout_received", "w", amount="1.00", currency="USD", event_id="w2")
        for one in self.workflow.dead_letters(limit=1000):
            if one["event_id"] == "whose?":
                self.workflow.drop_dead_letter(one["id"], reason="nobody's")
            elif one["event_id"] == "refused":
                try:
                    self.workflow.retry_dead_letter(one["id"])
                except NotAllowed:
                    self.now += timedelta(seconds=1)

    def _effects(self) -> None:
        self.workflow.run_effects()
        self.tell("sync_complete", "e", sync_id="s", event_id="e1")
        claims = [{"claim_id": "bad"}, {"claim_id": "good"}]
        self.tell("detection_complete", "e", sync_id="s", claims=claims, event_id="e2")
        self.tell("evidence_matching_complete", "e", claim_id="bad", confidence="0.9", event_id="e3")
        self.workflow.run_effects()
        self.tell("evidence_matching_complete", "e", claim_id="good", confidence="0.9", event_id="e4")


def told(story: Story) -> dict[str, Any]:
    """Give what the version says of its store: only what later ones must say alike."""
    workflow = story.workflow
    users = ["e", "plain", "u", "w"]
    report = workflow.check()
    if not report.sound:
        raise SystemExit(f"the store is not sound: {report.as_dict()}")
    return {
        "as_of": story.now.isoformat(),
        "states": {
            user: {
                one.claim_id or one.sync_id: [one.state, one.version]
                for one in (getattr(workflow.status(user, limit=1000), "claims", None) or ())
            }
            for user in users
        },
        "history": {user: [one.hash for one in workflow.history(user, limit=1000) or []] for user in users},
        "recovered": {user: _recovered(workflow, user) for user in users},
        "letters": sorted(
            str(one["event_id"] or one["handler"]) for one in workflow.dead_letters(limit=1000)
        ),
        "owed": sorted(f"{one['handler']} {one['claim_id']}" for one in workflow.owed()),
    }


def _recovered(workflow: Workflow, user: str) -> dict[str, str]:
    status = workflow.status(user)
    if status is None:
        return {}
    return {str(code): str(amount) for code, amount in dict(status["recovered"]).items()}


def make_sqlite(path: Path) -> dict[str, Any]:
    """Make the SQLite file, without a log beside it."""
    story = Story(f"sqlite:///{path}")
    story.run()
    said = told(story)
    story.workflow.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        at = BEGINNING.isoformat()
        connection.execute("UPDATE _sqlite_migrations SET applied_at = ?", (at,))
        connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        connection.execute("PRAGMA page_size = 512")
        connection.execute("VACUUM")
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
    return said


def make_postgres(path: Path) -> dict[str, Any]:
    """Make the same in a database, and dump that."""
    server = Server()
    try:
        name = server.make()
        story = Story(server.url(name))
        story.run()
        said = told(story)
        story.workflow.close()
        for table in CLUSTERED:  # rows are dumped as they lie
            order = f"CLUSTER {table} USING {table}_pkey; ALTER TABLE {table} SET WITHOUT CLUSTER"
            server.execute(order, name)
        dump = [str(server._bin / "pg_dump"), "--inserts", "--no-owner", "--no-privileges", server.url(name)]
        dumped = subprocess.run(dump, check=True, capture_output=True, text=True).stdout
    finally:
        server.remove()
    aside = re.compile(r"(--|SET |SELECT pg_catalog\.set_config|\\(un)?restrict ).*|")
    lines: list[str] = []
    inside = False
    for line in dumped.splitlines():
        if not inside and aside.fullmatch(line):
            continue
        lines.append(line)
        inside = (inside + line.count("'")) % 2 == 1
    path.write_text("\n".join(lines) + "\n")
    return said


def main() -> None:
    """Make both, and see that they say the same."""
    name = list(migrations("sqlite"))[-1]
    into = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        said = make_sqlite(made / f"{name}.db")
        served = make_postgres(made / f"{name}.sql")
        if said != served:
            raise SystemExit(f"the two stores don't say the same: {said} {served}")
        (made / f"{name}.db.gz").write_bytes(gzip.compress((made / f"{name}.db").read_bytes(), mtime=0))
        (made / f"{name}.sql.gz").write_bytes(gzip.compress((made / f"{name}.sql").read_bytes(), mtime=0))
        (made / f"{name}.json").write_text(json.dumps(said, indent=1, sort_keys=True) + "\n")
        for kind in ("db.gz", "sql.gz", "json"):
            shutil.copy(made / f"{name}.{kind}", into)


if __name__ == "__main__":
    main()
